"""RD20x: is there an NVIDIA GPU, does its driver answer, and is it new enough for what is installed?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from retina_doctor.authoring import Answer, check
from retina_doctor.model import Inapplicable, Interpreter, Outcome, Passed, Problem, Reading, Reason, Severity, Unknown
from retina_doctor.own_checks import evidence_of

from ..ort_gpu import builds as ort_builds
from ..ort_gpu.facts import OrtFiles
from ..scopes import gpu_meant
from ..torch_cuda import builds as torch_builds
from ..torch_cuda.facts import TorchFiles
from ..versions import dotted
from . import state
from .drivers import last_branch, least_driver
from .facts import Gpu, GpuEnvironment, Host, NvidiaSmi, Nvml
from .used_gpu import capabilities
from .visible import hidden

NO_GPU = Inapplicable(Reason("no-gpu-seen"))


@check("RD201", "no-nvidia-gpu", Severity.ERROR, pitfall=2, scope=gpu_meant)
def no_nvidia_gpu(host: Host, nvml: Nvml | None) -> Answer:
    seen = state.card(host, nvml)
    if seen is None:
        return Unknown(("host",))
    if seen:
        return Passed(Reason("gpus-seen", _seen(nvml))) if nvml is not None and nvml.gpus else None
    return Problem(
        subject="gpu",
        evidence={
            "container": host.container,
            "wsl": host.wsl,
            "kernel": host.kernel,
            "module_loaded": host.nvidia_loaded,
        },
    )


def _seen(nvml: Nvml) -> dict[str, object]:
    cuda = dotted(nvml.cuda)
    return {"gpus": ", ".join(f"{gpu.index}: {gpu.name}" for gpu in nvml.gpus), "driver": nvml.driver, "cuda": cuda}


@check("RD202", "driver-not-installed", Severity.ERROR, pitfall=2, scope=gpu_meant)
def driver_not_installed(host: Host, nvml: Nvml | None) -> Answer:
    evidence = state.not_installed(host, nvml)
    return Problem(subject="driver", evidence=evidence) if evidence else _otherwise(host, nvml)


def _otherwise(host: Host, nvml: Nvml | None) -> Answer:
    """Where no trouble of the driver was found: is that because all is well?"""
    if state.answers(nvml):
        return None
    seen = state.card(host, nvml)
    if seen is None:
        return Unknown(("host",))
    if not seen:
        return NO_GPU
    if state.is_integrated(host):
        return Inapplicable(Reason("integrated-gpu"))
    return None if host.nvidia_loaded is not None or host.wsl else Unknown(("host",))


@check("RD203", "driver-module-not-loaded", Severity.ERROR, pitfall=2, scope=gpu_meant)
def driver_module_not_loaded(host: Host, nvml: Nvml | None) -> Answer:
    evidence = state.module_not_loaded(host, nvml)
    return Problem(subject="driver", evidence=evidence) if evidence else _otherwise(host, nvml)


@check("RD204", "driver-library-mismatch", Severity.ERROR, pitfall=2, scope=gpu_meant)
def driver_library_mismatch(host: Host, nvml: Nvml | None) -> Answer:
    evidence = state.library_mismatch(host, nvml)
    if evidence:
        return Problem(subject="driver", evidence=evidence)
    if nvml is None and None in (host.loaded_version, state.library_version(host)):
        return NO_GPU if state.card(host, nvml) is False else Unknown(("nvml",))
    return _otherwise(host, nvml)


@check("RD206", "nvml-library-not-found", Severity.ERROR, pitfall=2, scope=gpu_meant)
def nvml_library_not_found(host: Host, nvml: Nvml) -> Answer:
    evidence = state.library_not_found(host, nvml)
    return Problem(subject="driver", evidence=evidence) if evidence else _otherwise(host, nvml)


@check("RD207", "nvidia-smi-hangs", Severity.ERROR, pitfall=2, scope=gpu_meant)
def nvidia_smi_hangs(smi: Reading[NvidiaSmi]) -> Answer:
    if smi.value is not None:
        return Inapplicable(Reason("nvidia-smi-not-there")) if smi.value.path is None else None
    path = smi.recorded.facts.get("path")
    if smi.outcome is not Outcome.TIMED_OUT or not isinstance(path, str):
        return Unknown((smi.probe,))
    return Problem(subject="driver", evidence={"path": path, "seconds": smi.recorded.seconds})


@check("RD208", "nvml-fails", Severity.ERROR, pitfall=2, scope=gpu_meant)
def nvml_fails(nvml: Reading[Nvml], host: Host | None) -> Answer:
    """Whatever NVML says or does not say that none of the other checks explains."""
    if nvml.value is None:
        nothing: dict[str, object] = {"code": None, "error": None, "cards": [], "gpu": None}
        return Problem(subject="driver", evidence={**evidence_of(nvml), **nothing})
    if nvml.value.error_code is None and nvml.value.gpus:
        return [_failing(nvml, gpu) for gpu in nvml.value.gpus if gpu.error is not None]
    name = state.explanation(host, nvml.value)
    if name is not None:
        return Inapplicable(Reason("explained-by", {"name": name}))
    if host is not None and state.is_integrated(host):
        return Inapplicable(Reason("integrated-gpu"))
    return _failing(nvml, None, host)


def _failing(nvml: Reading[Nvml], gpu: Gpu | None, host: Host | None = None) -> Problem:
    assert nvml.value is not None
    return Problem(
        subject=f"gpu:{gpu.index}" if gpu else "driver",
        evidence={
            **evidence_of(nvml),
            "code": None if gpu else nvml.value.error_code,
            "error": gpu.error if gpu else nvml.value.error,
            "cards": [one.address for one in (host.pci_gpus if host else None) or ()],
            "gpu": gpu.index if gpu else None,
        },
    )


@check("RD209", "cuda-visible-devices-hides-gpu", Severity.ERROR, pitfall=2, scope=gpu_meant)
def cuda_visible_devices_hides_gpu(environment: GpuEnvironment, nvml: Nvml | None, host: Host | None) -> Answer:
    if host is not None and state.card(host, nvml) is False:
        return NO_GPU
    gpus = nvml.gpus if nvml is not None and nvml.error_code is None else None
    value = environment.cuda_visible_devices
    why = hidden(value, gpus or None)
    if why is not None and why != "unknown":
        return _hides("CUDA_VISIBLE_DEVICES", value, why, gpus)
    if environment.nvidia_visible_devices == "none" and not gpus:
        return Unknown(("nvml",)) if gpus is None else _hides("NVIDIA_VISIBLE_DEVICES", "none", "none", gpus)
    return Unknown(("nvml",)) if why == "unknown" else None


def _hides(variable: str, value: str | None, why: str, gpus: tuple[Gpu, ...] | None) -> Problem:
    there = [{"index": gpu.index, "name": gpu.name, "uuid": gpu.uuid} for gpu in gpus or ()]
    return Problem(subject=variable, evidence={"variable": variable, "value": value, "why": why, "gpus": there})


@dataclass(frozen=True, kw_only=True)
class Framework:
    """An installed build. *fitting*: the newest version of the same package that this driver starts and the cards run.

    *has_code*: it holds code for every card that it must fit; None: not known. Without, no driver helps.
    """

    name: str
    version: str
    cuda: tuple[int, int]
    fitting: str | None
    has_code: bool | None


@check("RD205", "driver-too-old", Severity.ERROR, pitfall=2, scope=gpu_meant)
def driver_too_old(
    nvml: Nvml,
    environment: GpuEnvironment | None,
    host: Host | None,
    ort: OrtFiles | None,
    torch: TorchFiles | None,
    interpreter: Interpreter | None,
) -> Answer:
    if nvml.cuda is None:
        # Without a driver that answers there is none to be too old; only what NVML itself cannot say is unknown.
        nothing = host is not None and state.explanation(host, nvml) in ("no-nvidia-gpu", "driver-not-installed")
        return NO_GPU if nothing else Unknown(("nvml",))
    cards = capabilities(nvml, environment)
    problems = [
        _too_old(nvml.driver, nvml.cuda, cards, one)
        for one in _frameworks(nvml.cuda, cards, ort, torch, interpreter)
        if one.cuda[0] > nvml.cuda[0]
    ]
    if problems:
        return problems
    missing = _untold(ort, torch)
    return Unknown(missing) if missing else None


def _frameworks(
    driver_cuda: tuple[int, int],
    cards: tuple[tuple[int, int], ...],
    ort: OrtFiles | None,
    torch: TorchFiles | None,
    interpreter: Interpreter | None,
) -> Iterator[Framework]:
    fitting: str | None = None
    installed = ort.in_force if ort else None
    if installed is not None and installed.cuda is not None:
        if interpreter is not None:
            card = cards[0] if cards else None
            fitting = ort_builds.newest_fitting(
                driver_cuda, interpreter.version, card, interpreter.machine, others=cards[1:]
            )
        build = next((one for one in ort_builds.builds() if one.version == installed.version), None)
        yield Framework(
            name=installed.name,
            version=installed.version,
            cuda=installed.cuda,
            fitting=fitting,
            has_code=all(map(build.runs_on, cards)) if build and cards else None,
        )
    if torch is not None and torch.cuda is not None:
        arch_list = None
        if interpreter is not None:
            fitting = torch_builds.newest_fitting(driver_cuda, interpreter.version, cards, interpreter.machine)
            arch_list = torch_builds.usual_arch_list(torch.cuda, interpreter.machine)
        yield Framework(
            name="torch",
            version=torch.version or "",
            cuda=torch.cuda,
            fitting=fitting,
            has_code=all(torch_builds.covers(arch_list, card) for card in cards) if arch_list and cards else None,
        )


def _untold(ort: OrtFiles | None, torch: TorchFiles | None) -> tuple[str, ...]:
    """Probes that did not tell which CUDA an installed framework is built for."""
    installed = ort.in_force if ort else None
    missing = []
    if (
        ort is None
        or (installed is None and (ort.distributions or ort.folder))
        or (installed is not None and installed.gpu and installed.cuda is None)
    ):
        missing.append("ort_files")
    if torch is None or (torch.build == "cuda" and torch.cuda is None):
        missing.append("torch_files")
    return tuple(missing)


def _too_old(
    driver: str | None, driver_cuda: tuple[int, int], cards: tuple[tuple[int, int], ...], framework: Framework
) -> Problem:
    ends = [end for end in map(last_branch, cards) if end and end[1] < framework.cuda[0]]
    return Problem(
        subject=f"{framework.name} {framework.version}",
        evidence={
            "driver": driver,
            "driver_cuda": dotted(driver_cuda),
            "framework": framework.name,
            "version": framework.version,
            "needed_cuda": dotted(framework.cuda),
            "needed_major": framework.cuda[0],
            "least_driver": least_driver(framework.cuda[0]),
            # The card's last driver branch, where even that is too old: then only another build helps.
            "last_branch": min(ends)[0] if ends else None,
            "has_code": framework.has_code,
            "fitting": framework.fitting,
            "requirement": f"{framework.name}=={framework.fitting}" if framework.fitting else None,
        },
    )
