"""Outlives the doctor: where that is killed (SIGKILL, out of memory), what it started is ended all the same."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def watched(end_strays: Callable[[], None]) -> Iterator[None]:
    """Within: should this process die, a forked one calls *end_strays*. At a regular end it goes without a word.

    It hears of the death by the end of a pipe whose other end nobody else has. Its standard streams are /dev/null: whoever
    reads the doctor's output must not wait for it.
    """
    heard, said = os.pipe()
    try:
        watchdog = os.fork()
    except OSError:  # no more processes: the probes' own alarm clocks are left
        os.close(heard)
        os.close(said)
        yield
        return
    if watchdog == 0:
        try:
            _watch(heard, end_strays)
        finally:
            os._exit(0)
    os.close(heard)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.write(said, b".")
        os.close(said)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(watchdog, 0)


def _watch(heard: int, end_strays: Callable[[], None]) -> None:
    os.setsid()  # a Ctrl-C or a hang-up of the terminal is not meant for it
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.closerange(3, heard)
    os.closerange(heard + 1, 1024)
    if os.read(heard, 1) == b"":
        end_strays()
