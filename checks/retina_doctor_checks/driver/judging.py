"""How the checks of one trouble answer: it is mine, another one explains it, it cannot be told, or there is none."""

from __future__ import annotations

from retina_doctor.authoring import Answer
from retina_doctor.model import Inapplicable, Problem, Reason, Severity, Unknown

from ..facts.driver import Gpu, Host, Nvml
from .seen import Seen
from .trouble import trouble

NO_GPU = Inapplicable(Reason("no-gpu-seen"))


def no_cards(nvml: Nvml, host: Host | None) -> Inapplicable | Unknown | None:
    """Why there is no card in NVML's list to judge, or None."""
    if nvml.gpus:
        return None
    nothing = nvml.error_code is None or (host is not None and Seen(host=host, nvml=nvml).card is False)
    return NO_GPU if nothing else Unknown(("nvml",))


def cap(gpu: Gpu, used: tuple[Gpu, ...]) -> Severity | None:
    """Trouble of a card that the service will not use is a note."""
    return None if gpu in used else Severity.NOTE


def about(name: str, seen: Seen, *, missing: tuple[str, ...] = (), at_most: Severity | None = None) -> Answer:
    """The answer of the check *name*. *missing*: probes without whose facts its trouble cannot be ruled out."""
    found = trouble(seen)
    if found is not None and found.name == name:
        return Problem(subject="driver", evidence=found.evidence, at_most=at_most)
    if found is not None:
        return NO_GPU if found.name == "no-nvidia-gpu" else Inapplicable(Reason("explained-by", {"name": found.name}))
    if seen.card is None:
        return Unknown(("host",))
    if seen.is_integrated:
        return Inapplicable(Reason("integrated-gpu"))
    return Unknown(missing) if missing else None
