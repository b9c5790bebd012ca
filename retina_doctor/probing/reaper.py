"""Ends what a run leaves behind: signals within, and afterwards every process that is this run's."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from retina_doctor.ears import HEARD
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
        heard = [n for n in HEARD if signal.getsignal(n) is not signal.SIG_IGN]
        previous = {number: signal.signal(number, _interrupt) for number in heard}
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
    import ctypes

    set_child_subreaper = 36  # <linux/prctl.h>
    return bool(ctypes.CDLL(None).prctl(set_child_subreaper, int(yes), 0, 0, 0) == 0)


def _end_strays(token: str, before: frozenset[int] | None) -> None:
    """Kill every process that bears this run's token, and every new child. Killing a parent brings its children to us."""
    begun = time.monotonic()
    while time.monotonic() < begun + MOST:
        strays = _bearing(token) | (_children() - before if before is not None else frozenset())
        if not strays or (time.monotonic() > begun + UNINTERRUPTIBLE and all(map(_is_uninterruptible, strays))):
            return
        for pid in strays:
            _kill(
                pid, lambda one: one in _bearing(token, one) or (before is not None and one in _children(one) - before)
            )
        for pid in strays:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.005)


def _kill(pid: int, is_ours: Callable[[int], bool]) -> None:
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
        if is_ours(pid):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                signal.pidfd_send_signal(process, signal.SIGKILL)
    finally:
        os.close(process)


def _is_uninterruptible(pid: int) -> bool:
    """In a system call that no signal ends, as those of a hung driver: it dies when that returns, if ever."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2].startswith(b"D")
    return False


def _processes(only: int | None = None) -> Iterator[tuple[int, Path, list[bytes]]]:
    """(pid, its folder in /proc, fields of its stat from the state on) of every process but this one, or of that one."""
    for entry in Path("/proc").glob("[0-9]*") if only is None else [Path(f"/proc/{only}")]:
        with contextlib.suppress(OSError):
            pid = int(entry.name)
            if pid != os.getpid():
                yield pid, entry, (entry / "stat").read_bytes().rpartition(b") ")[2].split()


def _children(only: int | None = None) -> frozenset[int]:
    """Our children, those that have ended and wait to be reaped among them."""
    own = str(os.getpid()).encode()
    return frozenset(pid for pid, _, fields in _processes(only) if fields[1] == own)


def _bearing(token: str, only: int | None = None) -> frozenset[int]:
    mark = f"{RUN_VARIABLE}={token}".encode()
    found = set()
    for pid, entry, fields in _processes(only):
        with contextlib.suppress(OSError):
            if fields[0] != b"Z" and mark in (entry / "environ").read_bytes().split(b"\0"):
                found.add(pid)
    return frozenset(found)
