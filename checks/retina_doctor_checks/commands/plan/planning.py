"""`retina-doctor plan`: which detectors fit into a GPU's memory at which input, and which one to take."""

from __future__ import annotations

import functools
import posixpath
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import tomli

from retina_doctor.catalogue.registry import installed
from retina_doctor.codec import Data, decode, encode
from retina_doctor.errors import UsageError
from retina_doctor.judging.readings import Readings
from retina_doctor.model import Snapshot
from retina_doctor.redaction import without_secrets

from ...combined.card_part import MIB, CardPart, card_part, published
from ...combined.memory_need import MemoryNeed, need_of
from ...combined.used_gpus import candidates
from ...facts.driver import CudaDriver, GpuEnvironment, Nvml
from ...facts.memory import Calibrations, Footprint
from ...facts.models import Model as ModelFacts
from ...facts.ort_gpu import OrtFiles
from ...settings import DetectionSettings, ModelSettings, ServiceSettings
from ...settings_values import Size

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from retina_doctor.reports.report import Look

SIDES = (320, 640, 1024)
USUAL = Size(640, 640)
Prefer = Literal["speed", "accuracy"]
UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30}


class PlanRow(Data, frozen=True, kw_only=True):
    """*least*, *most*: bytes of one process; *counted*: of them, what is there on every card: weights and activations.
    *verdict*: whether all processes have room. *own*: the user has the model; else *source* says where it is published."""

    model: str
    size: Size
    counted: int
    least: int
    most: int
    measured: bool
    verdict: Literal["fits", "may-fit", "does-not-fit", "no-gpu"]
    own: bool
    source: str | None


class Plan(Data, frozen=True, kw_only=True):
    """*available*: bytes of GPU memory for all *workers*; None: there is no GPU. *recommended*: a row of *rows*, or None.
    *card*: what the card takes of each process beside the model."""

    gpu: str | None
    available: int | None
    workers: int
    card: CardPart
    note: Literal["mig", "no-model"] | None
    rows: tuple[PlanRow, ...]
    recommended: PlanRow | None


class Rung(Data, frozen=True, kw_only=True):
    name: str
    weights: int
    per_pixel: int
    source: str | None = None

    def need(self, size: Size, card: CardPart) -> MemoryNeed:
        counted = self.per_pixel * size.width * size.height
        seen = Footprint(skipped=None, model=None, size=(size.width, size.height), activations=counted)
        return need_of(self.weights, size, seen, card)


@functools.cache
def ladder() -> tuple[Rung, ...]:
    """Backbones of RetinaFace, best first."""
    table = tomli.loads(Path(__file__).with_name("ladder.toml").read_text(encoding="utf-8"))
    return decode(table["model"], tuple[Rung, ...])


def planned(
    *,
    gpu: str | None,
    available: int | None,
    card: CardPart | None = None,
    workers: int = 1,
    size: Size | None = None,
    own: tuple[str, int, Footprint | None] | None = None,
    note: Literal["mig", "no-model"] | None = None,
    prefer: Prefer | None = None,
) -> Plan:
    """*own*: name, bytes and footprint of the service's own model, whose rows come first; *size*: beside the usual ones.

    *prefer*: the lightest that serves, or the most accurate that fits; None: the own model where it fits, else the lightest.
    """
    card = card or published()
    sizes = [Size(side, side) for side in SIDES]
    if size is not None and size not in sizes:
        sizes = sorted([*sizes, size], key=lambda one: one.width * one.height)
    mine = [(own[0], one, need_of(own[1], one, own[2], card), None) for one in sizes] if own else []
    others = [(rung.name, one, rung.need(one, card), rung.source) for rung in ladder() for one in sizes]
    rows = tuple(
        PlanRow(
            model=name,
            size=one,
            counted=need.counted,
            least=need.total,
            most=need.most,
            measured=need.measured,
            verdict=_verdict(need, workers, available),
            own=number < len(mine),
            source=source,
        )
        for number, (name, one, need, source) in enumerate((*mine, *others))
    )
    kept = [row for row in rows if row.own and row.size == (size or USUAL) and row.verdict == "fits"]
    best = kept[0] if kept and prefer is None else _best(rows, size or USUAL, prefer or "speed")
    return Plan(gpu=gpu, available=available, workers=workers, card=card, note=note, rows=rows, recommended=best)


def _best(rows: Sequence[PlanRow], size: Size, prefer: Prefer) -> PlanRow | None:
    """Of what can be had: at *size* what surely fits, else at another; else what is likeliest to."""
    known = [row for row in rows if row.source]
    fitting = [row for row in known if row.verdict == "fits"]
    largest = sorted(fitting, key=lambda row: -row.size.width * row.size.height)
    there = [row for row in fitting if row.size == size] or [row for row in largest if row.size == largest[0].size]
    if there:
        return there[0] if prefer == "accuracy" else min(there, key=lambda row: row.counted)
    perhaps = [row for row in known if row.verdict == "may-fit"]
    return min(perhaps, key=lambda row: (row.size != size, row.least)) if perhaps else None


