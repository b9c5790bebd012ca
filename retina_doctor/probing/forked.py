"""A process of the doctor's own side that is forked from the doctor: much of what it looks with is imported there already, and
starting a Python and importing that again takes longer than the looking."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import threading
from collections.abc import Mapping
from typing import Any, BinaryIO, NoReturn

from retina_doctor.ears import HEARD
from retina_doctor.probing.prctl import DIES_WITH_ITS_PARENT, prctl


class Forked:
    """As much of subprocess.Popen as is asked of a process here. *stdin*: none, since it knows what it has to do."""

    stdin: BinaryIO | None = None

    def __init__(self, pid: int, stdout: int, stderr: int) -> None:
        self.pid = pid
        self.stdout: BinaryIO | None = open(stdout, "rb", buffering=0)  # noqa: SIM115 - closed by whoever ends it
        self.stderr: BinaryIO | None = open(stderr, "rb", buffering=0)  # noqa: SIM115
        self.returncode: int | None = None

    def poll(self) -> int:
        """Asked where the system has taken the exit status away, which tells that it has ended."""
        self.returncode = 0
        return 0


def can_be_forked() -> bool:
    """Where nothing else runs in this process: a lock that another thread holds would be held in the child for ever."""
    alone = threading.active_count() == 1 and threading.current_thread() is threading.main_thread()
    return sys.platform == "linux" and alone


def fork(told: dict[str, Any], environment: Mapping[str, str]) -> Forked:
    """Does what `child.main` is *told*. Raises OSError."""
    heard, facts = os.pipe()
    read, errors = os.pipe()
    gc.freeze()  # what both have stays one
    parent = os.getpid()
    try:
        pid = os.fork()
    except OSError:
        for one in (heard, facts, read, errors):
            os.close(one)
        raise
    if pid == 0:
        _become(parent, told, environment, facts, errors)
    os.close(facts)
    os.close(errors)
    return Forked(pid, heard, read)


def _descriptors() -> list[int]:
    """What is open, or may be where /proc does not tell."""
    try:
        return [int(name) for name in os.listdir("/proc/self/fd")]  # noqa: PTH208 - half of a millisecond
    except OSError:
        return [*range(3, 1024)]


def _become(parent: int, told: dict[str, Any], environment: Mapping[str, str], facts: int, errors: int) -> NoReturn:
    """It leads a session, hears signals as a new process does, dies with the doctor, and holds nothing of it open."""
    try:
        os.setsid()
        for number in HEARD:
            signal.signal(number, signal.SIG_DFL)
        with contextlib.suppress(OSError):  # where a sandbox forbids it, the watchdog is left
            prctl(DIES_WITH_ITS_PARENT, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        for number, one in enumerate((os.open(os.devnull, os.O_RDONLY), facts, errors)):
            os.dup2(one, number)
        for one in _descriptors():
            if one > 2:
                os.closerange(one, one + 1)
        sys.stdout, sys.stderr = (open(one, "w", closefd=False) for one in (1, 2))  # noqa: SIM115
        os.environ.clear()
        os.environ.update(environment)
        from retina_doctor.probing.child import main

        main(told)
    except BaseException:
        import traceback

        os.write(2, traceback.format_exc().encode(errors="replace"))
    finally:
        os._exit(1)
