"""Regular expressions that are compiled when they are first used: making all of them takes longer than a quick check uses them.

For the doctor's own side. What is sent to targets keeps its patterns as texts, which `re` compiles and remembers.
"""

from __future__ import annotations

import re
from typing import Any, cast

_METHODS = (
    "search",
    "match",
    "fullmatch",
    "split",
    "findall",
    "finditer",
    "sub",
    "subn",
    "pattern",
    "flags",
    "groups",
    "groupindex",
)


class _Pattern:
    """Takes over what the compiled one offers as soon as any of it is asked for."""

    def __init__(self, text: str, flags: int) -> None:
        self._text, self._flags = text, flags

    def __getattr__(self, name: str) -> Any:
        made = re.compile(self._text, self._flags)
        self.__dict__.update({one: getattr(made, one) for one in _METHODS})
        return getattr(made, name)


def pattern(text: str, flags: int = 0) -> re.Pattern[str]:
    """As re.compile, but for when: a text that is no pattern is refused at its first use."""
    return cast("re.Pattern[str]", _Pattern(text, flags))
