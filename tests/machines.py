"""Machines of fixtures/machines, by name (see `retina_doctor.testing`)."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from retina_doctor import testing
from retina_doctor.testing import Machine, drop, put

__all__ = ["FOLDER", "Machine", "drop", "machine", "names", "put", "raw"]

FOLDER = Path(__file__).parents[1] / "fixtures" / "machines"


def names() -> list[str]:
    return sorted(folder.name for folder in FOLDER.iterdir() if (folder / "machine.toml").is_file())


@functools.cache
def machine(name: str) -> Machine:
    return testing.machine(FOLDER / name)


def raw(name: str) -> dict[str, Any]:
    """The snapshot of a machine as JSON data."""
    return testing.raw(FOLDER / name)
