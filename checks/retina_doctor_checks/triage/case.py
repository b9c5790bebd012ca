"""All that was read from one text, as its comparisons and its judgement are given it."""

from __future__ import annotations

import re

from retina_doctor.codec import Data

from .symptoms import SymptomSeen
from .text import LogText
from .told import Told


class Case(Data, frozen=True, kw_only=True):
    """All that was read from one text. *lesson*: it is written for readers, and its versions are examples."""

    text: LogText
    told: Told
    seen: tuple[SymptomSeen, ...]
    lesson: bool = False

    def captured(self, name: str) -> set[int]:
        """Numbers that stood in that place of any sentence; of a version, its major."""
        values = (value for one in self.seen for value in one.captured.get(name, ()))
        return {parts(value)[0] for value in values if parts(value)}


def parts(version: str | None) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version or "")[:3])
