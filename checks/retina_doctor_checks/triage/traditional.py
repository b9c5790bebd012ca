"""Chinese in traditional letters and in Taiwan's words, read as in simplified ones: 記憶體不足, 内存不足."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path

import tomli

_JAPANESE = re.compile("[\u3041-\u30fa]")
"""Japanese writes many of these letters, too, and means other words by them."""


@functools.cache
def _tables() -> tuple[Mapping[int, str], Mapping[str, str], re.Pattern[str]]:
    table = tomli.loads((Path(__file__).parent / "traditional.toml").read_text(encoding="utf-8"))
    letters = {old: new for olds, news in table["letters"] for old, new in zip(map(ord, olds), news, strict=True)}
    words: dict[str, str] = table["words"]
    return letters, words, re.compile("|".join(map(re.escape, sorted(words, key=len, reverse=True))))


def simplified(line: str) -> str:
    """The line, in lower case; as it is, unless it has traditional letters."""
    if line.isascii() or _JAPANESE.search(line):
        return line
    letters, words, of_taiwan = _tables()
    said = line.translate(letters)
    return line if said == line else of_taiwan.sub(lambda match: words[match[0]], said)
