"""For which Pythons the releases of a package have wheels."""

from __future__ import annotations

import functools
from pathlib import Path

import tomli

from retina_doctor.codec import Data, decode

from ..versions import allows, pinned, release

Version = tuple[int, int]
NEWEST = (3, 15)
"""Of the Pythons that are judged."""
UNKNOWN = "9999"
"""A release that no table knows; pip takes it where a requirement lets it in."""


class Wheels(Data, frozen=True, kw_only=True):
    name: str
    versions: tuple[str, ...]
    python: tuple[Version, Version]


@functools.cache
def wheels() -> tuple[Wheels, ...]:
    table = tomli.loads(Path(__file__).with_name("pythons.toml").read_text(encoding="utf-8"))
    return decode(table["wheels"], tuple[Wheels, ...])


def ranges(name: str, spec: str) -> list[tuple[Version, Version]]:
    """(oldest, newest) Python of the releases that a requirement lets in, oldest first; of a pin that no row has, those of its
    minor version; none where the table knows nothing of it."""
    version = pinned(spec)
    rows = [row for row in wheels() if row.name == name]
    exact = [row.python for row in rows if any(allows(spec, one) for one in row.versions)]
    if exact or version is None:
        return exact
    return [row.python for row in rows if any(release(one)[:2] == release(version)[:2] for one in row.versions)]


def pythons(spec: str) -> list[Version]:
    """The minor versions of Python 3 that a requirement of Python's lets in, by some release of each."""
    each = ((3, minor) for minor in range(6, NEWEST[1] + 1))
    return [one for one in each if any(allows(spec, f"3.{one[1]}.{patch}") for patch in (0, 99))]


def newest_for(name: str, python: Version) -> str | None:
    """The newest release with a wheel for that Python."""
    found = [
        one for row in wheels() if row.name == name and row.python[0] <= python <= row.python[1] for one in row.versions
    ]
    return max(found, key=release, default=None)
