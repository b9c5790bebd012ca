"""What all checks of the source share: from places in files to problems with a location, or why there is no judgement."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from retina_doctor.authoring import EVERYWHERE, Answer, Scope
from retina_doctor.codec import Data
from retina_doctor.model import Inapplicable, Location, Passed, Problem, Reason, Severity, Unknown
from retina_doctor.settings import Settings

from ..facts.source import Line, Source
from ..settings import ScanSettings

Kind = Literal["python", "deployment"]
EITHER: tuple[Kind, ...] = ("python", "deployment")
MOST_NAMED = 3
TESTS = re.compile(r"(?:^|/)(?:tests?/|test_[^/]*$|conftest\.py$)")


class Place(Data, frozen=True, kw_only=True):
    """A place that bears a check's cause, and what its page says of it."""

    at: Line
    why: str
    what: str
    fixed: str | None = None
    at_most: Severity | None = None
    more: Mapping[str, Any] = {}

    @property
    def problem(self) -> Problem:
        name = self.at.file.rsplit("/", 1)[-1]
        shown = {"file": self.at.file, "line": self.at.line, "text": self.at.text}
        changed = self.fixed if self.fixed != self.at.text else None
        return Problem(
            subject=f"{name}:{self.at.line}",
            evidence={**shown, "why": self.why, "what": self.what, "fixed": changed, **self.more},
            at_most=self.at_most,
            location=Location(file=self.at.file, line=self.at.line, column=self.at.column),
            variant=self.why,
        )


def is_test(source: Source, file: str) -> bool:
    """By its place in what is scanned: above that, a folder may be called anything."""
    within = next((file[len(path) :] for path in source.paths if file.startswith(path + "/")), file.rpartition("/")[2])
    return TESTS.search(within) is not None


def scanned(settings: Settings) -> Scope:
    return EVERYWHERE if settings.of(ScanSettings).paths else Scope(inapplicable=Reason("nothing-to-scan"))


def answer(source: Source, code: str, name: str, places: Iterable[Place], of: tuple[Kind, ...]) -> Answer:
    """Problems, but where a comment beside the line gives a reason; without any: unknown while a file of the kinds *of* that
    could bear the cause was not read, else passed."""
    if not source.files:
        return Inapplicable(Reason("no-source", {"paths": ", ".join(source.paths)}))
    here = list(places)
    problems = [p.problem for p in here if not any(mark.word.lower() in (code.lower(), name) for mark in p.at.marks)]
    if problems:
        return problems
    missing = unread(source, of)
    if missing:
        return Unknown(missing)
    return Passed(Reason("source-read", {"files": source.files, "ignored": len(here)}))


def unread(source: Source, of: tuple[Kind, ...]) -> tuple[str, ...]:
    """What keeps the whole from having been read, in words."""
    files = [one for one in source.unread if one.kind in of]
    named = [f"{one.file} ({one.error})" for one in files[:MOST_NAMED]]
    rest = [f"{len(files) - MOST_NAMED} more files"] if len(files) > MOST_NAMED else []
    cut = [f"what comes after {source.files} files"] if source.cut else []
    return (*named, *rest, *cut, *source.missing)
