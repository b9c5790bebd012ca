"""What a process that died of an unknown instruction wanted of the processor, and what that has."""

from __future__ import annotations

from ..facts.python_env import Extensions
from .refusals import Meaning

ASKED = ("sse4_2", "avx", "f16c", "fma", "bmi2", "avx2")
"""What builds for x86-64-v2 and -v3 take for granted (the x86-64 psABI's micro-architecture levels); NumPy 2.4 asks for v2, and
onnxruntime, OpenCV and torch choose at run time from v3 upwards, where their authors did not forget to ask."""


def understood(meant: Meaning | None, extensions: Extensions | None) -> dict[str, object]:
    """Evidence: *means*; *lacks*: of the instruction sets asked for, those that the processor lacks; None: not told."""
    asked = meant is not None and meant.mechanism == "instruction-unknown"
    return {"means": meant.told if meant else None, "lacks": lacks(extensions) if asked else None}


def lacks(extensions: Extensions | None) -> list[str] | None:
    """Of the instruction sets asked for, those that the processor lacks; None: not told."""
    flags = extensions.cpu_flags if extensions is not None else None
    return None if flags is None else [one for one in ASKED if one not in flags]
