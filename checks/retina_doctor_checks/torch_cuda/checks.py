"""RD24x: can torch be imported, is it a CUDA build, and has it code for these cards?"""

from __future__ import annotations

from retina_doctor.authoring import Answer, check
from retina_doctor.model import Inapplicable, Interpreter, Outcome, Passed, Problem, Reading, Reason, Severity, Unknown
from retina_doctor.own_checks import evidence_of

from ..driver.facts import GpuEnvironment, Nvml
from ..driver.used_gpu import capabilities, meant
from ..models.facts import Model
from ..scopes import gpu_meant
from ..versions import dotted
from .builds import covers, newest_fitting, usual_arch_list
from .facts import TorchFiles, TorchRuntime

NOT_INSTALLED = Inapplicable(Reason("torch-not-installed"))
CHECKPOINTS = ("torch-zip", "torch-legacy")


def needing(model: Model) -> str | None:
    """Path of a model that only torch can load."""
    return next((file.path for file in model.files if file.content in CHECKPOINTS), None)


def advice(nvml: Nvml | None, environment: GpuEnvironment | None, interpreter: Interpreter | None) -> dict[str, object]:
    """Evidence for a remedy: the torch to install on this machine, and what it was chosen by."""
    cuda = nvml.cuda if nvml else None
    cards = capabilities(nvml, environment) if nvml else ()
    version = newest_fitting(cuda, interpreter.version, cards, interpreter.machine) if interpreter else None
    return {
        "driver_cuda": dotted(cuda),
        "fitting": version,
        "requirement": f"torch=={version}" if version else None,
    }


@check("RD241", "torch-missing", Severity.ERROR, pitfall=2, scope=gpu_meant)
def torch_missing(
    torch: TorchFiles,
    model: Model | None,
    nvml: Nvml | None,
    environment: GpuEnvironment | None,
    interpreter: Interpreter | None,
) -> Answer:
    if torch.installed:
        return None
    if model is None:
        return Unknown(("models",))
    path = needing(model)
    if path is None:
        return Inapplicable(Reason("torch-not-needed"))
    return Problem(subject="torch", evidence={"needed_by": path, **advice(nvml, environment, interpreter)})


@check("RD242", "torch-import-fails", Severity.ERROR, pitfall=2, scope=gpu_meant)
def torch_import_fails(runtime: Reading[TorchRuntime], torch: TorchFiles | None) -> Answer:
    """Speaks for everything that goes wrong while torch is imported and asked for CUDA."""
    if runtime.value is not None:
        return None if runtime.value.installed else NOT_INSTALLED
    if not runtime.recorded.facts.get("installed"):
        return Unknown((runtime.probe,))  # ended before it came to torch
    return Problem(
        subject="torch",
        evidence={
            **evidence_of(runtime),
            "version": (torch.version if torch else None) or runtime.recorded.facts.get("version"),
            "path": torch.path if torch else None,
            "hangs": runtime.outcome is Outcome.TIMED_OUT,
            "imported": runtime.recorded.facts.get("version") is not None,
        },
    )


@check("RD243", "torch-cpu-build", Severity.ERROR, pitfall=2, scope=gpu_meant)
def torch_cpu_build(
    torch: TorchFiles,
    model: Model | None,
    nvml: Nvml | None,
    environment: GpuEnvironment | None,
    interpreter: Interpreter | None,
) -> Answer:
    if not torch.installed:
        return NOT_INSTALLED
    if torch.build is None:
        return Unknown(("torch_files",))
    if torch.build != "cpu":
        return Passed(Reason("torch-build", {"version": torch.version, "cuda": dotted(torch.cuda) or torch.build}))
    path = needing(model) if model else None
    return Problem(
        subject="torch",
        evidence={
            "version": torch.version,
            "path": torch.path,
            "needed_by": path,
            **advice(nvml, environment, interpreter),
        },
        # An ONNX service runs without torch; one that loads a checkpoint does not.
        at_most=Severity.WARNING if model is not None and path is None else None,
    )


@check("RD244", "torch-arch-unsupported", Severity.ERROR, pitfall=2, scope=gpu_meant)
def torch_arch_unsupported(
    torch: TorchFiles,
    nvml: Nvml,
    environment: GpuEnvironment | None,
    runtime: TorchRuntime | None,
    interpreter: Interpreter | None,
) -> Answer:
    if not torch.installed:
        return NOT_INSTALLED
    if torch.build == "cpu":
        return Inapplicable(Reason("torch-is-cpu-build"))
    if not nvml.gpus:
        return Inapplicable(Reason("no-gpu-seen")) if nvml.error_code is None else Unknown(("nvml",))
    arch_list = _arch_list(torch, runtime, interpreter)
    if arch_list is None:
        return Unknown(("torch_runtime",))
    used = meant(nvml, environment)
    lacking = [gpu for gpu in used if gpu.compute_capability and not covers(arch_list, gpu.compute_capability)]
    if not lacking and any(gpu.compute_capability is None for gpu in used):
        return Unknown(("nvml",))
    return [
        Problem(
            subject=f"gpu:{gpu.index}",
            evidence={
                "gpu": gpu.index,
                "name": gpu.name,
                "capability": dotted(gpu.compute_capability),
                "version": torch.version,
                "cuda": dotted(torch.cuda),
                "arch_list": list(arch_list),
                **advice(nvml, environment, interpreter),
            },
        )
        for gpu in lacking
    ]


def _arch_list(
    torch: TorchFiles, runtime: TorchRuntime | None, interpreter: Interpreter | None
) -> tuple[str, ...] | None:
    """What this build says of itself; else what the official wheels of its CUDA version hold."""
    if runtime is not None and runtime.arch_list:
        return runtime.arch_list
    return usual_arch_list(torch.cuda, interpreter.machine) if interpreter else None
