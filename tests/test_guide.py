"""The machine of the guide that most of our first users followed: the report says what a good colleague would."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from retina_doctor.support_file import save
from tests.doctor import doctor, report
from tests.machines import machine


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    file = tmp_path / "guide.json"
    file.write_text(save(machine("guide-t4").snapshot), encoding="utf-8")
    return file


def test_one_root_and_the_build_that_this_driver_can_run(snapshot: Path, tmp_path: Path) -> None:
    told = report("diagnose", snapshot, cwd=tmp_path)
    root, *echoes = told["findings"]
    assert root["name"] == "ort-both-packages"
    assert {echo["root"]["name"] for echo in echoes} == {"ort-both-packages"}
    # Not the newest: that is built for CUDA 13, and this driver supports 12.2.
    assert root["fix"]["commands"] == [
        "/usr/local/bin/python3 -m pip uninstall -y onnxruntime onnxruntime-gpu",
        "/usr/local/bin/python3 -m pip install 'onnxruntime-gpu[cuda,cudnn]==1.26.0'",
    ]
    for word in ("1.31.1", "CUDA 13.0", "535.129.03", "CUDA 12.2", "1.26.0"):
        assert word in root["message"]
    assert "preload_dlls" in root["fix"]["text"]
    assert "Dockerfile" in root["fix"]["text"], "it is a container: what is installed there is lost with it"


@pytest.mark.parametrize(
    ("language", "headline"),
    [
        ("en", "✗ onnxruntime and onnxruntime-gpu overwrite each other: the CPU build is the one you get"),
        ("zh", "✗ onnxruntime 与 onnxruntime-gpu 互相覆盖：实际生效的是 CPU 版"),
    ],
)
def test_the_first_lines_say_what_was_looked_at_and_what_is_wrong(
    snapshot: Path, tmp_path: Path, language: str, headline: str
) -> None:
    text = doctor("diagnose", snapshot, "--lang", language, cwd=tmp_path).stdout
    head, rows, causes, *_ = text.split("\n\n")
    assert "guide.json" in head
    assert "Tesla T4" in head
    assert "535.129.03" in head
    assert "/usr/local/bin/python3" in head
    assert "--target" in head
    assert [re.split(r"\s{2,}", row.strip())[1] for row in rows.splitlines()] == ["✓", "✗", "✓", "–", "✓", "✗"]
    assert "/models/retinaface" in rows
    assert " ".join(causes.split()).startswith(headline)


def test_after_the_printed_remedy_the_same_machine_is_healthy() -> None:
    """The libraries come as pip packages and insightface 2.1 preloads them; nothing else was wrong."""
    from retina_doctor.catalogue.registry import installed
    from retina_doctor.judging.diagnose import diagnose
    from retina_doctor.model import Severity

    diagnosis = diagnose(machine("guide-t4-mended").snapshot, installed())
    assert [finding.name for finding in diagnosis.findings] == []
    assert diagnosis.exit_code(Severity.ERROR) == 0
