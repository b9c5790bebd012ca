"""The words that are known to be harmless, in lower case. words.txt is made by tools/vocabulary.py, sorted; places.txt holds
folders, programs, systems and model files that every second machine has."""

from __future__ import annotations

import functools
from pathlib import Path

_HERE = Path(__file__).parent
FEW = 100
"""Words that are looked for line by line, as a quick check does: to make a set of all takes as long as some hundred of these."""


class Vocabulary:
    """Asked with `in`."""

    def __init__(self) -> None:
        self._asked = 0

    def __contains__(self, word: str) -> bool:
        self._asked += 1
        if self._asked > FEW:
            return word in known_words()
        return has_line(_text(), word) or word in _places()


def has_line(text: str, word: str) -> bool:
    """Whether *word* is a line of *text*, whose lines are sorted and each end with a line feed."""
    low, high = 0, len(text)  # where lines begin
    while low < high:
        start = text.rfind("\n", low, (low + high) // 2) + 1 or low
        end = text.index("\n", start)
        line = text[start:end]
        if line == word:
            return True
        low, high = (end + 1, high) if line < word else (low, start)
    return False


@functools.cache
def known_words() -> frozenset[str]:
    return _places().union(_text().split())


@functools.cache
def _text() -> str:
    return (_HERE / "words.txt").read_text(encoding="utf-8")


@functools.cache
def _places() -> frozenset[str]:
    return frozenset((_HERE / "places.txt").read_text(encoding="utf-8").split())
