"""A file's text, and the places in it as they are told: without secrets, and no longer than is shown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from retina_doctor.masking.words import beginning, masked

from ..facts.source_lines import Mark, SourceLine

MOST_LINE = 300  # characters of a line that are shown
MOST_ABOVE = 20  # lines of comment above a place
FOLDERS = re.compile(r"(?:(?<=models/)|(?<=\.insightface/))([A-Za-z][\w-]*)")
"""What a file says of folders of insightface's models."""
IGNORE = re.compile(r"(?i)#\s*retina-doctor:\s*ignore\[([\w\s,-]+)\][ \t]*(.*)")


class Unreadable(ValueError):
    """Why a file cannot be read, in our own words."""


class SourceText:
    """*remarks*: of each line what may be a comment."""

    def __init__(self, path: str, lines: Sequence[str], remarks: Sequence[str] | None = None) -> None:
        self.path = path
        self.lines = lines
        self.remarks = lines if remarks is None else remarks

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    def at(self, line: int, column: int = 1, until: int | None = None) -> SourceLine:
        """*until*: the last line on which a comment belongs to the place."""
        shown = self.lines[line - 1] if line <= len(self.lines) else ""
        text = beginning(shown.strip()[: 8 * MOST_LINE], MOST_LINE)
        return SourceLine(file=self.path, line=line, column=column, text=text, marks=self._marks(line, until or line))

    def _marks(self, line: int, until: int) -> tuple[Mark, ...]:
        """The comments that ask to ignore something: on the lines, or alone on the lines above them."""
        found = [mark for remark in self.remarks[line - 1 : until] for mark in IGNORE.findall(remark)]
        above = line - 2
        while max(0, line - MOST_ABOVE) <= above < len(self.remarks) and self.remarks[above].lstrip().startswith("#"):
            found += IGNORE.findall(self.remarks[above])
            above -= 1
        return tuple(
            Mark(word=word.strip(), reason=reason.strip()[:200] or "-")
            for words, reason in found
            for word in words.split(",")
        )


def corrected(line: str | None) -> str | None:
    """A line as it should be; None where it is too long to be shown: half a correction would be none."""
    return masked(line.strip()) if line and len(line) <= MOST_LINE else None


def corrected_lines(*lines: str) -> str | None:
    """Several lines in place of one, the first without the indentation that all have; None likewise."""
    if any(len(line) > MOST_LINE for line in lines):
        return None
    indent = len(lines[0]) - len(lines[0].lstrip())
    return masked("\n".join(line[indent:].rstrip() for line in lines))


def parted(sides: tuple[str, str] | None) -> tuple[str, str] | None:
    """What stands before and after a place on its line, likewise."""
    if sides is None or len(sides[0] + sides[1]) > MOST_LINE:
        return None
    return masked(sides[0]), masked(sides[1])
