"""Asks the operator which of several running services is meant: at a terminal only, else it tells which there are.

Services of others, which this user may not look into, are told where there is no other.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from retina_doctor.authoring import RunningService
from retina_doctor.quoting import visible

NONE_OF_THEM = "none of them: go on without"


def choose(found: Sequence[RunningService]) -> RunningService | None:
    """The one that was chosen; None where nobody is there to ask."""
    if sys.stderr is None:
        return None
    hidden = [one for one in found if not one.readable]
    found = [one for one in found if one.readable]
    if not found:
        lines = [f"  {_told(one)}  (run the doctor as root, or as {one.user})" for one in hidden]
        names = "\n".join(["this may be the service, and belongs to another user:", *lines])
        sys.stderr.write(f"retina-doctor: {names}\n")
        return None
    lines = [f"  {number}  {_told(one)}" for number, one in enumerate(found, 1)]
    if sys.stdin is None or not (sys.stdin.isatty() and sys.stderr.isatty()):
        names = "\n".join(["several services run here; --pid chooses one:", *(f"  {_told(one)}" for one in found)])
        sys.stderr.write(f"retina-doctor: {names}\n")
        return None
    sys.stderr.write("\n".join(["Several services run here:", *lines, f"  0  {NONE_OF_THEM}", ""]))
    return _answer(found)


def _answer(found: Sequence[RunningService]) -> RunningService | None:
    while True:
        sys.stderr.write(f"Which one? [0-{len(found)}] ")
        sys.stderr.flush()
        answer = sys.stdin.readline()
        if not answer or answer.strip() == "0":
            return None
        if answer.strip().isdigit() and int(answer) <= len(found):
            return found[int(answer) - 1]


def _told(one: RunningService) -> str:
    ports = ", ".join(map(str, one.ports))
    return str(visible(f"--pid {one.pid}  port {ports}  {one.command}"))
