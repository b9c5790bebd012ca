"""The fleet for programs: format 1, described in docs/fleet.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from retina_doctor.codec import to_json
from retina_doctor.fleet.node_sets import folded
from retina_doctor.fleet.whole import Fleet
from retina_doctor.language import Language
from retina_doctor.reports.report import Look

FORMAT = 1


def write(fleet: Fleet, _language: Language, _look: Look) -> str:
    return to_json(
        {
            "format": FORMAT,
            "exit_code": fleet.exit_code,
            "tolerated": fleet.tolerated,
            "nodes": [
                {
                    "label": one.label,
                    "verdict": one.verdict,
                    "exit_code": one.exit_code,
                    "roots": list(dict.fromkeys(root.name for root in one.roots)),
                    "file": one.file,
                    "created": one.created,
                }
                for one in fleet.nodes
            ],
            "groups": [
                {
                    "name": one.name,
                    "code": one.code,
                    "severity": one.severity,
                    "title": one.title,
                    "titles": one.titles,
                    **_whose(one.labels),
                }
                for one in fleet.groups
            ],
            "plan": [
                {
                    "step": number,
                    "kind": one.kind,
                    "text": one.text,
                    "commands": one.commands,
                    "fixes": one.fixes,
                    **_whose(one.labels),
                }
                for number, one in enumerate(fleet.plan, 1)
            ],
            "drift": [
                {
                    "what": one.what,
                    "majority": one.majority,
                    "count": one.count,
                    "others": {value: folded(labels) for value, labels in one.others.items()},
                    "alike": one.alike,
                }
                for one in fleet.drift
            ],
            "stragglers": [_straggler(one.what, one.median, one.nodes) for one in fleet.stragglers],
            "unjudged": [{"code": one.code, "name": one.name, **_whose(one.labels)} for one in fleet.unjudged],
            "missing": [{"label": one.label, "why": one.why, "asked": one.asked} for one in fleet.missing],
        }
    )


def _whose(labels: Sequence[str]) -> dict[str, Any]:
    return {"nodes": folded(labels), "count": len(labels)}


def _straggler(what: str, median: float, nodes: Mapping[str, float]) -> dict[str, Any]:
    return {"what": what, "median": median, "nodes": nodes}
