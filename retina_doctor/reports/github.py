"""Annotations for GitHub Actions, one line each.

Escaping and limits: docs.github.com, "Workflow commands for GitHub Actions" (10 errors and 10 warnings a step are shown).
"""

from __future__ import annotations

from retina_doctor.model import Severity
from retina_doctor.quoting import visible
from retina_doctor.reports import Look, Report

LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def write(report: Report, _look: Look) -> str:
    """Roots only: an echo would spend one of the few lines that are shown."""
    lines = []
    for finding in report.diagnosis.roots:
        words = report.words(finding)
        echoes = report.diagnosis.echoes(finding)
        text = "\n".join([words.message, *words.commands])
        if echoes:
            text += "\n(" + ", ".join(f"{e.code} {e.name}" for e in echoes) + ")"
        where = (
            f"file={_property(str(visible(finding.location.file)))},line={finding.location.line},"
            if finding.location
            else ""
        )
        title = _property(f"{finding.code} {words.title}")
        lines.append(f"::{LEVELS[finding.severity]} {where}title={title}::{_message(text)}\n")
    if not lines:
        lines.append(f"::notice title=retina-doctor::{report.diagnosis.verdict}\n")
    return "".join(lines)


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
