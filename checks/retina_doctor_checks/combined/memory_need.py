"""How much GPU memory a detector needs: the card's own part, the weights, and a part that grows with the pixels."""

from __future__ import annotations

from retina_doctor.codec import Data

from ..facts.memory import Footprint
from ..settings_values import Size
from .card_part import MIB, CardPart, published, table


class MemoryNeed(Data, frozen=True, kw_only=True):
    """Bytes. *weights* and *pixels* depend on the model and its input alone; *card* on the card, its driver and libraries.

    *measured*: the model was run and its activations counted; else they are a guess by the model's class. *growth*: how many
    times the activations the arena and the workspaces may take. *quoted*: what a guide states for such a model on a T4 at
    640x640.
    """

    size_class: str
    weights: int
    pixels: int
    card: CardPart
    growth: int
    quoted: int
    measured: bool

    @property
    def counted(self) -> int:
        """What is there on every card."""
        return self.weights + self.pixels

    @property
    def constant(self) -> int:
        """The lower bound of what does not grow with the pixels."""
        return self.card.least + self.weights

    @property
    def total(self) -> int:
        """The lower bound of the whole, on which findings rest."""
        return self.card.least + self.counted

    @property
    def most(self) -> int:
        """The upper bound of the whole."""
        return self.card.most + self.weights + self.growth * self.pixels


def need_of(weights: int, size: Size, footprint: Footprint | None = None, card: CardPart | None = None) -> MemoryNeed:
    """The need of a model file of *weights* bytes for one picture at an input of *size* pixels, in one process.

    *card*: what the card takes; None: of which nothing is known.
    """
    row = next(row for row in table()["class"] if weights <= row["most_bytes"])
    counted = footprint.activations if footprint and footprint.size else None
    area = size.width * size.height
    if footprint and footprint.size and counted is not None:
        pixels = counted * area // (footprint.size[0] * footprint.size[1])
    else:
        pixels = row["per_megapixel"] * MIB * area // 1_000_000
    return MemoryNeed(
        size_class=row["name"],
        weights=weights,
        pixels=pixels,
        card=card or published(),
        growth=table()["most"]["times_activations"],
        quoted=row["quoted"] * MIB,
        measured=counted is not None,
    )
