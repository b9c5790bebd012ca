"""`retina-doctor tune`: from a sweep over the user's pictures to tables, a curve and a recommendation."""

from __future__ import annotations

import functools
import os
import posixpath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli

from retina_doctor.authoring import Probe, Side
from retina_doctor.codec import Data, DoesNotFit, decode, replace
from retina_doctor.kinds import Kind
from retina_doctor.model import Outcome
from retina_doctor.redaction import shown
from retina_doctor.settings import Settings

from ...combined import detection_limits as limits
from ...settings import DetectionSettings, GpuSettings, ModelSettings
from ...settings_values import Size
from .sweep import NMS, THRESHOLDS, Choice, SettingChange, Sweep, change, choices, kept

if TYPE_CHECKING:
    from rich.console import Console

    from retina_doctor.reports.report import Look

SIZES = (320, 480, 640, 960, 1280)
BARS = "▁▂▃▄▅▆▇█"


class TuneRow(Data, frozen=True, kw_only=True):
    """*of*: the value that was tried; *ms*: of one picture, where the input size was tried."""

    of: str
    change: SettingChange
    ms: float | None = None


class TuneTable(Data, frozen=True, kw_only=True):
    model: str
    pictures: int
    unread: tuple[str, ...]
    threshold: float
    nms: float
    size: Size
    by_size: tuple[TuneRow, ...]
    by_threshold: tuple[TuneRow, ...]
    by_nms: tuple[TuneRow, ...]
    choices: tuple[Choice, ...]
    device: str | None
    left_out: int
    trouble: str


def tried(settings: Settings, images: str) -> tuple[Sweep | None, str]:
    """What the target's detector gave at every size, or why there is nothing: in words of the probe."""
    from retina_doctor.probing.asking import Looking
    from retina_doctor.probing.collect import collect
    from retina_doctor.standpoint.target import target_with_surroundings

    detection, model = settings.of(DetectionSettings), settings.of(ModelSettings)
    wanted = detection.size
    sides = {(side, side) for side in SIZES} | ({(wanted.width, wanted.height)} if wanted else set())
    in_force = in_force_of(settings)
    # What is compared with comes first, lest time runs out before it.
    sizes = [list(size) for size in sorted(sides, key=lambda size: (size != in_force, size[0] * size[1]))]
    probe = Probe(
        name="sweep",
        facts=Sweep,
        module="retina_doctor_checks.probes.detection.look_sweep",
        side=Side.TARGET,
        heavy=True,
        arguments=lambda _settings: {
            "path": model.path, "root": model.root, "gpu": settings.of(GpuSettings).device != "cpu",
            "images": images, "sizes": sizes,
            # No candidate is told that is no face at any setting that is tried or in force.
            "least": min(THRESHOLDS[0], 1.0 if detection.threshold is None else detection.threshold),
            "loosest": max(NMS[-1], detection.nms or 0.0),
        },
    )  # fmt: skip
    _, readings = collect(Looking(settings, *target_with_surroundings(settings, os.environ)), [probe])
    reading = readings["sweep"]
    try:
        sweep = decode(reading.facts, Sweep)
    except DoesNotFit:
        sweep = None
    trouble = sweep.stopped or "" if sweep else ""
    if reading.outcome is not Outcome.OK:
        trouble = f"{reading.stage or 'starting'}: {reading.outcome}, {reading.detail or ''}"
    return sweep, shown(trouble)


def in_force_of(settings: Settings) -> tuple[int, int]:
    side = limits.geometry().default
    size = settings.of(DetectionSettings).size or Size(side, side)
    return (size.width, size.height)


