"""Machines of fixtures/machines: recorded, written or derived snapshots with what is expected of them.

A folder holds `machine.toml` and either `snapshot.json` (with `readings/NAME.json` beside it, one per probe), or
`patch.json` over the machine that `base` names: JSON pointers (RFC 6901) to the values that differ; null in
machine.toml's `drop` list removes a pointer.
"""

from __future__ import annotations

import copy
import functools
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retina_doctor.model import Snapshot
from retina_doctor.snapshot import load

FOLDER = Path(__file__).parents[1] / "fixtures" / "machines"


@dataclass(frozen=True, kw_only=True)
class Machine:
    """*origin*: recorded, derived or written. *roots* and *findings* are names of checks."""

    name: str
    origin: str
    source: str
    snapshot: Snapshot
    exit_code: int
    roots: tuple[str, ...]
    findings: tuple[str, ...]
    data: dict[str, Any]


def names() -> list[str]:
    return sorted(folder.name for folder in FOLDER.iterdir() if (folder / "machine.toml").is_file())


@functools.cache
def machine(name: str) -> Machine:
    told = tomllib.loads((FOLDER / name / "machine.toml").read_text(encoding="utf-8"))
    data = raw(name)
    expect = told["expect"]
    return Machine(
        name=name,
        origin=told["origin"],
        source=told["source"],
        snapshot=load(json.dumps(data)),
        exit_code=expect["exit"],
        roots=tuple(expect["roots"]),
        findings=tuple(expect["findings"]),
        data=data,
    )


def raw(name: str) -> dict[str, Any]:
    """The snapshot of a machine as JSON data."""
    folder = FOLDER / name
    told = tomllib.loads((folder / "machine.toml").read_text(encoding="utf-8"))
    data: dict[str, Any]
    if "base" in told:
        data = copy.deepcopy(raw(told["base"]))
        for pointer, value in json.loads((folder / "patch.json").read_text(encoding="utf-8")).items():
            put(data, pointer, value)
        for pointer in told.get("drop", []):
            drop(data, pointer)
        return data
    data = json.loads((folder / "snapshot.json").read_text(encoding="utf-8"))
    for file in sorted((folder / "readings").glob("*.json")):
        data["readings"][file.stem] = json.loads(file.read_text(encoding="utf-8"))
    return data


def put(data: Any, pointer: str, value: Any) -> None:
    """Set the value at a JSON pointer; the way to it must exist, its last step may be new in an object."""
    holder, last = _holder(data, pointer)
    if isinstance(holder, list):
        holder[int(last)] = value
    else:
        holder[last] = value


def drop(data: Any, pointer: str) -> None:
    holder, last = _holder(data, pointer)
    del holder[int(last) if isinstance(holder, list) else last]


def _holder(data: Any, pointer: str) -> tuple[Any, str]:
    *way, last = [part.replace("~1", "/").replace("~0", "~") for part in pointer.removeprefix("/").split("/")]
    for part in way:
        data = data[int(part)] if isinstance(data, list) else data[part]
    return data, last
