"""RD22x, RD230: was the container given the GPU, whole, and can this machine give it to one?

What a container lacks, ../driver/trouble.py decides from all that was seen of card and driver.
"""

from __future__ import annotations

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Inapplicable, Interpreter, Problem, Reason, Severity, Unknown

from ..combined.asides import asides
from ..combined.driver_seen import DriverSeen
from ..combined.no_cards import NO_GPU
from ..driver.container_rungs import capabilities_lacking
from ..driver.judging import about
from ..facts.container import Container, ContainerHost
from ..facts.driver import Host, Nvml
from ..facts.ort_gpu import OrtFiles
from ..facts.torch_cuda import TorchFiles
from ..scopes import gpu_meant
from ..versions import dotted

ERROR = Severity.ERROR
NO_CONTAINER = Inapplicable(Reason("no-container"))
NO_ENGINE = Inapplicable(Reason("no-container-engine"))
SMALL_SHM = 64 * 1024**2
"""Docker's default for /dev/shm in bytes (docs.docker.com, docker run --shm-size)."""
FULL_SHM = 1024**2
FIRST_COMPOSE_WITH_GPUS = (1, 28)
"""docs.docker.com/compose/gpu-support: device reservations since 1.28.0."""


@check("RD221", "container-started-without-gpu", ERROR, pitfall=2, scope=gpu_meant, action=Action.PROVIDER)
def container_started_without_gpu(seen: DriverSeen) -> Answer:
    return about("container-started-without-gpu", seen)


@check("RD222", "container-toolkit-missing", ERROR, pitfall=2, scope=gpu_meant, action=Action.ROOT)
def container_toolkit_missing(
    engine: ContainerHost, host: Host, nvml: Nvml, ort: OrtFiles | None, torch: TorchFiles | None
) -> Answer:
    """The card works here, containers are started here, and nothing would give them the card."""
    if not engine.engines or host.container is not None:
        return NO_ENGINE
    if not nvml.gpus:
        return NO_GPU
    if engine.toolkit or engine.cdi:
        return None
    evidence = {"engines": list(engine.engines), "driver": nvml.driver}
    return Problem(subject="host", evidence=evidence, at_most=_beside_a_service(ort, torch))


def _beside_a_service(ort: OrtFiles | None, torch: TorchFiles | None) -> Severity | None:
    """Where the target can detect faces without a container, containers are a side matter."""
    installed = (ort is not None and ort.distributions) or (torch is not None and torch.installed)
    return Severity.NOTE if installed else None


@check("RD223", "container-runtime-not-nvidia", ERROR, pitfall=2, scope=gpu_meant, action=Action.ROOT)
def container_runtime_not_nvidia(seen: DriverSeen, engine: ContainerHost | None) -> Answer:
    """In a pod: it was given a GPU by name, and none is there. On a node: the toolkit is installed, and no engine knows it."""
    if seen.host.container is not None or not seen.card:
        missing = ("gpu_environment",) if seen.environment is None else ()
        return about("container-runtime-not-nvidia", seen, missing=missing, variant="pod")
    if engine is None:
        return Unknown(("container_host",))
    if not engine.kubelet or not (engine.toolkit or engine.cdi):
        return Inapplicable(Reason("no-kubernetes"))
    used = [one for one in engine.configurations if one.engine != "docker"] or list(engine.configurations)
    runtimes = sorted({name for one in used for name in one.runtimes})
    if any("nvidia" in name for name in runtimes):
        return None
    if engine.cdi:
        return Inapplicable(Reason("cdi-in-use"))
    if not used or engine.unreadable:
        return Unknown(("container_host",))
    kind = next((name for name in ("k3s", "rke2", "microk8s") if f"/{name}/" in used[-1].path), None)
    evidence = {
        **seen.shown(),
        "more": asides(Reason("has-runtimes", {"names": runtimes}) if runtimes else Reason("has-no-runtime")),
        "place": "node",
        "runtimes": runtimes,
        "configurations": [one.path for one in used],
        "engine": used[-1].engine,
        "kind": kind,
        "visible_devices": None,
        "driver": None,
    }
    return Problem(subject="host", evidence=evidence, variant=f"node-{kind}" if kind else "node")


