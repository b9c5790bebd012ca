"""Figures as shapes: where what is drawn, in units of the picture."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from retina_doctor.figures import Bars, Box, Figure, Frame, Spreads, quantity
from retina_doctor.model import Reason
from retina_doctor.reports.html.words import Text, word

WIDE = 100.0
"""Places in bars and on scales are percent of their width."""
LEAST = 0.4
"""What a part of a bar takes at least, so that it can be seen."""
LONGEST_LIST = 500
"""Boxes that are drawn of one picture."""

Say = Callable[[Reason], Text]


class Piece(NamedTuple):
    label: Text
    value: str
    share: str
    role: str
    x: float
    width: float


class DrawnBar(NamedTuple):
    label: Text
    pieces: tuple[Piece, ...]
    whole: float
    """Where the whole ends; what is missing lies beyond it."""


class Dot(NamedTuple):
    label: Text
    value: str
    x: float
    typical: bool


class DrawnRow(NamedTuple):
    """*start*, *width*: where most values are."""

    label: Text
    dots: tuple[Dot, ...]
    start: float
    width: float
    samples: tuple[float, ...]


class Tick(NamedTuple):
    value: str
    x: float


class DrawnFace(NamedTuple):
    x: float
    y: float
    width: float
    height: float
    text: str
    points: tuple[tuple[float, float], ...]


class Drawing(NamedTuple):
    """*kind*: bars, spreads or frame, which says what of the rest is there."""

    kind: str
    title: Text
    note: Text | None
    bars: tuple[DrawnBar, ...] = ()
    rows: tuple[DrawnRow, ...] = ()
    ticks: tuple[Tick, ...] = ()
    name: str = ""
    width: int = 0
    height: int = 0
    line: float = 0.0
    faces: tuple[DrawnFace, ...] = ()
    about: Text | None = None


def drawn(figure: Figure, say: Say) -> Drawing:
    note = say(figure.note) if figure.note else None
    title = say(figure.title)
    if isinstance(figure, Bars):
        return Drawing("bars", title, note, bars=tuple(_bars(figure, say)))
    if isinstance(figure, Spreads):
        rows, ticks = _spreads(figure, say)
        return Drawing("spreads", title, note, rows=rows, ticks=ticks)
    return _frame(figure, title, note)


def _bars(figure: Bars, say: Say) -> Iterator[DrawnBar]:
    for bar in figure.bars:
        parts = [part for part in bar.parts if part.value > 0]
        everything = sum(part.value for part in parts) or 1.0
        wide = [max(LEAST, WIDE * part.value / everything) for part in parts]
        scale = WIDE / sum(wide)
        x, whole, pieces = 0.0, WIDE, []
        total = sum(part.value for part in parts if part.role != "missing") or 1.0
        for part, width in zip(parts, wide, strict=True):
            if part.role == "missing":
                whole = x
            value, share = quantity(part.value, figure.unit), _percent(part.value / total)
            pieces.append(Piece(say(part.label), value, share, part.role, round(x, 2), round(width * scale, 2)))
            x += width * scale
        yield DrawnBar(say(bar.label), tuple(pieces), round(whole, 2))


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.005 else "< 1 %"


def _spreads(figure: Spreads, say: Say) -> tuple[tuple[DrawnRow, ...], tuple[Tick, ...]]:
    values = [value for one in figure.spreads for value in (*(mark.value for mark in one.marks), *one.samples)]
    values = [value for value in values if value > 0]
    if not values:
        return (), ()
    low, high = math.log10(min(values)) - 0.15, math.log10(max(values)) + 0.15

    def at(value: float) -> float:
        share = (math.log10(value) - low) / (high - low) if value > 0 else 0.0
        return round(WIDE * min(max(share, 0.0), 1.0), 2)

    rows = []
    for one in figure.spreads:
        dots = tuple(
            Dot(say(mark.label), quantity(mark.value, figure.unit), at(mark.value), mark.typical) for mark in one.marks
        )
        near = [dot.x for dot in dots if dot.typical] or [0.0]
        rows.append(
            DrawnRow(say(one.label), dots, min(near), round(max(near) - min(near), 2), tuple(map(at, one.samples)))
        )
    powers = range(math.floor(low), math.ceil(high) + 1)
    steps = [step * 10.0**power for power in powers for step in (1, 1.5, 2, 3, 5, 7)]
    ticks = [Tick(quantity(step, figure.unit), at(step)) for step in steps if low < math.log10(step) < high]
    return tuple(rows), tuple(_apart(ticks))


def _apart(ticks: Sequence[Tick]) -> Iterator[Tick]:
    last = -WIDE
    for tick in ticks:
        if tick.x - last >= WIDE / 9 and 0.05 * WIDE <= tick.x <= 0.95 * WIDE:
            yield tick
            last = tick.x


def _frame(figure: Frame, title: Text, note: Text | None) -> Drawing:
    return Drawing(
        "frame",
        title,
        note,
        name=figure.name,
        width=figure.width,
        height=figure.height,
        line=max(figure.width, figure.height) / 500,
        faces=tuple(map(_face, figure.boxes[:LONGEST_LIST])),
        about=word("faces", n=len(figure.boxes), width=figure.width, height=figure.height),
    )


def _face(box: Box) -> DrawnFace:
    width, height = max(box.right - box.left, 0.0), max(box.bottom - box.top, 0.0)
    points = tuple((round(x, 1), round(y, 1)) for x, y in box.points)
    return DrawnFace(round(box.left, 1), round(box.top, 1), round(width, 1), round(height, 1), box.text, points)
