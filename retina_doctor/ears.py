"""Which signals end a run in order: those of this system's that a terminal, a shell or an init sends."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any

HEARD = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)  # Windows has no hang-up


def hear_nothing() -> None:
    """In a process of the doctor's own making: Ctrl-C is the first one's to hear, and with that one it ends."""
    for number in HEARD:
        signal.signal(number, signal.SIG_IGN if number == signal.SIGINT else signal.SIG_DFL)


class Later:
    """A handler that only remembers what came, the first of it first. Unlike SIG_IGN, no child inherits it."""

    def __init__(self) -> None:
        self.came: list[int] = []

    def __call__(self, number: int, _frame: object) -> None:
        self.came.append(number)


def heard() -> list[int]:
    """Those that end a run now: neither ignored by the caller nor kept for later."""
    return [
        n for n in HEARD if signal.getsignal(n) is not signal.SIG_IGN and not isinstance(signal.getsignal(n), Later)
    ]


@contextlib.contextmanager
def deaf() -> Iterator[None]:
    """Within, no signal ends what brings things in order, of which no half must be left behind. At its end the
    first that came is heard (main.py raises Interrupted), unless something else is raised."""
    later, before = Later(), dict[int, Any]()
    try:
        for number in heard() if threading.current_thread() is threading.main_thread() else ():
            before[number] = signal.signal(number, later)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if later.came:
        signal.raise_signal(later.came[0])
