"""Which generation a card is of, by its PCI device number, and whether a driver's release and kind of modules drive it."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Literal

import tomli

from retina_doctor.codec import Data, decode

Why = Literal["ended", "not-yet", "wants-proprietary", "wants-open"]


class Architecture(Data, frozen=True, kw_only=True):
    """*first*, *last*: driver branches that drive it, both included; None: no such end. *modules*: "open", "proprietary"."""

    name: str
    modules: tuple[str, ...]
    first: int | None = None
    last: int | None = None


@functools.cache
def _table() -> dict[str, Any]:
    return tomli.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


@functools.cache
def architectures() -> dict[str, Architecture]:
    return {one.name: one for one in decode(_table()["architecture"], tuple[Architecture, ...])}


def architecture(device: str | None) -> Architecture | None:
    """Of a PCI device number like "0x1eb8"; None: of no known generation, a newer one say."""
    if device is None:
        return None
    number = int(device, 16)
    runs = _table()["devices"].items()
    return next((architectures()[name] for name, ends in runs for a, b in ends if a <= number <= b), None)


def unsupported(card: Architecture, release: str | None, modules: str | None) -> Why | None:
    """Why a driver of that *release* ("595.58.03") with these *modules* ("open", "proprietary") does not drive the card."""
    branch = int(release.split(".")[0]) if release and release.split(".")[0].isdigit() else None
    if branch is not None and card.last is not None and branch > card.last:
        return "ended"
    if branch is not None and card.first is not None and branch < card.first:
        return "not-yet"
    if modules is not None and modules not in card.modules:
        return "wants-open" if modules == "proprietary" else "wants-proprietary"
    return None
