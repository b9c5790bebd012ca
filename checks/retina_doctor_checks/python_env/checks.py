"""RD28x: Python and system libraries."""

from __future__ import annotations

from collections.abc import Iterator

from retina_doctor.authoring import check
from retina_doctor.model import Problem, Severity

from .facts import WorkingDirectory


@check("RD281", "working-directory-shadows-package", Severity.WARNING, pitfall=2)
def working_directory_shadows_package(directory: WorkingDirectory) -> Iterator[Problem]:
    for shadow in directory.shadows:
        if shadow.installed:
            evidence = {"name": shadow.name, "path": shadow.path, "directory": directory.path}
            yield Problem(subject=f"module:{shadow.name}", evidence=evidence)
