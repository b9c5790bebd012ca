"""RD213, RD218, RD219, RD234: cards that work, but not for this service, not at their speed, or not for much longer."""

from __future__ import annotations

from collections.abc import Iterator

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Inapplicable, Interpreter, Problem, Reason, Severity, Unknown
from retina_doctor.settings import Settings

from ..combined.asides import asides, on_host
from ..combined.driver_seen import DriverSeen, lost_by_smi, same_bus
from ..combined.no_cards import no_cards
from ..combined.port_owner import is_of, service_pids
from ..combined.refusals import meaning, of_nvml, xids
from ..combined.used_gpus import candidates
from ..facts.driver import CudaDriver, Gpu, GpuEnvironment, GpuProcess, Health, Host, NvidiaSmi, Nvml, Xid
from ..facts.service import Ports
from ..facts.service_process import Processes
from ..scopes import gpu_meant
from .judging import cap
from .trouble import explaining

EXCLUSIVE = {
    1: "Exclusive_Thread",
    2: "Prohibited",
    3: "Exclusive_Process",
}  # nvml.h nvmlComputeMode_t, as nvidia-smi -c names it
MPS = "nvidia-cuda-mps"  # nvidia-cuda-mps-server holds the card for its clients; the kernel cuts its name


@check("RD213", "gpu-exclusive-mode", Severity.ERROR, pitfall=2, scope=gpu_meant, action=Action.ROOT)
def gpu_exclusive_mode(
    settings: Settings,
    nvml: Nvml,
    variables: GpuEnvironment | None,
    cuda: CudaDriver | None,
    host: Host | None,
    ports: Ports | None,
    processes: Processes | None,
    interpreter: Interpreter | None,
) -> Answer:
    """One process may use the card, and another one than the service does; or none may. MPS shares it among many."""
    used = candidates(nvml, variables, cuda)
    pids = service_pids(settings, ports, interpreter, processes) if nvml.own_pids else set()
    held = [gpu for gpu in nvml.gpus if gpu.compute_mode in (1, 3) and _held_by_others(gpu, pids)]
    if any(gpu in used for gpu in held) and not nvml.own_pids:
        return Unknown(("nvml",))  # the holder may be the service itself: its number here is another one
    return no_cards(nvml, host) or [
        Problem(
            subject=f"gpu:{gpu.index}",
            evidence={
                "gpu": gpu.index,
                "mode": EXCLUSIVE[gpu.compute_mode or 0],
                "holders": [{"pid": one.pid, "name": one.name, "user": one.user} for one in _others(gpu, pids)],
                "own_pids": nvml.own_pids,
                "container": host.container if host else None,
                "held_by": [_holder(one) for one in _others(gpu, pids)],
                "on_host": on_host(host.container if host else None),
                "more": asides(Reason("pids-of-the-host") if gpu.processes and not nvml.own_pids else None),
            },
            at_most=cap(gpu, used),
            variant="prohibited" if gpu.compute_mode == 2 else "held",
        )
        for gpu in nvml.gpus
        if gpu.compute_mode == 2 or gpu in held
    ]


def _holder(one: GpuProcess) -> str:
    told = ", ".join(filter(None, (one.name, one.user)))
    return f"{one.pid} ({told})" if told else str(one.pid)


def _others(gpu: Gpu, pids: set[int]) -> list[GpuProcess]:
    return [one for one in gpu.processes if not one.trial and not is_of(pids, one)]


def _held_by_others(gpu: Gpu, pids: set[int]) -> bool:
    return any(not (one.name or "").startswith(MPS) for one in _others(gpu, pids))


@check("RD218", "gpu-slowed-down", Severity.WARNING, pitfall=2, scope=gpu_meant, action=Action.LOOK)
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
                "temperature": (degrees := gpu.health.temperature if gpu.health else None),
                "more": asides(Reason("card-temperature", {"degrees": degrees}) if degrees is not None else None),
            },
            at_most=cap(gpu, used),
        )
        for gpu in slowed
    ]


def _slowed(gpu: Gpu) -> tuple[str, ...]:
    return (gpu.health.slowed_by if gpu.health else None) or ()


@check("RD219", "gpu-hardware-errors", Severity.ERROR, pitfall=2, scope=gpu_meant, action=Action.ROOT)
def gpu_hardware_errors(
    nvml: Nvml, host: Host | None, variables: GpuEnvironment | None, cuda: CudaDriver | None
) -> Answer:
    """By NVML's counters and, where it may be read, by the kernel's log of this boot."""
    used = candidates(nvml, variables, cuda)
    if host is None:
        return Unknown(("host",))
    found = list(_hardware_errors(nvml, host, used, works=cuda is not None and cuda.works))
    told = host.kernel_log is not None or any(gpu.health and _tells_errors(gpu.health) for gpu in nvml.gpus)
    if nvml.gpus and not found and not told:
        return Inapplicable(Reason("errors-untold"))
    return no_cards(nvml, host) or found


def _tells_errors(health: Health) -> bool:
    return health.ecc_errors is not None or health.remapping is not None


