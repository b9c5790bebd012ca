"""RD508 to RD510: does the service that runs have the GPU, and does it run what is installed?"""

from __future__ import annotations

import posixpath

from retina_doctor.authoring import Action, Answer, Scope, check
from retina_doctor.model import Inapplicable, Passed, Problem, Reason, Severity, Unknown
from retina_doctor.settings import Settings

from ..facts.driver import Nvml
from ..facts.ort_gpu import OrtRuntime
from ..facts.service import Ports, Socket
from ..facts.service_process import LiveProcess, Processes
from ..scopes import gpu_meant
from ..settings import ServiceSettings
from .checks import service_named
from .response import wrong_in

NOT_READ = Unknown(missing=("processes",))


def running_on_gpu(settings: Settings) -> Scope:
    """Asked where a service is known, and meant to use the GPU."""
    named = service_named(settings)
    return named if named.inapplicable else gpu_meant(settings)


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


def listening(ports: Ports | None) -> tuple[Socket, ...]:
    return (ports.process.sockets or ()) if ports and ports.process else ()


def has_detected(ports: Ports | None, settings: Settings) -> bool:
    """This very service has answered for a picture in this run as a detector does, so its session is there."""
    if ports is None or ports.detection is None or ports.url is None:
        return False
    its_own = ports.url.port in [socket.port for socket in listening(ports)]
    answered = ports.detection.status == 200 and ports.detection.json
    return its_own and answered and not wrong_in(ports.detection.body, settings.of(ServiceSettings).response)


@check("RD508", "service-on-cpu", Severity.ERROR, pitfall=2, scope=running_on_gpu, action=Action.EDIT)
def service_on_cpu(processes: Processes, nvml: Nvml | None, ports: Ports | None, settings: Settings) -> Answer:
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
    sure = has_detected(ports, settings)  # else its session may be still to come
    evidence = {
        "pid": one.pid,
        "command": one.command,
        "onnxruntime": one.onnxruntime,
        "port": next((socket.port for socket in listening(ports)), None),
    }
    return Problem(
        subject=f"process:{one.pid}",
        evidence={**evidence, "sure": sure},
        at_most=None if sure else Severity.WARNING,
    )


@check("RD509", "ort-provider-not-requested", Severity.ERROR, pitfall=2, scope=running_on_gpu, action=Action.EDIT)
def ort_provider_not_requested(
    processes: Processes, runtime: OrtRuntime, ports: Ports | None, settings: Settings
) -> Answer:
    """A session gets CUDA in the service's Python and surroundings, and its own has not: it did not ask."""
    one = live(processes)
    if not isinstance(one, LiveProcess):
        return one
    if not one.onnxruntime:
        return Inapplicable(Reason("service-without-onnxruntime"))
    if one.cuda_provider:
        return None
    if settings.target.command is not None:
        return Inapplicable(Reason("surroundings-not-the-services"))
    if not runtime.on_cuda:
        return Inapplicable(Reason("cuda-does-not-work"))
    if is_outdated(one):
        return Inapplicable(Reason("service-outdated"))
    sure = has_detected(ports, settings)
    evidence = {"pid": one.pid, "command": one.command, "sure": sure}
    return Problem(subject=f"process:{one.pid}", evidence=evidence, at_most=None if sure else Severity.WARNING)


def is_outdated(one: LiveProcess) -> bool:
    return bool(one.installed_since) or any(library.replaced for library in one.libraries)


@check("RD510", "service-needs-restart", Severity.WARNING, scope=service_named, action=Action.RESTART)
def service_needs_restart(processes: Processes) -> Answer:
    """What was installed or replaced since it was started does not reach it."""
    one = live(processes)
    if not isinstance(one, LiveProcess):
        return one
    if not is_outdated(one):
        return None
    replaced = sorted({posixpath.basename(library.path) for library in one.libraries if library.replaced})
    evidence = {
        "pid": one.pid,
        "command": one.command,
        "files": replaced[:5],
        "count": len(replaced),
        "installed": list(one.installed_since),
    }
    return Problem(subject=f"process:{one.pid}", evidence=evidence)