@check("RD224", "container-gpu-access-lost", ERROR, pitfall=2, scope=gpu_meant, action=Action.RESTART)
def container_gpu_access_lost(seen: DriverSeen) -> Answer:
    return about("container-gpu-access-lost", seen)


@check("RD225", "container-device-node-missing", ERROR, pitfall=2, scope=gpu_meant, action=Action.ROOT)
def container_device_node_missing(seen: DriverSeen) -> Answer:
    return about("container-device-node-missing", seen)


@check("RD226", "container-driver-capabilities", ERROR, pitfall=2, scope=gpu_meant, action=Action.PROVIDER)
def container_driver_capabilities(seen: DriverSeen) -> Answer:
    """Without libcuda nothing computes; without NVML only those who watch the card are blind."""
    lacking = (capabilities_lacking(seen) or {}).get("lacking")
    return about("container-driver-capabilities", seen, at_most=Severity.WARNING if lacking == ["utility"] else None)


@check("RD227", "container-compat-libraries", ERROR, pitfall=2, scope=gpu_meant, action=Action.EDIT)
def container_compat_libraries(seen: DriverSeen) -> Answer:
    """They are meant for some cards and drivers, so where they are in use only CUDA can tell whether they work."""
    untold = seen.cuda is None and (seen.environment is None or seen.compat)
    return about("container-compat-libraries", seen, missing=("cuda_driver",) if untold else ())


@check("RD228", "container-shm-too-small", ERROR, pitfall=2, action=Action.PROVIDER)
def container_shm_too_small(container: Container, interpreter: Interpreter, torch: TorchFiles | None) -> Answer:
    """Full: whoever needs it dies of SIGBUS. As small as Docker makes it: torch's worker processes may fill it."""
    if interpreter.container is None:
        return NO_CONTAINER
    if container.shm_total is None or container.shm_free is None:
        return Unknown(("container",))
    full = container.shm_free < FULL_SHM
    if not full:
        if container.shm_total > SMALL_SHM:
            return None
        if torch is None:
            return Unknown(("torch_files",))
        if not torch.installed:
            return None
    evidence = {"total": container.shm_total, "free": container.shm_free, "full": full, "kind": interpreter.container}
    at_most, variant = (None, "full") if full else (Severity.NOTE, "small")
    variant += "-pod" if interpreter.container == "kubernetes" else ""
    return Problem(subject="shm", evidence=evidence, at_most=at_most, variant=variant)


@check("RD229", "compose-too-old-for-gpu", ERROR, pitfall=2, scope=gpu_meant, action=Action.ROOT)
def compose_too_old_for_gpu(
    engine: ContainerHost, host: Host, nvml: Nvml | None, ort: OrtFiles | None, torch: TorchFiles | None
) -> Answer:
    if engine.compose is None or host.container is not None:
        return Inapplicable(Reason("no-compose"))
    if not DriverSeen(host=host, nvml=nvml).card:
        return NO_GPU
    if engine.compose.plugin:
        return None
    if engine.compose.version is None:
        return Unknown(("container_host",))
    if engine.compose.version >= FIRST_COMPOSE_WITH_GPUS:
        return None
    evidence = {"path": engine.compose.path, "version": dotted(engine.compose.version), "least": "1.28.0"}
    return Problem(subject="host", evidence=evidence, at_most=_beside_a_service(ort, torch))


@check("RD230", "gpu-device-not-permitted", ERROR, pitfall=2, scope=gpu_meant, action=Action.ROOT)
def gpu_device_not_permitted(seen: DriverSeen) -> Answer:
    return about("gpu-device-not-permitted", seen)
