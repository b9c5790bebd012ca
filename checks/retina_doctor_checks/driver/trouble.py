"""Why a card cannot be used: the troubles among all that lie between it and a program, each with what it explains.

Two ways lead to the driver: NVML's, by which it is watched, and CUDA's, by which it computes. `troubles` asks the rungs of a
ladder in their order, from the hardware up: the first that speaks of a way that is closed is a trouble, and what else is
wrong on that way is only its consequence; what it does not explain is another trouble, and another root. A rung sees facts of
which any may be missing, and then says nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from retina_doctor.codec import Data

from ..combined.driver_seen import DriverSeen, Evidence
from .container_rungs import capabilities_lacking, of_lacking, runtime_not_nvidia, started_without_gpu
from .cuda_rungs import fabric_manager, mig_not_selected, mps_not_running, state_lost
from .library_rungs import (
    compat_libraries,
    library_mismatch,
    library_not_found,
    of_mismatch,
    of_unfound,
    stub,
    wsl_wrong_libcuda,
)
from .module_rungs import (
    adapter_fails,
    blocked_by_secure_boot,
    dropped,
    fallen_off_bus,
    module_not_loaded,
    not_installed,
)
from .node_rungs import access_lost, device_node_missing, not_permitted, of_nodes
from .ways import BOTH, OF_CUDA, Way


class Trouble(Data, frozen=True):
    """*name*: of the check that speaks of it. *closes*: the ways that it explains."""

    name: str
    evidence: Evidence
    closes: frozenset[Way] = BOTH


def troubles(seen: DriverSeen) -> tuple[Trouble, ...]:
    """Those that explain the others, none where nothing is known to be wrong; each of another way. Sixteen checks ask for them:
    what was seen keeps them."""
    kept: dict[str, tuple[Trouble, ...]] = vars(seen)
    if "troubles" not in kept:
        kept["troubles"] = _climbed(seen)
    return kept["troubles"]


def _climbed(seen: DriverSeen) -> tuple[Trouble, ...]:
    closed = set[Way](BOTH)
    if seen.nvml_answers and seen.nvml is not None and seen.nvml.gpus:
        closed.discard("nvml")
    if seen.cuda_works:
        closed.discard("cuda")
    if closed and seen.card is False:
        return (Trouble("no-nvidia-gpu", seen.shown()),)
    found: list[Trouble] = []
    for name, rung, of in LADDER:
        evidence = rung(seen) if closed else None
        if evidence is None:
            continue
        closes = of(seen, evidence) if callable(of) else of
        if closes & closed:
            found.append(Trouble(name, {**evidence, "closes": sorted(closes)}, closes))
            closed -= closes
    return tuple(found)


def explaining(seen: DriverSeen, way: Way) -> Trouble | None:
    """The trouble that closes this way, where one is known."""
    return next((one for one in troubles(seen) if way in one.closes), None)


LADDER: tuple[
    tuple[
        str, Callable[[DriverSeen], Evidence | None], frozenset[Way] | Callable[[DriverSeen, Evidence], frozenset[Way]]
    ],
    ...,
] = (
    ("container-runtime-not-nvidia", runtime_not_nvidia, BOTH),
    ("container-started-without-gpu", started_without_gpu, BOTH),
    ("container-gpu-access-lost", access_lost, BOTH),
    ("gpu-device-not-permitted", not_permitted, BOTH),
    ("driver-not-installed", not_installed, BOTH),
    ("gpu-fallen-off-bus", fallen_off_bus, BOTH),
    ("driver-dropped-gpu", dropped, BOTH),
    ("driver-blocked-by-secure-boot", blocked_by_secure_boot, BOTH),
    ("driver-module-not-loaded", module_not_loaded, BOTH),
    ("container-driver-capabilities", capabilities_lacking, of_lacking),
    ("driver-library-mismatch", library_mismatch, of_mismatch),
    ("nvml-library-not-found", library_not_found, of_unfound),
    ("gpu-adapter-init-failed", adapter_fails, BOTH),
    ("container-device-node-missing", device_node_missing, of_nodes),
    ("cuda-stub-library", stub, OF_CUDA),
    ("wsl-wrong-libcuda", wsl_wrong_libcuda, OF_CUDA),
    ("container-compat-libraries", compat_libraries, OF_CUDA),
    ("fabric-manager-not-running", fabric_manager, OF_CUDA),
    ("cuda-mps-not-running", mps_not_running, OF_CUDA),
    ("mig-device-not-selected", mig_not_selected, OF_CUDA),
    ("driver-state-lost", state_lost, OF_CUDA),
)
