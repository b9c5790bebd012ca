"""Which formats reports can be written in: entry points of the group ``retina_doctor.reports``, as checks are.

Each names a module, or anything else, that has ``write(report, look) -> str``. Where its consumer fixes the exit code it has
``exit_code(report) -> int`` as well, which holds where that format goes to standard output.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, NamedTuple

from retina_doctor.errors import UsageError, described

if TYPE_CHECKING:
    from collections.abc import Callable

    from retina_doctor.reports import Look, Report

GROUP = "retina_doctor.reports"
OWN = "retina-doctor"


class Format(NamedTuple):
    """*write*: a function from report to text. *exit_code* None: the verdict's own, as for most. *own*: of this distribution."""

    name: str
    write: Callable[[Report, Look], str]
    exit_code: Callable[[Report], int] | None = None
    own: bool = False


def _is_own(point: EntryPoint) -> bool:
    return point.dist is not None and point.dist.name == OWN


@functools.cache
def _points() -> Mapping[str, EntryPoint]:
    """By name, in the order of the names. The doctor's own go before others of the same name."""
    points = sorted(entry_points(group=GROUP), key=lambda p: (p.name, _is_own(p)))
    return {point.name: point for point in points}


def names() -> tuple[str, ...]:
    """What --format takes."""
    return tuple(_points())


def load(name: str) -> Format:
    """Raises UsageError where there is no such format, or where it cannot be loaded."""
    points = _points()
    if name not in points:
        raise UsageError(f"--format {name}: known are {', '.join(points)}")
    try:
        found = points[name].load()
        return Format(name, found.write, getattr(found, "exit_code", None), _is_own(points[name]))
    except Exception as error:
        raise UsageError(f"--format {name}: {points[name].value} cannot be used: {described(error)}") from None
