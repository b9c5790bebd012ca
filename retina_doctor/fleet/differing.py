"""`fleet diff`: two kept runs held against each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import typer

from retina_doctor.catalogue.registry import installed
from retina_doctor.codec import to_json
from retina_doctor.command import Run
from retina_doctor.errors import UsageError
from retina_doctor.fleet import history
from retina_doctor.fleet.changing import Changed, Difference, changed
from retina_doctor.fleet.forms.difference import drawn
from retina_doctor.fleet.history import History, Kept
from retina_doctor.fleet.node_sets import folded, in_order
from retina_doctor.language import Language
from retina_doctor.running import output
from retina_doctor.support_file import SnapshotError, load


def diff(run: Run, file: Path, before: str, after: str) -> NoReturn:
    """Raises UsageError."""
    as_json = run.as_json
    with history.reading(file) as kept:
        told = difference(kept, *_chosen(kept, before, after), run.language)
    run.show(_as_json(told) if as_json else drawn(told, run.language, run.terminal))
    raise typer.Exit(told.exit_code)


def _chosen(kept: History, before: str, after: str) -> tuple[Kept, Kept]:
    """The last run and the one before it, unless they are named, by name or number."""
    runs = kept.runs()

    def of(word: str) -> Kept:
        found = next((one for one in runs if word in (one.name, str(one.number))), None)
        if found is None:
            raise UsageError(
                f"{kept.file}: no run {word}; there are {', '.join(one.name or str(one.number) for one in runs)}"
            )
        return found

    if after:
        return of(before), of(after)
    if before:
        return of(before), runs[-1]
    if len(runs) < 2:
        raise UsageError(f"{kept.file}: has {len(runs)} run: nothing to compare it with")
    return runs[-2], runs[-1]


def difference(kept: History, before: Kept, after: Kept, language: Language) -> Difference:
    """Raises UsageError."""
    catalogue = installed()
    was, now, missing = kept.nodes(before), kept.nodes(after), kept.missing(after)
    groups: dict[str, tuple[Changed, list[str]]] = {}
    for label in in_order(was.keys() & now.keys()):
        texts = [kept.content(run, label) for run in (before, after)]
        if texts[0] == texts[1]:
            continue
        try:
            one = changed(load(texts[0]), load(texts[1]), was[label] != now[label], catalogue, language)
        except (SnapshotError, UsageError) as error:
            output.complain(f"{label}: {error}")
            continue
        if one is not None:
            groups.setdefault(one.key, (one, []))[1].append(label)
    ordered = sorted(groups.values(), key=lambda group: (not group[0].appeared, not group[0].gone, -len(group[1])))
    return Difference(
        before=before,
        after=after,
        groups=tuple((tuple(labels), one) for one, labels in ordered),
        added=tuple(in_order(now.keys() - was.keys())),
        removed=tuple(in_order(was.keys() - now.keys() - missing.keys())),
        lost=tuple(in_order(was.keys() & missing.keys() - now.keys())),
    )


def _as_json(told: Difference) -> str:
    return to_json(
        {
            "format": 1,
            "exit_code": told.exit_code,
            "before": {"run": told.before.number, "name": told.before.name, "created": told.before.created},
            "after": {"run": told.after.number, "name": told.after.name, "created": told.after.created},
            "groups": [
                {
                    "nodes": folded(labels),
                    "count": len(labels),
                    "appeared": one.appeared,
                    "gone": one.gone,
                    "causes": list(one.causes.values()),
                    "changes": [
                        {"what": c.what, "before": c.before, "after": c.after, "findings": c.findings}
                        for c in one.changes
                    ],
                }
                for labels, one in told.groups
            ],
            "added": folded(told.added),
            "removed": folded(told.removed),
            "lost": folded(told.lost),
        }
    )


def runs_of(words: Sequence[str]) -> tuple[str, str]:
    """The words after the file. Raises UsageError."""
    if len(words) > 2:
        raise UsageError("fleet diff: name at most two runs")
    return (words[0] if words else "", words[1] if len(words) > 1 else "")
