"""RD7xx: this machine is what the operator said it is to be ([expect] in the settings)."""

from __future__ import annotations

from retina_doctor.authoring import Action, Answer, Scope, check
from retina_doctor.codec import replace
from retina_doctor.model import Passed, Problem, Reason, Severity, Unknown
from retina_doctor.settings import Settings

from ..combined.used_gpus import candidates
from ..facts.driver import CudaDriver, Gpu, GpuEnvironment, Nvml
from ..facts.inference import Inference
from ..facts.models import Model
from ..settings import ExpectSettings
from ..versions import allows, release

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
    if nvml.driver is None or not release(nvml.driver):
        return Unknown(missing=("nvml",))
    if allows(str(expect.driver), nvml.driver):
        return None
    return differs("driver", expect.driver, nvml.driver)


@check("RD704", "provider-unexpected", Severity.ERROR, scope=Expected("provider"), action=Action.LOOK)
def provider_unexpected(expect: ExpectSettings, inference: Inference) -> Answer:
    """By where the nodes of the service's own model ran."""
    found = inference.ran_on
    if found is None:
        return Unknown(missing=("inference",))
    wanted = PROVIDERS[str(expect.provider)]
    torch = inference.framework == "torch"
    if found == (f"torch ({expect.provider})" if torch else wanted):
        return None
    variant = "cpu" if expect.provider == "cpu" else "torch" if torch else "onnxruntime"
    return replace(differs("model", wanted, found), variant=variant)


@check("RD705", "face-count-unexpected", Severity.ERROR, scope=Expected("faces"), action=Action.LOOK)
def face_count_unexpected(expect: ExpectSettings, inference: Inference) -> Answer:
    if inference.faces is None or inference.picture is None or inference.picture.path is None:
        return Unknown(missing=("inference",))
    found, wanted = len(inference.faces), expect.faces or 0
    if found == wanted:
        return None
    problem = differs("picture", wanted, found, picture=inference.picture.path)
    return replace(problem, variant="fewer" if found < wanted else "more")


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
    look = _holders(next(gpu for gpu in nvml.gpus if gpu.index == index), nvml.own_pids)
    return differs(f"gpu:{index}", expect.free_memory_mib, least // MIB, index=index, look=look)


def _holders(gpu: Gpu, own_pids: bool) -> list[str]:
    """The words of a command that shows who holds the card's memory: by their numbers, where those are of this namespace."""
    pids = ",".join(str(process.pid) for process in gpu.processes)
    if pids and own_pids:
        return ["ps", "-o", "pid,user,etime,args", "-p", pids]
    return ["nvidia-smi", "-i", str(gpu.index), "--query-compute-apps=pid,name,used_memory", "--format=csv"]


@check("RD708", "latency-above-expected", Severity.ERROR, scope=Expected("max_latency_ms"), action=Action.LOOK)
def latency_above_expected(expect: ExpectSettings, inference: Inference) -> Answer:
    if inference.median is None or expect.max_latency_ms is None:
        return Unknown(missing=("inference",))
    found = round(inference.median * 1000, 1)
    if inference.median * 1000 <= expect.max_latency_ms:
        return Passed(Reason("latency-expected", {"ms": found, "most": expect.max_latency_ms}))
    ran_on = inference.ran_on or "?"
    on_cpu = "cpu" in ran_on.lower()
    return replace(differs("model", expect.max_latency_ms, found, ran_on=ran_on), variant="cpu" if on_cpu else "gpu")


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
