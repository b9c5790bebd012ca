"""Which formats reports can be written in: entry points of the group ``retina_doctor.reports``, as checks are.

Each names a module, or anything else, that has ``write(report, look) -> str``. Where its consumer fixes the exit code it has
``exit_code(report) -> int`` as well, which holds where that format goes to standard output.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from retina_doctor.errors import PackError, UsageError, described
from retina_doctor.points import Point, loaded, points_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from retina_doctor.reports.report import Look, Report

GROUP = "retina_doctor.reports"


class Format(NamedTuple):
    """*write*: a function from report to text. *exit_code* None: the verdict's own, as for most. *own*: of this distribution."""

    name: str
    write: Callable[[Report, Look], str]
    exit_code: Callable[[Report], int] | None = None
    own: bool = False


@functools.cache
def _points() -> Mapping[str, Point]:
    """By name, in the order of the names. The doctor's own go before others of the same name."""
    first = {point.name: point for point in reversed(points_of(GROUP))}
    return {name: first[name] for name in sorted(first)}


def names() -> tuple[str, ...]:
    """What --format takes."""
    return tuple(_points())


def _point(name: str) -> Point:
    points = _points()
    if name not in points:
        raise UsageError(f"--format {name}: known are {', '.join(points)}")
    return points[name]


def check(name: str) -> None:
    """Raises UsageError where there is no such format, or it is another distribution's and cannot be loaded."""
    if not _point(name).is_own:
        load(name)


def load(name: str) -> Format:
    """Raises UsageError where there is no such format, or where it cannot be loaded."""
    point = _point(name)
    try:
        found = loaded(point)
        return Format(name, found.write, getattr(found, "exit_code", None), point.is_own)
    except (PackError, AttributeError) as error:
        raise UsageError(f"--format {name}: {point.value} cannot be used: {described(error)}") from None


def writer(name: str) -> Callable[[Report, Look], str]:
    """The function that writes a report in the format of that name. Raises UsageError."""
    return load(name).write
