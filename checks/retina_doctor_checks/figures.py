"""What a report draws of a detector's machine: its GPU memory, how long it takes, the faces that it found."""

from collections.abc import Iterator
from pathlib import PurePath

from retina_doctor.authoring import Gathered, Measure, Reason
from retina_doctor.figures import Bar, Bars, Box, FigureMark, Frame, Part, Role, Spread, Spreads

from .combined.card_part import MIB, card_part
from .combined.detection_limits import geometry
from .combined.detector_input import size_used
from .combined.memory_need import need_of
from .combined.run_memory import TrialRun, card_of
from .combined.used_gpus import candidates
from .facts.driver import CudaDriver, Gpu, GpuEnvironment, Nvml
from .facts.inference import CardUse, Inference
from .facts.memory import Calibrations, Footprint
from .facts.models import Model
from .facts.ort_gpu import OrtFiles
from .facts.service import Ports
from .settings import DetectionSettings
from .settings_values import Size

measures = (
    Measure(label="measure-median", of="inference.median", unit="s", least=0.001),
    Measure(label="measure-p95", of="inference.p95", unit="s", least=0.002),
    Measure(label="measure-first", of="inference.first", unit="s", least=0.1),
    Measure(label="measure-load", of="inference.load", unit="s", least=0.1),
    Measure(label="measure-memory", of="inference.cards.0.own_peak", unit="B", least=16 * MIB),
    Measure(label="measure-activations", of="footprint.activations", unit="B", least=MIB),
    Measure(label="measure-service-median", of="ports.load.median", unit="s", least=0.002),
    Measure(label="measure-service-p95", of="ports.load.p95", unit="s", least=0.005),
)


class FiguresSeen(Gathered, frozen=True, kw_only=True):
    """All that pictures are made of; what was not seen is not drawn."""

    detection: DetectionSettings
    inference: Inference | None
    nvml: Nvml | None
    environment: GpuEnvironment | None
    cuda: CudaDriver | None
    model: Model | None
    footprint: Footprint | None
    ort: OrtFiles | None
    calibrations: Calibrations | None
    ports: Ports | None


def memory(seen: FiguresSeen) -> Iterator[Bars]:
    """The card that the service will use, with what the model will take of it; beside it, what a trial detection took."""
    bars: list[Bar] = []
    most = 0
    for gpu in candidates(seen.nvml, seen.environment, seen.cuda) if seen.nvml else ():
        if gpu.memory_total is not None and gpu.memory_free is not None and not gpu.mig:
            bar, upper = _predicted(gpu, seen)
            bars.append(bar)
            most = max(most, upper)
    card = _card(seen)
    if card is not None and (card.own_peak is not None or card.before is not None):
        bars.append(_measured(card))
    if bars:
        note = Reason("figure-memory-note", {"most": round(most / MIB)}) if most else None
        yield Bars(title=Reason("figure-memory"), unit="B", bars=tuple(bars), note=note)


def _card(seen: FiguresSeen) -> CardUse | None:
    """The one on which the trial detection ran."""
    facts = {name: getattr(seen, name) for name in TrialRun.__struct_fields__}
    return card_of(TrialRun(**facts)) if seen.inference is not None else None


def _predicted(gpu: Gpu, seen: FiguresSeen) -> tuple[Bar, int]:
    """And the upper bound of the need in bytes; 0: nothing is known of the model."""
    total, free = gpu.memory_total or 0, gpu.memory_free or 0
    shown = {"gpu": gpu.index, "name": gpu.name or "?", "total": round(total / MIB)}
    parts = [_part("part-others", total - free, "used")]
    model = seen.model.detector if seen.model else None
    if seen.model is None or model is None or model.size is None:
        return Bar(label=Reason("figure-memory-card", shown), parts=(*parts, _part("part-free", free, "free"))), 0
    side = geometry().default
    size = size_used(seen.detection, seen.model) or Size(side, side)
    need = need_of(model.size, size, seen.footprint, card_part(gpu, seen.nvml, seen.ort, seen.calibrations))
    parts += [
        _part("part-context", need.card.least, "own"),
        _part("part-weights", model.size, "also-own"),
        _part("part-activations", need.pixels, "most-own"),
    ]
    rest = free - need.total
    parts.append(_part("part-free", rest, "free") if rest >= 0 else _part("part-missing", -rest, "missing"))
    return Bar(label=Reason("figure-memory-now", {**shown, "size": str(size)}), parts=tuple(parts)), need.most


def _measured(card: CardUse) -> Bar:
    before = card.before if card.before is not None else card.peak - (card.own_peak or 0)
    own = card.own_peak if card.own_peak is not None else max(card.peak - before, 0)
    rest = max(card.total - before - own, 0)
    label = Reason("figure-memory-run", {"gpu": card.index, "total": round(card.total / MIB)})
    parts = (_part("part-before", before, "used"), _part("part-run", own, "own"), _part("part-free", rest, "free"))
    return Bar(label=label, parts=parts)


def _part(key: str, value: float, role: Role) -> Part:
    return Part(label=Reason(key), value=value, role=role)


def times(seen: FiguresSeen) -> Iterator[Spreads]:
    """One detection by the model alone, and as the service answers."""
    spreads: list[Spread] = []
    inference = seen.inference
    if inference is not None and inference.median is not None:
        values = (("mark-median", inference.median), ("mark-p95", inference.p95), ("mark-first", inference.first))
        label = Reason("times-model", {"ran_on": inference.ran_on or "?"})
        spreads.append(_spread(label, *values, ("mark-cpu", inference.cpu_median), samples=inference.runs or ()))
    load = seen.ports.load if seen.ports else None
    if load is not None and load.median is not None:
        label = Reason("times-service", {"answered": load.answered, "at_once": load.at_once})
        spreads.append(_spread(label, ("mark-median", load.median), ("mark-p95", load.p95)))
    elif seen.ports and seen.ports.detection and seen.ports.detection.seconds is not None:
        asked = seen.ports.detection
        spreads.append(
            _spread(Reason("times-request"), ("mark-answer", asked.seconds), ("mark-first", asked.first_seconds))
        )
    if spreads:
        yield Spreads(title=Reason("figure-times"), unit="s", spreads=tuple(spreads))


def _spread(label: Reason, *marks: tuple[str, float | None], samples: tuple[float, ...] = ()) -> Spread:
    typical = ("mark-median", "mark-p95", "mark-answer")
    return Spread(
        label=label,
        samples=samples,
        marks=tuple(
            FigureMark(label=Reason(key), value=value, typical=key in typical)
            for key, value in marks
            if value is not None
        ),
    )


def detections(seen: FiguresSeen) -> Iterator[Frame]:
    """The faces in the picture that was named; the picture itself is nobody's to keep."""
    picture = seen.inference.picture if seen.inference else None
    faces = seen.inference.faces if seen.inference else None
    if picture is None or picture.path is None or not picture.width or not picture.height or faces is None:
        return
    boxes = (
        Box(left=left, top=top, right=right, bottom=bottom, text=f"{face.score:.2f}", points=face.points)
        for face in faces
        for left, top, right, bottom in (face.box,)
    )
    yield Frame(
        title=Reason("figure-detections"),
        name=PurePath(picture.path).name,
        width=picture.width,
        height=picture.height,
        boxes=tuple(boxes),
    )
