"""RD508 to RD510: does the service that runs have the GPU, and does it run what is installed?"""

from __future__ import annotations

import posixpath

from retina_doctor.authoring import Answer, check
from retina_doctor.model import Inapplicable, Passed, Problem, Reason, Severity, Unknown

from ..driver.facts import Nvml
from ..ort_gpu.facts import OrtRuntime
from ..scopes import gpu_meant
from .checks import service_named
from .facts import Ports
from .process_facts import LiveProcess, Processes

NOT_READ = Unknown(missing=("processes",))


def live(processes: Processes) -> LiveProcess | Inapplicable | Unknown:
    """The running service as far as it can be judged."""
    one = processes.service
    if one is None or not one.alive:
        return Inapplicable(Reason("no-service-process"))
    return one if one.readable else NOT_READ


def holds_memory(one: LiveProcess, nvml: Nvml | None) -> bool:
    pids = {process.pid for gpu in nvml.gpus for process in gpu.processes} if nvml and nvml.own_pids else set()
    return bool(pids & set(one.family))


def on_gpu(one: LiveProcess, nvml: Nvml | None) -> bool | None:
    """By its memory on a card, else by what it has loaded; None: it has loaded neither onnxruntime nor torch."""
    if holds_memory(one, nvml) or one.cuda_provider:
        return True
    if one.has("libtorch"):
        return one.has("libcuda.") and bool(one.devices)
    return False if one.onnxruntime else None


def has_detected(ports: Ports | None) -> bool:
    """The service has answered for a picture in this run, so its session is there."""
    return ports is not None and ports.detection is not None and ports.detection.status == 200


@check("RD508", "service-on-cpu", Severity.ERROR, pitfall=2, scope=gpu_meant)
def service_on_cpu(processes: Processes, nvml: Nvml | None, ports: Ports | None) -> Answer:
    """The symptom, at the service itself: its process has nothing of CUDA loaded."""
    one = live(processes)
    if not isinstance(one, LiveProcess):
        return one
    gpu = on_gpu(one, nvml)
    if gpu is None:
        return Inapplicable(Reason("service-without-framework"))
    if gpu:
        memory = holds_memory(one, nvml)
        return Passed(Reason("service-has-memory" if memory else "service-has-cuda", {"pid": one.pid}))
    asked = one.asked_for_cuda if one.onnxruntime else None
    evidence = {"pid": one.pid, "command": one.command, "onnxruntime": one.onnxruntime, "asked": asked}
    # A session that was refused CUDA is a fact; one that never asked may be still to come.
    sure = bool(asked) or has_detected(ports)
    return Problem(
        subject=f"process:{one.pid}",
        evidence={**evidence, "sure": sure},
        at_most=None if sure else Severity.WARNING,
    )


@check("RD509", "ort-provider-not-requested", Severity.ERROR, pitfall=2, scope=gpu_meant)
def ort_provider_not_requested(processes: Processes, runtime: OrtRuntime, ports: Ports | None) -> Answer:
    """CUDA works in the service's own Python, and its process never asked for it."""
    one = live(processes)
    if not isinstance(one, LiveProcess):
        return one
    if not one.onnxruntime:
        return Inapplicable(Reason("service-without-onnxruntime"))
    if one.asked_for_cuda:
        return None
    if not runtime.on_cuda:
        return Inapplicable(Reason("cuda-does-not-work"))
    sure = has_detected(ports)
    evidence = {"pid": one.pid, "command": one.command, "sure": sure}
    return Problem(subject=f"process:{one.pid}", evidence=evidence, at_most=None if sure else Severity.WARNING)


@check("RD510", "service-needs-restart", Severity.WARNING, scope=service_named)
def service_needs_restart(processes: Processes) -> Answer:
    """It runs with library files that the disk no longer has: what was mended since does not reach it."""
    one = live(processes)
    if not isinstance(one, LiveProcess):
        return one
    replaced = [library.path for library in one.libraries if library.replaced]
    if not replaced:
        return None
    names = sorted({posixpath.basename(path) for path in replaced})
    return Problem(
        subject=f"process:{one.pid}",
        evidence={"pid": one.pid, "command": one.command, "files": names[:5], "count": len(names)},
    )
