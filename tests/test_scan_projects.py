"""`retina-doctor scan` of whole small projects: the fault that their files show together is named alone, the twin is silent."""

from __future__ import annotations

from pathlib import Path

import pytest
from retina_doctor_checks.analysis.python.packs import PACKS
from retina_doctor_checks.models.download_checks import known_packs

from tests.scan_healthy import HEALTHY
from tests.scan_projects import PROJECTS
from tests.scanning import scanned


@pytest.mark.parametrize("name", PROJECTS)
def test_the_fault_is_named_alone_and_the_twin_is_silent(name: str, tmp_path: Path) -> None:
    cause, project, twin = PROJECTS[name]
    assert {one.name for one in scanned(tmp_path / "project", project).findings} == {cause}
    told = scanned(tmp_path / "twin", twin)
    assert [one.name for one in told.findings] == []


@pytest.mark.parametrize("name", HEALTHY)
def test_the_healthy_one_is_silent(name: str, tmp_path: Path) -> None:
    assert [one.name for one in scanned(tmp_path, HEALTHY[name]).findings] == []


def test_the_names_that_are_told_apart_are_those_of_the_table() -> None:
    assert set(PACKS) == set(known_packs())
