"""Which driver a CUDA major needs, and which CUDA major the newest driver of an old card still brings."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import tomli


@functools.cache
def _table() -> dict[str, Any]:
    return tomli.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def least_driver(cuda_major: int) -> str | None:
    """The oldest Linux driver on which builds of that CUDA major start; None where the table has no row."""
    return next((row["linux"] for row in _table()["least"] if row["cuda"] == cuda_major), None)


def last_branch(capability: tuple[int, int] | None) -> tuple[int, int] | None:
    """(driver branch, its CUDA major) after which the card is no longer driven; None: current drivers drive it."""
    if capability is None:
        return None
    return next(((row["branch"], row["cuda"]) for row in _table()["last"] if capability < tuple(row["below"])), None)
