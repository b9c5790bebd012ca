"""What a report for people says once of many places: the first few in full, the rest by place."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

from retina_doctor.model import Diagnosis, Finding
from retina_doctor.reports.labels import where
from retina_doctor.words.plan import StepCause

T = TypeVar("T", Finding, StepCause)

IN_FULL = 3
"""Of one kind; so many are read before they are skipped."""


def of_roots(diagnosis: Diagnosis) -> list[tuple[Finding, tuple[str, ...]]]:
    """Each root that is told in full, with the places of those that are told beside it."""

    def kind(root: Finding) -> Hashable:
        alike = root.location is not None and not diagnosis.echoes(root)
        return (root.code, root.variant, root.severity) if alike else root.key

    return _folded(diagnosis.roots, kind)


def of_causes(causes: Sequence[StepCause]) -> list[tuple[StepCause, tuple[str, ...]]]:
    """Likewise; a line that can be written is no place alone."""

    def kind(cause: StepCause) -> Hashable:
        return cause.code if not cause.edits and cause.location is not None else id(cause)

    return _folded(causes, kind)


def _folded(things: Sequence[T], kind: Callable[[T], Hashable]) -> list[tuple[T, tuple[str, ...]]]:
    told: dict[Hashable, list[tuple[T, list[str]]]] = {}
    shown: list[tuple[T, list[str]]] = []
    for thing in things:
        alike = told.setdefault(kind(thing), [])
        if len(alike) < IN_FULL:
            alike.append((thing, []))
            shown.append(alike[-1])
        else:
            alike[-1][1].append(where(thing))
    return [(thing, tuple(places)) for thing, places in shown]
