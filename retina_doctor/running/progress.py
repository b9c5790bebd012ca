"""What is seen on standard error while slow probes run: which, doing what, for how long. At a terminal one live line; in a
log a line each 10 s, so that nobody takes a slow machine for a hung doctor."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator, Sequence

from retina_doctor.language import Language
from retina_doctor.probing.asking import Progress
from retina_doctor.probing.process import Child
from retina_doctor.quoting import visible
from retina_doctor.running.output import coloured, tell
from retina_doctor.words.reasons import words_of

PATIENCE = 0.7  # seconds: what ends sooner needs no explanation
BETWEEN = 10.0  # seconds


@contextlib.contextmanager
def shown(language: Language, colour: bool = True) -> Iterator[Progress | None]:
    """A function for `Looking`; None where there is no standard error. *colour* False: none, as in reports."""
    if sys.stderr is None:
        yield None
        return
    if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield logged(language)
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, no_color=not (colour and coloured(sys.stderr)))
    with console.status("") as status:

        def show(running: Sequence[Child]) -> None:
            slow = [child for child in running if child.seconds > PATIENCE]
            status.update(Text(line(slow, language)))

        yield show


def logged(language: Language, every: float = BETWEEN) -> Progress:
    """Tells a line every so many seconds."""
    last = time.monotonic()

    def show(running: Sequence[Child]) -> None:
        nonlocal last
        if running and time.monotonic() - last >= every:
            last = time.monotonic()
            tell(f"retina-doctor: {line(running, language)}\n")

    return show


def line(running: Sequence[Child], language: Language) -> str:
    """What a child says of its stage is the target's text: shown in our words or as it is, never obeyed."""
    from retina_doctor.catalogue.registry import installed
    from retina_doctor.reports.labels import label
    from retina_doctor.words.reasons import probe_name

    catalogue = installed()
    told = []
    for child in running:
        stage = visible(words_of(child.stage or "starting", catalogue, language))
        name = probe_name(child.current, catalogue, language)
        told.append(label("probe-runs", language, probe=name, stage=stage, seconds=f"{child.seconds:.0f}"))
    return label("probes-and", language).join(told)
