"""What needs a real card is ready for one: its tests are collected, and a machine can be recorded as a fixture."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from retina_doctor.catalogue.registry import installed
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.model import Severity
from tests import machines

ROOT = Path(__file__).parents[1]
PYTEST = [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider"]


def test_the_tests_for_a_card_can_be_collected() -> None:
    words = [*PYTEST, "--collect-only", "tests/gpu"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    named = [line for line in done.stdout.splitlines() if line.startswith("tests/gpu/test_on_a_card.py::")]
    assert len(named) >= 15, done.stdout


def test_without_a_card_they_fail() -> None:
    words = [*PYTEST, "tests/gpu", "-k", "plan_is_of_this_card"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "no GPU to test on" in done.stdout, done.stdout + done.stderr


def test_elsewhere_they_are_left_out_and_that_is_said() -> None:
    words = [*PYTEST, "--collect-only", "tests", "--ignore-glob=tests/test_[!m]*.py"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert "tests/gpu/test" not in done.stdout
    assert "tests/gpu was left out: it needs a real card" in done.stdout


def test_a_machine_is_recorded_as_a_fixture(tmp_path: Path, real_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["this-one", "--hardware", "a machine of the test", "--folder", str(tmp_path)]
    words += ["--model", str(real_model), "--device", "cpu", "--only", "inference", "--target", sys.executable]
    done = subprocess.run(
        [sys.executable, "-m", "tools.record_machine", *words], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    monkeypatch.setattr(machines, "FOLDER", tmp_path)
    recorded = machines.machine("this-one")
    assert (recorded.origin, recorded.exit_code, recorded.roots) == ("recorded", 0, ())
    told = diagnose(recorded.snapshot, installed())
    assert told.exit_code(Severity.ERROR) == recorded.exit_code
    assert set(recorded.data["readings"]) == {"interpreter", "inference", "known_answer"}
