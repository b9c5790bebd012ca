"""One Python file: its text, its syntax tree, and what the rules tell of it."""

from __future__ import annotations

from ..found import Found
from ..kinds import PYTHON
from . import rules
from .modules import parsed
from .neighbours import Neighbours
from .tree import Tree

WORDS = tuple(word.encode() for word in PYTHON)


def read(data: bytes, path: str, neighbours: Neighbours, is_config: bool) -> Found:
    """Raises SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError."""
    if not is_config and not any(word in data for word in WORDS):
        return Found()  # parsing takes most of the time
    known = neighbours.trees.get(path)
    return rules.told(known if isinstance(known, Tree) else parsed(data, path, neighbours), is_config)
