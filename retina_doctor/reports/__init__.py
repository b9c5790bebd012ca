"""One small file per format; each is a function from a diagnosis to text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from retina_doctor.model import Diagnosis, Finding, Severity
from retina_doctor.pages import Words, render
from retina_doctor.registry import Catalogue
from retina_doctor.settings import Language


@dataclass(frozen=True, kw_only=True)
class Report:
    """What every format is made of."""

    diagnosis: Diagnosis
    catalogue: Catalogue
    language: Language
    fail_on: Severity | None

    @property
    def exit_code(self) -> int:
        return self.diagnosis.exit_code(self.fail_on)

    def words(self, finding: Finding) -> Words:
        return render(finding, self.diagnosis.snapshot, self.catalogue, self.language)


class Look(NamedTuple):
    """How a terminal wants its text."""

    width: int
    colour: bool


PLAIN = Look(80, False)


def formats() -> dict[str, Callable[[Report, Look], str]]:
    """Every format by the name that --format takes."""
    from retina_doctor.reports import github, json, junit, terminal

    return {
        "terminal": terminal.write,
        "json": json.write,
        "junit": junit.write,
        "github": github.write,
    }


FORMATS = ("terminal", "json", "junit", "github")
