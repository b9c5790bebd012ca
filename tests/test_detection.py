"""Detection settings, as an operator gives them: flags and files to the real program; the geometry against numpy's view."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from retina_doctor_checks.detection.geometry import nearest_sizes, size_for, smallest_face
from retina_doctor_checks.settings_values import Size


def report(folder: Path, *flags: str) -> dict[str, Any]:
    """The JSON report of the real program on *flags*, with the domain detection alone."""
    words = [sys.executable, "-m", "retina_doctor", "check", "--only", "detection", "--target", sys.executable, *flags]
    done = subprocess.run([*words, "--format", "json"], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.stdout, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["exit_code"] == done.returncode
    return told


def names(told: dict[str, Any]) -> list[str]:
    return [finding["name"] for finding in told["findings"]]


def verdict(told: dict[str, Any], name: str) -> str:
    return next(str(check["verdict"]) for check in told["checks"] if check["name"] == name)


def reason(told: dict[str, Any], name: str) -> str:
    return next(str(check["reason"]) for check in told["checks"] if check["name"] == name)


def evidence(told: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(f["evidence"] for f in told["findings"] if f["name"] == name)
    return found


@pytest.mark.parametrize(
    ("flag", "value", "found"),
    [
        ("--det-thresh", "0.91", ["det-threshold-too-high"]),
        ("--det-thresh", "0.9", []),
        ("--det-thresh", "0.5", []),
        ("--det-thresh", "0.49", ["det-threshold-too-low"]),
        ("--nms-thresh", "0.61", ["det-nms-too-high"]),
        ("--nms-thresh", "0.6", []),
        ("--nms-thresh", "0.3", []),
        ("--nms-thresh", "0.29", ["det-nms-too-low"]),
        ("--det-size", "640x640", []),
        ("--det-size", "648x640", ["det-size-not-multiple-of-32"]),
        ("--det-size", "640x600", ["det-size-not-multiple-of-32"]),
    ],
)
def test_limits_hold_up_to_the_limit_itself(tmp_path: Path, flag: str, value: str, found: list[str]) -> None:
    assert names(report(tmp_path, flag, value)) == found


def test_a_threshold_is_a_warning_and_a_wrong_size_an_error(tmp_path: Path) -> None:
    assert report(tmp_path, "--det-thresh", "0.95")["exit_code"] == 0
    assert report(tmp_path, "--det-size", "600x600")["exit_code"] == 1


def test_what_is_not_named_is_not_judged_and_the_default_is_shown(tmp_path: Path) -> None:
    told = report(tmp_path)
    assert {check["verdict"] for check in told["checks"] if check["code"].startswith("RD4")} == {"inapplicable"}
    assert "0.5" in reason(told, "det-threshold-too-high")
    assert "0.4" in reason(told, "det-nms-too-low")
    assert "640x640" in reason(told, "det-size-not-multiple-of-32")


def test_a_wrong_size_is_answered_with_the_sizes_beside_it(tmp_path: Path) -> None:
    told = evidence(report(tmp_path, "--det-size", "600x648"), "det-size-not-multiple-of-32")
    assert (told["down"], told["up"]) == ("576x640", "608x672")


def test_a_side_below_one_stride_has_only_one_neighbour() -> None:
    assert nearest_sizes(Size(20, 64), 32) == (Size(32, 64), Size(32, 64))


def settings_file(folder: Path, size: str, source: str | None, face: int | None, path: str | None = None) -> None:
    lines = ["[detection]", f'size = "{size}"']
    lines += [f'source_size = "{source}"'] if source else []
    lines += [f"smallest_face = {face}"] if face else []
    lines += ["[model]", f'path = "{path}"'] if path else []
    (folder / "retina-doctor.toml").write_text("\n".join(lines) + "\n")


def test_the_smallest_face_is_shown_in_source_pixels(tmp_path: Path) -> None:
    settings_file(tmp_path, "640x640", "1920x1080", 48)
    told = report(tmp_path)
    assert names(told) == []
    assert "faces of 48 px or more in a 1920x1080 picture" in reason(told, "det-size-too-small")


def test_a_face_that_shrinks_below_the_smallest_anchor_is_told_with_the_size_that_sees_it(tmp_path: Path) -> None:
    settings_file(tmp_path, "640x640", "1920x1080", 47)
    told = evidence(report(tmp_path), "det-size-too-small")
    assert (told["smallest"], told["needed"]) == (48, "672x384")


def test_without_the_pictures_size_it_is_said_what_holds_in_the_input(tmp_path: Path) -> None:
    settings_file(tmp_path, "640x640", None, None)
    told = report(tmp_path)
    assert verdict(told, "det-size-too-small") == "inapplicable"
    assert "16 px of the 640x640 input" in reason(told, "det-size-too-small")


def test_a_large_input_for_large_faces_is_a_note(tmp_path: Path) -> None:
    settings_file(tmp_path, "1280x1280", "1920x1080", 300)
    told = report(tmp_path)
    assert [(f["name"], f["severity"]) for f in told["findings"]] == [("det-size-too-large", "note")]
    settings_file(tmp_path, "640x640", "1920x1080", 300)
    assert names(report(tmp_path)) == []  # the usual size is never too large


@pytest.mark.parametrize(
    "source", [Size(1920, 1080), Size(1080, 1920), Size(4000, 3000), Size(320, 240), Size(641, 641)]
)
@pytest.mark.parametrize("face", [5, 16, 33, 47, 120, 1000])
def test_the_size_that_is_named_sees_the_face_and_one_stride_less_does_not(source: Size, face: int) -> None:
    needed = size_for(source, face, 16, 32)
    assert smallest_face(source, needed, 16) <= face
    for less in (Size(needed.width - 32, needed.height), Size(needed.width, needed.height - 32)):
        if min(less.width, less.height) > 0:
            assert smallest_face(source, less, 16) > face


def detector_with_input(path: Path, height: int | str, width: int | str) -> None:
    """A graph of nine outputs, as insightface's detectors have, over an input of that size."""
    from onnx import TensorProto, helper, save

    told = helper.make_tensor_value_info("input.1", TensorProto.FLOAT, [1, 3, height, width])
    outputs = [helper.make_tensor_value_info(f"o{i}", TensorProto.FLOAT, None) for i in range(9)]
    nodes = [helper.make_node("Identity", ["input.1"], [f"o{i}"]) for i in range(9)]
    graph = helper.make_graph(nodes, "detector", [told], outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6)
    save(model, str(path))


def test_a_fixed_input_overrules_det_size(tmp_path: Path) -> None:
    detector_with_input(tmp_path / "det.onnx", 480, 640)
    settings_file(tmp_path, "1000x1000", "1920x1080", 40, str(tmp_path / "det.onnx"))
    told = report(tmp_path)
    assert names(told) == ["det-size-too-small", "det-size-ignored"]
    assert evidence(told, "det-size-ignored")["fixed"] == "640x480"  # width first, though the graph has height first
    assert evidence(told, "det-size-too-small")["size"] == "640x480"
    assert verdict(told, "det-size-not-multiple-of-32") == "inapplicable"


def test_a_free_input_leaves_det_size_in_force(tmp_path: Path) -> None:
    detector_with_input(tmp_path / "det.onnx", "?", "?")
    settings_file(tmp_path, "1000x1000", None, None, str(tmp_path / "det.onnx"))
    told = report(tmp_path)
    assert names(told) == ["det-size-not-multiple-of-32"]
    assert verdict(told, "det-size-ignored") == "passed"
