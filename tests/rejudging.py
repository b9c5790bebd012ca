"""Judging a machine of which some readings have changed: what needs them is judged anew, the rest stays as it was.

The laws change one reading, or one field of it, on every machine. Most checks need none of what changed, and most machines
are others with a few values exchanged, so that the same check gets the same facts again and again: it is asked once. That it
sees nothing else is proved by `test_a_check_is_given_what_it_asks_for_and_nothing_else`, and in `test_losing_one_reading`: there
this way of judging and `diagnose` must come to the same.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping

from retina_doctor.catalogue.registry import Entry, Want, installed
from retina_doctor.catalogue.selection import Selection
from retina_doctor.codec import replace, to_json
from retina_doctor.judging.diagnose import _judge, compared, concluded, diagnose, gated
from retina_doctor.judging.readings import Readings
from retina_doctor.language import LANGUAGES
from retina_doctor.model import Diagnosis, Finding, Judgement, Snapshot, Target, Verdict
from retina_doctor.own_checks import Compared, Gated, Silenced
from retina_doctor.settings import Settings, Table
from retina_doctor.words.pages import render
from tests.machines import machine

CATALOGUE = installed()
if CATALOGUE.left_out:  # else most laws pass, over no checks, and each machine fails without saying why
    raise RuntimeError("; ".join(f"the pack {one.pack} was not loaded: {one.error}" for one in CATALOGUE.left_out))


@functools.cache
def judged(name: str) -> Diagnosis:
    return diagnose(machine(name).snapshot, CATALOGUE)


@functools.cache
def verdicts_of(name: str) -> dict[str, Verdict]:
    return verdicts(judged(name))


def verdicts(diagnosis: Diagnosis) -> dict[str, Verdict]:
    return {judgement.code: judgement.verdict for judgement in diagnosis.judgements}


@functools.cache
def wants(code: str) -> tuple[tuple[str, Want], ...]:
    """The probes whose facts a check needs, and how it wants them."""
    needs = CATALOGUE.of_code(code).needs
    return tuple((CATALOGUE.probe_of[n.facts].name, n.want) for n in needs if n.facts in CATALOGUE.probe_of)


def all_are_seen_by(entry: Entry) -> bool:
    """RD003 speaks of the failed readings among all; what the gate demands is demanded of all verdicts, and of
    figures from anywhere."""
    return any(need.facts in (Silenced, Gated, Compared) for need in entry.needs)


@functools.cache
def _touched(changed: frozenset[str]) -> Mapping[int, Entry]:
    """The checks that can see a change of these readings, by place in the catalogue."""
    return {
        place: entry
        for place, entry in enumerate(CATALOGUE.entries)
        if all_are_seen_by(entry) or any(probe in changed for probe, _ in wants(entry.check.code))
    }


_numbers: dict[bytes, int] = {}


def _number(value: object) -> int:
    """A short name for *value*: equal for what is the same as JSON."""
    return _numbers.setdefault(to_json(value).encode(), len(_numbers))


class _Base:
    """What is the same in all variations of a machine."""

    def __init__(self, name: str) -> None:
        snapshot = machine(name).snapshot
        readings = Readings(snapshot, CATALOGUE)
        self.diagnosis = judged(name)
        self.chosen = Selection(snapshot.settings, CATALOGUE, snapshot.created)
        self.typed = {facts: readings.of(facts) for facts in CATALOGUE.probe_of}
        self.settings = [self._settings_for(entry) for entry in CATALOGUE.entries]
        self.numbers = {probe: _number(recorded) for probe, recorded in snapshot.readings.items()}

    def _settings_for(self, entry: Entry) -> int:
        """What a check sees of the settings: all, or what follows from them before any fact is known; and of the target."""
        settings, target = self.diagnosis.snapshot.settings, self.diagnosis.snapshot.target
        asks = any(need.facts is Settings or issubclass(need.facts, Table) for need in entry.needs)
        told = any(need.facts is Target for need in entry.needs)
        return _number((self.chosen.settled(entry), settings if asks else None, target if told else None))


def demanded(chosen: Selection, readings: Readings) -> Readings:
    """With what the gate demands of all verdicts, as `diagnose` tells it."""
    readings.take(compared(readings.snapshot, chosen, CATALOGUE))
    told = Gated()
    if chosen.required or chosen.words or chosen.expired:
        others = [entry for entry in CATALOGUE.entries if not any(need.facts is Gated for need in entry.needs)]
        told = gated(chosen, [_judge(entry, chosen, readings)[0] for entry in others])
    readings.take(told)
    return readings


_base = functools.cache(_Base)
_answers: dict[tuple[int | None, ...], tuple[Judgement, list[Finding]]] = {}
"""By place of the check, settings, and the readings that it asks for."""


def judged_anew(name: str, snapshot: Snapshot, changed: Collection[str]) -> Diagnosis:
    """What `diagnose` says of *snapshot*, which differs from that of the machine *name* in the readings *changed* alone."""
    base, touched = _base(name), _touched(frozenset(changed))
    assert snapshot.settings is base.diagnosis.snapshot.settings
    readings = Readings(snapshot, CATALOGUE)
    readings._cache |= {facts: one for facts, one in base.typed.items() if one.probe not in changed}
    demanded(base.chosen, readings)
    new = {probe: _number(snapshot.readings[probe]) if probe in snapshot.readings else None for probe in changed}
    numbers = {**base.numbers, **new}
    judgements = list(base.diagnosis.judgements)
    gone = {entry.check.code for entry in touched.values()}
    all_of_them = (*base.diagnosis.findings, *base.diagnosis.ignored)
    findings = [replace(finding, root=None) for finding in all_of_them if finding.code not in gone]
    for place, entry in touched.items():
        key = (place, base.settings[place], *(numbers.get(probe) for probe, _ in wants(entry.check.code)))
        if key not in _answers or all_are_seen_by(entry):
            _answers[key] = _judge(entry, base.chosen, readings)
        judgements[place], found = _answers[key]
        findings += found
    diagnosis = concluded(snapshot, judgements, findings, CATALOGUE)
    assert diagnosis.judgements == tuple(judgements), "a cause broke"
    return diagnosis


_said: set[tuple[int, ...]] = set()


def assert_can_be_said(diagnosis: Diagnosis) -> None:
    """Each finding has its words, in all languages. They depend on nothing but the finding, and the Python that commands fit."""
    snapshot = diagnosis.snapshot
    fitted = (_number(snapshot.target), _number(snapshot.readings.get("interpreter")))
    for finding in diagnosis.findings:
        key = (_number(replace(finding, root=None)), *fitted)
        if key not in _said:
            for language in LANGUAGES:
                render(finding, snapshot, CATALOGUE, language)
            _said.add(key)
