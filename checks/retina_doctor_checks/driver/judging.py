"""How the checks of one trouble answer: it is mine, another one explains it, it cannot be told, or there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from retina_doctor.authoring import Answer
from retina_doctor.model import Inapplicable, Problem, Reason, Severity, Unknown

from ..combined.driver_seen import DriverSeen
from ..combined.no_cards import NO_GPU
from ..facts.driver import Gpu
from .trouble import troubles


def cap(gpu: Gpu, used: tuple[Gpu, ...]) -> Severity | None:
    """Trouble of a card that the service will not use is a note."""
    return None if gpu in used else Severity.NOTE


VARIANT: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "driver-dropped-gpu": lambda evidence: evidence["why"] or "kernel-log",
    "driver-library-mismatch": lambda evidence: "service" if evidence["path"] else "updated",
    "driver-state-lost": lambda evidence: "unloaded" if evidence["unloaded"] else "lost",
}
"""What a trouble that can be one of several things is, by its evidence."""


def about(
    name: str, seen: DriverSeen, *, missing: tuple[str, ...] = (), at_most: Severity | None = None, variant: str = ""
) -> Answer:
    """The answer of the check *name*. *missing*: probes without whose facts its trouble cannot be ruled out. *variant*: of what
    it finds; else what the trouble itself says of that."""
    found = troubles(seen)
    own = next((one for one in found if one.name == name), None)
    if own is not None:
        variant = variant or (VARIANT[name](own.evidence) if name in VARIANT else "")
        return Problem(subject="driver", evidence=own.evidence, at_most=at_most, variant=variant)
    if found:
        first = found[0].name
        return NO_GPU if first == "no-nvidia-gpu" else Inapplicable(Reason("explained-by", {"name": first}))
    if seen.card is None:
        return Unknown(("host",))
    if seen.is_integrated:
        return Inapplicable(Reason("integrated-gpu"))
    return Unknown(missing) if missing else None
