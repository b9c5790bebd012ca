"""One line that two corrections change: each knows the line as it was, and what stands there afterwards has both."""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Iterator

Change = tuple[int, int, tuple[str, ...]]
"""From which word to which of the line as it was, and what stands there instead."""


def combined(stands: str, one: str, other: str) -> str | None:
    """*one* and *other* in a line; None where they change the same words, or both take it away.

    A word that one of them replaces is replaced in what the other adds, too: a package that is pinned is pinned
    wherever the line installs it.
    """
    if not one or not other:
        return None
    words = _words(stands)
    first, second = (list(_changes(words, text)) for text in (one, other))
    mine = [(start, end, _renamed(new, _replaced(words, second))) for start, end, new in first]
    theirs = [(start, end, _renamed(new, _replaced(words, first))) for start, end, new in second]
    changes = sorted({*mine, *theirs})
    for (start, end, _), (then, last, _) in itertools.pairwise(changes):
        if then < end or (start, end) == (then, last):
            return None
    for start, end, new in reversed(changes):
        words[start:end] = new
    return "".join(words)


def _words(text: str) -> list[str]:
    return re.findall(r"\s+|\S+", text)


def _changes(words: list[str], text: str) -> Iterator[Change]:
    after = _words(text)
    for kind, start, end, new, last in difflib.SequenceMatcher(None, words, after, autojunk=False).get_opcodes():
        if kind != "equal":
            yield start, end, tuple(after[new:last])


def _replaced(words: list[str], changes: list[Change]) -> dict[str, str]:
    """Single words that another stands for."""
    return {words[start]: new[0] for start, end, new in changes if end - start == len(new) == 1}


def _renamed(added: tuple[str, ...], names: dict[str, str]) -> tuple[str, ...]:
    """What is uninstalled is named without a version, and keeps its name."""
    kept, removing = [], False
    for word in added:
        removing = word == "uninstall" or (removing and word != "&&")
        kept.append(word if removing else names.get(word, word))
    return tuple(kept)
