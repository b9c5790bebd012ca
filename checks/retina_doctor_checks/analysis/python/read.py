"""One Python file: its text, its syntax tree, and what the rules tell of it."""

from __future__ import annotations

import re

from ...facts.source import Sign
from .. import text
from ..found import Found
from ..kinds import PYTHON
from ..text import SourceText
from . import rules
from .modules import parsed
from .neighbours import Neighbours
from .tree import Tree

FOLDERS = re.compile(text.FOLDERS.pattern.encode())
WORDS = tuple(word.encode() for word in PYTHON)
MOST_PARTS = 10_000


def read(data: bytes, path: str, neighbours: Neighbours, is_config: bool) -> Found:
    """Raises SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError."""
    if not is_config and not any(is_word_of(data, word) for word in WORDS):
        return Found()  # parsing takes most of the time
    known = neighbours.trees.get(path)
    found = rules.told(known if isinstance(known, Tree) else parsed(data, path, neighbours), is_config)
    named = {one.decode("utf-8", "replace") for one in FOLDERS.findall(data)} if is_named(data) else set()
    first = SourceText(path, []).at(1)
    found.signs += [Sign(at=first, kind="folder", what=one) for one in sorted(named)]
    return found


def is_named(data: bytes) -> bool:
    """Quicker than the pattern."""
    return b"models/" in data or b".insightface/" in data


def is_word_of(data: bytes, word: bytes) -> bool:
    """And no part of a longer one: `array` holds ray, `COMPILED` PIL. So many parts are taken for a word, too."""
    at = data.find(word)
    for _ in range(MOST_PARTS):
        end = at + len(word)
        if at < 0 or not (data[at - 1 : at].isalpha() or data[end : end + 1].isalpha()):
            return at >= 0
        at = data.find(word, end)
    return True
