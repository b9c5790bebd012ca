"""The pack of fixtures/packs, as its author and its users have it: built, installed beside the doctor, run, type-checked."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.doctor import environment, install, make_venv, uv
from tests.packs import EXAMPLE

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The doctor's and the pack's, by first word of the name."""
    folder = tmp_path_factory.mktemp("wheels")
    copy = shutil.copytree(EXAMPLE, folder / "source")
    for source in (ROOT, copy):
        subprocess.run(
            [uv(), "build", "--quiet", "--wheel", "--out-dir", str(folder), str(source)], check=True, cwd="/"
        )
    return {wheel.name.split("_")[0]: wheel for wheel in folder.glob("*.whl")}


@pytest.fixture(scope="module")
def python(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = make_venv(tmp_path_factory.mktemp("venv") / "own", "uv")
    install(made, *map(str, wheels.values()), "pytest")
    return made


def run(python: Path, words: Sequence[str], cwd: Path, files: int) -> subprocess.CompletedProcess[str]:
    shell = f'ulimit -n {files}; exec "$0" "$@"'
    command = ["bash", "-c", shell, str(python.parent / "retina-doctor"), *words]
    return subprocess.run(command, cwd=cwd, env=environment(), capture_output=True, text=True, check=False, timeout=120)


def test_wheels_say_that_they_are_typed(wheels: dict[str, Path]) -> None:
    for name, packages in (("retina", ("retina_doctor", "retina_doctor_checks")), ("acme", ("acme_limits",))):
        held = set(zipfile.ZipFile(wheels[name]).namelist())
        assert {f"{package}/py.typed" for package in packages} <= held


def test_its_finding_in_both_languages_and_as_data(python: Path, tmp_path: Path) -> None:
    words = ["--quick", "--device", "cpu", "--only", "limits", "--target", str(python)]
    english, chinese = (run(python, [*words, "--lang", lang], tmp_path, 300) for lang in ("en", "zh"))
    assert (english.returncode, chinese.returncode) == (1, 1), english.stderr
    assert "The service may open 300 files only" in english.stdout
    assert "服务最多只能打开 300 个文件" in chinese.stdout
    told = json.loads(run(python, [*words, "--format", "json"], tmp_path, 300).stdout)
    [finding] = told["findings"]
    assert (finding["code"], finding["evidence"]["limit"]) == ("ACME1", 300)
    assert finding["fix"]["commands"] == ["ulimit -n 65536"]
    healthy = run(python, [*words, "-v"], tmp_path, 1024)
    assert healthy.returncode == 0
    assert "up to 1024 open files" in healthy.stdout


def test_it_stands_among_the_others(python: Path, tmp_path: Path) -> None:
    listed = run(python, ["list"], tmp_path, 1024)
    assert {"ACME1", "RD001", "RD101"} <= {line.split()[0] for line in listed.stdout.splitlines()}
    assert "LimitNOFILE" in run(python, ["explain", "open-files-limit-low"], tmp_path, 1024).stdout


def test_its_own_tests_pass_without_a_clone_of_the_doctor(python: Path, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE / "tests", tmp_path / "tests")
    command = [str(python), "-m", "pytest", "-q", "tests"]
    done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_it_is_typed_strictly(python: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(EXAMPLE, tmp_path / "acme-limits")
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(python), "acme_limits", "tests"]
    done = subprocess.run(command, cwd=copy, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
