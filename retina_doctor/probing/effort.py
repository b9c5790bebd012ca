"""What a probe's processes did with their time, and how busy the machine was meanwhile, as the kernel counts it.

Sent to the nodes of a fleet as well: Python 3.8, standard library alone.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retina_doctor.model import Effort


def of_group(leader: int, seconds: float) -> Effort | None:
    """As `measured` tells it."""
    from retina_doctor.model import Effort

    told = measured(leader, seconds)
    return None if told is None else Effort(**told)


def of_alarm(seconds: float, computed: float) -> Effort:
    """Of a process that its own alarm ended. It is set for later than our clock: where it rang first, neither had a processor."""
    from retina_doctor.model import Effort

    waited = max(0.0, seconds - computed)
    return Effort(
        seconds=round(seconds, 3),
        computed=round(computed, 3),
        waited=round(waited, 3),
        load=round(os.getloadavg()[0], 2),
        processors=os.cpu_count() or 1,
    )


def measured(leader: int, seconds: float) -> dict[str, Any] | None:
    """Of the process group of *leader*, which has run for *seconds*; None where the kernel does not tell.

    A command that reaches elsewhere (docker exec, ssh) shows its own effort here, which is none; the load is this machine's.
    """
    group = list(group_of(leader))
    if not group:
        return None
    ticks = os.sysconf("SC_CLK_TCK")
    computed = waited = 0.0
    for folder, fields in group:
        computed += sum(map(int, fields[11:15])) / ticks  # utime, stime, and those of children that have ended
        for file in folder.glob("task/*/schedstat"):
            with contextlib.suppress(OSError, ValueError, IndexError):
                waited += (
                    int(file.read_text().split()[1]) / 1e9
                )  # ready to run, without a processor (Documentation/scheduler)
    load = os.getloadavg()[0]
    return {
        "seconds": round(seconds, 3),
        "computed": round(computed, 3),
        "waited": round(waited, 3),
        "load": round(load, 2),
        "processors": len(os.sched_getaffinity(0)),
    }


def group_of(leader: int) -> Iterator[tuple[Path, list[bytes]]]:
    """(folder in /proc, fields of its stat from the state on) of each process of the group."""
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            fields = (entry / "stat").read_bytes().rpartition(b") ")[2].split()
            if int(fields[2]) == leader:
                yield entry, fields
