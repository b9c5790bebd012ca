"""RD213, RD218, RD219: cards that work, but not for this service, not at their speed, or not for much longer."""

from __future__ import annotations

from collections.abc import Iterator

from retina_doctor.authoring import Answer, check
from retina_doctor.model import Inapplicable, Interpreter, Problem, Reason, Severity, Unknown
from retina_doctor.settings import Settings

from ..scopes import gpu_meant
from ..service.facts import Ports
from ..service.ownership import service_pids
from .facts import CudaDriver, Gpu, GpuEnvironment, Host, Nvml, Xid
from .judging import no_cards
from .used_gpu import candidates

EXCLUSIVE = {
    1: "Exclusive_Thread",
    2: "Prohibited",
    3: "Exclusive_Process",
}  # nvml.h nvmlComputeMode_t, as nvidia-smi -c names it
MPS = "nvidia-cuda-mps"  # nvidia-cuda-mps-server holds the card for its clients; the kernel cuts its name
DYING = {
    48: "ecc",
    63: "remap",
    64: "remap-failed",
    74: "nvlink",
    79: "lost",
    92: "ecc",
    94: "ecc",
    95: "ecc",
    119: "gsp",
    120: "gsp",
}
"""Xids of the hardware or its firmware, not of a program's mistake (https://docs.nvidia.com/deploy/xid-errors/)."""


def _cap(gpu: Gpu, used: tuple[Gpu, ...]) -> Severity | None:
    """Of a card that the service will not use no more is said than that."""
    return None if gpu in used else Severity.NOTE


@check("RD213", "gpu-exclusive-mode", Severity.ERROR, pitfall=2, scope=gpu_meant)
def gpu_exclusive_mode(
    settings: Settings,
    nvml: Nvml,
    variables: GpuEnvironment | None,
    cuda: CudaDriver | None,
    host: Host | None,
    ports: Ports | None,
    interpreter: Interpreter | None,
) -> Answer:
    """One process may use the card, and another one than the service does; or none may. MPS shares it among many."""
    used = candidates(nvml, variables, cuda)
    pids = service_pids(settings, ports, interpreter) if nvml.own_pids else set()
    return no_cards(nvml, host) or [
        Problem(
            subject=f"gpu:{gpu.index}",
            evidence={
                "gpu": gpu.index,
                "mode": EXCLUSIVE[gpu.compute_mode or 0],
                "holders": [{"pid": one.pid, "name": one.name, "user": one.user} for one in gpu.processes],
                "own_pids": nvml.own_pids,
                "container": host.container if host else None,
            },
            at_most=_cap(gpu, used),
        )
        for gpu in nvml.gpus
        if gpu.compute_mode == 2 or (gpu.compute_mode in EXCLUSIVE and _held_by_others(gpu, pids))
    ]


def _held_by_others(gpu: Gpu, pids: set[int]) -> bool:
    return any(one.pid not in pids and not (one.name or "").startswith(MPS) for one in gpu.processes)


@check("RD218", "gpu-slowed-down", Severity.WARNING, pitfall=2, scope=gpu_meant)
def gpu_slowed_down(nvml: Nvml, host: Host | None, variables: GpuEnvironment | None, cuda: CudaDriver | None) -> Answer:
    used = candidates(nvml, variables, cuda)
    slowed = [gpu for gpu in nvml.gpus if _slowed(gpu)]
    if not slowed and any(gpu.health is None or gpu.health.slowed_by is None for gpu in nvml.gpus):
        return Inapplicable(Reason("health-untold"))
    return no_cards(nvml, host) or [
        Problem(
            subject=f"gpu:{gpu.index}",
            evidence={
                "gpu": gpu.index,
                "name": gpu.name,
                "reasons": list(_slowed(gpu)),
                "temperature": gpu.health.temperature if gpu.health else None,
            },
            at_most=_cap(gpu, used),
        )
        for gpu in slowed
    ]


def _slowed(gpu: Gpu) -> tuple[str, ...]:
    return (gpu.health.slowed_by if gpu.health else None) or ()


@check("RD219", "gpu-hardware-errors", Severity.ERROR, pitfall=2, scope=gpu_meant)
def gpu_hardware_errors(
    nvml: Nvml, host: Host | None, variables: GpuEnvironment | None, cuda: CudaDriver | None
) -> Answer:
    """By NVML's counters and, where it may be read, by the kernel's log of this boot."""
    used = candidates(nvml, variables, cuda)
    if host is None:
        return Unknown(("host",))
    return no_cards(nvml, host) or list(_hardware_errors(nvml, host, used))


def _hardware_errors(nvml: Nvml, host: Host, used: tuple[Gpu, ...]) -> Iterator[Problem]:
    log = host.kernel_log.xids if host.kernel_log else ()
    for gpu in nvml.gpus:
        xids = [xid for xid in log if xid.code in DYING and _of(xid, gpu)]
        ecc = (gpu.health.ecc_errors if gpu.health else None) or 0
        remapping = gpu.health.remapping if gpu.health else None
        if not (xids or ecc or remapping in ("pending", "failed")):
            continue
        yield Problem(
            subject=f"gpu:{gpu.index}",
            evidence={
                "gpu": gpu.index,
                "name": gpu.name,
                "ecc": ecc,
                "remapping": remapping,
                "xids": [{"code": xid.code, "kind": DYING[xid.code], "line": xid.line} for xid in xids],
                "replace": remapping == "failed" or any(DYING[xid.code] == "remap-failed" for xid in xids),
            },
            at_most=_cap(gpu, used),
        )


def _of(xid: Xid, gpu: Gpu) -> bool:
    """NVML writes 00000000:00:1E.0, the kernel log 0000:00:1e."""
    return gpu.bus_id is not None and gpu.bus_id.lower()[4:].startswith(xid.bus_id.lower()[:10])
