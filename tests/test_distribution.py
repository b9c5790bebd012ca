"""The wheel, the sdist and the extra [service], as they come to other machines: built, installed and used for real."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ENVIRONMENT = {**os.environ, "UV_NO_CONFIG": "1", "RETINA_DOCTOR_SERVICE_ATTACH": "false"}


def uv(*words: str | Path) -> None:
    done = subprocess.run(["uv", *map(str, words)], env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    uv("build", "-q", "--out-dir", folder, ROOT)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return next(built.glob("*.whl"))


def test_the_wheel_holds_both_packages_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name and ".data" not in name} == {
        "retina_doctor",
        "retina_doctor_checks",
    }
    assert "retina_doctor_checks/driver/pages/driver-too-old.zh.md" in names
    assert {"retina_doctor/own_checks/examples.json", "retina_doctor_checks/examples.json"} <= set(names)


def test_the_sdist_holds_what_its_tests_need(built: Path, tmp_path: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path, filter="data")
    (root,) = tmp_path.iterdir()
    python = tmp_path / "venv" / "bin" / "python"
    uv("venv", "-q", python.parent.parent)
    uv("pip", "install", "-q", "--python", python, root, "pytest", "pytest-xdist", "hypothesis", "numpy")
    words = [
        str(python),
        "-m",
        "pytest",
        "-n",
        "0",
        "tests/test_house.py",
        "tests/test_machines.py",
        "-k",
        "house or t4",
    ]
    done = subprocess.run(words, cwd=root, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]


def test_a_wheel_needs_no_clone_and_installs_light(wheel: Path, tmp_path: Path) -> None:
    python = tmp_path / "venv" / "bin" / "python"
    uv("venv", "-q", python.parent.parent)
    uv("pip", "install", "-q", "--python", python, wheel)
    done = subprocess.run([python.with_name("retina-doctor"), "list"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and "RD205" in done.stdout, done.stderr
    there = {folder.name for folder in next(python.parents[1].glob("lib/python*/site-packages")).iterdir()}
    assert not there & {"torch", "onnxruntime", "numpy", "insightface", "cv2"}


def doctor(python: Path, *words: str) -> dict[str, object]:
    done = subprocess.run(
        [python.with_name("retina-doctor"), "--target", str(python), "--format", "json", *words],
        cwd=python.parent,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    told: dict[str, object] = json.loads(done.stdout)
    assert told["exit_code"] == done.returncode
    return told


def test_the_service_extra_is_pitfall_2_and_what_is_printed_for_it_fixes_it(wheel: Path, tmp_path: Path) -> None:
    """insightface brings the CPU onnxruntime over onnxruntime-gpu. torch (gigabytes) and a libGL are left out here."""
    python = tmp_path / "venv" / "bin" / "python"
    left_out = tmp_path / "left_out.txt"
    left_out.write_text('torch ; sys_platform == "never"\nopencv-python ; sys_platform == "never"\n')
    uv("venv", "-q", python.parent.parent)
    extra = f"retina-doctor[service] @ {wheel.as_uri()}"
    uv("pip", "install", "-q", "--python", python, "--override", left_out, extra, "opencv-python-headless")

    only = ("--only", "ort-both-packages,ort-broken-install,ort-import-fails,insightface-missing,package-import-fails")
    before = doctor(python, *only)
    findings = before["findings"]
    assert isinstance(findings, list)
    assert [one["name"] for one in findings if one["root"] is None] == ["ort-both-packages"]
    for command in findings[0]["fix"]["commands"]:
        done = subprocess.run(["sh", "-c", command], env=ENVIRONMENT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    after = doctor(python, *only)
    assert (after["verdict"], after["exit_code"]) == ("healthy", 0)
