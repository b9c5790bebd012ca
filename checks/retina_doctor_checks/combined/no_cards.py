"""Why there is no card to judge."""

from __future__ import annotations

from retina_doctor.model import Inapplicable, Reason, Unknown

from ..facts.driver import Host, Nvml
from .driver_seen import DriverSeen

NO_GPU = Inapplicable(Reason("no-gpu-seen"))


def no_cards(nvml: Nvml, host: Host | None) -> Inapplicable | Unknown | None:
    """Why there is no card in NVML's list to judge, or None."""
    if nvml.gpus:
        return None
    nothing = nvml.error_code is None or (host is not None and DriverSeen(host=host, nvml=nvml).card is False)
    return NO_GPU if nothing else Unknown(("nvml",))
