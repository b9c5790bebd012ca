"""Where a finding is in a source file, for readers that show the place themselves and know paths of a repository only."""

from __future__ import annotations

import re

from retina_doctor.model import Location, interpreter_of
from retina_doctor.quoting import visible
from retina_doctor.reports.report import Report


def run_in(report: Report) -> str | None:
    """The directory in which the doctor was run, with a slash at its end; None: not known, or on another machine.

    The target's, which the doctor starts there. A process has one of its own."""
    snapshot = report.diagnosis.snapshot
    interpreter = interpreter_of(snapshot)
    elsewhere = report.judged is not None or snapshot.target.of_a_process
    folder = interpreter.working_directory if interpreter and not elsewhere else None
    return folder.rstrip("/") + "/" if folder else None


def relative(file: str, report: Report) -> str:
    """As from the directory in which the doctor was run, where the file is below it."""
    folder = run_in(report)
    return file.removeprefix(folder) if folder and file.startswith(folder) else file.removeprefix("./")


def without_place(title: str, place: Location) -> str:
    """The title less its ": FILE, line N"."""
    file = re.escape(str(visible(place.file)))
    return re.sub(rf"\s*[:：]\s*{file}\s*(?:, line|，第)\s*{place.line}\s*行?\s*", "", title) or title
