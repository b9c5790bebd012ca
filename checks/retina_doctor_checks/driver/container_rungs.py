"""What a container lacks: the card's nodes, the right to them, the driver's libraries."""

from __future__ import annotations

import re

from retina_doctor.model import Reason

from ..combined.asides import asides
from ..combined.driver_seen import DriverSeen, Evidence
from .ways import BOTH, OF_CUDA, OF_NVML, Way

LIBRARIES = {"compute": "libcuda.so.", "utility": "libnvidia-ml.so."}
"""What each driver capability brings into a container (NVIDIA Container Toolkit, "Driver Capabilities")."""


def started_without_gpu(seen: DriverSeen) -> Evidence | None:
    """A container without a card's device nodes, on a machine whose driver works. Its /proc and /sys show the host's."""
    host = seen.host
    shown = seen.is_plain and host.nvidia_loaded is not False
    if host.container is None or not (shown or _not_given_by_windows(seen)):
        return None
    given = seen.has_node(r"/dev/nvidia(\d+|ctl)")
    if given and not _without_nv(seen):  # the runtime gave something: device_node_missing says what it lacks
        return None
    variable = seen.environment.nvidia_visible_devices if seen.environment else None
    more = asides(
        Reason("host-runs-driver", {"driver": host.loaded_version}) if host.loaded_version else None,
        Reason("visible-devices-void") if variable == "void" else None,
        Reason("visible-devices-ignored", {"value": variable}) if variable not in (None, "", "void") else None,
    )
    return {
        **seen.shown(),
        "visible_devices": variable,
        "driver": host.loaded_version,
        "more": more,
        "has_nodes": given,
    }


def _without_nv(seen: DriverSeen) -> bool:
    """Apptainer shows a container the host's whole /dev unless it is told otherwise ("mount dev = yes" of apptainer.conf), and
    the driver's libraries by --nv alone: there it is these that tell."""
    loaded = seen.nvml_answers or seen.cuda_code is not None  # from a folder of the user's own
    return seen.host.container == "apptainer" and not (seen.libraries or loaded)


def _not_given_by_windows(seen: DriverSeen) -> bool:
    """Under WSL a card comes as /dev/dxg, and into a container with Windows' libraries alone."""
    return seen.host.wsl and not (seen.host.nodes or seen.libraries or seen.nvml_answers)


def runtime_not_nvidia(seen: DriverSeen) -> Evidence | None:
    """The scheduler gave this pod a GPU by name (the device plugin sets the variable), and no runtime brought it in."""
    evidence = started_without_gpu(seen)
    if evidence is None or seen.host.wsl or seen.host.container != "kubernetes" or seen.environment is None:
        return None
    given = re.match(r"(GPU|MIG)-|\d", seen.environment.nvidia_visible_devices or "")
    node: Evidence = {"configurations": [], "runtimes": [], "engine": None, "kind": None}
    return {**evidence, "place": "pod", **node} if given else None


def capabilities_lacking(seen: DriverSeen) -> Evidence | None:
    """Device nodes without the libraries: the container was given the card, but not these of the driver's parts."""
    if seen.host.container is None or not seen.is_plain or not seen.has_node(r"/dev/nvidia(\d+|ctl)"):
        return None
    lacking = [name for name, start in LIBRARIES.items() if not seen.has_library(start)]
    if not lacking or (seen.cuda_works and seen.nvml_answers):
        return None
    value = seen.environment.nvidia_driver_capabilities if seen.environment else None
    libraries = [LIBRARIES[one] + "1" for one in lacking]
    return {
        "lacking": lacking,
        "libraries": libraries,
        "value": value,
        "container": seen.host.container,
        "set": asides(Reason("variable-is", {"value": value}) if value else Reason("variable-is-not-set")),
    }


def of_lacking(_seen: DriverSeen, evidence: Evidence) -> frozenset[Way]:
    lacking = evidence["lacking"]
    return BOTH if lacking == list(LIBRARIES) else OF_CUDA if lacking == ["compute"] else OF_NVML
