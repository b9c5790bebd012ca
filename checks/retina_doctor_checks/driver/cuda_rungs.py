"""What keeps CUDA from a card that NVML shows: its fabric, its sharing, its partition, or its state."""

from __future__ import annotations

import re

from retina_doctor.model import Reason

from ..combined.asides import asides, on_host
from ..combined.driver_seen import DriverSeen, Evidence, lost_by_smi
from ..combined.used_gpus import candidates
from ..combined.visible_gpus import left
from .library_rungs import NO_DEVICE, NOT_READY, UNKNOWN

MPS_PIPE = "/tmp/nvidia-mps"  # noqa: S108 - CUDA's own (docs.nvidia.com/deploy/mps)
MPS = (805, 806, 807, 810)  # cuda.h CUresult, cuda_results.toml


def mps_not_running(seen: DriverSeen) -> Evidence | None:
    """CUDA goes through MPS where its pipe folder has a daemon's pipes, or the variable names another folder."""
    if seen.cuda_code not in MPS:
        return None
    environment = seen.environment
    return {
        "code": seen.cuda_code,
        "directory": environment.mps_pipe_directory if environment else None,
        "pipe": (environment.mps_pipe_directory if environment else None) or MPS_PIPE,
        "on_host": on_host(seen.host.container),
        "control": environment.mps_control if environment else None,
        "container": seen.host.container,
    }


def fabric_manager(seen: DriverSeen) -> Evidence | None:
    if seen.cuda_code != NOT_READY:
        return None
    branch = re.match(r"\d+", seen.driver or "")
    return {
        "switches": seen.host.switches,
        "running": seen.host.fabric_manager,
        "driver": seen.driver,
        "branch": branch[0] if branch else None,
        "container": seen.host.container,
        "on_host": on_host(seen.host.container),
        "more": asides(Reason("has-switches", {"count": seen.host.switches}) if seen.host.switches else None),
    }


def mig_not_selected(seen: DriverSeen) -> Evidence | None:
    """MIG cards are seen by CUDA only as instances: there is none, or none is chosen. Only where the variable leaves no card
    without MIG."""
    gpus = left(seen.environment, seen.nvml) if seen.nvml is not None else ()
    if not gpus or not all(gpu.mig for gpu in gpus) or seen.cuda_works:
        return None
    instances = [uuid for gpu in gpus for uuid in gpu.mig_devices]
    if (instances and seen.cuda_code != NO_DEVICE) or seen.is_hidden:
        return None
    value = seen.environment.cuda_visible_devices if seen.environment else None
    more = asides(Reason("cuda-visible-devices-is", {"value": value}) if value else None)
    return {"gpus": [gpu.index for gpu in gpus], "instances": instances, "value": value, "more": more}


def used_card_fails(seen: DriverSeen) -> bool:
    """Of the cards that the service may use one is in trouble of its own, by NVML's word or by nvidia-smi's."""
    lost = lost_by_smi(seen.smi, seen.nvml)
    used = candidates(seen.nvml, seen.environment, seen.cuda) if seen.nvml is not None else ()
    return any(gpu.error or gpu.index in lost for gpu in used)


def state_lost(seen: DriverSeen) -> Evidence | None:
    """NVML answers, and CUDA fails: nvidia_uvm is not loaded, or has not come back from suspend ("unknown error")."""
    host = seen.host
    if seen.cuda_code in (None, 0) or not seen.nvml_answers or not seen.is_plain or seen.is_hidden:
        return None
    if used_card_fails(seen):
        return None
    if seen.nvml is not None and not seen.nvml.gpus:
        return None  # CUDA has no more cards than NVML: why there is none is told there
    unloaded = host.uvm_loaded is False and host.container is None
    if not unloaded and seen.cuda_code != UNKNOWN:
        return None
    on = on_host(host.container)
    return {
        "code": seen.cuda_code,
        "container": host.container,
        "driver": seen.driver,
        "unloaded": unloaded,
        "on_host": on,
    }
