"""What is seen on standard error while slow probes run: which, doing what, for how long. At a terminal one live line; in a
log a line each 10 s, so that nobody takes a slow machine for a hung doctor."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator, Sequence

from retina_doctor.output import tell
from retina_doctor.probing.collect import Progress
from retina_doctor.probing.process import Child
from retina_doctor.quoting import visible

PATIENCE = 0.7  # seconds: what ends sooner needs no explanation
BETWEEN = 10.0  # seconds


@contextlib.contextmanager
def shown() -> Iterator[Progress | None]:
    """A function for `Looking`; None where there is no standard error."""
    if sys.stderr is None:
        yield None
        return
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield logged()
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True)
    with console.status("") as status:

        def show(running: Sequence[Child]) -> None:
            slow = [child for child in running if child.seconds > PATIENCE]
            status.update(Text(line(slow)))

        yield show


def logged(every: float = BETWEEN) -> Progress:
    """Tells a line every so many seconds."""
    last = time.monotonic()

    def show(running: Sequence[Child]) -> None:
        nonlocal last
        if running and time.monotonic() - last >= every:
            last = time.monotonic()
            tell(f"retina-doctor: {line(running)}\n")

    return show


def line(running: Sequence[Child]) -> str:
    """What a child says of its stage is the target's text: shown as it is, never obeyed."""
    return ", ".join(f"{c.current}: {visible(c.stage or 'starting')}, {c.seconds:.0f} s" for c in running)
