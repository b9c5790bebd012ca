"""Which probes a run starts: what the checks that were asked for can use, and nothing else."""

from __future__ import annotations

from pathlib import Path

from retina_doctor_checks.settings import GpuSettings, ModelSettings

from retina_doctor.catalogue.needs import Want
from retina_doctor.catalogue.registry import installed
from retina_doctor.catalogue.selection import Selection
from retina_doctor.settings import GateSettings, Settings
from tests.doctor import DEV_PYTHON, report

CATALOGUE = installed()


def started(*only: str) -> set[str]:
    """Names of the probes of a run with a model and a card."""
    gate = GateSettings(only=only)
    settings = Settings(gate, GpuSettings(device="gpu"), ModelSettings(path="det_10g.onnx"))
    wanted = Selection(settings, CATALOGUE).needed_facts(CATALOGUE.entries)
    return {probe.name for probe in CATALOGUE.probes.values() if probe.facts in wanted}


def test_nothing_that_a_check_rests_on_is_left_out() -> None:
    """Each check alone starts all without which it would be unknown."""
    for entry in CATALOGUE.entries:
        rested = {n.facts for n in entry.needs if n.want is not Want.OPTIONAL and n.facts in CATALOGUE.probe_of}
        names = started(entry.check.code)
        if names:  # else it is inapplicable with these settings
            assert {CATALOGUE.probe_of[facts].name for facts in rested} <= names, entry.check.code


def test_nothing_is_started_that_no_chosen_check_can_use() -> None:
    """What a check has use for, but does not rest on, is started with it: it decides how grave a finding is."""
    for entry in CATALOGUE.entries:
        of_use = {CATALOGUE.probe_of[need.facts].name for need in entry.needs if need.facts in CATALOGUE.probe_of}
        assert started(entry.check.code) <= of_use, entry.check.code


def test_a_run_of_one_domain_starts_what_it_needs_and_the_interpreter(tmp_path: Path) -> None:
    told = report("--only", "detection", "--target", DEV_PYTHON, cwd=tmp_path)
    # A start command and the service's own source may tell the sizes.
    assert {probe["name"] for probe in told["probes"]} == {"interpreter", "models", "service_source", "start"}
