"""What a page prints under Fix, run as it stands in a shell on the real fault: the finding is gone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.doctor import doctor, environment


def found(folder: Path, *words: str, command: str = "check") -> list[Any]:
    """Findings of a real run in *folder*, whose home it is, too."""
    target = ("--target", sys.executable, "--device", "cpu") if command == "check" else ()
    done = doctor(
        command, *words, *target, "--format", "json", cwd=folder, env=environment(HOME=str(folder), UV_NO_CONFIG="1")
    )
    assert done.stdout, done.stderr
    told: list[Any] = json.loads(done.stdout)["findings"]
    return told


def follow(finding: Any, folder: Path) -> None:
    for line in finding["fix"]["commands"]:
        subprocess.run(["sh", "-c", line], cwd=folder, check=True, timeout=60)


def archive(at: Path, model: Path) -> None:
    at.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(at, "w") as pack:
        pack.write(model, "det_10g.onnx")


def test_a_pack_that_was_not_unpacked(tmp_path: Path, real_model: Path) -> None:
    archive(tmp_path / ".insightface" / "models" / "buffalo_l.zip", real_model)
    words = ("--only", "RD101,RD119", "--model", "buffalo_l")
    [root] = [one for one in found(tmp_path, *words) if one["code"] == "RD119"]
    follow(root, tmp_path)
    assert found(tmp_path, *words) == []


def test_an_archive_in_place_of_the_model(tmp_path: Path, real_model: Path) -> None:
    model = tmp_path / "det 10g.onnx"
    archive(model, real_model)
    [root] = found(tmp_path, "--only", "RD109", "--model", str(model))
    follow(root, tmp_path)
    assert found(tmp_path, "--only", "RD109,RD101", "--model", f"{model}.unpacked/det_10g.onnx") == []


def test_a_file_that_bears_the_name_of_a_package(tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("mine = 1\n")
    [root] = found(tmp_path, "--only", "RD281")
    follow(root, tmp_path)
    assert found(tmp_path, "--only", "RD281") == []
    assert (tmp_path / "numpy_local.py").read_text() == "mine = 1\n"


def test_weights_that_are_on_the_machine_are_found(tmp_path: Path, real_model: Path) -> None:
    """Where it cannot be known, the command decides: it prints the place."""
    place = tmp_path / "elsewhere" / "deep" / "er" / "and" / "deeper"
    place.mkdir(parents=True)
    shutil.copy(real_model, place / "r 50.onnx")
    [root] = found(tmp_path, "--only", "RD101", "--model", str(tmp_path / "models" / "r 50.onnx"))
    [command] = root["fix"]["commands"]
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=120, check=False)
    assert str(place / "r 50.onnx") in done.stdout.splitlines()


@pytest.mark.parametrize(("host", "severity"), [("127.0.0.1:", "error"), ("", None)])
def test_a_port_that_is_published_on_loopback_is_as_grave_as_a_server_on_it(
    host: str, severity: str | None, tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "Dockerfile").write_text("FROM python:3.12-slim\nCMD gunicorn -b 0.0.0.0:8080 app:app\n")
    (tree / "compose.yml").write_text(f'services:\n  face:\n    build: .\n    ports:\n    - "{host}80:8080"\n')
    told = found(tmp_path, str(tree), "--only", "RD521", command="scan")
    assert [one["severity"] for one in told] == ([severity] if severity else [])
