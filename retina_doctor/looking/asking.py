"""Asks the operator which of the running services is meant: at a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from retina_doctor.authoring import RunningService
from retina_doctor.kinds import Kind
from retina_doctor.quoting import visible

NONE_OF_THEM = "none of them: go on without"


def choose(found: Sequence[RunningService]) -> RunningService | None:
    """The one that was chosen; None where there is none, or nobody to ask."""
    if not found or sys.stderr is None or sys.stdin is None or not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    several = "Several services run here:" if len(found) > 1 else "A service runs here that may not be meant:"
    lines = [f"  {number}  {_told(one)}" for number, one in enumerate(found, 1)]
    sys.stderr.write("\n".join([several, *lines, f"  0  {NONE_OF_THEM}", ""]))
    return _answer(found)


def _answer(found: Sequence[RunningService]) -> RunningService | None:
    while True:
        sys.stderr.write(f"Which one? [0-{len(found)}] ")
        sys.stderr.flush()
        answer = sys.stdin.readline()
        if not answer or answer.strip() == "0":
            return None
        if answer.strip() in map(str, range(1, len(found) + 1)):
            return found[int(answer) - 1]


def _told(one: RunningService) -> str:
    from retina_doctor.redaction import shown

    ports = ", ".join(map(str, one.ports))
    return str(visible(f"--pid {one.pid}  port {ports}  {shown(one.command, Kind.COMMAND)}"))
