"""A catalogue in the making: what each pack brings and asks for is held against the rules and the other packs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from retina_doctor import own_checks
from retina_doctor.authoring import ANY, Check, Pack, Probe, always
from retina_doctor.authoring import check as authored
from retina_doctor.catalogue.catalogue import Entry
from retina_doctor.catalogue.needs import Need, Want, needs_of
from retina_doctor.errors import PackError
from retina_doctor.language import LANGUAGES
from retina_doctor.model import Finding, Interpreter, SeenFrom, Severity, Target
from retina_doctor.patterns import pattern
from retina_doctor.sending import has_source
from retina_doctor.settings import Settings, Table

CODE = pattern(r"[A-Z][A-Z0-9]*[0-9]")
NAME = pattern(r"[a-z0-9]+(-[a-z0-9]+)*")


def _asked(pack: Pack, function: Callable[..., Any]) -> Entry:
    """A function that is given facts as a check is, and judges nothing."""
    check = authored("SHOWN1", f"shown-by-{pack.name}", Severity.NOTE)(function)
    return Entry(check=check, domain=pack.name, pages=Path(), needs=needs_of(check))


class Draft:
    """All that was taken so far, by which the next is held."""

    def __init__(self) -> None:
        self.entries: dict[str, list[Entry]] = {}
        """By name of pack."""
        self.heads: dict[str, Entry] = {}
        self.figures: list[Entry] = []
        self.restarted: list[Entry] = []
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
        self.restarted += [_asked(pack, pack.restarted)] if pack.restarted is not None else []
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

    def _supply(self, need: Need, check: Check) -> None:
        """Raises PackError where nobody tells these facts, or not in the way in which they are wanted."""
        missing = need.facts not in self.facts and not issubclass(need.facts, Table)
        unread = need.want is Want.READING and need.facts not in self._probed
        if not (missing or unread or (need.want is Want.REQUIRED and need.facts is SeenFrom)):
            return
        who, wanted = f"{check.place}: {check.name}", f"{need.facts.__name__} (of {need.facts.__module__})"
        if missing:
            raise PackError(f"{who} needs {wanted}, which no probe of a loaded pack tells", lacks=True)
        if unread:
            raise PackError(f"{who} needs a Reading of {wanted}, which is no probe's: ask for the facts themselves")
        raise PackError(f"{who} needs {wanted}, which old snapshots do not tell: ask for SeenFrom | None")

    def connect(self, pack: Pack) -> None:
        """What it asks of itself and of others. Raises PackError."""
        shown = (one for one in (*self.heads.values(), *self.figures, *self.restarted) if one.domain == pack.name)
        for entry in (*self.entries[pack.name], *shown):
            for need in entry.needs:
                self._supply(need, entry.check)
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


def flaws(pack: Pack) -> Iterator[str]:
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