def _hardware_errors(nvml: Nvml, host: Host, used: tuple[Gpu, ...], *, works: bool) -> Iterator[Problem]:
    """What stands in the log alone may have been mended by a reset since: where CUDA *works*, it is a warning."""
    log = host.kernel_log.xids if host.kernel_log else ()
    for gpu in nvml.gpus:
        dying = [xid for xid in log if xids().get(xid.code, "lost") != "lost" and _of(xid, gpu)]
        ecc = (gpu.health.ecc_errors if gpu.health else None) or 0
        remapping = gpu.health.remapping if gpu.health else None
        counted = bool(ecc) or remapping in ("pending", "failed")
        if not (dying or counted):
            continue
        worn_out = remapping == "failed" or any(xids()[xid.code] == "remap-failed" for xid in dying)
        yield Problem(
            subject=f"gpu:{gpu.index}",
            evidence={
                "gpu": gpu.index,
                "name": gpu.name,
                "ecc": ecc,
                "remapping": remapping,
                "xids": [{"code": xid.code, "kind": xids()[xid.code], "line": xid.line} for xid in dying],
                "replace": worn_out,
                "more": asides(
                    Reason("ecc-errors", {"count": ecc}) if ecc else None,
                    Reason(f"remapping-{remapping}") if remapping in ("pending", "failed") else None,
                    *(Reason("xid-said", {"code": xid.code, "line": xid.line}) for xid in dying[-3:]),
                ),
            },
            at_most=cap(gpu, used) or (Severity.WARNING if works and not counted else None),
            variant="replace" if worn_out else "reset",
        )


def _of(xid: Xid, gpu: Gpu) -> bool:
    return same_bus(xid.bus_id, gpu.bus_id)


LOST = 15  # nvml.h NVML_ERROR_GPU_IS_LOST


def fallen(nvml: Nvml, host: Host | None, smi: NvidiaSmi | None, cuda: CudaDriver | None) -> dict[int, str]:
    """NVML's index of a card that answers no more -> who says so, in his words. What the log alone says may have been cured by a
    restart of the card since: then CUDA works."""
    log = host.kernel_log.xids if host is not None and host.kernel_log else ()
    found: dict[int, str] = {}
    for gpu in nvml.gpus:
        dropped = [xid for xid in log if xids().get(xid.code) == "lost" and _of(xid, gpu)]
        if of_lost(gpu.error):
            found[gpu.index] = f"NVML: {gpu.error}"
        elif dropped and not (cuda is not None and cuda.works):
            found[gpu.index] = f"Xid {dropped[-1].code}{dropped[-1].line}"
    by_smi = {index: line for index, line in lost_by_smi(smi, nvml).items() if _says_lost(line)}
    return {**by_smi, **found}


def of_lost(error: str | None) -> bool:
    return error is not None and error.startswith(f"{LOST}:")


def _says_lost(line: str) -> bool:
    meant = meaning(line)
    return meant is not None and meant.mechanism == "gpu-lost"


def fallen_unlisted(
    host: Host | None, nvml: Nvml, variables: GpuEnvironment | None, cuda: CudaDriver | None
) -> Problem | None:
    """By the kernel's log, where NVML lists no card at all: see ../driver/trouble.py."""
    if host is None:
        return None
    found = explaining(DriverSeen(host=host, nvml=nvml, environment=variables, cuda=cuda), "nvml")
    of_log = found is not None and found.name == "gpu-fallen-off-bus"
    return Problem(subject="driver", evidence=found.evidence, variant="unnamed") if found and of_log else None


@check("RD234", "gpu-fallen-off-bus", Severity.ERROR, pitfall=2, scope=gpu_meant, action=Action.REBOOT)
def gpu_fallen_off_bus(
    nvml: Nvml, host: Host | None, smi: NvidiaSmi | None, variables: GpuEnvironment | None, cuda: CudaDriver | None
) -> Answer:
    """By NVML, by nvidia-smi, whose handle NVML may still have, and by the kernel's log of this boot."""
    meant = of_nvml(nvml.error_code)
    if meant is not None and meant.mechanism == "gpu-lost":
        nobody = {
            "gpu": None,
            "name": None,
            "said": f"NVML: {nvml.error}",
            "container": host.container if host else None,
            "on_host": on_host(host.container if host else None),
        }
        return Problem(subject="driver", evidence=nobody, variant="unnamed")
    by_log = fallen_unlisted(host, nvml, variables, cuda)
    if by_log is not None:
        return by_log
    used, lost = candidates(nvml, variables, cuda), fallen(nvml, host, smi, cuda)
    found = [
        Problem(
            subject=f"gpu:{gpu.index}",
            evidence={
                "gpu": gpu.index,
                "name": gpu.name,
                "said": lost[gpu.index],
                "container": host.container if host else None,
                "on_host": on_host(host.container if host else None),
            },
            at_most=cap(gpu, used),
            variant="card",
        )
        for gpu in nvml.gpus
        if gpu.index in lost
    ]
    if not found and host is None:
        return Unknown(("host",))
    if not found and smi is None and not (cuda is not None and cuda.works):
        return no_cards(nvml, host) or Unknown(("nvidia_smi",))
    return no_cards(nvml, host) or found
