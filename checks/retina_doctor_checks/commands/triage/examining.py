"""One text examined: what it tells, what it complains of, and what that means; as data."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Mapping

from retina_doctor.catalogue.registry import Catalogue
from retina_doctor.codec import Data, to_json
from retina_doctor.masking.forms import SECRET
from retina_doctor.redaction import shown

from ...triage import tables
from ...triage.case import Case
from ...triage.diagnosing import TextDiagnosis, case_of, diagnoses
from ...triage.readings import judged, readings
from ...triage.text import LogLine, LogText
from ...triage.told import Fact
from .gathering import GatheredText, gather
from .sources import streams

MOST = 8
"""Diagnoses that are reported."""


class Examined(Data, frozen=True, kw_only=True):
    """*codes*: of the check that bears a cause's name, where there is one. *notes*: what could not be read."""

    gathered: GatheredText
    case: Case
    diagnoses: tuple[TextDiagnosis, ...]
    codes: Mapping[str, str]
    notes: tuple[str, ...]


def examine(names: list[str], progress: Callable[[int], None]) -> Examined:
    """Raises UsageError for what is no text."""
    notes: list[str] = []
    gathered = gather(streams(names, notes.append), progress)
    case = case_of(gathered.text, people_wrote=gathered.whole)
    found: tuple[TextDiagnosis, ...] = ()
    codes: dict[str, str] = {}
    if case.seen or readings(case.told):
        catalogue = _catalogue()
        found = diagnoses(case, catalogue.explains, judged(case, catalogue))[:MOST]
        codes = {entry.check.name: entry.check.code for entry in reversed(catalogue.entries)}
    return Examined(gathered=gathered, case=case, diagnoses=found, codes=codes, notes=tuple(notes))


def _catalogue() -> Catalogue:
    """Loaded only where there is something to judge: it takes longer than reading a log."""
    from retina_doctor.catalogue.registry import installed

    return installed()


def without_secrets(line: LogLine, text: LogText) -> str:
    """A line as it may be shown: the one before it may begin what it ends."""
    place = bisect.bisect_left(text.lines, line.number, key=lambda one: one.number)
    before = text.lines[place - 1].shown if place else ""
    return shown(f"{before}\n{line.shown.strip()}").rpartition("\n")[2]


def _value_shown(fact: Fact, text: LogText) -> str:
    """What was read of a line, unless the line is shown without it: by itself, and in small letters, no word tells a secret."""
    value, seen = fact.value.lower(), without_secrets(fact.line, text).lower()
    was_there = value in fact.line.shown.lower() or SECRET in fact.line.shown
    hidden = was_there and SECRET in seen and value not in seen
    return SECRET if hidden else shown(fact.value)


def as_json(result: Examined, language: str) -> str:
    """The contract: {"format", "exit_code", "facts", "diagnoses"}, best first."""
    several = len(result.gathered.names) > 1

    def line(one: LogLine) -> dict[str, object]:
        source, number = result.gathered.place(one.number)
        return {
            "line": number,
            "text": without_secrets(one, result.gathered.text),
            **({"file": source} if several else {}),
        }

    facts: dict[str, list[dict[str, object]]] = {}
    for fact in result.case.told.facts:
        facts.setdefault(fact.kind, []).append(
            {"value": _value_shown(fact, result.gathered.text), "line": result.gathered.place(fact.line.number)[1]}
        )
    told = []
    for one in result.diagnoses:
        cause = tables.causes()[one.name]
        told.append(
            {
                "name": one.name,
                "code": result.codes.get(one.name),
                "title": getattr(cause.title, language),
                "score": one.score,
                "leads": one.leads,
                "equal": list(one.equal),
                "evidence": [line(each) for each in one.evidence],
                "ask": [{"command": cause.ask, "decides": getattr(cause.decides, language)}],
            }
        )
    return to_json(
        {
            "format": 1,
            "exit_code": 1 if told else 0,
            "facts": facts,
            "diagnoses": told,
            "notes": list(result.notes),
        }
    )
