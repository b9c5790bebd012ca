"""A snapshot's readings as the facts that checks ask for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from retina_doctor.catalogue.needs import Need, Parameter, Want
from retina_doctor.catalogue.registry import Catalogue
from retina_doctor.codec import DoesNotFit, decode
from retina_doctor.model import Outcome, Reading, Recorded, SeenFrom, Snapshot, Target
from retina_doctor.own_checks import Compared, Gated, Silenced, Unloaded
from retina_doctor.settings import Settings, Table

NO_READING = Recorded(outcome=Outcome.NOT_RUN, detail="not among the readings")


Given = tuple[Any, tuple[str, ...]]
"""What a parameter of a check is given; the probes that told nothing of what it requires: then nothing is given."""


class Readings:
    """A snapshot's readings as typed facts."""

    def __init__(self, snapshot: Snapshot, catalogue: Catalogue) -> None:
        self.snapshot = snapshot
        self.catalogue = catalogue
        self._cache: dict[type, Reading[Any]] = {}
        self._values: dict[type, Any] = {}
        self._given: dict[int, Given] = {}

    def of(self, facts: type) -> Reading[Any]:
        if facts not in self._cache:
            self._cache[facts] = self._read(facts)
        return self._cache[facts]

    def _read(self, facts: type) -> Reading[Any]:
        probe = self.catalogue.probe_of[facts]
        recorded = self.snapshot.readings.get(probe.name, NO_READING)
        if recorded.outcome is not Outcome.OK:
            return Reading(probe=probe.name, value=None, recorded=recorded)
        try:
            return Reading(probe=probe.name, value=decode(recorded.facts, facts), recorded=recorded)
        except DoesNotFit as error:
            unfit = Recorded(outcome=Outcome.FAILED, facts=recorded.facts, seconds=recorded.seconds, detail=str(error))
            return Reading(probe=probe.name, value=None, recorded=unfit)

    def value(self, facts: type) -> Any:
        """Facts of that type, or None."""
        try:
            return self._values[facts]
        except KeyError:
            return self._values.setdefault(facts, self._value(facts))

    def given(self, parameter: Parameter) -> Given:
        """Made once of what is asked for: dozens of checks ask for the same, and what a `Gathered` class computes it may keep."""
        try:
            return self._given[parameter.asked]
        except KeyError:
            return self._given.setdefault(parameter.asked, self._made(parameter))

    def _made(self, parameter: Parameter) -> Given:
        if parameter.whole is None:
            return self._told(parameter.needs[0])
        told = [(need, *self._told(need)) for need in parameter.needs]
        missing = tuple(dict.fromkeys(probe for _, _, lacking in told for probe in lacking))
        made = None if missing else parameter.whole(**{str(need.field): value for need, value, _ in told})
        return made, missing

    def _told(self, need: Need) -> Given:
        if need.want is Want.READING:
            reading = self.of(need.facts)
            lacks = reading.outcome is Outcome.NOT_RUN or reading.recorded.starved
            return reading, (reading.probe,) if lacks else ()
        value = self.value(need.facts)
        if value is None and need.want is Want.REQUIRED:
            return None, (self.catalogue.probe_of[need.facts].name,)
        return value, ()

    def _value(self, facts: type) -> Any:
        if facts is Settings:
            return self.snapshot.settings
        if facts is SeenFrom:
            return self.snapshot.seen_from
        if facts is Target:
            return self.snapshot.target
        if issubclass(facts, Table):
            return self.snapshot.settings.of(facts)
        if facts is Unloaded:
            return Unloaded(tuple((one.pack, one.error, one.whole) for one in self.catalogue.failures))
        if facts is Silenced:
            return Silenced(tuple(self._silenced()))
        return self.of(facts).value

    def predates(self, name: str) -> bool:
        """Whether the snapshot was made by a doctor that had no probe of that name."""
        probe = self.catalogue.probes.get(name)
        if probe is None or not probe.since or name in self.snapshot.readings:
            return False
        return _release(self.snapshot.doctor) < _release(probe.since)

    def take(self, facts: Gated | Compared) -> None:
        """What is no probe's, and follows from the snapshot as a whole."""
        self._values[type(facts)] = facts

    def _silenced(self) -> Iterable[Reading[Any]]:
        for facts in self.catalogue.probe_of:
            reading = self.of(facts)
            if self.catalogue.spokesman(facts) is None and reading.outcome not in (Outcome.OK, Outcome.NOT_RUN):
                yield reading


def _release(version: str) -> tuple[int, ...]:
    """The first two numbers: (0, 3) of "0.3.0.dev0"; () of what is no version."""
    found = re.match(r"(\d{1,9})\.(\d{1,9})", version)
    return (int(found[1]), int(found[2])) if found else ()
