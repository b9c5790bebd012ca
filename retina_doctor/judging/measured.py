"""Figures that probes measure, among the facts where a `Measure` says that they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retina_doctor.model import Json, Outcome, Recorded


def value_at(readings: Mapping[str, Recorded], of: str) -> float | None:
    """The number that stands there; None: there is none, or the looking did not end well."""
    probe, _, way = of.partition(".")
    recorded = readings.get(probe)
    return number_at(recorded.facts, way) if recorded and recorded.outcome is Outcome.OK else None


def number_at(facts: Json, way: str) -> float | None:
    """*way*: keys, and places in lists, with dots between them."""
    for step in way.split("."):
        if isinstance(facts, Mapping):
            facts = facts.get(step)
        elif isinstance(facts, Sequence) and not isinstance(facts, str) and step.isdigit() and int(step) < len(facts):
            facts = facts[int(step)]
        else:
            return None
    return float(facts) if isinstance(facts, int | float) and not isinstance(facts, bool) else None
