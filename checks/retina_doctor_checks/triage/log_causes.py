"""From the names of symptoms that a log shows to causes: pure, so that a recorded log is judged anew by newer tables."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable

from retina_doctor.codec import Data
from retina_doctor.model import Outcome, Recorded

from ..combined import refusals
from . import tables
from .diagnosing import EXPLAINED, case_of, clue_of, holding, ranked
from .text import text_of

SURE = 0.5
"""Score from which on what is said shows one cause, and is no choice among several."""


class LogCause(Data, frozen=True, kw_only=True):
    """*fits*: names of the causes that its symptoms fit, itself among them. *explains*: what it would explain beside them."""

    name: str
    score: float
    symptoms: tuple[str, ...]
    fits: tuple[str, ...]
    explains: tuple[str, ...]


def causes_of(symptoms: Iterable[str], holds: Collection[str]) -> tuple[LogCause, ...]:
    """The leading causes, roots first. A symptom that the tables do not know (any more) says nothing."""
    wanted = set(symptoms)
    rows = [row for row in tables.symptoms() if row.name in wanted]
    rows = [row for row in rows if not row.general] or rows
    if not rows:
        return ()
    found = ranked([clue_of(row) for row in rows], holds, {})
    return tuple(
        LogCause(
            name=one.name,
            score=one.score,
            symptoms=one.symptoms,
            fits=tuple(
                sorted({one.name, *(name for row in rows if row.name in one.symptoms for name in _fitting(row))})
            ),
            explains=tables.causes()[one.name].explains,
        )
        for one in found
        if one.leads
    )


def _fitting(row: tables.Symptom) -> Iterable[str]:
    total = sum(row.fits.values())
    return (name for name, part in row.fits.items() if part >= EXPLAINED * total)


def of_ending(recorded: Recorded) -> dict[str, object] | None:
    """What the end of a looking means, for a finding's evidence: by the table of refusals, else by symptoms in its last lines.

    What hung says less than its time, and is told by that.
    """
    meant = refusals.of_ending(recorded)
    if meant is not None or recorded.outcome is Outcome.TIMED_OUT:
        return meant.told if meant else None
    cause = _sure_cause((*recorded.stderr_tail, *(recorded.detail or "").splitlines()))
    return {"key": "signs-of-cause", "values": {"cause": cause}} if cause else None


@functools.lru_cache(64)
def _sure_cause(lines: tuple[str, ...]) -> str | None:
    """Several checks ask of the same end, and so do the nodes of a fleet."""
    case = case_of(text_of(enumerate(lines, 1)), people_wrote=False)
    fits = {name for one in case.seen for name in one.symptom.fits}
    found = causes_of([one.symptom.name for one in case.seen], holding(case, fits))
    if not found or found[0].score < SURE:
        return None
    return found[0].name
