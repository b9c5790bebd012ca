"""One Python file: its text, its syntax tree, and what the rules tell of it."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from typing import Any

from retina_doctor_checks.source.python import rules

MARKS = tuple(rules.MARKS.get(name, name).encode() for name in rules.PACKAGES)


CONFIG = re.compile(r"gunicorn.*\.py$")


def concerned(data: bytes, name: str) -> bool:
    """Whether a rule can find anything: it must name a package that rules are about. Parsing takes most of the time."""
    return any(mark in data for mark in MARKS) or CONFIG.match(name) is not None


def read(data: bytes, path: str) -> tuple[list[str], dict[str, list[Any]]]:
    """(lines, what was told). Raises SyntaxError, ValueError, RecursionError, MemoryError."""
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    text = io.TextIOWrapper(io.BytesIO(data), encoding).read()  # as the file itself declares, line ends made alike
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        root = ast.parse(text, path)
    lines = text.split("\n")
    return lines, rules.told(root, lines, CONFIG.match(path.rsplit("/", 1)[-1]) is not None)


def remarks(data: bytes, lines: list[str]) -> list[str]:
    """Of each line its comment: a text may look like one. Raises SyntaxError, tokenize.TokenError."""
    found = [""] * len(lines)
    for token in tokenize.tokenize(io.BytesIO(data).readline):
        if token.type == tokenize.COMMENT and token.start[0] <= len(found):
            before = token.line[: token.start[1]].strip()
            found[token.start[0] - 1] = "..." * bool(before) + token.string  # alone on its line, or behind something
    return found
