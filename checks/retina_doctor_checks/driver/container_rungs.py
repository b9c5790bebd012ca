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
    if host.container is None or not seen.is_plain or host.nvidia_loaded is False:
        return None
    if seen.has_node(r"/dev/nvidia(\d+|ctl)"):  # the runtime gave something: device_node_missing says what it lacks
        return None
    variable = seen.environment.nvidia_visible_devices if seen.environment else None
    more = asides(
        Reason("host-runs-driver", {"driver": host.loaded_version}) if host.loaded_version else None,
        Reason("visible-devices-void") if variable == "void" else None,
        Reason("visible-devices-ignored", {"value": variable}) if variable not in (None, "", "void") else None,
    )
    return {**seen.shown(), "visible_devices": variable, "driver": host.loaded_version, "more": more}


def runtime_not_nvidia(seen: DriverSeen) -> Evidence | None:
    """The scheduler gave this pod a GPU by name (the device plugin sets the variable), and no runtime brought it in."""
    evidence = started_without_gpu(seen)
    if evidence is None or seen.host.container != "kubernetes" or seen.environment is None:
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
