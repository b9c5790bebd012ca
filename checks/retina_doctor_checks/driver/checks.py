"""RD20x, RD21x: is there an NVIDIA GPU, and is its driver there, loaded, whole and in the target's reach?

Which of these it is, trouble.py decides from all that was seen; so each check takes all of it.
"""

from __future__ import annotations

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Passed, Problem, Reason, Severity, Unknown

from ..combined.driver_seen import DriverSeen
from ..combined.no_cards import NO_GPU
from ..combined.visible_gpus import hides
from ..facts.driver import CudaDriver, GpuEnvironment, Host, Nvml
from ..scopes import gpu_meant
from ..versions import dotted
from .judging import about
from .library_rungs import library_version, version_of

ERROR = Severity.ERROR
NVML, CUDA = "nvml", "cuda_driver"  # probes


@check("RD201", "no-nvidia-gpu", ERROR, pitfall=2, scope=gpu_meant, action=Action.MACHINE)
def no_nvidia_gpu(host: Host, nvml: Nvml | None) -> Answer:
    seen = DriverSeen(host=host, nvml=nvml)
    if seen.card is None:
        return Unknown(("host",))
    if seen.card:
        return Passed(Reason("gpus-seen", _listed(nvml))) if nvml is not None and nvml.gpus else None
    variant = "wsl" if host.wsl else "container" if host.container else "machine"
    return Problem(subject="gpu", evidence=seen.shown(), variant=variant)


def _listed(nvml: Nvml) -> dict[str, object]:
    cuda = dotted(nvml.cuda)
    return {
        "gpus": ", ".join(f"{gpu.index}: {gpu.name or 'NVIDIA GPU'}" for gpu in nvml.gpus),
        "driver": nvml.driver,
        "cuda": cuda,
    }


def _without_nvml(seen: DriverSeen) -> tuple[str, ...]:
    return (NVML,) if seen.nvml is None else ()


def _module_unknown(seen: DriverSeen) -> tuple[str, ...]:
    """Where the kernel hides its modules, NVML's word is needed."""
    return () if seen.nvml or seen.host.nvidia_loaded is not None or seen.host.wsl else (NVML,)


@check("RD202", "driver-not-installed", ERROR, pitfall=2, scope=gpu_meant, action=Action.ROOT)
def driver_not_installed(seen: DriverSeen) -> Answer:
    return about("driver-not-installed", seen, missing=_module_unknown(seen))


@check("RD203", "driver-module-not-loaded", ERROR, pitfall=2, scope=gpu_meant, action=Action.ROOT)
def driver_module_not_loaded(seen: DriverSeen) -> Answer:
    return about("driver-module-not-loaded", seen, missing=_module_unknown(seen))


@check("RD204", "driver-library-mismatch", ERROR, pitfall=2, scope=gpu_meant, action=Action.REBOOT)
def driver_library_mismatch(seen: DriverSeen) -> Answer:
    """By NVML's own word; by the releases of library and module; or by CUDA's error 803, where libcuda is of another release."""
    missing: list[str] = []
    if seen.nvml is None and None in (seen.host.loaded_version, library_version(seen.host)):
        missing.append(NVML)
    if seen.cuda is None and not seen.compat and not seen.host.wsl and _may_be_anothers(seen):
        missing.append(CUDA)
    return about("driver-library-mismatch", seen, missing=tuple(missing))


def _may_be_anothers(seen: DriverSeen) -> bool:
    """By its name libcuda is of another release than the module, or of none; or it is not known which one is loaded."""
    if seen.libcuda is None:
        return seen.environment is None
    return version_of(seen.libcuda) != seen.host.loaded_version


@check("RD206", "nvml-library-not-found", ERROR, pitfall=2, scope=gpu_meant, action=Action.ROOT)
def nvml_library_not_found(seen: DriverSeen) -> Answer:
    return about("nvml-library-not-found", seen, missing=_without_nvml(seen))


