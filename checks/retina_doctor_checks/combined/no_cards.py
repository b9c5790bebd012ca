"""Why there is no card to judge."""

from __future__ import annotations

from retina_doctor.model import Inapplicable, Reason, Unknown

from ..facts.driver import Host, Nvml
from .driver_seen import DriverSeen

NO_GPU = Inapplicable(Reason("no-gpu-seen"))
INTEGRATED = Inapplicable(Reason("integrated-gpu"))
LIBRARY_NOT_FOUND = 12  # nvml.h nvmlReturn_t


def no_cards(nvml: Nvml, host: Host | None) -> Inapplicable | Unknown | None:
    """Why there is no card in NVML's list to judge, or None."""
    if nvml.gpus:
        return None
    seen = DriverSeen(host=host, nvml=nvml) if host is not None else None
    if seen is not None and seen.is_integrated and nvml.error_code == LIBRARY_NOT_FOUND:
        return INTEGRATED  # older ones have no NVML that could be asked
    nothing = nvml.error_code is None or (seen is not None and seen.card is False)
    return NO_GPU if nothing else Unknown(("nvml",))
