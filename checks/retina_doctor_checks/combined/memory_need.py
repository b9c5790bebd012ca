"""How much GPU memory a detector needs: a constant part, the weights, and a part that grows with the pixels."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Any

from retina_doctor.codec import Data

from ..facts.memory import Footprint
from ..settings import Size

MIB = 1024**2


class Need(Data, frozen=True, kw_only=True):
    """Bytes. *constant* with the weights, and *pixels*, are lower bounds; *most* is an upper one of the whole. *measured*: the
    model was run and its activations counted; else they are a guess by the model's class. *quoted*: what a guide states for
    such a model on a T4 at 640x640."""

    size_class: str
    constant: int
    pixels: int
    most: int
    quoted: int
    measured: bool

    @property
    def total(self) -> int:
        return self.constant + self.pixels


def need_of(
    weights: int, size: Size, footprint: Footprint | None = None, capability: tuple[int, int] | None = None
) -> Need:
    """The need of a model file of *weights* bytes for one picture at an input of *size* pixels, in one process.

    *capability*: of the card's computing; None: not known.
    """
    table = _table()
    row = next(row for row in table["class"] if weights <= row["most_bytes"])
    counted = footprint.activations if footprint and footprint.size else None
    area = size.width * size.height
    if footprint and footprint.size and counted is not None:
        pixels = counted * area // (footprint.size[0] * footprint.size[1])
    else:
        pixels = row["per_megapixel"] * MIB * area // 1_000_000
    most = table["most"]
    contexts = {tuple(one["capability"]): one["mebibytes"] for one in table["context"]}
    context = max(value for least, value in contexts.items() if capability is None or least <= capability)
    return Need(
        size_class=row["name"],
        constant=table["constant"]["mebibytes"] * MIB + weights,
        pixels=pixels,
        most=(context + most["kernels"]) * MIB + weights + most["times_activations"] * pixels,
        quoted=row["quoted"] * MIB,
        measured=counted is not None,
    )


@functools.cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads(Path(__file__).with_name("vram.toml").read_text(encoding="utf-8"))
    return table
