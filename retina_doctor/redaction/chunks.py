"""The pieces of a text that are judged one by one, and which of them are nobody's whatever they are."""

from __future__ import annotations

import re
from typing import Any

from retina_doctor.masking.forms import MARK, SECRET_KEY
from retina_doctor.patterns import pattern
from retina_doctor.redaction.harmless import is_harmless

CHUNK = pattern(rf"(?:{MARK}|[^\s\"'<>(){{}}\[\],;|`，。；、：！？（）「」“”‘’《》])+")
ODD = pattern(r"[$!#^&*~%\\@`]")
"""Signs of which no word has one."""
_NAMED_BEFORE = ("has no attribute '", "cannot import name '", "undefined symbol: ")
"""Before an identifier of somebody's source, of which the sentence of Python or of the loader speaks (`float4_e2m1fn`)."""


_FRAME = pattern(r"/(?:(?:site|dist)-packages|lib/python3\.\d{1,2})/(?P<file>[^\"\n]{1,200})\", line \d{1,6}, in \Z")
"""Of a traceback, before the name of a function: where that is known, its functions are."""


def is_identifier(match: re.Match[str]) -> bool:
    frame = match.string.endswith(", in ", 0, match.start()) and _FRAME.search(
        match.string[max(0, match.start() - 300) : match.start()]
    )
    if not match.string.endswith(_NAMED_BEFORE, 0, match.start()) and not (
        frame and all(map(is_harmless, frame["file"].split("/")))
    ):
        return False
    name = match[0].rstrip(",")
    return name.isidentifier() and len(name) <= 40


def is_secret(key: str, value: Any) -> bool:
    return (
        bool(re.fullmatch(SECRET_KEY, key))
        and value is not None
        and not isinstance(value, bool)
        and value not in ("", [], {})
    )
