"""Where detection settings begin to cost faces: the table limits.toml as data."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Any

from retina_doctor.codec import Data


class Range(Data, frozen=True, kw_only=True):
    """From *lowest* to *highest*, both included, nothing is wrong. *default*: of insightface. *start*: what to
    begin with where nothing else is known."""

    lowest: float
    highest: float
    default: float
    start: float


class Geometry(Data, frozen=True, kw_only=True):
    """Pixels of the detector's input. *stride*: of its coarsest grid; *smallest_face*: side of the smallest anchor."""

    stride: int
    default: int
    smallest_face: int


@functools.cache
def threshold() -> Range:
    return _range("threshold")


@functools.cache
def nms() -> Range:
    return _range("nms")


@functools.cache
def geometry() -> Geometry:
    row = _table()["size"]
    return Geometry(
        stride=row["stride"],
        default=row["default"],
        smallest_face=row["smallest_face"],
    )


def _range(name: str) -> Range:
    row = _table()[name]
    return Range(lowest=row["lowest"], highest=row["highest"], default=row["default"], start=row["start"])


@functools.cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return table
