"""Where detection settings begin to cost faces: the table limits.toml as data."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import tomli

from retina_doctor.codec import Data, decode


class Range(Data, frozen=True, kw_only=True):
    """From *lowest* to *highest*, both included, nothing is wrong. *default*: of insightface. *start*: what to
    begin with where nothing else is known."""

    lowest: float
    highest: float
    default: float
    start: float


class Geometry(Data, frozen=True, kw_only=True):
    """Pixels of the detector's input. *stride*: of its coarsest grid; *smallest_face*: side of the smallest anchor.
    *least*, *most*: the sides between which an input is usual, *common*: width and height of a usual picture."""

    stride: int
    default: int
    smallest_face: int
    least: int
    most: int
    common: tuple[int, int]


@functools.cache
def threshold() -> Range:
    return decode(_table()["threshold"], Range)


@functools.cache
def nms() -> Range:
    return decode(_table()["nms"], Range)


@functools.cache
def geometry() -> Geometry:
    return decode(_table()["size"], Geometry)


@functools.cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = tomli.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return table
