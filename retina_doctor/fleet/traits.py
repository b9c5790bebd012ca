"""What of a node can be held against other nodes: values that should be the same on all, and measures that vary by nature.

Which facts these are is read from their types (`retina_doctor.kinds`, `Facts.varies`), so no domain is known here. Of many
nodes only this is kept: for each value the set of nodes that have it, as the bits of one integer.
"""

from __future__ import annotations

import functools
import re
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Any

from retina_doctor.catalogue.registry import Catalogue
from retina_doctor.codec import DoesNotFit, Facts, decode, encode, field_types, from_json, to_line
from retina_doctor.judging.comparing import IDENTITIES, NOISE, tells
from retina_doctor.kinds import Kind
from retina_doctor.model import Outcome, Snapshot

NEVER = frozenset({Kind.TEXT, Kind.PATH, Kind.HOST, Kind.ADDRESS, Kind.URL, Kind.USER, Kind.COMMAND})
"""Kinds that differ from node to node without meaning anything."""
MOST_VALUES = 40
"""Different values of one trait, from which on it is nothing that nodes have in common."""
MOST_TRAITS = 20_000
LONGEST = 200
"""Characters of a value that is kept."""

MARK = re.compile(r"<[a-z-]+\d*>")
"""What stands for something in a redacted snapshot: the same thing in one file, and any thing in another."""

Value = str | int | float | bool | None
Trait = tuple[str, Value, Kind | None, float | None]
"""What it is called, its value, the kind of that, the share by which it varies where it is a measure."""


@dataclass
class Traits:
    """*values*: trait -> value -> bits of the nodes that have it. *kinds*: what the value is. *measures*: trait -> the share
    by which it usually varies, and (node, number). *looked*: probe -> bits of the nodes where its looking ended well."""

    values: dict[str, dict[Value, int]] = field(default_factory=dict)
    kinds: dict[str, Kind | None] = field(default_factory=dict)
    measures: dict[str, tuple[float, list[tuple[int, float]]]] = field(default_factory=dict)
    looked: dict[str, int] = field(default_factory=dict)
    entries: set[str] = field(default_factory=set)
    """Traits that are there or not, as entries of a list: a node that was looked at and has none lacks it."""

    def take(self, node: int, snapshot: Snapshot, catalogue: Catalogue) -> None:
        """All traits of one more node."""
        self._add("doctor", snapshot.doctor, 1 << node, Kind.VERSION)
        for name, pair in snapshot.seen_from.limits.items() if snapshot.seen_from else ():
            self._add(f"limits.{name}", to_line(pair).strip(), 1 << node, None)
        for probe in catalogue.probes.values():
            recorded = snapshot.readings.get(probe.name)
            if recorded is None or recorded.outcome is not Outcome.OK:
                continue
            facts: Any = probe.facts
            told = _told(facts, probe.name, to_line(recorded.facts))
            if told is None:
                continue
            self.looked[probe.name] = self.looked.get(probe.name, 0) | 1 << node
            for what, value, kind, spread in told:
                if snapshot.redacted and MARK.search(f"{what} {value}"):
                    continue
                if spread is None:
                    self._add(what, value, 1 << node, kind)
                    if what.endswith("]"):
                        self.entries.add(what)
                elif isinstance(value, int | float) and (len(self.measures) < MOST_TRAITS or what in self.measures):
                    self.measures.setdefault(what, (spread, []))[1].append((node, float(value)))

    def merge(self, other: Traits, offset: int) -> None:
        """Those of nodes that were counted from *offset* on."""
        for what, values in other.values.items():
            for value, bits in values.items():
                self._add(what, value, bits << offset, other.kinds[what])
        for what, (spread, told) in other.measures.items():
            self.measures.setdefault(what, (spread, []))[1].extend((node + offset, value) for node, value in told)
        self.entries |= other.entries
        for probe, bits in other.looked.items():
            self.looked[probe] = self.looked.get(probe, 0) | bits << offset

    def _add(self, what: str, value: Value, bits: int, kind: Kind | None) -> None:
        values = self.values.get(what)
        if values is None:
            if len(self.values) >= MOST_TRAITS:
                return
            values = self.values[what] = {}
            self.kinds[what] = kind
        if value in values:
            values[value] |= bits
        elif len(values) <= MOST_VALUES:  # one more than is allowed says that there are too many
            values[value] = bits


