"""RD271 to RD274: was this wheel built for this card and this Python, and does the whole graph get to the GPU?"""

from __future__ import annotations

from retina_doctor.authoring import Action, Answer, Gathered, check
from retina_doctor.model import Inapplicable, Passed, Problem, Reason, Severity, Unknown

from ..advice.compatible import onnxruntime_advice
from ..advice.machine import MachineSeen
from ..combined.asides import asides
from ..combined.no_cards import no_cards
from ..facts.driver import Host, Nvml
from ..facts.inference import Inference
from ..facts.ort_gpu import OrtFiles, OrtRuntime
from ..facts.service_start import Start
from ..facts.source import OwnSource
from ..scopes import gpu_meant
from ..settings import ExpectSettings
from ..versions import dotted
from .libraries import major
from .situation import BROKEN, NO_GPU_BUILD, NO_ONNXRUNTIME, SUBJECT, libraries_come_along, no_provider

CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
HEAVY = (
    "Conv",
    "ConvTranspose",
    "MatMul",
    "Gemm",
    "BatchNormalization",
    "Resize",
    "Upsample",
    "MaxPool",
    "AveragePool",
)
"""Operators in which a detector spends its time. That shapes are computed on the CPU is as it should be."""


OF_TENSORRT = ("libnvinfer", "libnvonnxparser")
"""TensorRT's own libraries. libnvrtc, which begins alike, is CUDA's."""


@check("RD271", "ort-arch-unsupported", Severity.ERROR, pitfall=2, scope=gpu_meant, action=Action.PIP)
def ort_arch_unsupported(files: OrtFiles, machine: MachineSeen, nvml: Nvml, host: Host | None) -> Answer:
    """The GPU code in the wheel's own library, against the compute capability of the card that the service uses."""
    answer = no_provider(files) or (None if machine.gpus else no_cards(nvml, host))
    if answer is not None:
        return answer
    code = files.provider.code if files.provider else None
    if code is None:
        return Unknown(("ort_files",))
    lacking = machine.without(code)
    if lacking is None:
        return Unknown(("nvml",))
    gpu_build, advice = files.gpu, onnxruntime_advice(machine)
    torch = advice["beside_torch"]
    return [
        Problem(
            subject=f"gpu:{gpu.index}",
            evidence={
                **advice,
                "notes": asides(
                    Reason("shares-with-torch", {"torch": torch}) if advice["version"] and torch else None,
                    libraries_come_along(advice),
                ),
                "gpu": gpu.index,
                "name": gpu.name,
                "capability": dotted(gpu.compute_capability),
                "build": f"{gpu_build.name} {gpu_build.version}" if gpu_build else None,
                "arch_list": list(code),
            },
            variant="fits" if advice["version"] else "nothing-fits",
        )
        for gpu in lacking
    ]


@check("RD272", "ort-tensorrt-libs-missing", Severity.NOTE, pitfall=2, scope=gpu_meant, action=Action.PIP)
def ort_tensorrt_libs_missing(files: OrtFiles, runtime: OrtRuntime | None, asking: AskingForTensorRT) -> Answer:
    """Only where somebody installed a TensorRT, or asks for it: every GPU wheel has the provider, and few services do. A session
    that does goes on with CUDA."""
    answer = no_provider(files, runtime)
    if answer is not None:
        return answer
    if files.tensorrt is None:
        return NO_GPU_BUILD
    if files.tensorrt.found is None:
        return Unknown(("ort_files",))
    there = [library for library in files.libraries if library.soname.startswith(OF_TENSORRT)]
    missing = [soname for soname in files.tensorrt.missing if soname.startswith(OF_TENSORRT)]
    if not missing:
        return None
    if not there and not asking.where:
        return Inapplicable(Reason("no-tensorrt"))
    elsewhere = [library.path for library in there if library.soname in missing]
    evidence = {
        "missing": missing,
        "major": major(missing[0]),
        "package": _tensorrt_package(files, major(missing[0]) or 0),
        "there": [library.path for library in there],
        "folders": sorted({path.rpartition("/")[0] for path in elsewhere}),
        "asked": asking.where,
    }
    variant = "elsewhere" if elsewhere else "other-major" if there else "absent"
    return Problem(subject="tensorrt", evidence=evidence, variant=variant)


