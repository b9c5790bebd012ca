"""Which signals end a run in order: those of this system's that a terminal, a shell or an init sends."""

from __future__ import annotations

import signal

HEARD = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)  # Windows has no hang-up


def hear_nothing() -> None:
    """In a process of the doctor's own making: Ctrl-C is the first one's to hear, and with that one it ends."""
    for number in HEARD:
        signal.signal(number, signal.SIG_IGN if number == signal.SIGINT else signal.SIG_DFL)
