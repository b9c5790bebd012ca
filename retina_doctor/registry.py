"""All packs of this installation as one validated catalogue."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from retina_doctor import own_checks
from retina_doctor.authoring import ANY, Check, Pack, Probe, Row, RunningService, always
from retina_doctor.authoring import check as authored
from retina_doctor.codec import Data, field, replace
from retina_doctor.declared import declarations
from retina_doctor.errors import PackError, UsageError, described
from retina_doctor.figures import Measure
from retina_doctor.model import Finding, Interpreter, SeenFrom, Severity, Target
from retina_doctor.needs import Need, Want, needs_of
from retina_doctor.points import loaded, points_of
from retina_doctor.probing.sending import has_source
from retina_doctor.settings import LANGUAGES, Settings, Table

__all__ = ["Catalogue", "Entry", "Need", "PackError", "PackFailure", "Want", "build", "installed"]

GROUP = "retina_doctor.checks"
CODE = re.compile(r"[A-Z][A-Z0-9]*[0-9]")
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


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
    def parameters(self) -> tuple[str, ...] | None:
        """One for each need; None where some of them are fields of one parameter."""
        return None if any(need.whole for need in self.needs) else tuple(need.parameter for need in self.needs)


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
    rows: tuple[Row, ...] = ()
    heads: tuple[Entry, ...] = ()
    """What tells the first lines of a report, asked for facts as checks are."""
    figures: tuple[Entry, ...] = ()
    """What a report can draw, asked for likewise."""
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
            raise UsageError(f"no check has the code or name {word!r}; `retina-doctor list` shows all{lost}")
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

    def spokesman(self, facts: type) -> Entry | None:
        """The check that speaks when the probe of *facts* fails; None: the engine's own probe-failed does."""
        return self._spokesmen.get(facts)

    @functools.cached_property
    def _spokesmen(self) -> Mapping[type, Entry]:
        """By facts; of several that judge a looking, the first."""
        return {n.facts: e for e in reversed(self.entries) for n in e.needs if n.want is Want.READING}


@functools.cache
def installed() -> Catalogue:
    """The catalogue of the engine's own checks and all installed packs, whatever order they come in.

    A pack that cannot be loaded, or contradicts another, is left out and is a failure in it. Where two contradict, the
    doctor's own distribution goes first, then the order of names.
    """
    packs: list[tuple[str, Pack]] = []
    failures = [PackFailure(name, error, whole=False) for name, error in declarations().failures]
    for point in points_of(GROUP):
        try:
            pack = loaded(point)
            if not isinstance(pack, Pack):
                raise PackError(f"{point.value} is a {type(pack).__name__}, not a Pack")
        except PackError as error:
            failures.append(PackFailure(point.name, str(error)))
        else:
            packs.append((point.name, pack))
    while True:
        try:
            catalogue = build(pack for _, pack in packs)
        except Contradiction as error:
            name = packs.pop(error.number)[0]
            lost = f"; not loaded: {', '.join(f.pack for f in failures)}" if error.lacks and failures else ""
            failures.append(PackFailure(name, f"{error}{lost}"))
        else:
            return replace(catalogue, failures=(*failures, *catalogue.failures))


class Contradiction(PackError):
    """*number*: which of the packs that were to be built has to go."""

    def __init__(self, error: Exception, number: int) -> None:
        super().__init__(described(error), lacks=isinstance(error, PackError) and error.lacks)
        self.number = number


def build(packs: Iterable[Pack]) -> Catalogue:
    """One validated catalogue of the engine's own checks and *packs*. Raises Contradiction.

    A page or a probe's module that is not there is a failure in the catalogue: the rest of the pack can be judged.
    """
    packs = [own_checks.pack, *packs]
    draft = Draft()
    # First what each brings, then what it needs: that may be another's, and come later.
    for step in (draft.take, draft.connect):
        for number, pack in enumerate(packs, -1):
            try:
                step(pack)
            except Exception as error:
                raise Contradiction(error, number) from None
    return Catalogue(
        entries=tuple(entry for entries in draft.entries.values() for entry in entries),
        probes=draft.probes,
        explains=draft.explains,
        conditions=draft.conditions,
        reasons=tuple(pack.reasons for pack in packs if pack.reasons),
        finders=tuple(pack.services for pack in packs if pack.services),
        rows=tuple(row for pack in packs for row in pack.rows),
        heads=tuple(draft.heads.values()),
        figures=tuple(draft.figures),
        measures=tuple(measure for pack in packs for measure in pack.measures),
        knowledge={pack.name: pack.knowledge for pack in packs if pack.knowledge},
        examples=tuple(pack.examples for pack in packs if pack.examples),
        failures=tuple(PackFailure(pack.name, flaw, whole=False) for pack in packs for flaw in _flaws(pack)),
    )


def _asked(pack: Pack, function: Callable[..., Any]) -> Entry:
    """A function that is given facts as a check is, and judges nothing."""
    check = authored("SHOWN1", f"shown-by-{pack.name}", Severity.NOTE)(function)
    return Entry(check=check, domain=pack.name, pages=Path(), needs=needs_of(check))


