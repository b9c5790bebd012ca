"""Lines of the service's source, and how they should be."""

from retina_doctor.authoring import Facts
from retina_doctor.kinds import Name, Path


class Mark(Facts, frozen=True, kw_only=True):
    """A comment ``# retina-doctor: ignore[word] reason`` beside a line."""

    word: Name
    reason: str


class SourceLine(Facts, frozen=True, kw_only=True):
    """A place in a file. *line* and *column* count from 1; *text*: the line without its indentation."""

    file: Path
    line: int
    column: int
    text: str
    marks: tuple[Mark, ...]


FOLDER = "/FOLDER"
"""Stands in a line for the folder that is known only where all files are judged together."""


class LineCorrection(Facts, frozen=True, kw_only=True):
    """A line as it should be. *fixed*: one line or several, "" where it goes."""

    at: SourceLine
    fixed: str
