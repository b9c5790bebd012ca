"""Detection settings and expectations that are missed, for real: what the page prints is applied to the service's source and to
the shell, and the finding is gone; or the printed command decides as the page says."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.doctor import DEV_PYTHON, SIX_FACES, environment, found, report
from tests.test_service_commands import commands, shell

APP = """
from insightface.app import FaceAnalysis
app = FaceAnalysis(providers=["CUDAExecutionProvider", "CPUExecutionProvider"])
app.prepare(ctx_id=0, det_thresh={threshold}, det_size=({width}, {height}))
app.det_model.nms_thresh = {nms}
"""
RIGHT = {"threshold": 0.6, "nms": 0.4, "width": 640, "height": 640}
ONLY = ("check", "--only", "detection,source", "--target", DEV_PYTHON, "--device", "cpu")
FAULTS: dict[str, tuple[str, dict[str, Any], str]] = {
    "high": ("det-threshold-too-high", {"threshold": 0.95}, "threshold = 0.95"),
    "low": ("det-threshold-too-low", {"threshold": 0.02}, "threshold = 0.02"),
    "twice": ("det-nms-too-high", {"nms": 0.8}, "nms = 0.8"),
    "merged": ("det-nms-too-low", {"nms": 0.1}, "nms = 0.1"),
    "stride": ("det-size-not-multiple-of-32", {"width": 650, "height": 600}, 'size = "650x600"'),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_printed_line_and_variable_put_it_right(fault: str, tmp_path: Path) -> None:
    name, wrong, setting = FAULTS[fault]
    source = tmp_path / "app.py"
    source.write_text(APP.format(**{**RIGHT, **wrong}))
    (tmp_path / "retina-doctor.toml").write_text(f"[detection]\n{setting}\n")
    told = report(*ONLY, cwd=tmp_path)
    assert set(found(told)) == {name}
    mine = next(one for one in told["findings"] if one["code"].startswith("RD40"))
    line = mine["evidence"]["fixed_line"]
    assert f"`{line}`" in mine["fix"]["text"]
    target = re.escape(line.split("=" if "nms" in line else "(")[0].strip())
    source.write_text(re.sub(rf"(?m)^{target}.*$", line, source.read_text()))
    after = after_export(mine["fix"]["commands"][0], tmp_path)
    assert found(after) == [], after["findings"]


def after_export(command: str, folder: Path, *words: str) -> dict[str, Any]:
    """The report in a shell in which that command was run."""
    name, _, value = command.removeprefix("export ").partition("=")
    assert shell(f'{command}; test "${name}" = {value}', folder).returncode == 0
    return report(*(words or ONLY), cwd=folder, env=environment(**{name: value}))


GEOMETRY = {
    "det-size-too-small": ("320x320", "1920x1080", 60),
    "det-size-too-large": ("1920x1920", "1920x1080", 100),
}


@pytest.mark.parametrize("name", GEOMETRY)
def test_the_printed_size_finds_the_wanted_faces(name: str, tmp_path: Path, real_model: Path) -> None:
    size, source, smallest = GEOMETRY[name]
    lines = ["[detection]", f'size = "{size}"', f'source_size = "{source}"', f"smallest_face = {smallest}"]
    (tmp_path / "retina-doctor.toml").write_text("\n".join(lines))
    words = (
        "check",
        "--quick",
        "--only",
        "RD406,RD408",
        "--target",
        DEV_PYTHON,
        "--device",
        "cpu",
        "--model",
        real_model,
    )
    told = report(*words, cwd=tmp_path)
    assert found(told) == [name]
    printed = told["findings"][0]["fix"]["commands"][0]
    assert found(after_export(printed, tmp_path, *map(str, words))) == []


def test_values_are_tried_on_the_reader_s_own_pictures(tmp_path: Path, real_model: Path) -> None:
    pictures = tmp_path / "my pictures"
    pictures.mkdir()
    shutil.copy(SIX_FACES, pictures)
    told = report(*ONLY, "--det-thresh", "0.95", "--image", str(pictures / SIX_FACES.name), cwd=tmp_path)
    tune = commands(told, "det-threshold-too-high")[1]
    done = shell(f"{tune} --model {real_model} --target {DEV_PYTHON} --device cpu", tmp_path)
    assert done.returncode == 0 and "0.6" in done.stdout, done.stderr


def expected(folder: Path, line: str, *words: str) -> dict[str, Any]:
    (folder / "retina-doctor.toml").write_text(f"[expect]\n{line}\n")
    more = ("--target", DEV_PYTHON, "--device", "cpu", *words)
    return report("check", "--only", "inference,expect,models", *more, cwd=folder)


def test_too_few_faces_are_counted_again_with_a_low_threshold(tmp_path: Path, real_model: Path) -> None:
    """The threshold was too high for them: the command finds all six."""
    image = shutil.copy(SIX_FACES, tmp_path / "six faces.jpg")
    words = ("--model", str(real_model), "--image", str(image))
    told = expected(tmp_path, "faces = 6", *words, "--det-thresh", "0.9995")
    [command] = commands(told, "face-count-unexpected")
    done = shell(f"{command} --model {real_model} --target {DEV_PYTHON} --device cpu", tmp_path)
    assert "RD705" not in done.stdout, done.stdout
    assert (tmp_path / "found.png").stat().st_size > 0


def test_too_many_faces_are_counted_again_with_a_high_threshold(tmp_path: Path, real_model: Path) -> None:
    told = expected(tmp_path, "faces = 2", "--model", str(real_model), "--image", str(SIX_FACES))
    [command] = commands(told, "face-count-unexpected")
    assert "--det-thresh 0.7" in command
    done = shell(f"{command} --model {real_model} --target {DEV_PYTHON} --device cpu", tmp_path)
    assert "6" in done.stdout and "RD705" in done.stdout, "all are faces: the figure is wrong"


def test_where_the_cuda_build_is_not_asked_for_it_is_in_the_list(tmp_path: Path, real_model: Path) -> None:
    (tmp_path / "app.py").write_text("import onnxruntime\nsession = onnxruntime.InferenceSession('a.onnx')\n")
    told = expected(tmp_path, 'provider = "cuda"', "--model", str(real_model))
    look, scan = commands(told, "provider-unexpected")
    assert "CUDAExecutionProvider" in shell(look, tmp_path).stdout
    assert "providers=" in shell(scan, tmp_path).stdout


def test_a_slow_cpu_is_held_against_its_load(tmp_path: Path, real_model: Path) -> None:
    told = expected(tmp_path, "max_latency_ms = 0.01", "--model", str(real_model))
    count, load = (shell(one, tmp_path).stdout for one in commands(told, "latency-above-expected"))
    assert int(count) >= 1 and float(load.split()[0]) >= 0
