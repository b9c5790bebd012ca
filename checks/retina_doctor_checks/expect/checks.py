"""RD7xx: this machine is what the operator said it is to be ([expect] in the settings)."""

from __future__ import annotations

from retina_doctor.authoring import Action, Answer, Scope, check
from retina_doctor.codec import replace
from retina_doctor.model import Passed, Problem, Reason, Severity, Unknown
from retina_doctor.settings import Settings

from ..combined.used_gpus import candidates
from ..facts.driver import CudaDriver, GpuEnvironment, Nvml
from ..facts.inference import Inference
from ..facts.models import Model
from ..settings import RANGE, ExpectSettings

MIB = 1024**2
PROVIDERS = {"cuda": "CUDAExecutionProvider", "tensorrt": "TensorrtExecutionProvider", "cpu": "CPUExecutionProvider"}
NOT_EXPECTED = Scope(inapplicable=Reason("not-expected"))


class Expected:
    """The scope of a check: it applies where the operator said something of *key*."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __call__(self, settings: Settings) -> Scope:
        return Scope() if getattr(settings.of(ExpectSettings), self.key) is not None else NOT_EXPECTED


def differs(subject: str, expected: object, found: object, **more: object) -> Problem:
    return Problem(subject=subject, evidence={"expected": expected, "found": found, **more})


@check("RD701", "gpu-count-unexpected", Severity.ERROR, scope=Expected("gpus"), action=Action.MACHINE)
def gpu_count_unexpected(expect: ExpectSettings, nvml: Nvml) -> Answer:
    return None if len(nvml.gpus) == expect.gpus else differs("gpus", expect.gpus, len(nvml.gpus))


@check("RD702", "gpu-name-unexpected", Severity.ERROR, scope=Expected("gpu_name"), action=Action.MACHINE)
def gpu_name_unexpected(expect: ExpectSettings, nvml: Nvml) -> Answer:
    if not nvml.gpus or any(gpu.name is None for gpu in nvml.gpus):
        return Unknown(missing=("nvml",))
    wanted = str(expect.gpu_name)
    others = [gpu for gpu in nvml.gpus if wanted.casefold() not in str(gpu.name).casefold()]
    return [differs(f"gpu:{gpu.index}", wanted, gpu.name, index=gpu.index) for gpu in others]


@check("RD703", "driver-version-unexpected", Severity.ERROR, scope=Expected("driver"), action=Action.ROOT)
def driver_version_unexpected(expect: ExpectSettings, nvml: Nvml) -> Answer:
    if nvml.driver is None:
        return Unknown(missing=("nvml",))
    if within(nvml.driver, str(expect.driver)):
        return None
    return differs("driver", expect.driver, nvml.driver)


def within(version: str, wanted: str) -> bool:
    """ "580.95.05" is within ">=535,<600". Missing parts are zeros: 580 is 580.0."""

    def numbers(text: str) -> list[int]:
        parts = [int(part) for part in text.split(".") if part.isdigit()]
        return parts + [0] * (8 - len(parts))

    here = numbers(version)
    for sign, text in RANGE.findall(wanted):
        there = numbers(text)
        holds = {
            ">=": here >= there,
            "<=": here <= there,
            ">": here > there,
            "<": here < there,
            "==": here == there,
            "!=": here != there,
        }
        if not holds[sign]:
            return False
    return True


@check("RD704", "provider-unexpected", Severity.ERROR, scope=Expected("provider"), action=Action.LOOK)
def provider_unexpected(expect: ExpectSettings, inference: Inference) -> Answer:
    """By where the nodes of the service's own model ran."""
    found = inference.ran_on
    if found is None:
        return Unknown(missing=("inference",))
    wanted = PROVIDERS[str(expect.provider)]
    if found == (f"torch ({expect.provider})" if inference.framework == "torch" else wanted):
        return None
    return differs("model", wanted, found)


@check("RD705", "face-count-unexpected", Severity.ERROR, scope=Expected("faces"), action=Action.LOOK)
def face_count_unexpected(expect: ExpectSettings, inference: Inference) -> Answer:
    if inference.faces is None or inference.picture is None or inference.picture.path is None:
        return Unknown(missing=("inference",))
    found = len(inference.faces)
    return None if found == expect.faces else differs("picture", expect.faces, found, picture=inference.picture.path)


@check("RD706", "model-hash-unexpected", Severity.ERROR, scope=Expected("model_sha256"), action=Action.EDIT)
def model_hash_unexpected(expect: ExpectSettings, model: Model) -> Answer:
    detector = model.detector
    if detector is None or detector.sha256 is None:
        return Unknown(missing=("models",))
    if detector.sha256 == expect.model_sha256:
        return None
    return differs("model", expect.model_sha256, detector.sha256, path=detector.path)


@check("RD707", "free-memory-below-expected", Severity.ERROR, scope=Expected("free_memory_mib"), action=Action.LOOK)
def free_memory_below_expected(
    expect: ExpectSettings, nvml: Nvml, environment: GpuEnvironment | None, cuda: CudaDriver | None
) -> Answer:
    """Of the card that CUDA takes; where it cannot be told which one that is, of the fullest that it may be."""
    free = [(gpu.memory_free, gpu.index) for gpu in candidates(nvml, environment, cuda) if gpu.memory_free is not None]
    if not free or expect.free_memory_mib is None:
        return Unknown(missing=("nvml",))
    least, index = min(free)
    if least >= expect.free_memory_mib * MIB:
        return None
    return differs(f"gpu:{index}", expect.free_memory_mib, least // MIB, index=index)


@check("RD708", "latency-above-expected", Severity.ERROR, scope=Expected("max_latency_ms"), action=Action.LOOK)
def latency_above_expected(expect: ExpectSettings, inference: Inference) -> Answer:
    if inference.median is None or expect.max_latency_ms is None:
        return Unknown(missing=("inference",))
    found = round(inference.median * 1000, 1)
    if inference.median * 1000 <= expect.max_latency_ms:
        return Passed(Reason("latency-expected", {"ms": found, "most": expect.max_latency_ms}))
    return differs("model", expect.max_latency_ms, found, ran_on=inference.ran_on or "?")


@check("RD709", "speedup-below-expected", Severity.ERROR, scope=Expected("min_speedup"), action=Action.LOOK)
def speedup_below_expected(expect: ExpectSettings, inference: Inference) -> Answer:
    """Without a run on the GPU there is no speedup to speak of: that is below any."""
    if inference.on_cuda is False:
        none = differs("model", expect.min_speedup, 1.0, gpu_ms=None, cpu_ms=None)
        return replace(none, variant="not-on-gpu")
    if not inference.median or inference.cpu_median is None or expect.min_speedup is None:
        return Unknown(missing=("inference",))
    found = inference.cpu_median / inference.median
    if found >= expect.min_speedup:
        return None
    times = {"gpu_ms": round(inference.median * 1000, 1), "cpu_ms": round(inference.cpu_median * 1000, 1)}
    return replace(differs("model", expect.min_speedup, round(found, 2), **times), variant="slow")
