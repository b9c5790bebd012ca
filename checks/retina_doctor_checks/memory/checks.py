"""RD3xx: does the GPU have the memory that the model needs, and who holds it?"""

import math
from collections.abc import Callable

from retina_doctor.authoring import Action, Answer, Gathered, check
from retina_doctor.codec import Data
from retina_doctor.model import Inapplicable, Interpreter, Passed, Problem, Reason, Severity, Unknown
from retina_doctor.settings import Settings
from retina_doctor_checks.combined import detection_limits as limits
from retina_doctor_checks.combined.port_owner import is_of, service_pids
from retina_doctor_checks.combined.used_gpus import candidates
from retina_doctor_checks.facts.driver import CudaDriver, Gpu, GpuEnvironment, GpuProcess, Host, Nvml
from retina_doctor_checks.facts.models import Model
from retina_doctor_checks.facts.service import Ports
from retina_doctor_checks.facts.service_process import Processes
from retina_doctor_checks.scopes import gpu_meant

from ..combined.asides import asides
from ..combined.card_part import MIB, card_part
from ..combined.detector_input import size_used
from ..combined.memory_need import MemoryNeed, need_of
from ..facts.inference import Inference
from ..facts.memory import Calibrations, Footprint
from ..facts.ort_gpu import OrtFiles
from ..settings import DetectionSettings, ServiceSettings
from ..settings_values import Size

LEAST_SIDE = 320
"""Of the usual inputs the smallest."""


class Question(Data, frozen=True, kw_only=True):
    """One GPU, what it must hold, and the processes on it that are not the service's own."""

    gpu: Gpu
    total: int
    free: int
    need: MemoryNeed
    size: Size
    others: tuple[GpuProcess, ...]

    @property
    def evidence(self) -> dict[str, object]:
        return {
            "gpu": self.gpu.index,
            "gpu_name": self.gpu.name or "?",
            "size_class": self.need.size_class,
            "size": str(self.size),
            "need_constant": self.need.constant,
            "need_pixels": self.need.pixels,
            "need": self.need.total,
            "quoted": self.need.quoted,
            "most": self.need.most,
            "measured": self.need.measured,
            "calibrated": self.need.card.measured.date if self.need.card.measured else None,
            "total": self.total,
            "free": self.free,
        }


class Needs(Gathered, frozen=True, kw_only=True):
    """All that says how much memory the service needs, of which GPU, and which processes are its own."""

    settings: Settings
    nvml: Nvml
    environment: GpuEnvironment | None
    cuda: CudaDriver | None
    host: Host | None
    model: Model
    ports: Ports | None
    processes: Processes | None
    interpreter: Interpreter | None
    footprint: Footprint | None
    ort: OrtFiles | None
    calibrations: Calibrations | None


def questions(seen: Needs) -> list[Question] | Inapplicable | Unknown:
    """One for each GPU that the service may use, or why there is none."""
    settings, nvml, model, ports = seen.settings, seen.nvml, seen.model, seen.ports
    detector = model.detector
    if detector is None or detector.size is None:
        return Inapplicable(Reason("no-model-for-memory"))
    gpus = candidates(nvml, seen.environment, seen.cuda)
    if not gpus:
        return Inapplicable(Reason("no-gpu-memory"))
    default = limits.geometry().default
    size = size_used(settings.of(DetectionSettings), model) or Size(default, default)
    pids = service_pids(settings, ports, seen.interpreter, seen.processes)
    # Numbers of another namespace name none of these processes: what is held may be the running service's own.
    told_apart = nvml.own_pids or (ports is not None and not pids)
    asked: list[Question] = []
    for gpu in gpus:
        if nvml.own_pids and any(is_of(pids, process) for process in gpu.processes):
            return Inapplicable(Reason("service-holds-memory", {"gpu": gpu.index}))
        # NVML tells the memory of the whole card; an instance has a part of it.
        if gpu.memory_total is None or gpu.memory_free is None or gpu.mig:
            return Unknown(missing=("nvml",))
        card = card_part(gpu, nvml, seen.ort, seen.calibrations)
        need = need_of(detector.size, size, seen.footprint, card)
        trials = [one for one in gpu.processes if one.trial]
        free = gpu.memory_free + sum(one.used_memory or 0 for one in trials)
        if free < need.total <= gpu.memory_total and not told_apart:
            return Unknown(missing=("nvml",))
        asked.append(
            Question(
                gpu=gpu,
                total=gpu.memory_total,
                free=free,
                need=need,
                size=size,
                others=tuple(one for one in gpu.processes if not one.trial),
            )
        )
    return asked


