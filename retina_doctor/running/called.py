"""How this run was called, for whoever is to call it again as he did."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from retina_doctor import proc_files
from retina_doctor.language import Language, language_of
from retina_doctor.quoting import Command, command_of
from retina_doctor.redaction import words_shown

RUNNERS = ("uv", "uvx")
"""They start the doctor from an environment of their own, whose commands nobody else finds, and wait for it."""
NAMES = ("retina-doctor", "doctor")


def program() -> tuple[str, ...]:
    """The words before the doctor's own: `retina-doctor`, and before it `uvx --from .` where that starts it."""
    own = sys.argv[1:]
    try:
        words = [os.fsdecode(word) for word in proc_files.words(f"/proc/{os.getppid()}")]
    except OSError:
        return ("retina-doctor",)
    before = words[: len(words) - len(own)]
    if len(before) < 2 or words[len(before) :] != own or Path(before[-1]).name not in NAMES:
        return ("retina-doctor",)
    first, rest = Path(before[0]).name, before[1:]
    if first == "uv" and rest[:2] == ["tool", "uvx"]:  # what uvx makes of itself
        first, rest = "uvx", rest[2:]
    return (first, *rest) if first in RUNNERS else ("retina-doctor",)


def as_called() -> str:
    """The command line of this run; what looks like a secret is not repeated."""
    return str(_shown(*sys.argv[1:]))


def explain(language: Language) -> str:
    """The command that explains a code, which comes behind it, in the language of this run."""
    flag = () if language == language_of(None, os.environ) else ("--lang", language)
    return str(_shown("explain", *flag))


def _shown(*words: str) -> Command:
    return command_of(words_shown([*program(), *words]))
