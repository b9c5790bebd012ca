"""RD302, RD305: other processes hold the memory of the card."""

from collections.abc import Sequence

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Inapplicable, Problem, Reason, Severity, Unknown
from retina_doctor_checks.combined.port_owner import is_of, service_pids
from retina_doctor_checks.combined.used_gpus import candidates
from retina_doctor_checks.facts.driver import Gpu, GpuProcess
from retina_doctor_checks.scopes import gpu_meant

from ..combined.asides import asides
from ..combined.card_part import CardPart, card_part, in_mib
from .checks import Needs, Question, bad_one, is_held


def filled_by_others(seen: Needs) -> tuple[Gpu, CardPart, list[GpuProcess]] | None:
    """A card on which others have left less than a context of CUDA needs, whatever the model; and those, as far as NVML lists
    them: not in a container with process numbers of its own, nor where a process is ending."""
    pids = service_pids(seen.settings, seen.ports, seen.interpreter, seen.processes) if seen.nvml.own_pids else set()
    for gpu in candidates(seen.nvml, seen.environment, seen.cuda):
        card = card_part(gpu, seen.nvml, seen.ort, seen.calibrations)
        others = [one for one in gpu.processes if not one.trial and not is_of(pids, one)]
        if gpu.memory_free is not None and gpu.memory_free < card.least and (others or _unlisted(seen, gpu, card)):
            return gpu, card, others
    return None


def _unlisted(seen: Needs, gpu: Gpu, card: CardPart) -> bool:
    """What NVML lists, if only the service itself, may be all that holds it. Under WSL NVML lists no process, Windows' least of
    all; a card that is divided by MIG tells the memory of all instances together, of which CUDA uses one."""
    wsl = seen.host is not None and seen.host.wsl
    if gpu.processes or gpu.mig or wsl or gpu.memory_total is None:
        return False
    return gpu.memory_total - (gpu.memory_reserved or 0) >= card.least


@check("RD302", "vram-held-by-others", Severity.ERROR, pitfall=3, scope=gpu_meant, action=Action.EDIT)
def vram_held_by_others(seen: Needs) -> Answer:
    """What is listed is judged by what the model needs. What is not, and may be the service's own, by what CUDA itself says."""
    filled = filled_by_others(seen) if seen.cuda is None or seen.cuda.lacks_memory else None
    if filled is not None and seen.cuda is not None:
        return _at_start(seen, *filled)
    if filled is not None and not filled[2]:
        return Inapplicable(Reason("quick")) if seen.settings.gate.quick else Unknown(("cuda_driver",))
    held = bad_one(seen, is_held)
    return _held(seen, held.evidence, held.others) if isinstance(held, Question) else held


def _at_start(seen: Needs, gpu: Gpu, card: CardPart, others: Sequence[GpuProcess]) -> Problem:
    """CUDA does not even start there."""
    about = {"gpu": gpu.index, "gpu_name": gpu.name or "?", "total": gpu.memory_total, "free": gpu.memory_free}
    nothing = dict.fromkeys(("size", "need_pixels"))
    evidence = {**about, **nothing, "need": card.least, "need_constant": card.least}
    return _held(seen, evidence, others, variant="context" if others else "unlisted")


def _held(seen: Needs, evidence: dict[str, object], others: Sequence[GpuProcess], variant: str = "") -> Problem:
    most = sorted(others, key=lambda process: -(process.used_memory or 0))[:10]
    evidence = {
        **evidence,
        "holders": [{"pid": one.pid, "name": one.name, "user": one.user, "memory": one.used_memory} for one in most],
        "own_pids": seen.nvml.own_pids,
        "held_by": [_holder(one) for one in most],
        "pids": [one.pid for one in most],
        "kill": asides(_kill(seen, most)),
        "notes": asides(None if seen.nvml.own_pids else Reason("look-on-the-host")),
    }
    return Problem(subject=f"gpu:{evidence['gpu']}", evidence=evidence, variant=variant)


def _kill(seen: Needs, those: Sequence[GpuProcess]) -> Reason:
    """The service itself is never among what is to be killed: where numbers are another namespace's, it may be."""
    if seen.nvml.own_pids:
        return Reason("kill-ends-them", {"pids": " ".join(str(one.pid) for one in those)})
    return Reason("service-may-be-among-them")


def _holder(one: GpuProcess) -> str:
    told = ", ".join(filter(None, (one.name, one.user, in_mib(one.used_memory) if one.used_memory else None)))
    return f"{one.pid} ({told})" if told else str(one.pid)


GRABBED = 0.7
"""Share of the card from which on a framework is said to have taken it whole. TensorFlow leaves some hundred MiB, JAX takes 75 %
(XLA_PYTHON_CLIENT_MEM_FRACTION)."""


@check("RD305", "vram-framework-grabs-all", Severity.ERROR, pitfall=3, scope=gpu_meant, action=Action.EDIT)
def vram_framework_grabs_all(seen: Needs) -> Answer:
    """TensorFlow or JAX in another process has taken the card whole, whatever it needs."""
    held = bad_one(seen, lambda one: is_held(one) and _grabber(one) is not None)
    if not isinstance(held, Question):
        return held
    one = _grabber(held)
    assert one is not None
    evidence = {
        **held.evidence,
        "pid": one.pid,
        "name": one.name,
        "framework": one.framework,
        "memory": one.used_memory,
        "holder": _holder(one),
    }
    return Problem(subject=f"gpu:{held.gpu.index}", evidence=evidence, variant=one.framework or "")


def _grabber(question: Question) -> GpuProcess | None:
    grabbing = (one for one in question.others if one.framework and (one.used_memory or 0) >= GRABBED * question.total)
    return next(grabbing, None)