@functools.lru_cache(maxsize=256)
def _told(kind: Any, probe: str, text: str) -> tuple[Trait, ...] | None:
    """All traits of what a probe told, as JSON text: machines of a fleet tell the same of most things. None: it does not fit."""
    try:
        facts: object = decode(from_json(text), kind)
    except DoesNotFit:
        return None
    return tuple(_walk(facts, probe)) if isinstance(facts, Facts) else None


def _walk(facts: Facts, what: str) -> Iterator[Trait]:
    for name, (compared, kind, spread) in _fields(type(facts)).items():
        value, inner = getattr(facts, name), f"{what}.{name}"
        if isinstance(value, Facts):
            yield from _walk(value, inner)
        elif isinstance(value, tuple | list) and any(isinstance(one, Facts) for one in value):
            yield from _entries(value, inner)
        elif isinstance(value, Mapping) and compared:
            for key, one in value.items():
                yield f"{inner}[{key}]", "present" if isinstance(one, Facts) else _plain(one), kind, None
                if isinstance(one, Facts):
                    yield from _walk(one, f"{inner}[{key}]")
        elif spread is not None:
            if isinstance(value, int | float) and not isinstance(value, bool):
                yield inner, value, None, spread
        elif compared:
            yield inner, _plain(value), kind, None


def _entries(entries: tuple[Any, ...] | list[Any], what: str) -> Iterator[Trait]:
    """Each by what tells it among the others, as `diff` does; that it is there is a trait of its own."""
    key = next((one for one in IDENTITIES if tells(one, entries)), None)
    for place, entry in enumerate(entries):
        called = f"{what}[{place if key is None else getattr(entry, key)}]"
        yield called, "present", None, None
        if isinstance(entry, Facts):
            yield from _walk(entry, called)


def _plain(value: Any) -> Value:
    """One value that can be counted: lists and tables as their JSON, whatever their order."""
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return NOISE.sub("", value)[:LONGEST]
    if isinstance(value, tuple | list) and value and all(isinstance(one, int) for one in value):
        return ".".join(map(str, value))  # a version: (12, 4)
    plain = encode(value)
    return to_line(sorted(plain, key=str) if isinstance(plain, list) else plain).strip()[:LONGEST]


@functools.cache
def _fields(facts: type[Facts]) -> Mapping[str, tuple[bool, Kind | None, float | None]]:
    """By field: whether nodes are compared by it, the kind of its text, the share by which a measure varies."""
    hints = field_types(facts)
    found: dict[str, tuple[bool, Kind | None, float | None]] = {}
    for name in facts.__struct_fields__:
        kinds = set(_kinds(hints[name]))
        spread = facts.varies.get(name)
        if name in facts.varies and spread is None:
            continue
        kind = next((one for one in (Kind.VERSION, *sorted(kinds)) if one in kinds), None)
        found[name] = (not kinds & NEVER, kind, spread)
    return found


def _kinds(hint: Any) -> Iterator[Kind]:
    """Kinds of all texts in a type; a text without a kind is free."""
    if hint is str:
        yield Kind.TEXT
    elif typing.get_origin(hint) is Annotated:
        kinds = [one for one in typing.get_args(hint)[1:] if isinstance(one, Kind)]
        yield from kinds or _kinds(typing.get_args(hint)[0])
    elif typing.get_origin(hint) is not typing.Literal:
        for one in typing.get_args(hint):
            yield from _kinds(one)