def is_short(question: Question) -> bool:
    """The card itself is too small, or too little is free and no process can be named that holds it."""
    need = question.need.total
    too_small = need > question.total and largest_side(question) is None
    return too_small or (question.free < need <= question.total and not question.others)


def largest_side(question: Question) -> int | None:
    """Side in pixels of the largest square input that the whole card has room for; None: none that is of use."""
    need, size = question.need, question.size
    area = (question.total - need.constant) * size.width * size.height // max(need.pixels, 1)
    side = math.isqrt(max(area, 0)) // 32 * 32
    return side if side >= LEAST_SIDE else None


def is_held(question: Question) -> bool:
    return question.free < question.need.total <= question.total and bool(question.others)


def bad_one(seen: Needs, is_bad: Callable[[Question], bool]) -> Question | Inapplicable | Unknown | None:
    """The GPU to report: the best of them where all are bad; else why there is none. Where only some are bad, which one counts
    is not known."""
    asked = questions(seen)
    if not isinstance(asked, list):
        return asked
    bad = [question for question in asked if is_bad(question)]
    if bad and len(bad) < len(asked):
        return Unknown(missing=("gpu_environment",))
    return max(bad, key=lambda question: question.free, default=None)


@check("RD301", "vram-insufficient", Severity.ERROR, pitfall=3, scope=gpu_meant, action=Action.EDIT)
def vram_insufficient(seen: Needs) -> Answer:
    worst = bad_one(seen, is_short)
    if worst is None:
        best = bad_one(seen, lambda _question: True)
        if not isinstance(best, Question) or is_held(best) or best.need.total > best.total:
            return None  # which is another check's finding
        shown = {"gpu": best.gpu.index, "need": round(best.need.total / MIB), "free": round(best.free / MIB)}
        return Passed(Reason("memory", shown))
    if not isinstance(worst, Question):
        return worst
    evidence = {**worst.evidence, "used": worst.total - worst.free, "too_small": worst.need.total > worst.total}
    variant = "too-small" if evidence["too_small"] else "not-free"
    return Problem(subject=f"gpu:{worst.gpu.index}", evidence=evidence, variant=variant)


@check("RD303", "vram-input-too-large", Severity.ERROR, pitfall=3, scope=gpu_meant, action=Action.EDIT)
def vram_input_too_large(seen: Needs) -> Answer:
    """The card has room for the model, and not for an input of that size."""
    worst = bad_one(seen, lambda one: one.need.total > one.total and largest_side(one) is not None)
    if not isinstance(worst, Question):
        return worst
    more = asides(Reason("activations-were-counted") if worst.need.measured else None)
    evidence = {**worst.evidence, "largest": largest_side(worst), "more": more}
    return Problem(subject=f"gpu:{worst.gpu.index}", evidence=evidence)


@check("RD304", "vram-too-many-workers", Severity.ERROR, pitfall=3, scope=gpu_meant, action=Action.EDIT)
def vram_too_many_workers(seen: Needs) -> Answer:
    """One process fits, and not as many as are meant: each has a CUDA context and weights of its own."""
    workers = seen.settings.of(ServiceSettings).workers
    if workers <= 1:
        return Inapplicable(Reason("one-worker"))
    worst = bad_one(seen, lambda one: one.need.total <= one.total < workers * one.need.total)
    if not isinstance(worst, Question):
        return worst
    evidence = {**worst.evidence, "workers": workers, "fit": worst.total // worst.need.total}
    return Problem(subject=f"gpu:{worst.gpu.index}", evidence=evidence)


@check("RD308", "vram-tight", Severity.WARNING, pitfall=3, scope=gpu_meant, action=Action.EDIT)
def vram_tight(seen: Needs, inference: Inference | None) -> Answer:
    """More is free than the service surely needs, and less than it may need; a trial detection that ran settles it."""
    workers = seen.settings.of(ServiceSettings).workers
    tight = bad_one(seen, lambda one: workers * one.need.total <= one.free < workers * one.need.most)
    if not isinstance(tight, Question):
        return tight
    taken = _taken(inference) if inference else None
    if inference and inference.on_cuda and not inference.run_error and (workers == 1 or taken is not None):
        needed = workers * (taken or 0)
        if needed <= tight.free:
            return Passed(Reason("memory-tried", {"workers": workers, "gpu": tight.gpu.index}))
    return Problem(subject=f"gpu:{tight.gpu.index}", evidence={**tight.evidence, "workers": workers})


def _taken(inference: Inference) -> int | None:
    """Bytes that the process of the trial detection had of its card at most."""
    return max((card.own_peak for card in inference.cards or () if card.own_peak is not None), default=None)
