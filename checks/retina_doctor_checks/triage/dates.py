"""When the lines of a log were written, as far as they say it."""

from __future__ import annotations

import calendar
import datetime
import re
from collections.abc import Iterable, Iterator, Sequence

from retina_doctor.codec import Data

_ISO = re.compile(
    r"(?<!\d)(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,]\d{1,9})?\s?(Z|[+-]\d\d:?\d\d)?(?![\d:])"
)
_ACCESS = re.compile(r"\[(\d\d)/([A-Z][a-z]{2})/(\d{4})[: ](\d\d):(\d\d):(\d\d)(?: ([+-]\d{4}))?\]")
"""Of web servers: Apache's common log format, werkzeug, http.server."""
_SYSLOG = re.compile(r"([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d) ")
_RICH = re.compile(r"\[(\d\d)/(\d\d)/(\d\d) (\d\d):(\d\d):(\d\d)\]")
"""Month, day, year: rich.logging."""
_MONTHS = {name: number for number, name in enumerate(calendar.month_abbr) if name}
_WITHIN = 160
"""Characters of a line in which its date stands."""
_STARTED = re.compile(
    r"(?:Started (?:server|parent|reloader) process|Listening at: \S{1,80}|Booting worker with pid:) ?[\[(]?(\d{1,10})[\])]?"
)
"""What uvicorn and gunicorn say of their own processes (uvicorn/server.py, gunicorn/arbiter.py)."""
_IN_UTC = ":onnxruntime:"
"""onnxruntime writes UTC, and no zone (onnxruntime/core/common/logging/sinks/ostream_sink.cc)."""


class Clock(Data, frozen=True, kw_only=True):
    """*now*: seconds of the epoch. *offset*: seconds by which the service's local time is ahead of UTC. *started*: of the
    process; *pids*: its number and its workers'."""

    now: float
    offset: float
    started: float | None = None
    pids: Sequence[int] = ()


def moments(lines: Iterable[str], clock: Clock) -> Iterator[tuple[float | None, bool]]:
    """(a time before which the line was not written, whether that is its own date) of each line, in seconds of the epoch.

    A line without a date was not written before the one above it. None: nothing is known.
    """
    latest: float | None = None
    for line in lines:
        own = _moment(line[:_WITHIN], clock)
        if own is not None:
            latest = own
        elif clock.started is not None and any(int(pid) in clock.pids for pid in _STARTED.findall(line[:_WITHIN])):
            latest = max(latest or 0.0, clock.started)
        yield latest, own is not None


def _moment(line: str, clock: Clock) -> float | None:
    if match := _ISO.search(line):
        numbers = [int(part) for part in match.groups()[:6]]
        zone = match[7] or ("Z" if _IN_UTC in line else None)
    elif match := _ACCESS.search(line):
        month = _MONTHS.get(match[2], 0)
        numbers, zone = [int(match[3]), month, int(match[1]), *map(int, match.groups()[3:6])], match[7]
    elif match := _RICH.search(line):
        month, day, year, *rest = map(int, match.groups())
        numbers, zone = [2000 + year, month, day, *rest], None
    elif match := _SYSLOG.match(line):
        year = datetime.datetime.fromtimestamp(clock.now, datetime.UTC).year
        numbers, zone = [year, _MONTHS.get(match[1], 0), *map(int, match.groups()[1:])], None
        found = _seconds(numbers, zone, clock)
        if found is not None and found > clock.now + 86_400:  # of last year: the line names none
            numbers[0] -= 1
    else:
        return None
    return _seconds(numbers, zone, clock)


def _seconds(numbers: Sequence[int], zone: str | None, clock: Clock) -> float | None:
    try:
        when = datetime.datetime(*numbers, tzinfo=datetime.UTC).timestamp()  # type: ignore[misc,arg-type]
    except (ValueError, OverflowError):
        return None
    if zone is None:
        return when - clock.offset
    if zone == "Z":
        return when
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    return when - (60 * hours + minutes) * (60 if zone[0] == "+" else -60)
