"""The report for programs: format 1, described in docs/json-report.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retina_doctor.codec import encode, to_json
from retina_doctor.model import Action, Recorded
from retina_doctor.reports.labels import step_text
from retina_doctor.reports.report import Look, Report
from retina_doctor.reports.standpoint import standpoint_of

FORMAT = 1


def write(report: Report, _look: Look) -> str:
    return to_json(told(report))


def told(report: Report) -> dict[str, Any]:
    """What `write` writes."""
    diagnosis = report.diagnosis
    findings = []
    for finding in diagnosis.findings:
        words = report.words(finding)
        findings.append(
            {
                "code": finding.code,
                "name": finding.name,
                "severity": finding.severity,
                "subject": finding.subject,
                "root": finding.root and encode(finding.root),
                "title": words.title,
                "message": words.message,
                "evidence": finding.evidence,
                "fix": {"text": "\n\n".join(filter(None, (words.fix, words.aside))), "commands": words.commands},
                "location": finding.location and encode(finding.location),
                "pitfall": finding.pitfall,
                "action": words.action(finding),
            }
        )
    return {
        "format": FORMAT,
        "verdict": diagnosis.verdict,
        "exit_code": report.exit_code,
        "findings": findings,
        "plan": [
            {
                "step": number,
                "kind": step.kind,
                "text": step_text(step, report.language),
                "commands": step.commands,
                "image": step.image,
                "fixes": step.fixes,
                "edits": [
                    {"code": one.code, "location": where and encode(where), "instead": instead}
                    for one in step.causes
                    for where, instead in one.lines
                    if step.kind is Action.EDIT
                ],
            }
            for number, step in enumerate(report.plan(), 1)
        ],
        "checks": [
            {
                "code": j.code,
                "name": j.name,
                "verdict": j.verdict,
                "missing": j.missing,
                "reason": report.reason(j),
            }
            for j in diagnosis.judgements
        ],
        "probes": [
            {"name": name, "outcome": r.outcome, "seconds": r.seconds, **_used(r)}
            for name, r in diagnosis.snapshot.readings.items()
        ],
        "facts": {name: r.facts for name, r in diagnosis.snapshot.readings.items()},
        "recorded": {
            "created": diagnosis.snapshot.created,
            "doctor": diagnosis.snapshot.doctor,
            "label": diagnosis.snapshot.label,
            "redacted": diagnosis.snapshot.redacted,
            "file": report.judged,
        },
        "knowledge": report.catalogue.knowledge,
        "target": {key: value for key, value in encode(diagnosis.snapshot.target).items() if value is not None},
        "standpoint": standpoint_of(diagnosis.snapshot),
    }


def _used(reading: Recorded) -> Mapping[str, float | int]:
    """As far as it was seen."""
    used = {"cpu_seconds": reading.cpu_seconds, "peak_memory": reading.peak_memory}
    return {name: value for name, value in used.items() if value is not None}
