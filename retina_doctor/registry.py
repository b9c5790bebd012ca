"""All packs of this installation as one validated catalogue."""

from __future__ import annotations

import functools
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from enum import Enum, auto
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from retina_doctor import own_checks
from retina_doctor.authoring import Check, Domain, Gathered, Pack, Probe, RunningService, always
from retina_doctor.codec import Data, replace
from retina_doctor.errors import UsageError
from retina_doctor.model import Finding, Interpreter, Reading
from retina_doctor.settings import Settings

GROUP = "retina_doctor.checks"


class PackError(ValueError):
    """A pack contradicts itself or another; the message says how."""


class Want(Enum):
    REQUIRED = auto()
    OPTIONAL = auto()
    READING = auto()


class Need(Data, frozen=True):
    """One parameter of a check, or one *field* of the `Gathered` class *whole* that it is: which facts it wants, and how."""

    parameter: str
    facts: type
    want: Want
    field: str | None = None
    whole: type[Gathered] | None = None


class Entry(Data, frozen=True, kw_only=True):
    """A check with the place it has in the catalogue."""

    check: Check
    domain: str
    pages: Path
    needs: tuple[Need, ...]


class PackFailure(Data, frozen=True):
    pack: str
    error: str


class Catalogue(Data, frozen=True, kw_only=True, dict=True):
    entries: tuple[Entry, ...]
    probes: Mapping[str, Probe[Any]]
    explains: Mapping[str, tuple[str, ...]]
    conditions: Mapping[tuple[str, str], Callable[[Finding, Finding], bool]]
    """(name of root, name of echo) -> whether these two findings are so connected."""
    reasons: tuple[Path, ...]
    finders: tuple[Callable[[int | None, int | None], tuple[RunningService, ...]], ...]
    failures: tuple[PackFailure, ...] = ()

    @functools.cached_property
    def probe_of(self) -> Mapping[type, Probe[Any]]:
        return {probe.facts: probe for probe in self.probes.values()}

    def find(self, word: str) -> tuple[Entry, ...]:
        """The check of that code, or all of that name (one cause, seen in several domains). Raises UsageError."""
        found = tuple(e for e in self.entries if word == e.check.name or word.upper() == e.check.code)
        if not found:
            raise UsageError(f"no check has the code or name {word!r}; `retina-doctor list` shows all")
        return found

    def of_code(self, code: str) -> Entry:
        return self.find(code)[0]

    def matching(self, words: Iterable[str]) -> frozenset[str]:
        """Codes of the checks that *words* (codes, names, domains) mean. Raises UsageError for a word that means none."""
        codes: set[str] = set()
        domains = {entry.domain for entry in self.entries}
        for word in words:
            if word in domains:
                codes |= {entry.check.code for entry in self.entries if entry.domain == word}
            else:
                codes |= {entry.check.code for entry in self.find(word)}
        return frozenset(codes)

    def services(self, pid: int | None, port: int | None) -> tuple[RunningService, ...]:
        """Running services that the packs find, by process number and port; None for either: whatever it is."""
        return tuple(one for find in self.finders for one in find(pid, port))

    def spokesman(self, facts: type) -> Entry | None:
        """The check that speaks when the probe of *facts* fails; None: the engine's own probe-failed does."""
        return next((e for e in self.entries for n in e.needs if n.facts is facts and n.want is Want.READING), None)


@functools.cache
def installed() -> Catalogue:
    """The catalogue of the engine's own checks and all installed packs. A pack that cannot be loaded is a failure in it."""
    packs: list[Pack] = []
    failures: list[PackFailure] = []
    catalogue = build([])
    for point in sorted(entry_points(group=GROUP), key=lambda p: p.name):
        try:
            pack = point.load()
            if not isinstance(pack, Pack):
                raise PackError(f"{point.value} is a {type(pack).__name__}, not a Pack")
            catalogue = build([*packs, pack])
        except Exception as error:
            failures.append(PackFailure(point.name, f"{type(error).__name__}: {error}"))
        else:
            packs.append(pack)
    return replace(catalogue, failures=tuple(failures))