class Draft:
    """A catalogue in the making."""

    def __init__(self) -> None:
        self.entries: dict[str, list[Entry]] = {}
        """By name of pack."""
        self.heads: dict[str, Entry] = {}
        self.figures: list[Entry] = []
        self.probes: dict[str, Probe[Any]] = {}
        self.explains: dict[str, tuple[str, ...]] = {}
        self.conditions: dict[tuple[str, str], Callable[[Finding, Finding], bool]] = {}
        self.facts: set[type] = {Settings, Interpreter, SeenFrom, Target}
        self.facts |= {own_checks.Silenced, own_checks.Unloaded, own_checks.Gated, own_checks.Compared}
        self._probed: set[type] = set()
        self.names: set[str] = set()
        self._holders: dict[tuple[str, object], str] = {}

    def take(self, pack: Pack) -> None:
        """The probes and checks that it brings. Raises PackError."""
        self._hold("pack", pack.name, pack)
        entries = self.entries.setdefault(pack.name, [])
        if pack.head is not None:
            self.heads[pack.name] = _asked(pack, pack.head)
        self.figures += [_asked(pack, draw) for draw in pack.figures]
        for domain in pack.domains:
            for probe in domain.probes:
                self._hold("probe", probe.name, pack)
                self._hold("facts", probe.facts, pack)
                self.probes[probe.name] = probe
                self.facts.add(probe.facts)
                self._probed.add(probe.facts)
            for check in domain.checks:
                place = f"{check.place}: "
                if not CODE.fullmatch(check.code) or not NAME.fullmatch(check.name):
                    raise PackError(f"{place}{check.code} {check.name}: a code is like ACME12, a name like disk-full")
                self._hold("code", check.code, pack, place)
                self._hold("check", f"{check.name} in {domain.name}", pack, place)
                self.names.add(check.name)
                entries.append(Entry(check=check, domain=domain.name, pages=domain.pages, needs=needs_of(check)))

    def _hold(self, what: str, value: object, pack: Pack, place: str = "") -> None:
        """Raises PackError where it is taken."""
        if (what, value) in self._holders:
            shown = value.__qualname__ if isinstance(value, type) else value
            holder = self._holders[what, value]
            raise PackError(f"{place}named twice: {what} {shown}, first by the pack {holder}")
        self._holders[what, value] = pack.name

    def _supply(self, need: Need, who: str) -> None:
        """Raises PackError where nobody tells these facts, or not in the way in which they are wanted."""
        wanted = f"{need.facts.__name__} (of {need.facts.__module__})"
        if need.facts not in self.facts and not issubclass(need.facts, Table):
            raise PackError(f"{who} needs {wanted}, which no probe of a loaded pack tells", lacks=True)
        if need.want is Want.READING and need.facts not in self._probed:
            raise PackError(f"{who} needs a Reading of {wanted}, which is no probe's: ask for the facts themselves")
        if need.want is Want.REQUIRED and need.facts is SeenFrom:
            raise PackError(f"{who} needs {wanted}, which old snapshots do not tell: ask for SeenFrom | None")

    def connect(self, pack: Pack) -> None:
        """What it asks of itself and of others. Raises PackError."""
        shown = (one for one in (*self.heads.values(), *self.figures) if one.domain == pack.name)
        for entry in (*self.entries[pack.name], *shown):
            for need in entry.needs:
                self._supply(need, f"{entry.check.place}: {entry.check.name}")
        for cause in pack.causes:
            for name in (cause.root, *cause.explains):
                if name not in self.names and not (name == ANY and cause.root == ANY and cause.when is not always):
                    raise PackError(f"a cause names {name}, which no check of a loaded pack bears", lacks=True)
            twice = [echo for echo in cause.explains if (cause.root, echo) in self.conditions]
            if twice:
                raise PackError(f"that {cause.root} explains {twice[0]} is said twice: which condition counts?")
            self.explains[cause.root] = self.explains.get(cause.root, ()) + cause.explains
            self.conditions |= {(cause.root, echo): cause.when for echo in cause.explains}
        # Under a condition two names may explain each other: numpy's failure onnxruntime's, and that insightface's.
        sure = {
            root: [echo for echo in echoes if self.conditions[root, echo] is always]
            for root, echoes in self.explains.items()
        }
        try:
            TopologicalSorter(sure).prepare()
        except CycleError as error:
            raise PackError(f"the causes go round in a circle: {' -> '.join(error.args[1])}") from None


def _flaws(pack: Pack) -> Iterator[str]:
    """What is not there, as far as names of files tell; what is in them is for `retina_doctor.testing`."""
    for domain in pack.domains:
        there = frozenset(os.listdir(domain.pages)) if domain.pages.is_dir() else frozenset()  # noqa: PTH208 - a start pays it
        for check in domain.checks:
            for language in LANGUAGES:
                if f"{check.name}.{language}.md" not in there:
                    yield f"{check.place}: {check.code} has no page {domain.pages / check.name}.{language}.md"
        for probe in domain.probes:
            if not has_source(probe.module):
                yield f"the probe {probe.name} has no module {probe.module}"
    if pack.reasons is not None and not pack.reasons.is_file():
        yield f"there is no {pack.reasons}"