@check("RD209", "cuda-visible-devices-hides-gpu", ERROR, pitfall=2, scope=gpu_meant, action=Action.EDIT)
def cuda_visible_devices_hides_gpu(
    variables: GpuEnvironment, nvml: Nvml | None, host: Host | None, cuda: CudaDriver | None
) -> Answer:
    """By NVML's list of cards and instances, which need not be CUDA's; where CUDA itself shows one, nothing is hidden."""
    if cuda is not None and cuda.works:
        return None
    if host is not None and DriverSeen(host=host, nvml=nvml).card is False:
        return NO_GPU
    evidence, known = hides(variables, nvml)
    if evidence is not None:
        why = "container" if evidence["variable"] == "NVIDIA_VISIBLE_DEVICES" else str(evidence["why"])
        return Problem(subject=str(evidence["variable"]), evidence=evidence, variant=why)
    return None if known else Unknown((NVML,))


@check("RD210", "driver-blocked-by-secure-boot", ERROR, pitfall=2, scope=gpu_meant, action=Action.ROOT)
def driver_blocked_by_secure_boot(seen: DriverSeen) -> Answer:
    return about("driver-blocked-by-secure-boot", seen, missing=_module_unknown(seen))


@check("RD211", "driver-state-lost", ERROR, pitfall=2, scope=gpu_meant, action=Action.ROOT)
def driver_state_lost(seen: DriverSeen, cuda: CudaDriver) -> Answer:
    lost = seen.nvml is not None and any(gpu.error for gpu in seen.nvml.gpus)
    missing = ("gpu_environment",) if lost and seen.environment is None else _without_nvml(seen)
    return None if cuda.works else about("driver-state-lost", seen, missing=missing)


@check("RD212", "fabric-manager-not-running", ERROR, pitfall=2, scope=gpu_meant, action=Action.ROOT)
def fabric_manager_not_running(seen: DriverSeen, cuda: CudaDriver) -> Answer:
    return None if cuda.works else about("fabric-manager-not-running", seen)


@check("RD214", "mig-device-not-selected", ERROR, pitfall=2, scope=gpu_meant, action=Action.EDIT)
def mig_device_not_selected(seen: DriverSeen) -> Answer:
    divided = seen.nvml is not None and any(gpu.mig and gpu.mig_devices for gpu in seen.nvml.gpus)
    missing = (CUDA,) if divided and seen.cuda is None else _without_nvml(seen)
    one_of_them = seen.nvml is not None and len({gpu.mig for gpu in seen.nvml.gpus}) > 1
    if one_of_them and seen.environment is None and not seen.cuda_works:
        missing = ("gpu_environment",)  # which of them the variable leaves
    return about("mig-device-not-selected", seen, missing=missing)


@check("RD215", "wsl-wrong-libcuda", ERROR, pitfall=2, scope=gpu_meant, action=Action.ROOT)
def wsl_wrong_libcuda(seen: DriverSeen) -> Answer:
    untold = seen.host.wsl and seen.libcuda is None and seen.cuda is None
    return about("wsl-wrong-libcuda", seen, missing=(CUDA,) if untold else ())


@check("RD216", "cuda-stub-library", ERROR, pitfall=2, scope=gpu_meant, action=Action.EDIT)
def cuda_stub_library(seen: DriverSeen) -> Answer:
    """A driver's own libcuda is named after its release; without that only CUDA can tell."""
    told = seen.cuda is not None or version_of(seen.libcuda) is not None
    return about("cuda-stub-library", seen, missing=() if told else (CUDA,))


@check("RD232", "driver-dropped-gpu", ERROR, pitfall=2, scope=gpu_meant, action=Action.ROOT)
def driver_dropped_gpu(seen: DriverSeen) -> Answer:
    return about("driver-dropped-gpu", seen, missing=_without_nvml(seen))


@check("RD233", "gpu-adapter-init-failed", ERROR, pitfall=2, scope=gpu_meant, action=Action.MACHINE)
def gpu_adapter_init_failed(seen: DriverSeen) -> Answer:
    return about("gpu-adapter-init-failed", seen, missing=_without_nvml(seen))


@check("RD235", "cuda-mps-not-running", ERROR, pitfall=2, scope=gpu_meant, action=Action.ROOT)
def cuda_mps_not_running(seen: DriverSeen, cuda: CudaDriver) -> Answer:
    return None if cuda.works else about("cuda-mps-not-running", seen)
