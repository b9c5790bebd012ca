"""Breaks lines as each script is broken: between Chinese characters anywhere, in Latin text at blanks, never inside a word or
a path that fits on a line."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len
from rich.text import Text

from retina_doctor.patterns import pattern

_HAN = "\u2e80-\u2fff\u3005-\u3007\u3021-\u9fff\uf900-\ufaff"
_OPEN = "（《“‘「『【"
_CLOSE = "，。；：、！？）》”’」』】"
_PART = pattern(rf"\s+|[{_OPEN}]*(?:[{_HAN}]|[^\s{_HAN}{_OPEN}{_CLOSE}]+|[{_CLOSE}]|$)[{_CLOSE}…]*|[{_OPEN}]+")
"""Blanks, or what stays together: one Chinese character or one Latin word, with the punctuation that must not leave it."""
_LATIN = pattern(r"\s+|\S+")
"""The same where nothing is Chinese; the other takes a while to be compiled."""


def wrapped(text: Text, width: int) -> Text:
    """*text* with line ends put in, so that no line is wider than *width* cells."""
    lines = [line for given in text.split("\n", allow_blank=True) for line in _lines(given, width)]
    return Text("\n").join(lines)


def _lines(text: Text, width: int) -> list[Text]:
    starts = [0]
    used = 0
    part = _PART if max(text.plain, default="") >= _HAN[0] else _LATIN
    for match in part.finditer(text.plain):
        for start, cells, blank in _pieces(match[0], match.start(), width):
            if used + cells > width and used and not blank:
                starts.append(start)
                used = 0
            used += cells
    lines = list(text.divide(starts[1:]))
    for line in lines:
        line.rstrip()
    return lines


def _pieces(part: str, at: int, width: int) -> Iterator[tuple[int, int, bool]]:
    """(where, cells, blank) of a part; of one that no line could hold, pieces that end with a slash as far as they can."""
    while (cells := cell_len(part)) > width and not part.isspace():
        fits = 0
        while cell_len(part[: fits + 1]) <= width:
            fits += 1
        cut = part.rfind("/", 1, fits) + 1 or fits
        yield at, cell_len(part[:cut]), False
        part, at = part[cut:], at + cut
    yield at, cells, part.isspace()


def clipped(text: str, width: int) -> str:
    """*text* on one line of at most *width* cells; what does not fit is left out with a sign."""
    if cell_len(text) <= width:
        return text
    while text and cell_len(text) >= width:
        text = text[:-1]
    return text.rstrip() + "…"
