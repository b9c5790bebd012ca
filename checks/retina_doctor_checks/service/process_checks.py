"""RD508 to RD510: does the service that runs have the GPU, and does it run what is installed?"""

import posixpath

from retina_doctor.authoring import Action, Answer, Gathered, Scope, check
from retina_doctor.model import Inapplicable, Passed, Problem, Reason, Severity, Target, Unknown
from retina_doctor.settings import Settings

from ..combined.asides import asides
from ..combined.starting import StartKnown
from ..facts.driver import Nvml
from ..facts.inference import Inference
from ..facts.ort_gpu import OrtRuntime
from ..facts.service import Ports, Socket
from ..facts.service_log import OwnLog
from ..facts.service_process import LiveProcess, Processes
from ..scopes import gpu_meant
from ..settings import ServiceSettings
from .checks import service_named
from .response import wrong_in

NOT_READ = Unknown(missing=("processes",))


class Live(Gathered, frozen=True, kw_only=True):
    """The running service, and what can show where it computes."""

    processes: Processes
    nvml: Nvml | None
    ports: Ports | None
    inference: Inference | None
    log: OwnLog | None


def running_on_gpu(settings: Settings) -> Scope:
    """Asked where a service is known, and meant to use the GPU."""
    named = service_named(settings)
    return named if named.inapplicable else gpu_meant(settings)


def fell_back(one: LiveProcess, log: OwnLog | None) -> tuple[str, ...]:
    """What its log says of going on without CUDA; the process told it itself before version 0.3."""
    return one.fell_back + tuple(line for each in (log.logs if log else ()) for line in each.fell_back)


def live(processes: Processes) -> LiveProcess | Inapplicable | Unknown:
    """The running service as far as it can be judged."""
    one = processes.service
    if one is None or not one.alive:
        return Inapplicable(Reason("no-service-process"))
    return one if one.readable else NOT_READ


def holds_memory(one: LiveProcess, nvml: Nvml | None) -> bool:
    pids = {process.pid for gpu in nvml.gpus for process in gpu.processes} if nvml and nvml.own_pids else set()
    return bool(pids & set(one.family))


def tells_of_processes(nvml: Nvml | None) -> bool:
    """Whether a process that NVML does not list has no CUDA context: it counts them as this namespace does, and every card
    was asked. A card that is divided lists none of its instances'."""
    return nvml is not None and nvml.own_pids and bool(nvml.gpus) and not any(gpu.error or gpu.mig for gpu in nvml.gpus)


def on_gpu(one: LiveProcess, seen: Live) -> Reason | bool | None:
    """What shows that it uses a card; False: it does not; None: nothing decides it.

    A library that is mapped shows that it was tried: onnxruntime leaves its CUDA provider loaded when it goes on with the CPU.
    """
    pid: dict[str, object] = {"pid": one.pid}
    if holds_memory(one, seen.nvml):
        return Reason("service-has-memory", pid)
    provider = one.cuda_provider if one.onnxruntime else one.has("libcuda.")
    wsl = any(device == "/dev/dxg" for device in one.devices)
    if not provider or fell_back(one, seen.log) or (tells_of_processes(seen.nvml) and not wsl):
        return False
    if one.devices:
        return Reason("service-has-devices", pid)
    if one.devices_told:
        return False
    fast = faster_than_cpu(seen)
    return Reason("service-faster-than-cpu", {**pid, **fast}) if fast else None


def faster_than_cpu(seen: Live) -> dict[str, object] | None:
    """It has answered for a picture in less than half the time that its model alone takes on this machine's CPU."""
    detection, inference = (seen.ports.detection if seen.ports else None), seen.inference
    if detection is None or detection.seconds is None or detection.status != 200 or inference is None:
        return None
    cpu = inference.cpu_median if inference.on_cuda else inference.median
    if cpu is None or detection.seconds * 2 > cpu:
        return None
    return {"seconds": f"{detection.seconds:.2f}", "cpu": f"{cpu:.2f}"}


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
def service_on_cpu(seen: Live, settings: Settings, known: StartKnown) -> Answer:
    """The symptom, at the service itself: nothing shows that its process uses a card, and something that it does not."""
    one, ports = live(seen.processes), seen.ports
    if not isinstance(one, LiveProcess):
        return one
    if not one.onnxruntime and not one.has("libtorch"):
        return Inapplicable(Reason("service-without-framework"))
    gpu = on_gpu(one, seen)
    if gpu is None:
        return Unknown(("nvml",) if seen.nvml is None or not seen.nvml.own_pids else ("processes",))
    if isinstance(gpu, Reason):
        return Passed(gpu)
    tried = one.cuda_provider if one.onnxruntime else one.has("libcuda.")
    said = fell_back(one, seen.log)
    sure = has_detected(ports, settings) or bool(said)  # else its session may be still to come
    port = next((socket.port for socket in listening(ports)), None)
    later = Reason("session-on-cpu-unless-later") if one.onnxruntime else Reason("model-on-cpu-unless-later")
    evidence = {
        "pid": one.pid,
        "command": one.command,
        "onnxruntime": one.onnxruntime,
        "tried": tried,
        "said": said[-1] if said else None,
        "port": port,
        "log": asides(Reason("log-says", {"line": said[-1]}) if said else None),
        "certainty": asides(Reason("picture-was-on-cpu") if sure else later),
        "ask": asides(Reason("post-a-picture", {"port": port}) if port and not sure else None),
    }
    return Problem(
        subject=f"process:{one.pid}",
        evidence={**evidence, "sure": sure, "folder": one.working_directory, **known.again()},
        at_most=None if sure else Severity.WARNING,
        variant="tried" if tried else "onnxruntime" if one.onnxruntime else "torch",
        action=Action.RESTART if tried else None,
    )


@check("RD509", "ort-provider-not-requested", Severity.ERROR, pitfall=2, scope=running_on_gpu, action=Action.EDIT)
def ort_provider_not_requested(
    processes: Processes, runtime: OrtRuntime, ports: Ports | None, settings: Settings, known: StartKnown
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
    certainty = Reason("session-without-cuda") if sure else Reason("session-without-cuda-unless-later")
    evidence = {
        "pid": one.pid,
        "command": one.command,
        "sure": sure,
        "certainty": asides(certainty),
        "folder": one.working_directory,
        **known.again(),
    }
    return Problem(subject=f"process:{one.pid}", evidence=evidence, at_most=None if sure else Severity.WARNING)


def is_outdated(one: LiveProcess) -> bool:
    return bool(one.installed_since) or any(library.replaced for library in one.libraries)


@check("RD510", "service-needs-restart", Severity.ERROR, scope=service_named, action=Action.RESTART)
def service_needs_restart(processes: Processes, target: Target, known: StartKnown) -> Answer:
    """What was installed or replaced since it was started does not reach it. A warning: it still runs, with what it has loaded;
    where its interpreter is gone (RD005) it does not start again."""
    if target.problem in ("gone", "replaced"):
        return Inapplicable(Reason("service-without-its-python"))
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
        "since": asides(
            Reason("installed-since-start", {"names": list(one.installed_since)}) if one.installed_since else None,
            Reason("files-replaced", {"count": len(replaced), "files": replaced[:5] + ["…"] * (len(replaced) > 5)})
            if replaced
            else None,
        ),
        **known.again(),
    }
    return Problem(subject=f"process:{one.pid}", evidence=evidence, at_most=Severity.WARNING)
