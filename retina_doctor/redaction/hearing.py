"""A first pass over a snapshot, that only learns who and where is named."""

from __future__ import annotations

from typing import Any

from retina_doctor.kinds import Kind
from retina_doctor.redaction.marks import Marks
from retina_doctor.redaction.rules import Rules
from retina_doctor.redaction.who_and_where import HOME


class Hearing(Rules):
    """For a first pass that only learns who and where is named: nothing is masked by it."""

    def __init__(self, marks: Marks) -> None:
        super().__init__(marks)
        self.of = {kind: self.of[kind] if kind in (Kind.USER, Kind.HOST) else str for kind in Kind}

    def homes(self, text: str) -> None:
        for match in HOME.finditer(text):
            self.marks.user(match[2])

    def words(self, words: list[str]) -> list[str]:
        return words

    def document(self, value: Any) -> Any:
        return value

    def key(self, text: str) -> str:
        return text
