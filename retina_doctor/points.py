"""What distributions add to the doctor, by entry points: which there are, and loading one, whatever its module does.

`importlib.metadata` says the same (a test holds this against it), but its import and its reading, anew for each group, take
a sixth of an empty command. Format: PyPA, "Entry points specification"; a distribution that comes first on sys.path hides
others of its name.
"""

from __future__ import annotations

import functools
import importlib
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from retina_doctor.errors import PackError, described

OWN = "retina-doctor"
FILE = "entry_points.txt"
VALUE = re.compile(r"(?P<module>[\w.]+)\s*(?::\s*(?P<attribute>[\w.]+)\s*)?(?:\[.*\]\s*)?$")


class Point(NamedTuple):
    """An entry point: *value* is "module:attribute"; *distribution* as PyPI compares names."""

    group: str
    name: str
    value: str
    distribution: str

    @property
    def is_own(self) -> bool:
        """Of the doctor's own distribution."""
        return self.distribution == OWN


def points_of(group: str) -> tuple[Point, ...]:
    """Those of the doctor's own distribution first, then in the order of names."""
    points = [point for point in _points(tuple(sys.path)) if point.group == group]
    return tuple(sorted(points, key=lambda p: (not p.is_own, p.name)))


def loaded(point: Point) -> Any:
    """Raises PackError. A script that was meant to be run would end the interpreter with an exit code of its own."""
    try:
        match = VALUE.match(point.value)
        if match is None:
            raise ValueError(f"{point.value!r} is no module:attribute")
        names = filter(None, (match["attribute"] or "").split("."))
        return functools.reduce(getattr, names, importlib.import_module(match["module"]))
    except (Exception, SystemExit) as error:
        raise PackError(described(error)) from None


@functools.cache
def _points(folders: tuple[str, ...]) -> tuple[Point, ...]:
    """All that distributions in these folders of sys.path have."""
    found: dict[str, str] = {}
    """Text of the file, by distribution."""
    for folder in folders:
        for name, info in _distributions(folder):
            if name not in found:
                found[name] = _text(info / FILE)
    return tuple(point for name, text in found.items() for point in _listed(text, name))


def _distributions(folder: str) -> Iterator[tuple[str, Path]]:
    """(name, folder that describes it) of what is installed there; nothing in what is no folder, or the working directory."""
    try:
        entries = os.listdir(folder) if folder else []  # noqa: PTH208 - a start pays it
    except OSError:
        return
    for entry in entries:
        stem, dot, kind = entry.rpartition(".")
        if dot and kind.lower() in ("dist-info", "egg-info"):
            yield re.sub(r"[-_.]+", "-", stem.partition("-")[0]).lower(), Path(folder, entry)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def _listed(text: str, distribution: str) -> Iterator[Point]:
    group = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("[") and line.endswith("]"):
            group = line.strip("[]")
        elif line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield Point(group, name.strip(), value.strip(), distribution)
