"""Which signals end a run in order: those of this system's that a terminal, a shell or an init sends."""

from __future__ import annotations

import signal

HEARD = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)  # Windows has no hang-up
