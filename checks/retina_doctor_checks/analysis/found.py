"""What is found in files, by the fields of `Source` that it goes into."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from retina_doctor.codec import Data, encode, replace, size

from ..facts.deployment import DeployedContainer, Image, Route, Server
from ..facts.source import Bundle, Figure, Hit, Sign, Tag
from ..facts.source_lines import SourceLine

MOST_TOLD = 4 * 2**20  # bytes of all that is told


@dataclass(kw_only=True, slots=True)
class Found:
    hits: list[Hit] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    servers: list[Server] = field(default_factory=list)
    meant: list[SourceLine] = field(default_factory=list)
    bundles: list[Bundle] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
    containers: list[DeployedContainer] = field(default_factory=list)
    routes: list[Route] = field(default_factory=list)
    tags: list[Tag] = field(default_factory=list)
    signs: list[Sign] = field(default_factory=list)


class FoundSum:
    """What all files told so far, as far as there is room for it; *cut*: there was more."""

    def __init__(self) -> None:
        self._found = Found()
        self.size = 0
        self.cut = False

    def add(self, found: Found) -> None:
        for name in NAMES:
            ones: list[Any] = getattr(found, name)
            kept: list[Any] = getattr(self._found, name)
            if not ones or (name == "meant" and kept):
                continue  # one shows what is meant
            try:
                wanted = size(ones)
            except UnicodeEncodeError:  # half of a pair, as "\\ud800" writes it in Python and JSON
                ones = [storable(one) for one in ones]
                wanted = size(ones)
            if self.size + wanted > MOST_TOLD:
                self.cut, ones = True, ones[: len(ones) * (MOST_TOLD - self.size) // wanted]
            kept += ones
            self.size += wanted

    def facts(self) -> dict[str, Any]:
        """The lists as plain data, in the order of files and places."""
        return {name: encode(sorted(getattr(self._found, name), key=_place)) for name in NAMES}


def storable(value: Any) -> Any:
    """The same, with what no text of UTF-8 holds shown as it is written."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, tuple):
        return tuple(map(storable, value))
    if isinstance(value, Data):
        return replace(value, **{name: storable(getattr(value, name)) for name in value.__struct_fields__})
    return value


NAMES = tuple(one.name for one in fields(Found))


def _place(one: Any) -> tuple[str, int, int]:
    at: SourceLine = one if isinstance(one, SourceLine) else one.at
    return at.file, at.line, at.column
