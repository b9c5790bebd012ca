"""Sentences that a page says only where they hold, as data: the check names them, the pack's table of reasons has the words.

A page says them with `told(more)`, and needs no conditions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from retina_doctor.model import Reason

Asides = list[dict[str, object]]


def asides(*those: Reason | None) -> Asides:
    """For a finding's evidence; None: does not hold here."""
    return [{"key": one.key, "values": dict(one.values)} for one in those if one is not None]


def on_host(container: str | None) -> Asides:
    """Before what a container's own root cannot do."""
    return asides(Reason("on-the-host") if container else None)


def kernel_says(line: str | None) -> Asides:
    return asides(Reason("kernel-log-line", {"line": line}) if line else None)


def of_ending(evidence: Mapping[str, Any], lines: int = 1) -> Asides:
    """What else is known of a failure, out of its evidence: the last *lines* of stderr, what nvidia-smi says, what that means,
    what the processor lacks, and what the process did with its time."""
    stderr, smi, means, effort = (evidence.get(key) for key in ("stderr", "smi", "means", "effort"))
    lacks = evidence.get("lacks")
    return asides(
        Reason("last-output", {"lines": " / ".join(map(str.strip, stderr[-lines:]))}) if stderr else None,
        Reason("smi-says", {"line": smi}) if smi else None,
        Reason("it-means", {"what": means}) if means else None,
        Reason("processor-lacks", {"what": lacks}) if lacks else None,
        Reason("processor-has-them") if lacks is not None and not lacks else None,
        Reason("in-detail", {"what": effort}) if effort else None,
    )
