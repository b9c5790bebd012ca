"""Which torch can run on this driver, this Python and this card."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

Capability = tuple[int, int]


@functools.cache
def _table() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def covers(arch_list: Iterable[str], capability: Capability) -> bool:
    """Whether a build with *arch_list* ("sm_75", "sm_90a", "compute_120", …) has code for the card.

    sm_XX is machine code: by the table runs_on; marked "a" for exactly its own capability, "f" for its own major.
    compute_XX is PTX, which the driver compiles for the same or any newer capability.
    """
    return any(_runs(arch, capability) for arch in arch_list)


def _runs(arch: str, capability: Capability) -> bool:
    match = re.fullmatch(r"(sm|compute)_(\d+)(\d)([af]?)", arch)
    if match is None:
        return False
    code = (int(match[2]), int(match[3]))
    if match[4] == "a":
        return capability == code
    if match[1] == "compute":
        return capability >= code
    row = next((r for r in _table()["runs_on"] if r["code"] == f"{code[0]}.{code[1]}"), None)
    if row is None or match[4] == "f":
        return capability[0] == code[0] and capability >= code
    return code <= capability < tuple(row["below"]) and list(capability) not in row.get("not", [])


def usual_arch_list(cuda: Capability | None, machine: str) -> tuple[str, ...] | None:
    """What official wheels of that CUDA version hold code for, on a machine like "x86_64"; None: not in the table."""
    row = next((r for r in _table()["arch"] if tuple(r["cuda"]) == cuda), None)
    codes = row.get(machine) if row else None
    return tuple("sm_" + code.replace(".", "") for code in codes) if codes else None


def newest_fitting(
    driver_cuda: tuple[int, int] | None,
    python_version: tuple[int, ...],
    cards: Collection[Capability],
    machine: str,
) -> str | None:
    """Version of the newest torch whose default wheel fits what is known and all *cards*; None where none does. A driver
    of None is not asked for. Any build of the same or an older CUDA major starts on a driver (minor-version compatibility)."""
    for row in _table()["build"]:
        oldest, newest = (tuple(one) for one in row["python"])
        arch = usual_arch_list(tuple(row["cuda"]), machine)
        if (
            machine == "x86_64"
            and (driver_cuda is None or row["cuda"][0] <= driver_cuda[0])
            and oldest <= tuple(python_version[:2]) <= newest
            and (not cards or (arch is not None and all(covers(arch, card) for card in cards)))
        ):
            return str(row["torch"])
    return None
