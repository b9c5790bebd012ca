"""Where a finding is in a source file, for readers that show the place themselves and know paths of a repository only."""

from __future__ import annotations

import re

from retina_doctor.model import Location
from retina_doctor.pages import interpreter_of
from retina_doctor.quoting import visible
from retina_doctor.reports import Report


def relative(file: str, report: Report) -> str:
    """As from the directory in which the doctor was run, where the file is below it."""
    interpreter = interpreter_of(report.diagnosis.snapshot)
    folder = interpreter.working_directory if interpreter else None
    if folder and report.judged is None and file.startswith(folder.rstrip("/") + "/"):
        return file[len(folder.rstrip("/")) + 1 :]
    return file.removeprefix("./")


def without_place(title: str, place: Location) -> str:
    """The title less its ": FILE, line N"."""
    file = re.escape(str(visible(place.file)))
    return re.sub(rf"\s*[:：]\s*{file}\s*(?:, line|，第)\s*{place.line}\s*行?\s*", "", title) or title