def table_of(sweep: Sweep, settings: Settings, trouble: str) -> TuneTable:
    """Everything against the settings in force; where they name none, insightface's defaults."""
    wanted = settings.of(DetectionSettings)
    threshold = limits.threshold().default if wanted.threshold is None else wanted.threshold
    nms = limits.nms().default if wanted.nms is None else wanted.nms
    here = sweep.sizes[0]  # the one in force, or of a model with a fixed input the only one
    by_area = sorted(sweep.sizes, key=lambda one: one.size[0] * one.size[1])
    sweep = replace(sweep, sizes=tuple(by_area))
    base = [kept(candidates, threshold, nms) for candidates in here.found]
    return TuneTable(
        model=shown(posixpath.basename(sweep.model or ""), Kind.PATH),
        pictures=len(here.found),
        unread=tuple(shown(one.name, Kind.PATH) for one in sweep.pictures if one.error),
        threshold=threshold,
        nms=nms,
        size=Size(*here.size),
        by_size=tuple(
            TuneRow(of=str(Size(*one.size)), change=change(one, threshold, nms, base), ms=round(one.seconds * 1000, 1))
            for one in by_area
        ),
        by_threshold=tuple(TuneRow(of=f"{value:.2f}", change=change(here, value, nms, base)) for value in THRESHOLDS),
        by_nms=tuple(TuneRow(of=f"{value:.1f}", change=change(here, threshold, value, base)) for value in NMS),
        choices=tuple(choices(sweep)),
        device=sweep.device,
        left_out=sweep.left_out,
        trouble=trouble,
    )


@functools.cache
def words(language: str) -> dict[str, str]:
    table = tomli.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))
    return {key: row[language] for key, row in table.items()}


def curve(table: TuneTable) -> str:
    """Faces by threshold, from THRESHOLDS' first to their last."""
    counts = [row.change.faces for row in table.by_threshold]
    most = max(max(counts), 1)
    return "".join(BARS[round(count / most * (len(BARS) - 1))] for count in counts)


def drawn(table: TuneTable, language: str, look: Look) -> str:
    from retina_doctor.reports import drawing

    return drawing.drawn(look, lambda console: _draw(table, words(language), console))


def _draw(table: TuneTable, say: dict[str, str], console: Console) -> None:
    from rich.table import Table as Drawn

    head = ("model", "device", "pictures", "threshold", "nms", "size")
    console.print(say["head"].format(**{name: getattr(table, name) for name in head}))
    for key, value in (("stopped", table.trouble), ("left-out", table.left_out)):
        if value:
            console.print(say[key].format(value=value), style="yellow")
    if table.unread:
        console.print(say["unread"].format(names=", ".join(table.unread)))

    def rows(first: str, values: tuple[TuneRow, ...], timed: bool = False) -> None:
        drawn = Drawn(box=None, padding=(0, 2, 0, 0), header_style="bold")
        for name in (first, *(["time"] if timed else []), "faces", "gained", "lost", "twice", "smallest"):
            drawn.add_column(say[name], justify="right", no_wrap=True)
        for row in values:
            told = row.change
            cells = [
                row.of,
                *([str(row.ms)] if timed else []),
                *map(str, (told.faces, told.gained, told.lost, told.twice)),
            ]
            drawn.add_row(*cells, "–" if told.smallest is None else str(told.smallest))
        console.print(drawn)
        console.print()

    rows("input", table.by_size, timed=True)
    rows("threshold", table.by_threshold)
    console.print(f"  {THRESHOLDS[0]:.2f} {curve(table)} {THRESHOLDS[-1]:.2f}\n")
    rows("nms", table.by_nms)
    best = Drawn(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("purpose", "threshold", "nms", "input", "faces"):
        best.add_column(say[name], no_wrap=True)
    for one in table.choices:
        best.add_row(say[one.purpose], f"{one.threshold:.2f}", f"{one.nms:.1f}", str(one.size), str(one.faces))
    console.print(best)
    console.print(say["note"])


def as_json(table: TuneTable) -> dict[str, Any]:
    from retina_doctor.codec import encode

    told: dict[str, Any] = encode(table)
    return {"format": 1, **told}