def build(packs: Iterable[Pack]) -> Catalogue:
    """One catalogue of the engine's own checks and *packs*. Raises PackError where they contradict."""
    packs = [own_checks.pack, *packs]
    entries: list[Entry] = []
    probes: dict[str, Probe[Any]] = {}
    explains: dict[str, tuple[str, ...]] = {}
    conditions: dict[tuple[str, str], Callable[[Finding, Finding], bool]] = {}
    for pack in packs:
        for domain in pack.domains:
            for probe in domain.probes:
                if probe.name in probes:
                    raise PackError(f"two probes are called {probe.name}")
                probes[probe.name] = probe
            entries += [_entry(domain, one) for one in domain.checks]
        for cause in pack.causes:
            explains[cause.root] = explains.get(cause.root, ()) + cause.explains
            conditions |= {(cause.root, echo): cause.when for echo in cause.explains}
    _validate(entries, probes, explains, conditions)
    return Catalogue(
        entries=tuple(entries),
        probes=probes,
        explains=explains,
        conditions=conditions,
        reasons=tuple(pack.reasons for pack in packs if pack.reasons),
        finders=tuple(pack.services for pack in packs if pack.services),
    )


def _entry(domain: Domain, check: Check) -> Entry:
    needs: list[Need] = []
    for parameter, written in check.judge.__annotations__.items():
        hint = _hint(check, written) if parameter != "return" else None
        if isinstance(hint, type) and issubclass(hint, Gathered):
            needs += [replace(_need(check, parameter, inner), field=f, whole=hint) for f, inner in _fields(hint)]
        elif hint is not None:
            needs.append(_need(check, parameter, hint))
    return Entry(check=check, domain=domain.name, pages=domain.pages, needs=tuple(needs))


@functools.cache
def _fields(whole: type[Gathered]) -> tuple[tuple[str, Any], ...]:
    return tuple(typing.get_type_hints(whole).items())


_hints: dict[tuple[str, str], Any] = {}
"""(module, text of an annotation) -> what it names. Checks of one module want the same few facts; `typing.get_type_hints`
would evaluate them anew for each parameter of each."""


def _hint(check: Check, hint: Any) -> Any:
    """The type that an annotation names, written as text or not. Raises PackError."""
    if not isinstance(hint, str):
        return hint
    key = (check.judge.__module__, hint)
    if key not in _hints:
        try:
            _hints[key] = eval(hint, check.judge.__globals__)  # noqa: S307 - a pack's own code, which has been run already
        except NameError as error:
            raise PackError(f"{check.name}: {error}") from None
    return _hints[key]


def _need(check: Check, parameter: str, hint: Any) -> Need:
    if isinstance(hint, type):
        return Need(parameter, hint, Want.REQUIRED)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Reading:
        return Need(parameter, arguments[0], Want.READING)
    if origin in (types.UnionType, typing.Union) and len(arguments) == 2 and type(None) in arguments:
        return Need(parameter, next(a for a in arguments if a is not type(None)), Want.OPTIONAL)
    raise PackError(f"{check.name}: parameter {parameter} must be Facts, Facts | None or Reading[Facts], not {hint}")


def _validate(
    entries: list[Entry],
    probes: Mapping[str, Probe[Any]],
    explains: Mapping[str, tuple[str, ...]],
    conditions: Mapping[tuple[str, str], Callable[[Finding, Finding], bool]],
) -> None:
    facts = [probe.facts for probe in probes.values()]
    in_domain = [f"{e.check.name} in {e.domain}" for e in entries]
    named: tuple[list[Any], ...] = ([e.check.code for e in entries], in_domain, facts)
    for what in named:
        twice = {one for one in what if what.count(one) > 1}
        if twice:
            raise PackError(f"named twice: {', '.join(str(one) for one in sorted(twice, key=str))}")
    known = {*facts, Settings, Interpreter, own_checks.Silenced, own_checks.Unloaded}
    for entry in entries:
        for need in entry.needs:
            if need.facts not in known:
                raise PackError(f"{entry.check.name} needs {need.facts.__name__}, which no probe tells")
    names = {entry.check.name for entry in entries}
    for root, echoes in explains.items():
        for name in (root, *echoes):
            if name not in names:
                raise PackError(f"a cause names {name}, which no check bears")
    # Under a condition two names may explain each other: numpy's failure that of onnxruntime, and that the one of insightface.
    sure = {root: tuple(e for e in echoes if conditions[root, e] is always) for root, echoes in explains.items()}
    for root in sure:
        if root in _reached(root, sure):
            raise PackError(f"the causes go round in a circle at {root}")


def _reached(root: str, explains: Mapping[str, tuple[str, ...]]) -> set[str]:
    reached: set[str] = set()
    front = list(explains.get(root, ()))
    while front:
        name = front.pop()
        if name not in reached:
            reached.add(name)
            front += explains.get(name, ())
    return reached
