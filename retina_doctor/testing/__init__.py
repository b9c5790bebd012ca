"""For the tests of packs: facts held in memory are judged, machines are read from folders, laws are held.

A machine is a folder with `machine.toml` and either `snapshot.json` (with `readings/NAME.json` beside it, one per probe), or
`patch.json` over the machine that `base` names, a folder beside it: JSON pointers (RFC 6901) to the values that differ; null
in machine.toml's `drop` list removes a pointer.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import tomli

from retina_doctor import __version__
from retina_doctor.authoring import Pack
from retina_doctor.catalogue.registry import Catalogue, build
from retina_doctor.codec import Data, Facts, encode
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.language import LANGUAGES, Language
from retina_doctor.model import (
    Diagnosis,
    Interpreter,
    Outcome,
    Place,
    Recorded,
    Severity,
    Snapshot,
    Target,
    Verdict,
)
from retina_doctor.reports.formats import writer
from retina_doctor.reports.report import PLAIN, report_of
from retina_doctor.settings import Settings
from retina_doctor.support_file import load
from retina_doctor.testing.laws import Law, pack_laws

__all__ = ["INTERPRETER", "Law", "Machine", "drop", "judge", "machine", "pack_laws", "put", "raw", "report"]

INTERPRETER = Interpreter(
    executable="/usr/bin/python3",
    version=(3, 12, 3),
    prefix="/usr",
    base_prefix="/usr",
    implementation="cpython",
    platform="linux",
    machine="x86_64",
    libc="glibc 2.39",
    working_directory="/srv",
    working_directory_error=None,
    user="app",
    uid=1000,
    home="/home/app",
    hostname="host",
    has_pip=True,
    uv=None,
    made_by_uv=False,
    conda=False,
    externally_managed=False,
    container=None,
    place=Place(machine="test", namespaces={}),
)
"""A target with nothing odd about it; `judge` takes it where no other is given."""


def judge(
    pack: Pack,
    facts: Iterable[Facts] = (),
    settings: Settings | None = None,
    *,
    readings: Mapping[str, Recorded] | None = None,
    beside: Iterable[Pack] = (),
) -> Diagnosis:
    """What *pack* says of *facts*, as if its probes had told them.

    *readings*: how other lookings ended, by name of probe. *beside*: packs whose facts or checks *pack* names. Raises
    PackError where the packs contradict, AssertionError where a check breaks, or a page or reason lacks words in a language.
    """
    catalogue = build([*beside, pack])
    told: dict[str, Recorded] = {}
    for one in (INTERPRETER, *facts):
        told[catalogue.probe_of[type(one)].name] = Recorded(outcome=Outcome.OK, facts=encode(one))
    snapshot = Snapshot(
        created="",
        doctor=__version__,
        settings=settings or Settings(),
        target=Target(command=(INTERPRETER.executable,), chosen="path"),
        readings=told | dict(readings or {}),
    )
    diagnosis = diagnose(snapshot, catalogue)
    for language in LANGUAGES:
        spoken = report_of(diagnosis, catalogue, language, Severity.ERROR).diagnosis
        broken = [f"{one.code} {one.name}: {one.reason}" for one in spoken.with_verdict(Verdict.ERROR)]
        assert not broken, "\n".join(broken)
    return diagnosis


def report(
    pack: Pack,
    diagnosis: Diagnosis,
    format: str = "terminal",
    language: Language = "en",
    *,
    beside: Iterable[Pack] = (),
) -> str:
    """The report that a run would print, in 80 columns without colour."""
    catalogue: Catalogue = build([*beside, pack])
    return writer(format)(report_of(diagnosis, catalogue, language, Severity.ERROR), PLAIN)


class Machine(Data, frozen=True, kw_only=True):
    """*origin*: recorded, derived or written. *roots* and *findings* are names of checks. *data*: the snapshot as JSON."""

    name: str
    origin: str
    source: str
    snapshot: Snapshot
    exit_code: int
    roots: tuple[str, ...]
    findings: tuple[str, ...]
    data: dict[str, Any]


def machine(folder: Path) -> Machine:
    """The machine in *folder*, with what is expected of it."""
    told = tomli.loads((folder / "machine.toml").read_text(encoding="utf-8"))
    data = raw(folder)
    expect = told["expect"]
    return Machine(
        name=folder.name,
        origin=told["origin"],
        source=told["source"],
        snapshot=load(json.dumps(data)),
        exit_code=expect["exit"],
        roots=tuple(expect["roots"]),
        findings=tuple(expect["findings"]),
        data=data,
    )


def raw(folder: Path) -> dict[str, Any]:
    """The snapshot of a machine as JSON data."""
    told = tomli.loads((folder / "machine.toml").read_text(encoding="utf-8"))
    data: dict[str, Any]
    if "base" in told:
        data = copy.deepcopy(raw(folder.parent / told["base"]))
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
    """Remove the value at a JSON pointer."""
    holder, last = _holder(data, pointer)
    del holder[int(last) if isinstance(holder, list) else last]


def _holder(data: Any, pointer: str) -> tuple[Any, str]:
    *way, last = [part.replace("~1", "/").replace("~0", "~") for part in pointer.removeprefix("/").split("/")]
    for part in way:
        data = data[int(part)] if isinstance(data, list) else data[part]
    return data, last
