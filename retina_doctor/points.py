"""What distributions add to the doctor, by entry points: which there are, and loading one, whatever its module does."""

from __future__ import annotations

import functools
from importlib.metadata import Distribution, EntryPoint, entry_points
from typing import Any

from retina_doctor.errors import PackError, described

OWN = "retina-doctor"


def points_of(group: str) -> tuple[EntryPoint, ...]:
    """Those of the doctor's own distribution first, then in the order of names."""
    points = tuple(entry_points(group=group))
    return tuple(sorted(points, key=lambda p: (not is_own(p), p.name))) if len(points) > 1 else points


def is_own(point: EntryPoint) -> bool:
    return point.dist is not None and _name_of(point.dist) == OWN


@functools.cache
def _name_of(distribution: Distribution) -> str:
    """It is read from a file, anew each time."""
    return distribution.name


def loaded(point: EntryPoint) -> Any:
    """Raises PackError. A script that was meant to be run would end the interpreter with an exit code of its own."""
    try:
        return point.load()
    except (Exception, SystemExit) as error:
        raise PackError(described(error)) from None
