"""`fleet diff`: two kept runs held against each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import typer

from retina_doctor import output
from retina_doctor.codec import Data, to_json
from retina_doctor.command import Run
from retina_doctor.comparing import Change
from retina_doctor.errors import UsageError
from retina_doctor.fleet import history
from retina_doctor.fleet.changing import Changed, changed
from retina_doctor.fleet.forms import counted, word
from retina_doctor.fleet.history import History, Kept
from retina_doctor.fleet.node_sets import folded, in_order
from retina_doctor.quoting import visible
from retina_doctor.registry import installed
from retina_doctor.settings import Language
from retina_doctor.snapshot import SnapshotError, load

SHOWN = 12
"""Changes of a group of nodes that are shown; all of them are in the JSON."""
LONGEST = 120


class Difference(Data, frozen=True, kw_only=True):
    """*groups*: nodes that changed alike, those with new root causes first. *added*, *removed*: told in one run alone. *lost*:
    not reached now, and told before."""

    before: Kept
    after: Kept
    groups: tuple[tuple[tuple[str, ...], Changed], ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    lost: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        if any(one.appeared for _, one in self.groups):
            return 1
        return 3 if self.lost else 0


def diff(run: Run, file: Path, before: str, after: str) -> NoReturn:
    """Raises UsageError."""
    as_json = run.as_json
    with history.reading(file) as kept:
        told = difference(kept, *_chosen(kept, before, after))
    run.show(_as_json(told) if as_json else _drawn(told, run.language))
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


def difference(kept: History, before: Kept, after: Kept) -> Difference:
    """Raises UsageError."""
    catalogue = installed()
    was, now, missing = kept.nodes(before), kept.nodes(after), kept.missing(after)
    groups: dict[str, tuple[Changed, list[str]]] = {}
    for label in in_order(was.keys() & now.keys()):
        texts = [kept.content(run, label) for run in (before, after)]
        if texts[0] == texts[1]:
            continue
        try:
            one = changed(load(texts[0]), load(texts[1]), was[label] != now[label], catalogue)
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


def _drawn(told: Difference, language: Language) -> str:
    lines = [f"{told.before.called} → {told.after.called}"]
    for labels, one in told.groups:
        lines += ["", f"{counted(len(labels), language)}  {folded(labels)}"]
        lines += [f"  + {name}" for name in one.appeared] + [f"  - {name}" for name in one.gone]
        lines += [f"  {_change(change)}" for change in one.changes[:SHOWN]]
        if len(one.changes) > SHOWN:
            lines.append(f"  {word('more', language, n=len(one.changes) - SHOWN)}")
    for key, names in (("added", told.added), ("removed", told.removed), ("lost", told.lost)):
        if names:
            lines += ["", f"{word(key, language)}: {folded(names)}"]
    if len(lines) == 1:
        lines.append(word("no-change", language))
    return "".join(f"{visible(line)}\n" for line in lines)


def _change(one: Change) -> str:
    findings = f"  ({', '.join(one.findings)})" if one.findings else ""
    return f"{one.what}: {_value(one.before)} → {_value(one.after)}{findings}"


def _value(value: object) -> str:
    text = "-" if value is None else value if isinstance(value, str) else " ".join(to_json(value, indent=0).split())
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def runs_of(words: Sequence[str]) -> tuple[str, str]:
    """The words after the file. Raises UsageError."""
    if len(words) > 2:
        raise UsageError("fleet diff: name at most two runs")
    return (words[0] if words else "", words[1] if len(words) > 1 else "")