class AskingForTensorRT(Gathered, frozen=True, kw_only=True):
    """Who may ask for the provider."""

    expected: ExpectSettings
    start: Start | None
    own: OwnSource | None

    @property
    def where(self) -> str | None:
        """A line of the source, the start command, or the settings; None: nobody does."""
        sign = next((one for one in self.own.signs if one.kind == "tensorrt"), None) if self.own is not None else None
        if sign is not None:
            return f"{sign.at.file}:{sign.at.line}"
        command = self.start.command if self.start is not None else None
        if command and "tensorrt" in command.lower():
            return command
        return "expect.provider" if self.expected.provider == "tensorrt" else None


def _tensorrt_package(files: OrtFiles, number: int) -> str:
    """From 10 on there is one for each CUDA major (PyPI: tensorrt-cu12, tensorrt-cu13)."""
    cuda = files.gpu.cuda if files.gpu else None
    return f"tensorrt-cu{cuda[0]}" if cuda and number >= 10 else "tensorrt"


@check("RD273", "ort-wheel-wrong-platform", Severity.ERROR, pitfall=2, action=Action.PIP)
def ort_wheel_wrong_platform(files: OrtFiles, machine: MachineSeen) -> Answer:
    """Its compiled module is for another processor, or bears a name that this Python does not look for."""
    if not files.distributions and not files.folder:
        return NO_ONNXRUNTIME
    if not files.binaries:
        return BROKEN if files.is_broken else Unknown(("ort_files",))
    right = [one for one in files.binaries if one.fits and one.machine in (None, machine.interpreter.machine)]
    if right:
        return None
    wrong = files.binaries[0]
    owner = files.in_force or (files.distributions[0] if files.distributions else None)
    advice = onnxruntime_advice(machine)
    other_machine = wrong.machine is not None and wrong.machine != machine.interpreter.machine
    evidence = {
        **advice,
        "notes": asides(libraries_come_along(advice)),
        "more": asides(Reason("wheel-says", {"tags": list(owner.tags)}) if owner and owner.tags else None),
        "path": wrong.path,
        "file": wrong.path.rsplit("/", 1)[-1],
        "machine": wrong.machine,
        "here": machine.interpreter.machine,
        "python_version": dotted(machine.interpreter.version[:2]),
        "other_machine": other_machine,
        "installed": f"{owner.name} {owner.version}" if owner else None,
        "name": owner.name if owner else "onnxruntime",
        "tags": list(owner.tags) if owner else [],
    }
    if owner is not None and not owner.gpu:
        evidence["requirement"] = f"{owner.name}=={owner.version}"
    variant = "machine" if other_machine else "python"
    return Problem(
        subject=SUBJECT, evidence=evidence, variant=variant if evidence["requirement"] else f"{variant}-nothing-fits"
    )


@check("RD274", "ort-nodes-on-cpu", Severity.WARNING, pitfall=2, scope=gpu_meant, action=Action.EDIT)
def ort_nodes_on_cpu(inference: Inference) -> Answer:
    """The session has CUDA, and yet some of the operators that cost time run on the CPU: the data goes to and fro."""
    if inference.skipped:
        return Inapplicable(Reason(f"smoke-{inference.skipped}"))
    if not inference.nodes or inference.cpu_operators is None:
        return Unknown(("inference",))
    if not inference.nodes.get(CUDA):
        return Inapplicable(Reason("smoke-all-on-cpu"))
    heavy = {name: count for name, count in inference.cpu_operators.items() if name in HEAVY}
    share = None if inference.cpu_share is None else round(inference.cpu_share * 100)
    if not heavy:
        return None if share is None else Passed(Reason("cpu-share", {"share": share}))
    evidence = {
        "model": inference.model,
        "operators": heavy,
        "count": sum(heavy.values()),
        "on_cpu": inference.nodes.get(CPU, 0),
        "on_cuda": inference.nodes[CUDA],
        "share": share,
        "listed": [f"{count} × {name}" for name, count in heavy.items()],
        "more": asides(Reason("share-of-the-time", {"share": share}) if share is not None else None),
    }
    return Problem(subject=f"model:{(inference.model or '').rsplit('/', 1)[-1]}", evidence=evidence)
