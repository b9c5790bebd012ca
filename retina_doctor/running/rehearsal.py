"""What is made while the probes run: not before, which would delay them, and not after."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from retina_doctor.running import output

if TYPE_CHECKING:
    from retina_doctor.model import Snapshot
    from retina_doctor.running.output import Outputs


class Rehearsal:
    """In a thread of its own. *wanted*: the reports that will be made."""

    def __init__(self, wanted: Outputs) -> None:
        self.wanted = wanted
        self.thread: threading.Thread | None = None

    def begin(self, seen: Callable[[], Snapshot]) -> None:
        self.thread = threading.Thread(target=rehearse, args=(self.wanted, seen), daemon=True)
        self.thread.start()

    def end(self) -> None:
        """What is judged and reported from here on has no other beside it: libraries are made for one at a time."""
        if self.thread is not None:
            self.thread.join()


def rehearse(wanted: Outputs, seen: Callable[[], Snapshot]) -> None:
    """Import what these reports need, then judge what has been *seen* by now, for nobody.

    Of what the first judging costs, nine parts of ten are tables, patterns and types that are made when they are first
    asked for, and kept.
    """
    with contextlib.suppress(Exception):  # it comes again, and is told, when all has been seen
        output.prepare(wanted)
        from retina_doctor.catalogue.registry import installed
        from retina_doctor.judging.diagnose import diagnose
        from retina_doctor.redaction import without_secrets

        diagnose(without_secrets(seen(), installed()), installed())
