"""Ends what a run leaves behind: signals within, and afterwards every process that is this run's."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from retina_doctor import proc_files
from retina_doctor.ears import heard
from retina_doctor.errors import Interrupted
from retina_doctor.probing.watchdog import watched

RUN_VARIABLE = "RETINA_DOCTOR_RUN"
"""Set to a run's token in every process that a run starts, so that what they leave behind can be told."""
MOST = 5.0  # seconds to wait for what was killed
UNINTERRUPTIBLE = 0.2  # seconds for what no signal ends


@contextlib.contextmanager
def guarded(token: str) -> Iterator[None]:
    """Within: SIGINT, SIGTERM and SIGHUP raise Interrupted. At the end, however it comes: no process of this run is left.

    What became our child meanwhile, and was not before, counts as this run's: from a thread other than the main one,
    where others may start processes beside us, only what bears the token does.
    """
    main = threading.current_thread() is threading.main_thread()
    previous: dict[int, Any] = {}
    if main:
        previous = {number: signal.signal(number, _interrupt) for number in heard()}
    adopting = _adopt_orphans(True)
    watchdog = watched(functools.partial(_end_strays, token.strip(), None)) if main else contextlib.nullcontext()
    try:
        with watchdog:
            before = _children() if adopting and main else None
            try:
                yield
            finally:
                for number in previous:
                    signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave half of it behind
                _end_strays(token.strip(), before)
    finally:
        if adopting:
            _adopt_orphans(False)
        for number, handler in previous.items():
            signal.signal(number, handler)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    raise Interrupted(number)


def _adopt_orphans(yes: bool) -> bool:
    """Linux: let what a probe left behind become our child, so that it can be found and ended."""
    if sys.platform != "linux":
        return False
    from retina_doctor.probing.prctl import ADOPTS_ORPHANS, prctl

    try:
        prctl(ADOPTS_ORPHANS, int(yes))
    except OSError:
        return False
    return True


def _end_strays(token: str, before: frozenset[int] | None) -> None:
    """Kill every process that bears this run's token, and every new child. Killing a parent brings its children to us."""
    begun = time.monotonic()
    while time.monotonic() < begun + MOST:
        strays = _strays(token, before)
        if not strays or (time.monotonic() > begun + UNINTERRUPTIBLE and all(map(_is_uninterruptible, strays))):
            return
        for pid in strays:
            _kill(pid, token, before)
        for pid in strays:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.005)


def _kill(pid: int, token: str, before: frozenset[int] | None) -> None:
    """By a descriptor of the process, and if it is still ours: its number may be another's by now (pidfd_open(2), Linux 5.3)."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    except (AttributeError, OSError):  # an older kernel, a sandbox, another system
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
        return
    try:
        if _strays(token, before, str(pid)):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                signal.pidfd_send_signal(process, signal.SIGKILL)
    finally:
        os.close(process)


def _is_uninterruptible(pid: int) -> bool:
    """In a system call that no signal ends, as those of a hung driver: it dies when that returns, if ever."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2].startswith(b"D")
    return False


class _Seen(NamedTuple):
    """A process as /proc/PID/stat tells it. *began*: clock ticks since the machine did."""

    pid: int
    state: str
    parent: int
    began: int


def _seen(pid: str) -> _Seen:
    """Raises OSError."""
    with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123 - of every process of a machine, at each end of a run
        fields = file.read().rpartition(b") ")[2].split()
    return _Seen(int(pid), fields[0].decode(), int(fields[1]), int(fields[19]))


def _processes(only: str | None = None) -> Iterator[_Seen]:
    """Every process but this one, or *only* that one."""
    names = [only] if only else os.listdir("/proc") if Path("/proc").is_dir() else []  # noqa: PTH208 - likewise
    for name in names:
        if name.isdigit() and int(name) != os.getpid():
            with contextlib.suppress(OSError, IndexError, ValueError):
                yield _seen(name)


def _children() -> frozenset[int]:
    """Our children, those that have ended and wait to be reaped among them."""
    return frozenset(one.pid for one in _processes() if one.parent == os.getpid())


def _strays(token: str, before: frozenset[int] | None, only: str | None = None) -> frozenset[int]:
    """Those that bear the token, which none has that is older than we are; and children that we had not *before*."""
    mark, own, since = f"{RUN_VARIABLE}={token}".encode(), os.getpid(), 0
    with contextlib.suppress(OSError, IndexError, ValueError):
        since = _seen(str(own)).began
    found = set()
    for one in _processes(only):
        if before is not None and one.parent == own and one.pid not in before:
            found.add(one.pid)
        elif one.began >= since and one.state != "Z":
            with contextlib.suppress(OSError):
                if mark in proc_files.variables(f"/proc/{one.pid}"):
                    found.add(one.pid)
    return frozenset(found)
