"""Whether GPU code of some architectures runs on a card."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import tomli

Capability = tuple[int, int]
"""A card's compute capability: (7, 5) is a Tesla T4."""


def covers(architectures: Iterable[str], capability: Capability) -> bool:
    """Whether a library that holds code for *architectures* ("sm_75", "sm_90a", "compute_120", …) runs on the card.

    sm_XX is machine code: by the table runs_on; marked "a" for exactly its own capability, "f" for its own major.
    compute_XX is PTX, which the driver compiles for the same or any newer capability; marked, it is as bound as code.
    Source: CUDA programming guide, "Compute capabilities".
    """
    return any(_runs(one, capability) for one in architectures)


@functools.cache
def _rows() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = tomli.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))["runs_on"]
    return rows


def _runs(architecture: str, capability: Capability) -> bool:
    match = re.fullmatch(r"(sm|compute)_(\d+)(\d)([af]?)", architecture)
    if match is None:
        return False
    code = (int(match[2]), int(match[3]))
    if match[4] == "a":
        return capability == code
    row = next((r for r in _rows() if r["code"] == f"{code[0]}.{code[1]}"), None)
    if match[4] == "f" or (match[1] == "sm" and row is None):
        return capability[0] == code[0] and capability >= code
    if match[1] == "compute":
        return capability >= code
    assert row is not None
    return code <= capability < tuple(row["below"]) and list(capability) not in row.get("not", [])
