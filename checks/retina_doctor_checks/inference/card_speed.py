"""What a card should reach: published figures by card, size of the model and of its input."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import tomli

from retina_doctor.codec import Data

SECONDS = 1e-3


class Quoted(Data, frozen=True, kw_only=True):
    """*seconds*: of one picture, as published. *most*: from which on a run is slower than it should be."""

    seconds: float
    most: float


def quoted(card: str | None, weights: int, size: tuple[int, int]) -> Quoted | None:
    """For a RetinaFace whose file has *weights* bytes, at an input of *size* pixels. None: nothing is known of it.

    Of the inputs that are published, the smallest that is no smaller counts.
    """
    table = _table()
    rows: list[Any] = next((one["rows"] for one in table["card"] if card in one["names"]), [])
    classes = sorted({row["most_bytes"] for row in rows if weights <= row["most_bytes"]})
    area = size[0] * size[1]
    enough = [
        row for row in rows if classes and row["most_bytes"] == classes[0] and row["size"][0] * row["size"][1] >= area
    ]
    if not enough:
        return None
    seconds = min(row["milliseconds"] for row in enough) * SECONDS
    return Quoted(seconds=seconds, most=seconds * table["margin"])


@functools.cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = tomli.loads(Path(__file__).with_name("cards.toml").read_text(encoding="utf-8"))
    return table
