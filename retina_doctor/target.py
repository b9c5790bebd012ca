"""Chooses the interpreter to look at when none is named: the service's, not the doctor's own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from retina_doctor.model import Target
from retina_doctor.settings import Settings


def choose_target(settings: Settings, environment: Mapping[str, str]) -> Target:
    """The named command; else the interpreter of the process --pid; else VIRTUAL_ENV's or CONDA_PREFIX's unless that is
    the doctor's own; else the first python3 on PATH that is not; else the doctor's own."""
    if settings.target.command:
        return Target(command=settings.target.command, chosen="flag")
    if settings.service.pid:
        attached = _python_of(settings.service.pid)
        if attached:
            return Target(command=(attached,), chosen="service", chosen_by=str(settings.service.pid))
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        prefix = environment.get(variable)
        if prefix and not _same(Path(prefix), Path(sys.prefix)):
            for name in ("python", "python3"):
                python = Path(prefix) / "bin" / name
                if os.access(python, os.X_OK):
                    return Target(command=(str(python),), chosen="environment", chosen_by=variable)
    for python in _on_path(environment.get("PATH", os.defpath)):
        return Target(command=(str(python),), chosen="path", chosen_by="PATH")
    return Target(command=(sys.executable,), chosen="own")


def _on_path(path: str) -> Iterator[Path]:
    own = Path(sys.executable).parent
    for folder in path.split(os.pathsep):
        # A relative entry of PATH means the working directory, from which nothing is run.
        python = Path(folder) / "python3"
        if Path(folder).is_absolute() and not _same(Path(folder), own) and os.access(python, os.X_OK):
            yield python


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return one == other


def _python_of(pid: int) -> str | None:
    """The interpreter of a running process: as it was called, since its file is the base Python in a venv."""
    process = Path("/proc") / str(pid)
    try:
        first = (process / "cmdline").read_bytes().split(b"\0")[0].decode()
        called = Path(first) if Path(first).is_absolute() else process.joinpath("cwd").readlink() / first
        for candidate in (called, process.joinpath("exe").readlink()):
            if "python" in candidate.name and os.access(candidate, os.X_OK):
                return str(candidate)
    except (OSError, UnicodeDecodeError):
        pass
    return None
