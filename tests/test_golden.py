"""What some telling machines are told is what tests/golden holds. If this fails: python tools/write_golden.py"""

from __future__ import annotations

import json

import pytest

from retina_doctor.catalogue.registry import installed
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.model import Severity
from retina_doctor.reports.formats import writer
from retina_doctor.reports.report import PLAIN, Report
from tests.machines import machine
from tools.write_golden import FOLDER, MACHINES, golden


@pytest.mark.parametrize("name", MACHINES)
def test_what_is_said_is_what_was_read_in_review(name: str) -> None:
    held = {file.name: file.read_text(encoding="utf-8") for file in FOLDER.glob(f"{name}.[0-9].*")}
    assert golden(name) == held


@pytest.mark.parametrize("name", MACHINES)
def test_the_facts_of_a_report_are_those_of_the_snapshot(name: str) -> None:
    """Golden reports leave them out."""
    catalogue = installed()
    diagnosis = diagnose(machine(name).snapshot, catalogue)
    report = Report(diagnosis=diagnosis, catalogue=catalogue, language="en", fail_on=Severity.ERROR)
    told = json.loads(writer("json")(report, PLAIN))["facts"]
    assert told == {probe: reading.get("facts", {}) for probe, reading in machine(name).data["readings"].items()}


def test_no_golden_report_is_left_over() -> None:
    assert {file.name for file in FOLDER.iterdir()} == {file for name in MACHINES for file in golden(name)}
