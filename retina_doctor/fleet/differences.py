"""Who differs from the majority, and who is far from all others: of the traits and measures of a fleet. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from retina_doctor.codec import replace
from retina_doctor.fleet.bits import union
from retina_doctor.fleet.traits import MOST_VALUES, Traits, Value
from retina_doctor.fleet.whole import Drift, Straggler
from retina_doctor.kinds import Kind

ENOUGH = 5
"""Nodes that must have a measure before one of them lags behind."""
FAR = 5 * 1.4826
"""Median absolute deviations that are five standard deviations of a normal distribution."""
USUAL = 2
"""Times the share by which a measure usually varies that it may be off besides."""
RANKS = {Kind.VERSION: 0, Kind.SERIAL: 1, Kind.VARIABLE: 2, Kind.NAME: 3, Kind.KEY: 3}
"""What is told first: versions, hashes, environment, names; then numbers and yes or no."""


Labels = Callable[[int], tuple[str, ...]]
"""The names of nodes that are given as bits."""


def drift(traits: Traits, alive: int, labels: Labels) -> tuple[Drift, ...]:
    """Traits that more than half of the nodes *alive* (bits) share."""
    found: list[tuple[tuple[object, ...], tuple[object, ...], Drift]] = []
    for what, values in traits.values.items():
        if len(values) > MOST_VALUES:
            continue
        here = {value: bits & alive for value, bits in values.items() if bits & alive}
        if what in traits.entries:
            looked = traits.looked.get(what.partition(".")[0], 0) & alive
            absent = looked & ~union(here.values())
            here |= {"absent": absent} if absent else {}
        if len(here) < 2:
            continue
        majority = max(here, key=lambda value: here[value].bit_count())
        count, total = here[majority].bit_count(), sum(bits.bit_count() for bits in here.values())
        if 2 * count <= total:
            continue
        others = sorted(
            ((shown(value), bits) for value, bits in here.items() if value != majority or value is not majority),
            key=lambda one: (-one[1].bit_count(), one[0]),
        )
        merged: dict[str, int] = {}
        for value, bits in others:  # "true", true and a value that was cut may look alike
            merged[value] = merged.get(value, 0) | bits
        told = Drift(
            what=what,
            majority=shown(majority),
            count=count,
            others={value: labels(bits) for value, bits in merged.items()},
        )
        partition = (what.partition(".")[0], *(bits for _, bits in others))
        kind = traits.kinds[what]
        found.append(((RANKS.get(kind, 4) if kind else 4, "[" in what, len(what), what), partition, told))
    return _collapsed(found)


def stragglers(traits: Traits, living: int, names: Sequence[str]) -> tuple[Straggler, ...]:
    """Measures of the nodes *living* (bits) in which some are far from all others. *names*: by number."""
    told = []
    for what, (spread, measured) in traits.measures.items():
        alive = [(node, value) for node, value in measured if living >> node & 1]
        if len(alive) < ENOUGH:
            continue
        median = statistics.median(value for _, value in alive)
        deviation = statistics.median(abs(value - median) for _, value in alive)
        bound = max(USUAL * spread * abs(median), FAR * deviation)
        far = sorted((pair for pair in alive if abs(pair[1] - median) > bound), key=lambda p: -abs(p[1] - median))
        if far:
            nodes = {names[node]: value for node, value in far}
            told.append(Straggler(what=what, median=median, nodes=nodes))
    return tuple(sorted(told, key=lambda one: one.what))


def _collapsed(found: list[tuple[tuple[object, ...], tuple[object, ...], Drift]]) -> tuple[Drift, ...]:
    """Of traits of one probe in which the very same nodes differ in the same way the first stands for all."""
    kept: dict[tuple[object, ...], tuple[Drift, list[str]]] = {}
    for _, partition, told in sorted(found, key=lambda one: one[0]):
        if partition in kept:
            kept[partition][1].append(told.what)
        else:
            kept[partition] = (told, [])
    return tuple(replace(one, alike=tuple(alike)) for one, alike in kept.values())


def shown(value: Value) -> str:
    """A value of a trait as text."""
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)
