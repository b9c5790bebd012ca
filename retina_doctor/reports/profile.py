"""Where the time of a run went: its own parts one after the other, and the probes, which run beside each other."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from retina_doctor.model import Recorded, Snapshot


class Profile:
    """Begins with the process. `lap` ends a part; what was not ended is not shown."""

    def __init__(self) -> None:
        self._laps: list[tuple[str, float, float]] = []
        self._wall, self._cpu = time.monotonic() - _age(), 0.0
        self.lap("start")

    def lap(self, part: str) -> None:
        """*part* has ended now; the next begins."""
        wall, cpu = time.monotonic(), time.process_time()
        self._laps.append((part, wall - self._wall, cpu - self._cpu))
        self._wall, self._cpu = wall, cpu

    def text(self, snapshot: Snapshot) -> str:
        """A table in plain text: wall-clock seconds, CPU seconds, most memory. Probes: the longest first."""
        lines = [_row("", "seconds", "CPU", "MiB")]
        for part, wall, cpu in self._laps:
            lines.append(_row(part, f"{wall:.3f}", f"{cpu:.3f}", ""))
            if part == "probes":
                lines += [
                    _row(f"  {name}", *_used(one))
                    for name, one in sorted(snapshot.readings.items(), key=lambda pair: -pair[1].seconds)
                ]
        wall, cpu = sum(lap[1] for lap in self._laps), sum(lap[2] for lap in self._laps)
        cpu += sum(one.cpu_seconds or 0.0 for one in snapshot.readings.values())
        return "\n".join([*lines, _row("in all", f"{wall:.3f}", f"{cpu:.3f}", "")]) + "\n"


def used_by(reading: Recorded) -> str:
    """ "0.12 s, CPU 0.05 s, 23 MiB", as far as it is known."""
    wall, cpu, memory = _used(reading)
    return ", ".join([f"{wall} s", *([f"CPU {cpu} s"] if cpu else []), *([f"{memory} MiB"] if memory else [])])


def _used(reading: Recorded) -> tuple[str, str, str]:
    cpu, peak = reading.cpu_seconds, reading.peak_memory
    return (
        f"{reading.seconds:.3f}",
        "" if cpu is None else f"{cpu:.3f}",
        "" if peak is None else f"{peak / 1024**2:.0f}",
    )


def _row(name: str, wall: str, cpu: str, memory: str) -> str:
    return f"{name:<20}{wall:>9}{cpu:>9}{memory:>9}"


def _age() -> float:
    """Seconds since this process was started; since its first CPU second where the system does not tell."""
    if sys.platform != "linux":
        return time.process_time()
    try:
        started = int(Path("/proc/self/stat").read_bytes().rpartition(b") ")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
        return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started)
    except (OSError, AttributeError, ValueError, IndexError):
        return time.process_time()
