"""What all checks of the source share: from places in files to problems with a location, or why there is no judgement."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from retina_doctor.authoring import EVERYWHERE, Answer, Gathered, Scope
from retina_doctor.codec import Data, replace
from retina_doctor.model import Inapplicable, Location, Passed, Problem, Reason, Severity, Unknown
from retina_doctor.settings import Settings

from ..combined.asides import Asides, asides
from ..combined.source_files import within
from ..facts.source import OwnSource, Source
from ..facts.source_lines import LineCorrection, SourceLine
from ..scopes import gpu_meant, reads_own
from ..settings import ScanSettings

Kind = Literal["python", "deployment"]
EITHER: tuple[Kind, ...] = ("python", "deployment")
MOST_NAMED = 3


class SourcePlace(Data, frozen=True, kw_only=True):
    """A place that bears a check's cause, and what its page says of it. *fixed*: what should stand in place of the line: several
    lines, or "" where it goes; *also*: lines that change with it; *draft*: likewise, but whether it is right here only who
    knows the code can say."""

    at: SourceLine
    why: str
    what: str
    fixed: str | None = None
    also: tuple[LineCorrection, ...] = ()
    draft: str | None = None
    at_most: Severity | None = None
    more: Mapping[str, Any] = {}

    @property
    def problem(self) -> Problem:
        name = self.at.file.rsplit("/", 1)[-1]
        shown = {"file": self.at.file, "line": self.at.line, "text": self.at.text}
        changed = self.fixed if self.fixed != self.at.text else None
        also = [
            {"file": one.at.file, "line": one.at.line, "text": one.at.text, "fixed": one.fixed} for one in self.also
        ]
        return Problem(
            subject=f"{name}:{self.at.line}",
            evidence={
                **shown,
                "why": self.why,
                "what": self.what,
                "fixed": changed,
                **({"also": also} if also else {}),
                **({"draft": self.draft} if self.draft else {}),
                "correction": correction_of(changed, self.also, self.draft),
                **self.more,
            },
            at_most=self.at_most,
            location=Location(file=self.at.file, line=self.at.line, column=self.at.column),
            variant=self.why,
        )


def correction_of(fixed: str | None, also: tuple[LineCorrection, ...], draft: str | None) -> Asides:
    """In words, for the page: of several lines only that they are below, where each format sets them out."""
    first = None
    if fixed == "":
        first = Reason("line-to-be-removed")
    elif fixed is not None:
        several = "\n" in fixed or also
        first = Reason("lines-shown-below") if several else Reason("line-as-it-should-be", {"line": fixed})
    elif draft:
        first = Reason("line-could-be", {"lines": quoted_lines(draft)})
    rest = (
        Reason("other-line", {"file": one.at.file, "line": one.at.line})
        if one.fixed
        else Reason("other-line-to-be-removed", {"file": one.at.file, "line": one.at.line})
        for one in also
    )
    return asides(first, *rest)


def quoted_lines(text: str) -> str:
    """Several lines within a sentence, which sets the first and the last apart."""
    return "` / `".join(text.split("\n"))


def scanned(settings: Settings) -> Scope:
    if settings.of(ScanSettings).paths or reads_own(settings):
        return EVERYWHERE
    return Scope(inapplicable=Reason("quick" if settings.gate.quick else "nothing-to-scan"))


def scanned_for_gpu(settings: Settings) -> Scope:
    """Where the GPU is not meant, that it is not used is no fault of the code."""
    meant = gpu_meant(settings)
    return meant if meant.inapplicable is not None else scanned(settings)


def foretells(source: Source) -> bool:
    """Whether what the files will make is asked for: of a service that runs, it is there, and other checks look at it."""
    return not isinstance(source, OwnSource)


class Looked(Gathered, frozen=True):
    """What was scanned, or read of the service's own files."""

    settings: ScanSettings
    scanned: Source | None
    own: OwnSource | None


def of_source(judge: Callable[[Source], Answer]) -> Callable[[Looked], Answer]:
    """A judge of source is asked of what was scanned, else of the service's own files: there a file that its process does not
    run may be any file, so that it is a warning at most."""

    def judged(looked: Looked) -> Answer:
        if looked.settings.paths:
            return judge(looked.scanned) if looked.scanned is not None else Unknown(("source",))
        own = looked.own
        if own is None:
            return Unknown(("service_source",))
        answered = judge(own)
        if not isinstance(answered, list):
            return answered
        return [one if _is_run(one, own) else replace(one, at_most=one.at_most or Severity.WARNING) for one in answered]

    return judged


def _is_run(problem: Problem, own: OwnSource) -> bool:
    return problem.location is not None and problem.location.file in own.executed


def answer(source: Source, code: str, name: str, places: Iterable[SourcePlace], of: tuple[Kind, ...]) -> Answer:
    """Problems, but where a comment beside the line gives a reason; without any: unknown while a file of the kinds *of* that
    could bear the cause was not read, else passed."""
    missing = unread(source, of)
    if not (source.files or missing):
        paths = ", ".join(source.paths)
        return Inapplicable(Reason("no-source", {"paths": paths}) if paths else Reason("no-own-source"))
    here = list(places)
    bad = [one for one in here if not any(mark.word.lower() in (code.lower(), name) for mark in one.at.marks)]
    if bad:
        return _told_apart(source, [one.problem for one in bad])
    if missing:
        return Unknown(missing)
    return Passed(Reason("source-read", {"files": source.files, "ignored": len(here)}))


def _told_apart(source: Source, problems: list[Problem]) -> list[Problem]:
    """Files of one name, and places of one line, are known by where they are: a finding is found again by its subject."""
    alike = Counter(one.subject for one in problems)
    return [
        replace(one, subject=f"{within(source, place.file)}:{place.line}:{place.column}")
        if alike[one.subject] > 1 and (place := one.location) is not None
        else one
        for one in problems
    ]


def unread(source: Source, of: tuple[Kind, ...]) -> tuple[str, ...]:
    """What keeps the whole from having been read, in words."""
    files = list(dict.fromkeys(f"{one.file} ({one.error})" for one in source.unread if one.kind in of))
    named = files[:MOST_NAMED]
    rest = [f"{len(files) - MOST_NAMED} more files"] if len(files) > MOST_NAMED else []
    cut = [f"what comes after {source.files} files"] if source.cut else []
    return (*named, *rest, *cut, *source.missing)
