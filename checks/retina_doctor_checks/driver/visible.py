"""Which GPUs the variables leave to the target. Rules: CUDA programming guide, appendix "Environment variables"."""

from __future__ import annotations

import re
from typing import Literal

from .facts import Gpu, GpuEnvironment, Nvml

Why = Literal["empty", "none", "no-such-index", "no-such-uuid", "twice"]
REDACTED = "-00000000-0000-0000-0000-"


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
    number = re.match(r"[+-]?\d+", first)
    if number is None and not first.startswith(("GPU-", "MIG-")):
        return "none"
    if number is not None and int(number[0]) < 0:
        return "none"
    valid = entries[: next((i for i, e in enumerate(entries) if not _may_be(e)), len(entries))]
    if len({_canonical(entry) for entry in valid}) < len(valid):
        return "twice"
    if gpus is None:
        return "unknown"
    if number is not None:
        return None if int(number[0]) < len(gpus) else "no-such-index"
    return _by_uuid(first, gpus)


def _may_be(entry: str) -> bool:
    return bool(re.match(r"\+?\d", entry)) or entry.startswith(("GPU-", "MIG-"))


def _canonical(entry: str) -> str:
    """torch and CUDA read numbers as strtoul does: "1gpu" is 1."""
    number = re.match(r"\+?(\d+)", entry)
    return str(int(number[1])) if number else entry


def _by_uuid(entry: str, gpus: tuple[Gpu, ...]) -> Why | Literal["unknown"] | None:
    uuids = [uuid for gpu in gpus for uuid in (gpu.uuid, *gpu.mig_devices) if uuid]
    whole = entry.removeprefix("MIG-").split("/")[0] if entry.startswith("MIG-GPU-") else entry
    if any(uuid.startswith(whole) for uuid in uuids):
        return None
    # A short prefix says nothing about a UUID whose beginning was redacted.
    if len(uuids) < len(gpus) or (REDACTED not in whole and any(REDACTED in uuid for uuid in uuids)):
        return "unknown"
    return "no-such-uuid"


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
