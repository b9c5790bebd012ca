"""One Python file: its text, its syntax tree, and what the rules tell of it."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings

from ..found import Found
from ..kinds import PYTHON
from ..text import SourceText
from . import rules
from .neighbours import Neighbours

WORDS = tuple(word.encode() for word in PYTHON)


def read(data: bytes, path: str, neighbours: Neighbours, is_config: bool) -> Found:
    """Raises SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError."""
    if not is_config and not any(word in data for word in WORDS):
        return Found()  # parsing takes most of the time
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    content = io.TextIOWrapper(io.BytesIO(data), encoding).read()  # as the file itself declares, line ends made alike
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        root = ast.parse(content, path)
    lines = content.split("\n")
    text = SourceText(path, lines, remarks(data, lines) if b"retina-doctor:" in data else None)
    return rules.told(root, text, neighbours, is_config)


def remarks(data: bytes, lines: list[str]) -> list[str]:
    """Of each line its comment: a text may look like one. Raises SyntaxError, tokenize.TokenError."""
    found = [""] * len(lines)
    for token in tokenize.tokenize(io.BytesIO(data).readline):
        if token.type == tokenize.COMMENT and token.start[0] <= len(found):
            before = token.line[: token.start[1]].strip()
            found[token.start[0] - 1] = "..." * bool(before) + token.string  # alone on its line, or behind something
    return found
