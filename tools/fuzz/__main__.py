"""Mutates what the doctor reads, target by target: never an exception, a hang or memory without bounds.

    uv run python -m tools.fuzz [TARGET ...] --seconds 60 [--count N] [--seed 1]

Each target is a function of bytes in targets.py. Its seeds come from the repository, and from corpus/TARGET/, where an input
that once broke something stays for good. An input that breaks is written there, and the run ends with exit code 1.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from tools.fuzz.mutate import mutated
from tools.fuzz.targets import TARGETS

CORPUS = Path(__file__).parent / "corpus"
LONGEST = 5  # seconds of processor time for one input: a busy machine is no fault
WAITED = 60  # seconds of wall clock
MEMORY = 300 * 2**20  # bytes beyond what the process has at its start


class TooLong(BaseException):
    """An input took more than LONGEST or WAITED."""


def _late(_number: int, _frame: FrameType | None) -> None:
    raise TooLong


def kept(name: str) -> list[bytes]:
    return [file.read_bytes() for file in sorted((CORPUS / name).glob("*"))]


def broken(target: Callable[[bytes], None], data: bytes) -> str | None:
    """How *target* breaks on *data*; None: it does not."""
    signal.setitimer(signal.ITIMER_PROF, LONGEST)
    signal.setitimer(signal.ITIMER_REAL, WAITED)
    try:
        target(data)
    except BaseException:
        if sys.exc_info()[0] is KeyboardInterrupt:
            raise
        return traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
    return None


def fuzz(name: str, seconds: float, count: int, seed: int) -> int:
    """How many inputs were tried; keeps what breaks. Raises SystemExit."""
    target, seeds = TARGETS[name]
    pool = [*kept(name), *seeds()]
    chance = random.Random(seed)
    until = time.monotonic() + seconds
    tried = 0
    while tried < count and time.monotonic() < until:
        data = pool[tried] if tried < len(pool) else mutated(pool, chance)
        how = broken(target, data)
        tried += 1
        if how is not None:
            (CORPUS / name).mkdir(parents=True, exist_ok=True)
            file = CORPUS / name / hashlib.sha256(data).hexdigest()[:16]
            file.write_bytes(data)
            sys.exit(f"{name}: input {tried} breaks it; kept as {file}\n{how}")
    return tried


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", choices=[[], *TARGETS], metavar="TARGET")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--count", type=int, default=10**9)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    signal.signal(signal.SIGALRM, _late)
    signal.signal(signal.SIGPROF, _late)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + 2 * MEMORY, resource.RLIM_INFINITY))
    for name in asked.targets or TARGETS:
        start = time.monotonic()
        tried = fuzz(name, asked.seconds, asked.count, asked.seed)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"{name}: {tried} inputs in {time.monotonic() - start:.0f} s, none breaks it; {peak} MiB at the peak")


if __name__ == "__main__":
    main()
