"""What is made while the probes run: not before, which would delay them, and not after."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from retina_doctor.running import output

if TYPE_CHECKING:
    from retina_doctor.model import Snapshot
    from retina_doctor.running.output import Outputs


def rehearse(wanted: Outputs, seen: Callable[[], Snapshot]) -> None:
    """Import what these reports need, then judge what has been *seen* by now, for nobody.

    Of what the first judging costs, nine parts of ten are tables, patterns and types that are made when they are first
    asked for, and kept.
    """
    output.prepare(wanted)
    from retina_doctor.catalogue.registry import installed
    from retina_doctor.judging.diagnose import diagnose
    from retina_doctor.redaction import without_secrets

    with contextlib.suppress(Exception):  # it comes again, and is told, when all has been seen
        diagnose(without_secrets(seen(), installed()), installed())
