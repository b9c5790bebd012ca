"""Variables that say which GPUs a process or a container sees: as files of every kind set them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ..facts.deployment import SetVariable
from ..facts.source_lines import SourceLine

WATCHED = ("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES")
HIDES = re.compile(r"(?i)|-\d+|none|void|nodevfiles")
"""Values by which CUDA sees no card (CUDA's programming guide, "CUDA Environment Variables": an index that is none ends the
list)."""
GIVES_NONE = ("none", "void", "")
"""Of NVIDIA_VISIBLE_DEVICES (the container toolkit's documentation, "GPU Enumeration")."""


def watched(given: Mapping[str, str], at: SourceLine) -> tuple[SetVariable, ...]:
    return alone((name, value, at) for name, value in given.items())


def alone(found: Iterable[tuple[str, str, SourceLine]]) -> tuple[SetVariable, ...]:
    """Of [(name, value, its own line)]."""
    return tuple(
        SetVariable(
            at=at, name=name, value=value, hides=name == WATCHED[0] and HIDES.fullmatch(value.strip()) is not None
        )
        for name, value, at in found
        if name in WATCHED
    )
