"""What the service's source costs it, by the rules of rules.py. What breaks is an error; what may be meant is a warning."""

from __future__ import annotations

from retina_doctor.authoring import EVERYWHERE, Answer, Scope, check
from retina_doctor.model import Inapplicable, Location, Passed, Problem, Reason, Severity
from retina_doctor.settings import Settings

from .facts import Cause, Hit, Source

MAY_BE_MEANT = ("cpu-only",)


def answered(source: Source, cause: Cause) -> Answer:
    if not source.files:
        return Inapplicable(Reason("no-source", {"paths": ", ".join(source.paths)}))
    here = [hit for hit in source.hits if hit.cause == cause]
    problems = [problem(hit) for hit in here if hit.ignored is None]
    if problems:
        return problems
    return Passed(Reason("source-read", {"files": source.files, "ignored": len(here)}))


def problem(hit: Hit) -> Problem:
    name = hit.file.rsplit("/", 1)[-1]
    return Problem(
        subject=f"{name}:{hit.line}",
        evidence={
            "file": hit.file,
            "line": hit.line,
            "text": hit.text,
            "why": hit.why,
            "what": hit.what,
            "fixed": hit.fixed,
        },
        at_most=Severity.WARNING if hit.why in MAY_BE_MEANT else None,
        location=Location(file=hit.file, line=hit.line, column=hit.column),
    )


def scanned(settings: Settings) -> Scope:
    return EVERYWHERE if settings.scan.paths else Scope(inapplicable=Reason("nothing-to-scan"))


@check("RD275", "ort-provider-not-requested", Severity.ERROR, pitfall=2, scope=scanned)
def ort_provider_not_requested(source: Source) -> Answer:
    return answered(source, "ort-provider-not-requested")


@check("RD246", "cuda-hardcoded", Severity.WARNING, pitfall=2, scope=scanned)
def cuda_hardcoded(source: Source) -> Answer:
    return answered(source, "cuda-hardcoded")


@check("RD409", "det-parameter-ignored", Severity.ERROR, pitfall=4, scope=scanned)
def det_parameter_ignored(source: Source) -> Answer:
    return answered(source, "det-parameter-ignored")


@check("RD410", "no-face-not-handled", Severity.ERROR, pitfall=4, scope=scanned)
def no_face_not_handled(source: Source) -> Answer:
    return answered(source, "no-face-not-handled")
