"""One live line on standard error while slow probes run: which, doing what, for how long."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence

from retina_doctor.probing.collect import Progress
from retina_doctor.probing.process import Child
from retina_doctor.quoting import visible

PATIENCE = 0.7  # seconds: what ends sooner needs no explanation


@contextlib.contextmanager
def shown() -> Iterator[Progress | None]:
    """A function for `Looking`; None where standard error is no terminal that can draw, and nothing is shown."""
    if sys.stderr is None or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield None
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True)
    with console.status("") as status:

        def show(running: Sequence[Child]) -> None:
            slow = [child for child in running if child.seconds > PATIENCE]
            status.update(Text(line(slow)))

        yield show


def line(running: Sequence[Child]) -> str:
    """What a child says of its stage is the target's text: shown as it is, never obeyed."""
    return ", ".join(f"{c.current}: {visible(c.stage or 'starting')}, {c.seconds:.0f} s" for c in running)
