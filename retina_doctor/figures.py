"""What a pack has to show in pictures, as data: a report draws it. The engine knows the shapes, the pack what they mean."""

from __future__ import annotations

from typing import Literal

from retina_doctor.codec import Data
from retina_doctor.model import Reason

Unit = Literal["s", "B", "1"]
"""Seconds, bytes, or a number of things."""
Role = Literal["used", "own", "also-own", "most-own", "free", "missing"]
"""What a part of a whole is: somebody else's; the service's own, three shades of it; nobody's; needed, and not there."""


class Part(Data, frozen=True, kw_only=True):
    label: Reason
    value: float
    role: Role


class Bar(Data, frozen=True, kw_only=True):
    """One whole and the parts of which it is made; a part that is *missing* goes beyond it."""

    label: Reason
    parts: tuple[Part, ...]


class Bars(Data, frozen=True, kw_only=True):
    title: Reason
    unit: Unit
    bars: tuple[Bar, ...]
    note: Reason | None = None


class FigureMark(Data, frozen=True, kw_only=True):
    """A value on a scale. *typical*: what most are near; else it is far out, or of another kind."""

    label: Reason
    value: float
    typical: bool = False


class Spread(Data, frozen=True, kw_only=True):
    """Values of one kind. *samples*: single ones, where they are known."""

    label: Reason
    marks: tuple[FigureMark, ...]
    samples: tuple[float, ...] = ()


class Spreads(Data, frozen=True, kw_only=True):
    title: Reason
    unit: Unit
    spreads: tuple[Spread, ...]
    note: Reason | None = None


class Box(Data, frozen=True, kw_only=True):
    """In pixels of the picture, from its left upper corner. *text*: what stands beside it; *points* as (x, y)."""

    left: float
    top: float
    right: float
    bottom: float
    text: str
    points: tuple[tuple[float, float], ...] = ()


class Frame(Data, frozen=True, kw_only=True):
    """What was found where in a picture of *width* x *height* pixels, which is not kept itself. *name*: the picture's file."""

    title: Reason
    name: str
    width: int
    height: int
    boxes: tuple[Box, ...]
    note: Reason | None = None


Figure = Bars | Spreads | Frame


class Measure(Data, frozen=True, kw_only=True):
    """A figure that a probe measures, and that may become worse from one run to the next.

    *label*: a key of the pack's reasons. *of*: where it stands among the facts, "inference.median"; a number is a place in
    a list. The *less*, the better, or the *more*. A difference smaller than *least* is noise, however large its share.
    """

    label: str
    of: str
    unit: Unit
    better: Literal["less", "more"] = "less"
    least: float = 0.0


def quantity(value: float, unit: Unit) -> str:
    """Three digits that mean something: "50 ms", "1.6 s", "938 MiB", "14.1 GiB"."""
    if unit == "B":
        return f"{value / 1024**3:.1f} GiB" if value >= 10 * 1024**3 else f"{value / 1024**2:.0f} MiB"
    if unit == "s":
        if value < 0.9995:
            return f"{value * 1000:.3g} ms"
        return f"{value:.3g} s" if value < 999.5 else f"{value:.0f} s"
    return f"{value:g}"
