"""What all packs bring, in one: checks and what they ask for, probes, causes, words."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from retina_doctor import own_checks
from retina_doctor.authoring import Check, Probe, Row, RunningService
from retina_doctor.catalogue.needs import Need, Parameter, Want, parameters_of
from retina_doctor.codec import Data, field
from retina_doctor.errors import UsageError
from retina_doctor.figures import Measure
from retina_doctor.model import Finding
from retina_doctor.settings import Settings


class Entry(Data, frozen=True, kw_only=True, dict=True):
    """A check with the place it has in the catalogue."""

    check: Check
    domain: str
    pages: Path
    needs: tuple[Need, ...]

    @functools.cached_property
    def asks_for_gate(self) -> bool:
        """It judges what the others have come to."""
        return any(need.facts is own_checks.Gated for need in self.needs)

    @functools.cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """What `needs` are of, in the order of the check's own parameters."""
        return parameters_of(self.needs)


class PackFailure(Data, frozen=True):
    """What is wrong with a pack. *whole*: none of it was loaded; else the rest of it is judged."""

    pack: str
    error: str
    whole: bool = True


class Catalogue(Data, frozen=True, kw_only=True, dict=True):
    entries: tuple[Entry, ...]
    probes: Mapping[str, Probe[Any]]
    explains: Mapping[str, tuple[str, ...]]
    conditions: Mapping[tuple[str, str], Callable[[Finding, Finding], bool]]
    """(name of root, name of echo) -> whether these two findings are so connected."""
    reasons: tuple[Path, ...]
    finders: tuple[Callable[[Settings], tuple[RunningService, ...]], ...]
    starters: tuple[Callable[[Settings], tuple[str, ...] | None], ...]
    started: tuple[Callable[[Settings], Mapping[str, Mapping[str, object]]], ...] = ()
    rows: tuple[Row, ...] = ()
    heads: tuple[Entry, ...] = ()
    """What tells the first lines of a report, asked for facts as checks are."""
    figures: tuple[Entry, ...] = ()
    """What a report can draw, asked for likewise."""
    restarted: tuple[Entry, ...] = ()
    """What changes in the doctor's command when the service was restarted; likewise."""
    measures: tuple[Measure, ...] = ()
    knowledge: Mapping[str, str] = field(default_factory=dict)
    """By pack: the month of its tables."""
    examples: tuple[Path, ...] = ()
    failures: tuple[PackFailure, ...] = ()

    @functools.cached_property
    def probe_of(self) -> Mapping[type, Probe[Any]]:
        return {probe.facts: probe for probe in self.probes.values()}

    def find(self, word: str) -> tuple[Entry, ...]:
        """The check of that code, or all of that name (one cause, seen in several domains). Raises UsageError."""
        found = self._named(word)
        if not found:
            lost = "".join(f"; the pack {one.pack} was not loaded: {one.error}" for one in self.left_out)
            import difflib  # only here: a word that is known needs no suggestion

            near = difflib.get_close_matches(word, [one.check.name for one in self.entries], 1, 0.8)
            meant = f"did you mean {near[0]}?" if near else "`retina-doctor list` shows all"
            raise UsageError(f"no check has the code or name {word!r}; {meant}{lost}")
        return found

    def _named(self, word: str) -> tuple[Entry, ...]:
        return tuple(e for e in self.entries if word == e.check.name or word.upper() == e.check.code)

    def meant(self, word: str) -> tuple[Entry, ...]:
        """As `find`; none where a pack is left out that may have brought the check: that is what is wrong, not the word."""
        return self._named(word) if self.left_out else self.find(word)

    def of_code(self, code: str) -> Entry:
        return self._of_code[code] if code in self._of_code else self.find(code)[0]

    @functools.cached_property
    def _of_code(self) -> Mapping[str, Entry]:
        return {entry.check.code: entry for entry in self.entries}

    @property
    def left_out(self) -> tuple[PackFailure, ...]:
        """Packs of which nothing was loaded."""
        return tuple(failure for failure in self.failures if failure.whole)

    def matching(self, words: Iterable[str], unknown: str | None = None) -> frozenset[str]:
        """Codes of the checks that *words* (codes, names, domains) mean. *unknown*: the code that stands for a word which may
        mean a check of a pack that is left out. Raises UsageError for a word that means none."""
        codes: set[str] = set()
        for word in words:
            found = tuple(entry for entry in self.entries if entry.domain == word) or self.meant(word)
            codes |= {entry.check.code for entry in found}
            if not found and unknown is not None:
                codes.add(unknown)
        return frozenset(codes)

    def services(self, settings: Settings) -> tuple[RunningService, ...]:
        """The running services that these settings may mean, as the packs find them."""
        return tuple(one for find in self.finders for one in find(settings))

    def python(self, settings: Settings) -> tuple[str, ...] | None:
        """The Python that the service is started with, by the first pack that the settings tell it."""
        return next((words for start in self.starters if (words := start(settings)) is not None), None)

    def spokesman(self, facts: type) -> Entry | None:
        """The check that speaks when the probe of *facts* fails; None: the engine's own probe-failed does."""
        return self._spokesmen.get(facts)

    @functools.cached_property
    def _spokesmen(self) -> Mapping[type, Entry]:
        """By facts; of several that judge a looking, the first."""
        return {n.facts: e for e in reversed(self.entries) for n in e.needs if n.want is Want.READING}
