"""How much GPU memory the trial detection took, and what was foretold."""

from retina_doctor.authoring import Gathered
from retina_doctor.model import Reason

from ..facts.driver import CudaDriver, GpuEnvironment, Nvml
from ..facts.inference import CardUse, Inference
from ..facts.memory import Calibrations, Footprint
from ..facts.models import Model
from ..facts.ort_gpu import OrtFiles
from ..settings_values import Size
from .card_part import MIB, card_part
from .memory_need import MemoryNeed, need_of
from .used_gpus import candidates


class TrialRun(Gathered, frozen=True, kw_only=True):
    """A trial detection, and what says which card it used and what that was to hold."""

    inference: Inference
    nvml: Nvml | None
    environment: GpuEnvironment | None
    cuda: CudaDriver | None
    model: Model | None
    footprint: Footprint | None
    ort: OrtFiles | None
    calibrations: Calibrations | None


def card_of(run: TrialRun) -> CardUse | None:
    """The one that held the model: NVML says so of the process, else it is the only one that CUDA may use. None: not known."""
    cards = run.inference.cards or ()
    listed = [card for card in cards if card.own_peak is not None]
    if len(listed) == 1:
        return listed[0]
    if listed or run.nvml is None:
        return None
    usable = [gpu.uuid for gpu in candidates(run.nvml, run.environment, run.cuda)]
    found = [card for card in cards if card.uuid is not None and card.uuid in usable]
    return found[0] if len(found) == len(usable) == 1 else None


def need_at(run: TrialRun, card: CardUse) -> MemoryNeed | None:
    """What the model was foretold to need of that card, at the input that it was run with."""
    size, detector = run.inference.input_size, run.model.detector if run.model else None
    if size is None or detector is None or detector.size is None:
        return None
    gpus = run.nvml.gpus if run.nvml else ()
    gpu = next((gpu for gpu in gpus if gpu.uuid == card.uuid), None)
    part = card_part(gpu, run.nvml, run.ort, run.calibrations) if gpu else None
    return need_of(detector.size, Size(*size), run.footprint, part)


def beside_forecast(run: TrialRun) -> Reason | None:
    """What was taken of which GPU, beside the least and the most that were foretold."""
    card = card_of(run)
    need = need_at(run, card) if card else None
    if card is None or need is None:
        return None
    taken = card.own_peak if card.own_peak is not None else None if card.before is None else card.peak - card.before
    if taken is None:
        return None
    shown = {
        "gpu": card.index,
        "peak": round(taken / MIB),
        "least": round(need.total / MIB),
        "most": round(need.most / MIB),
    }
    return Reason("memory-of-process" if card.own_peak is not None else "memory-of-card", shown)
