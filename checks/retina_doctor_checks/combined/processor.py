"""What a process that died of an unknown instruction wanted of the processor, and what that has."""

from __future__ import annotations

from ..facts.python_env import Extensions
from .refusals import Meaning

ASKED = ("sse4_2", "avx", "f16c", "fma", "bmi2", "avx2")
"""What builds for x86-64-v2 and -v3 take for granted (the x86-64 psABI's micro-architecture levels); NumPy 2.4 asks for v2, and
onnxruntime, OpenCV and torch choose at run time from v3 upwards, where their authors did not forget to ask."""


def understood(meant: Meaning | None, extensions: Extensions | None) -> dict[str, object]:
    """Evidence: *means*; *lacks*: of the instruction sets asked for, those that the processor lacks; None: not told."""
    flags = extensions.cpu_flags if extensions is not None else None
    asked = meant is not None and meant.mechanism == "instruction-unknown" and flags is not None
    return {
        "means": meant.told if meant else None,
        "lacks": [one for one in ASKED if one not in (flags or ())] if asked else None,
    }
