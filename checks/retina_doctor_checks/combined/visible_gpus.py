"""Which GPUs the variables leave to the target. Rules: CUDA programming guide, appendix "Environment variables"."""

from __future__ import annotations

import re
from typing import Literal

from ..facts.driver import Gpu, GpuEnvironment, Nvml

Why = Literal["empty", "none", "no-such-index", "no-such-uuid", "ambiguous", "twice"]
LONGEST = 9  # digits of an index that is looked at: no machine has a card of a longer one


def hidden(value: str | None, gpus: tuple[Gpu, ...] | None) -> Why | Literal["unknown"] | None:
    """Why *value* leaves no GPU; None: it leaves some. *gpus* None: which there are is not known.

    The list ends at its first entry that names nothing, so its first entry decides, and so does a repeated one.
    """
    if value is None:
        return None
    entries = [entry.strip() for entry in value.split(",")]
    first = entries[0]
    if not value.strip():
        return "empty"
    if not _may_be(first):
        return "none"
    valid = entries[: next((i for i, e in enumerate(entries) if not _may_be(e)), len(entries))]
    names = [_canonical(entry, gpus or ()) for entry in valid]
    if len(set(names)) < len(names):
        return "twice"
    if gpus is None:
        return "unknown"
    number = _number(first)
    if number is not None:
        return None if number < len(gpus) else "no-such-index"
    found = _named(first, gpus)
    if len(found) == 1:
        return None
    if found:
        return "ambiguous"
    told = sum(1 for gpu in gpus if gpu.uuid)
    return "no-such-uuid" if told == len(gpus) else "unknown"


def _may_be(entry: str) -> bool:
    return _number(entry) is not None or entry.startswith(("GPU-", "MIG-"))


def _number(entry: str) -> int | None:
    """torch and CUDA read numbers as strtoul does: "1gpu" is 1."""
    match = re.match(r"\+?0*([0-9]+)", entry)
    return int(match[1][: LONGEST + 1]) if match else None


def _canonical(entry: str, gpus: tuple[Gpu, ...]) -> str:
    number = _number(entry)
    found = _named(entry, gpus)
    return str(number) if number is not None else found[0] if len(found) == 1 else entry


def _named(entry: str, gpus: tuple[Gpu, ...]) -> list[str]:
    """UUIDs of cards and of instances that begin so; a beginning is enough where it leaves no doubt."""
    if not entry.startswith("MIG-GPU-"):
        return [uuid for gpu in gpus for uuid in (gpu.uuid, *gpu.mig_devices) if uuid and uuid.startswith(entry)]
    start = entry.removeprefix("MIG-").split("/")[0]  # an instance, by the card that is divided
    return [gpu.uuid for gpu in gpus if gpu.uuid and gpu.uuid.startswith(start) and _may_be_divided(gpu)]


def _may_be_divided(gpu: Gpu) -> bool:
    """A card that answers NVML, and says nothing of MIG, has none of it."""
    return bool(gpu.mig) or (gpu.mig is None and gpu.compute_capability is None)


def left(environment: GpuEnvironment | None, nvml: Nvml) -> tuple[Gpu, ...]:
    """The cards that CUDA_VISIBLE_DEVICES leaves, whatever CUDA says of them: all, where it cannot be told which these are.

    An index is NVML's where the cards are alike, or where CUDA was told to count by the PCI bus.
    """
    gpus, value = nvml.gpus, environment.cuda_visible_devices if environment is not None else None
    if environment is None or value is None or hidden(value, gpus) is not None:
        return gpus
    found: list[Gpu] = []
    for entry in (one.strip() for one in value.split(",")):
        number = _number(entry)
        if number is not None and not alike(gpus) and environment.cuda_device_order != "PCI_BUS_ID":
            return gpus
        named = _named(entry, gpus)
        ours = [gpu for gpu in gpus if gpu.index == number or (named and named[0] in (gpu.uuid, *gpu.mig_devices))]
        if not ours:
            break  # the list ends where it names nothing
        found += ours
    return tuple(dict.fromkeys(found)) or gpus


def alike(gpus: tuple[Gpu, ...]) -> bool:
    """Whether CUDA counts them as NVML does; one that is lost tells nothing of itself."""
    return len({(gpu.name, gpu.memory_total) for gpu in gpus if gpu.name is not None}) <= 1


def hides(environment: GpuEnvironment | None, nvml: Nvml | None) -> tuple[dict[str, object] | None, bool]:
    """(evidence of a variable that leaves the target no GPU, or None; whether that could be told).

    No rung of the ladder: a variable may hide the GPU whatever the driver does, and then both must be mended.
    """
    if environment is None:
        return None, False
    gpus = nvml.gpus if nvml is not None and nvml.error_code is None else None
    value = environment.cuda_visible_devices
    why = hidden(value, gpus or None)
    there = [{"index": gpu.index, "name": gpu.name, "uuid": gpu.uuid} for gpu in gpus or ()]
    if why is not None and why != "unknown":
        return {"variable": "CUDA_VISIBLE_DEVICES", "value": value, "why": why, "gpus": there}, True
    if environment.nvidia_visible_devices == "none" and not gpus:
        if gpus is None:
            return None, False
        return {"variable": "NVIDIA_VISIBLE_DEVICES", "value": "none", "why": "none", "gpus": there}, True
    return None, why != "unknown"
