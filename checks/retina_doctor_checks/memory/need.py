"""How much GPU memory a detector surely needs: a constant part, the weights, and a part that grows with the pixels."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Any

from retina_doctor.codec import Data
from retina_doctor.settings import Size

MIB = 1024**2


class Need(Data, frozen=True, kw_only=True):
    """Lower bounds in bytes. *quoted*: what a guide states for such a model on a T4 at 640x640."""

    size_class: str
    constant: int
    pixels: int
    quoted: int

    @property
    def total(self) -> int:
        return self.constant + self.pixels


def need_of(weights: int, size: Size) -> Need:
    """The need of a model file of *weights* bytes for one picture at an input of *size* pixels."""
    table = _table()
    row = next(row for row in table["class"] if weights <= row["most_bytes"])
    return Need(
        size_class=row["name"],
        constant=table["constant"]["mebibytes"] * MIB + weights,
        pixels=row["per_megapixel"] * MIB * size.width * size.height // 1_000_000,
        quoted=row["quoted"] * MIB,
    )


@functools.cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads(Path(__file__).with_name("vram.toml").read_text(encoding="utf-8"))
    return table
