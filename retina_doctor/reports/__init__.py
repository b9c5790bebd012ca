"""One small file per format; each is a function from a diagnosis to text."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from retina_doctor.codec import Data
from retina_doctor.model import Diagnosis, Finding, Severity
from retina_doctor.registry import Catalogue
from retina_doctor.settings import Language

if TYPE_CHECKING:
    from retina_doctor.pages import Words


class Report(Data, frozen=True, kw_only=True):
    """What every format is made of."""

    diagnosis: Diagnosis
    catalogue: Catalogue
    language: Language
    fail_on: Severity | None

    @property
    def exit_code(self) -> int:
        return self.diagnosis.exit_code(self.fail_on)

    def words(self, finding: Finding) -> Words:
        from retina_doctor.pages import (
            render,
        )  # with its template engine, which a report without findings does not need

        return render(finding, self.diagnosis.snapshot, self.catalogue, self.language)


class Look(NamedTuple):
    """How a terminal wants its text."""

    width: int
    colour: bool


PLAIN = Look(80, False)


def writer(name: str) -> Callable[[Report, Look], str]:
    """The function that writes a report in the format of that name (retina_doctor.output.FORMATS)."""
    write: Callable[[Report, Look], str] = importlib.import_module(f"{__name__}.{name}").write
    return write
