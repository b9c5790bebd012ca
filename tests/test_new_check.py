"""The scaffold for a check, run in a copy of the project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.odd_probes import runs

ROOT = Path(__file__).parents[1]
NAME = "gpu-order-ambiguous"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for folder in ("retina_doctor", "checks", "tools", "fixtures/machines"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def run(copy: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": f"{copy}{os.pathsep}{copy / 'checks'}"}
    return subprocess.run([sys.executable, *words], cwd=copy, env=environment, capture_output=True, text=True)


def new_check(copy: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return run(copy, "-m", "tools.new_check", *words)


def test_a_new_check_is_in_the_catalogue_and_its_machine_is_there(copy: Path) -> None:
    done = new_check(copy, "RD998", NAME, "driver")
    assert done.returncode == 0, done.stderr
    assert f'-k "RD998 or {NAME}' in done.stdout
    told = run(copy, *runs.WITH_PACKS[1:], "explain", "RD998", "--lang", "zh")
    assert "RD998" in told.stdout and "说明" in told.stdout, told.stderr
    assert {f.name for f in (copy / "fixtures/machines" / NAME).iterdir()} == {"machine.toml", "patch.json"}


def test_what_is_written_is_in_style_but_for_the_order_of_imports(copy: Path) -> None:
    assert new_check(copy, "RD998", NAME, "ort_gpu").returncode == 0
    for words in (("check", "--fix", "-q"), ("format", "-q")):
        done = run(copy, "-m", "ruff", *words, "checks")
        assert done.returncode == 0, done.stdout
    assert "checks.gpu_order_ambiguous," in (copy / "checks/retina_doctor_checks/ort_gpu/domain.py").read_text()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("RD205", NAME, "driver"), "RD205 is taken; the next free one is RD"),
        (("205", NAME, "driver"), "a code is RD and three digits"),
        (("RD998", "GPU order", "driver"), "lower-case words with dashes"),
        (("RD998", NAME, "nowhere"), "known are "),
        (("RD998", "driver-too-old", "driver"), "is a check of driver already"),
    ],
)
def test_what_cannot_be_made_is_refused_and_nothing_is_written(
    copy: Path, words: tuple[str, ...], complaint: str
) -> None:
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    done = new_check(copy, *words)
    assert done.returncode == 2
    assert complaint in done.stderr
    after = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert before == after
