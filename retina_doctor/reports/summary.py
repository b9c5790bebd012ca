"""A report in one line: what was found in all, and the exit code."""

from __future__ import annotations

from retina_doctor.model import Severity
from retina_doctor.reports.labels import counted, label
from retina_doctor.reports.report import Report


def summary(report: Report) -> str:
    diagnosis, language = report.diagnosis, report.language
    notes = [one for one in diagnosis.findings if one.severity is Severity.NOTE]
    told = [counted("note", len(notes), language)] if notes else []
    if diagnosis.verdict == "findings":
        graver = [one for one in diagnosis.findings if one.severity is not Severity.NOTE]
        roots = {one.root or one.key for one in graver}
        count = counted("cause", len(roots), language), counted("finding", len(graver), language)
        told.insert(0, label("findings", language, roots=count[0], findings=count[1]))
    else:
        told.insert(0, label("healthy" if diagnosis.verdict == "healthy" else "only-unknown", language))
    return " · ".join([*told, label("exit", language, code=report.exit_code)])