def of_snapshot(
    snapshot: Snapshot, given: int | None = None, prefer: Prefer | None = None, kept: Calibrations | None = None
) -> Plan:
    """*given*: bytes to plan for instead of what the GPU has free. *kept*: what was measured since the snapshot."""
    readings = Readings(without_secrets(snapshot, installed()), installed())
    nvml, environment = readings.value(Nvml), readings.value(GpuEnvironment)
    cards = candidates(nvml, environment, readings.value(CudaDriver)) if nvml else ()
    card = max(cards, key=lambda gpu: gpu.memory_free or 0, default=None)
    model = readings.value(ModelFacts)
    detector = model.detector if model else None
    own = None
    if detector is not None and detector.size is not None:
        own = (posixpath.basename(detector.path), detector.size, readings.value(Footprint))
    # NVML tells the memory of the whole card; an instance of MIG has a part of it.
    divided = card is not None and card.mig and given is None
    free = card.memory_free if card and not divided else None
    measured = kept or readings.value(Calibrations)
    part = card_part(card, nvml, readings.value(OrtFiles), measured) if card and not given else None
    said = snapshot.settings
    lost = said.of(ModelSettings).path is not None and own is None
    return planned(
        gpu="--gpu-memory" if given else f"GPU {card.index} {card.name or ''}".strip() if card else None,
        available=given or free,
        card=part,
        workers=said.of(ServiceSettings).workers,
        size=said.of(DetectionSettings).size,
        own=own,
        note="mig" if divided else "no-model" if lost else None,
        prefer=prefer,
    )


def _verdict(
    need: MemoryNeed, workers: int, available: int | None
) -> Literal["fits", "may-fit", "does-not-fit", "no-gpu"]:
    if available is None:
        return "no-gpu"
    if workers * need.total > available:
        return "does-not-fit"
    return "fits" if workers * need.most <= available else "may-fit"


def parse_memory(text: str) -> int:
    """Bytes of "16GiB", "15360 MiB" or "8G"; a bare number is bytes. Raises UsageError."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgKMG]?i?)[bB]?\s*", text)
    if not found or found[2].lower() not in UNITS or not float(found[1]):
        raise UsageError(f"--gpu-memory {text}: write it as 16GiB or 15360MiB")
    return int(float(found[1]) * UNITS[found[2].lower()])


@functools.cache
def words(language: str) -> dict[str, str]:
    table = tomli.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))
    return {key: row[language] for key, row in table.items()}


def drawn(plan: Plan, language: str, look: Look) -> str:
    """The table with a bar for each row: what is surely needed, and what may be, against what there is."""
    from retina_doctor.reports import drawing

    return drawing.drawn(look, lambda console: _draw(plan, words(language), console))


def _draw(plan: Plan, say: dict[str, str], console: Console) -> None:
    values = {
        "gpu": plan.gpu or "", "available": f"{(plan.available or 0) / MIB:.0f} MiB", "workers": plan.workers,
    }  # fmt: skip
    first = "head" if plan.available is not None else "mig" if plan.note == "mig" else "without"
    console.print(say[first].format(**values))
    if plan.note == "no-model":
        console.print(say["no-model"], style="yellow")
    console.print(_table(plan, say, 24 if console.width >= 96 else 14))
    if plan.available is not None:
        console.print(_advice(plan, say), style="bold")
    console.print(say["note"])
    told = encode(plan.card.measured) if plan.card.measured else {}
    part = {"low": f"{plan.card.least / MIB:.0f}", "high": f"{plan.card.most / MIB:.0f}"}
    console.print(say["measured" if told else "published"].format(**told, **part))


def _table(plan: Plan, say: dict[str, str], cells: int) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    for name in ("model", "size", "counted", "need", "verdict"):
        table.add_column(say[name], no_wrap=True)
    table.add_column("", no_wrap=True)
    styles = {"fits": "green", "may-fit": "yellow", "does-not-fit": "red", "no-gpu": ""}
    for row in plan.rows:
        least, most = plan.workers * row.least / MIB, plan.workers * row.most / MIB
        table.add_row(
            row.model,
            str(row.size),
            f"{plan.workers * row.counted / MIB:.0f} MiB",
            f"{least:.0f} – {most:.0f} MiB",
            Text(say[row.verdict], style=styles[row.verdict]),
            _bar(row, plan, cells),
        )
    return table


def _advice(plan: Plan, say: dict[str, str]) -> str:
    best = plan.recommended
    if best is None:
        return say["nothing"]
    return say["keep" if best.own else "take"].format(**encode(best), at=best.size)


def _bar(row: PlanRow, plan: Plan, cells: int) -> str:
    """█ surely needed, ▒ perhaps, · free; ▶ beyond what there is."""
    if not plan.available:
        return ""
    least, most = (min(cells, round(cells * plan.workers * value / plan.available)) for value in (row.least, row.most))
    beyond = plan.workers * row.most > plan.available
    return "█" * least + "▒" * (most - least) + "·" * (cells - most) + ("▶" if beyond else "")


def as_json(plan: Plan) -> dict[str, Any]:
    def row(one: PlanRow) -> dict[str, Any]:
        return {**encode(one), "size": str(one.size)}

    return {
        "format": 1,
        "gpu": plan.gpu,
        "available": plan.available,
        "workers": plan.workers,
        "card": encode(plan.card),
        "note": plan.note,
        "rows": [row(one) for one in plan.rows],
        "recommended": row(plan.recommended) if plan.recommended else None,
    }
