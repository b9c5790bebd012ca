"""Annotations for GitHub Actions, one line each.

Escaping and limits: docs.github.com, "Workflow commands for GitHub Actions" (10 errors and 10 warnings a step are shown).
"""

from __future__ import annotations

from retina_doctor.model import Action, Finding, Severity
from retina_doctor.quoting import visible
from retina_doctor.reports.labels import corrected, label
from retina_doctor.reports.places import relative, without_place
from retina_doctor.reports.report import Look, Report

MOST = 10
"""Of a level that are shown: what would come after them is told by the last."""
LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def write(report: Report, _look: Look) -> str:
    """Roots only: an echo would spend one of the few lines that are shown."""
    lines: list[str] = []
    by_level: dict[str, list[Finding]] = {}
    for finding in report.diagnosis.roots:
        by_level.setdefault(LEVELS[report.diagnosis.gravest(finding)], []).append(finding)
    for level, roots in by_level.items():
        kept = roots if len(roots) <= MOST else roots[: MOST - 1]
        lines += [_annotation(report, level, finding) for finding in kept]
        if len(roots) > len(kept):
            lines.append(_the_rest(report, level, roots[len(kept) :]))
    if not lines:
        lines.append(f"::notice title=retina-doctor::{report.diagnosis.verdict}\n")
    return "".join(lines)


def _the_rest(report: Report, level: str, roots: list[Finding]) -> str:
    title = label("more-causes", report.language, n=len(roots))
    told = "\n".join(f"{one.code} {report.words(one).title}" for one in roots)
    return f"::{level} title={_property(title)}::{_message(told)}\n"


def _annotation(report: Report, level: str, finding: Finding) -> str:
    words = report.words(finding)
    echoes = report.diagnosis.echoes(finding)
    looks = Action.LOOK if finding.location else None  # GitHub shows the line by itself
    commands = [one.command for one in words.doings if one.action is not looks]
    lines = corrected(finding, report.language)
    text = "\n".join(filter(None, [words.message, words.fix, lines, *commands, words.aside]))
    if echoes:
        others = label("others-and", report.language).join(f"{e.code} {e.name}" for e in echoes)
        text += "\n" + label("explains", report.language, others=others)
    where, title = "", words.title
    if finding.location:
        file, place = str(visible(relative(finding.location.file, report))), finding.location
        where = f"file={_property(file)},line={place.line},col={place.column},"
        title = without_place(title, place)
    title = _property(f"{finding.code} {title}")
    return f"::{level} {where}title={title}::{_message(text)}\n"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
