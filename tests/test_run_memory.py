"""Memory while the model runs: the unmodified onnxruntime-gpu allocates from a stand-in of CUDA's runtime that keeps count, and
the stand-in of NVML says what that has counted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy
import pytest
from retina_doctor_checks.combined.card_part import MIB
from retina_doctor_checks.memory.run_checks import RefusedMemory, refused

from tests.standins import Report, doctor, library_path, needs_root, nvml_folder
from tests.test_faults_driver import CLEAN
from tests.test_memory import FREE_AT_REST, counted

CONTEXT = 200 * MIB
ONLY = ("--only", "smoke-inference-failed,smoke-on-cpu,ort-nodes-on-cpu,vram-shape-churn,vram-fragmented")


def run(folder: Path, model: Path, *words: str, path: str | None = None, **standin: str) -> Report:
    environment = on_the_card(folder, **standin)
    if path is not None:
        environment["LD_LIBRARY_PATH"] = path
    return doctor(folder, *ONLY, "--model", str(model), *words, environment=environment)


def most_held(folder: Path) -> int:
    """Bytes that the one process with device memory held at once, as the allocator itself has counted."""
    [file] = (folder / "held").iterdir()
    return int(file.read_text().split()[1])


def reason(told: Report, name: str) -> str:
    return str(next(one["reason"] for one in told.json["checks"] if one["name"] == name))


def test_the_peak_is_what_was_allocated_and_stands_beside_the_forecast(tmp_path: Path, real_model: Path) -> None:
    told = run(tmp_path, real_model)
    assert told.names == set(), told.summary()
    [card] = told.facts("inference")["cards"]
    # A sample is taken when all has been allocated; what is held for less than ten milliseconds may be missed.
    assert card["own_after"] <= card["own_peak"] <= most_held(tmp_path)
    assert card["own_peak"] == pytest.approx(most_held(tmp_path), rel=0.02)
    assert card["own_peak"] > CONTEXT + real_model.stat().st_size + counted(real_model, 640)
    assert card["peak"] - card["before"] == card["own_peak"]
    shown = reason(told, "smoke-on-cpu")
    # Published of a T4: 300 MiB, and up to 500 more of kernels. How much the model's run takes depends on the processor: its
    # layout of convolutions follows the widest registers.
    weights, run_takes = real_model.stat().st_size / MIB, counted(real_model, 640) / MIB
    least, most = round(300 + weights + run_takes), round(800 + weights + 4 * run_takes)
    assert f"used up to {round(card['own_peak'] / MIB)} MiB of GPU 0; predicted {least}–{most} MiB" in shown


def test_in_a_namespace_of_its_own_only_the_card_tells(tmp_path: Path, real_model: Path) -> None:
    """As in a container: NVML counts processes as the host does, so none of its list is known to be ours."""
    needs_root()
    inside = tmp_path / "python"
    inside.write_text(f'#!/bin/sh\nexec unshare --pid --fork --kill-child {sys.executable} "$@"\n')
    inside.chmod(0o755)
    told = run(tmp_path, real_model, "--target", str(inside))
    [card] = told.facts("inference")["cards"]
    assert (card["own_peak"], card["own_after"]) == (None, None)
    assert card["peak"] - card["before"] > CONTEXT
    assert "other processes included" in reason(told, "smoke-on-cpu")
    assert told.verdict("vram-shape-churn") == "inapplicable"


@pytest.mark.parametrize("standin", [{"INIT": "hang"}, {"INIT": "999"}, {"MEMORY": "999"}, {"MIG": "1"}])
def test_without_an_answer_of_nvml_the_model_runs_and_nothing_is_told(
    tmp_path: Path, real_model: Path, standin: dict[str, str]
) -> None:
    told = run(tmp_path, real_model, "--timeout", "20", **standin)
    seen = told.facts("inference")
    assert seen["nodes"]["CUDAExecutionProvider"] > 50, told.summary()
    assert seen["cards"] == ([] if "MIG" in standin else None)
    assert seen["shapes"] == {"skipped": "not-told", "uses": []}
    assert told.verdict("smoke-on-cpu") == "passed"


def test_without_the_library_of_nvml(tmp_path: Path, real_model: Path) -> None:
    told = run(tmp_path, real_model, path=library_path(without=[nvml_folder()]))
    assert told.facts("inference")["cards"] is None
    assert told.facts("inference")["nodes"]["CUDAExecutionProvider"] > 50


def test_on_the_cpu_no_gpu_is_watched(tmp_path: Path, real_model: Path) -> None:
    told = run(tmp_path, real_model, "--device", "cpu")
    seen = told.facts("inference")
    assert (seen["cards"], seen["shapes"]["skipped"], seen["cpu_share"]) == (None, "not-cuda", None)


def test_the_share_of_the_nodes_on_the_cpu(tmp_path: Path, real_model: Path) -> None:
    """Kernels of the stand-in take no time, so what takes time is launching them, and the small operators on shapes."""
    told = run(tmp_path, real_model)
    assert 0 < told.facts("inference")["cpu_share"] < 0.5
    assert "of a run's time" in reason(told, "ort-nodes-on-cpu")


def test_a_costly_operator_on_the_cpu_has_its_share(tmp_path: Path) -> None:
    """A product of integers, for which CUDA has no kernel, behind a convolution that costs the stand-in nothing."""
    from onnx import TensorProto, helper, numpy_helper, save

    weight = numpy_helper.from_array(numpy.full((8, 3, 3, 3), 0.01, numpy.float32), "w")
    square = numpy_helper.from_array(numpy.ones((640, 640), numpy.int32), "m")
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Cast", ["c"], ["i"], to=TensorProto.INT32),
        helper.make_node("MatMul", ["i", "m"], ["p"]),
        helper.make_node("Cast", ["p"], ["y"], to=TensorProto.FLOAT),
    ]
    ends = (
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 640, 640])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 8, 640, 640])],
    )
    graph = helper.make_graph(nodes, "integers", *ends, [weight, square])
    model = tmp_path / "integers.onnx"
    save(helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)]), model)
    told = run(tmp_path, model)
    evidence = told.finding("ort-nodes-on-cpu")["evidence"]
    assert evidence["operators"] == {"MatMul": 1}, evidence
    assert evidence["share"] > 50
    assert told.facts("inference")["shapes"]["skipped"] == "fixed-size"


def test_memory_that_grows_with_every_shape(tmp_path: Path, real_model: Path) -> None:
    told = run(tmp_path, real_model, LEAK=str(2 * MIB))
    assert told.roots == {"vram-shape-churn"}, told.summary()
    finding = told.finding("vram-shape-churn")
    assert finding["severity"] == "warning"
    assert [one["size"] for one in finding["evidence"]["steps"]] == ["480x480", "320x640", "640x320"]
    assert finding["evidence"]["grown"] >= 3 * 50 * 2 * MIB


def test_memory_that_does_not_grow(tmp_path: Path, real_model: Path) -> None:
    told = run(tmp_path, real_model)
    assert told.verdict("vram-shape-churn") == "passed"
    assert reason(told, "vram-shape-churn") == "memory grew by 0 MiB over 3 smaller inputs"


def test_no_block_although_the_card_is_free(tmp_path: Path, real_model: Path) -> None:
    """The real arena's real words: the allocator refuses what NVML says there is."""
    told = run(tmp_path, real_model, ROOM=str(CONTEXT + 20 * MIB))
    assert told.roots == {"vram-fragmented"}, told.summary()
    assert told.finding("smoke-inference-failed")["root"]["name"] == "vram-fragmented"
    evidence = told.finding("vram-fragmented")["evidence"]
    assert 0 < evidence["wanted"] < 20 * MIB < evidence["free"]
    [card] = told.finding("smoke-inference-failed")["evidence"]["cards"]
    assert card["peak"] == told.facts("inference")["cards"][0]["peak"]


def test_no_block_on_a_card_that_is_full(tmp_path: Path, real_model: Path) -> None:
    told = run(tmp_path, real_model, ROOM=str(CONTEXT + 20 * MIB), USED=str(14600 * MIB))
    assert told.names == {"smoke-inference-failed"}, told.summary()
    assert told.verdict("vram-fragmented") == "passed"


GIB = 1024 * MIB
SAID: list[tuple[str, Any]] = [
    (
        "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.55 GiB of which 1.50 GiB is free. "
        "Of the allocated memory 20.04 GiB is allocated by PyTorch, and 512.00 MiB is reserved by PyTorch but unallocated.",
        RefusedMemory(wanted=2 * GIB, free=GIB * 3 // 2, unused=512 * MIB),
    ),
    (
        "CUDA out of memory. Tried to allocate 1.50 GiB (GPU 0; 6.00 GiB total capacity; 4.00 GiB already allocated; "
        "478.00 MiB free; 4.50 GiB reserved in total by PyTorch) If reserved memory is >> allocated memory try setting",
        RefusedMemory(wanted=GIB * 3 // 2, free=478 * MIB, unused=GIB // 2),
    ),
    ("Tried to allocate 20.00 MiB (GPU 0; 0 bytes free; ...)", RefusedMemory(wanted=20 * MIB, free=0)),
    ("Failed to allocate memory for requested buffer of size 6553600", RefusedMemory(wanted=6553600)),
    ("CUDA failure 700: an illegal memory access was encountered", None),
]


@pytest.mark.parametrize(("said", "expected"), SAID)
def test_what_frameworks_say_when_memory_is_refused(said: str, expected: RefusedMemory | None) -> None:
    assert refused(said) == expected


# retina-doctor plan --calibrate


def planned(folder: Path, *words: str, **standin: str) -> subprocess.CompletedProcess[str]:
    """`plan` on the stand-in's card; what is kept is kept under *folder*."""
    variables = {**os.environ, **on_the_card(folder, **standin)}
    command = [sys.executable, "-m", "retina_doctor", "plan", "--target", sys.executable, *words]
    environment = {name: value for name, value in variables.items() if value is not None}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240)


def on_the_card(folder: Path, **standin: str) -> dict[str, str | None]:
    """Variables under which there is a card whose driver takes CONTEXT of each process."""
    (folder / "held").mkdir(exist_ok=True)
    return {
        **CLEAN,
        "LD_LIBRARY_PATH": library_path(),
        "STANDIN_HELD": str(folder / "held"),
        "STANDIN_CONTEXT": str(CONTEXT),
        "XDG_STATE_HOME": str(folder / "state"),
        **{f"STANDIN_{name}": value for name, value in standin.items()},
    }


def test_what_the_card_takes_is_measured_kept_and_used(tmp_path: Path, real_model: Path) -> None:
    words = ("--model", str(real_model))
    before = json.loads(planned(tmp_path, *words, "--format", "json").stdout)
    done = planned(tmp_path, *words, "--calibrate", "--format", "json")
    assert done.returncode == 0, done.stderr
    file = tmp_path / "state" / "retina-doctor" / "cards.json"
    assert str(file) in done.stderr and (file.stat().st_mode & 0o777) == 0o600
    [kept] = json.loads(file.read_text())["cards"]
    assert (kept["gpu"], kept["model"], kept["size"]) == ("Tesla T4", real_model.name, [640, 640])
    # What the stand-in's driver took, and the arena beyond the activations: nothing else is there to be taken.
    assert 0.95 * (CONTEXT - 3 * counted(real_model, 640)) < kept["least"] <= CONTEXT < kept["most"]
    told, after = json.loads(done.stdout), json.loads(planned(tmp_path, *words, "--format", "json").stdout)
    assert told["rows"] == after["rows"], "what was measured is used at once, and by the next"
    assert after["card"]["measured"] == kept and before["card"]["measured"] is None

    def width(plan: Any) -> int:
        row = next(row for row in plan["rows"] if row["model"] == "MobileNet-0.25" and row["size"] == "640x640")
        return int(row["most"] - row["least"])

    assert width(after) < 0.3 * width(before)
    assert "measured on this Tesla T4" in planned(tmp_path, *words).stdout
    # Another driver may take more: what was measured under this one says nothing of it.
    other = json.loads(planned(tmp_path, *words, "--format", "json", DRIVER="575.51.03").stdout)
    assert other["card"] == before["card"]
    # The findings rest on it, too, and say so: of a card with 240 MiB left.
    for state, name in ((tmp_path / "nothing", "vram-insufficient"), (tmp_path / "state", "vram-tight")):
        variables = {**on_the_card(tmp_path, USED=str((FREE_AT_REST - 240) * MIB)), "XDG_STATE_HOME": str(state)}
        short = doctor(tmp_path, "--quick", "--only", "memory", "--model", str(real_model), environment=variables)
        assert short.names == {name}, short.summary()
        day = kept["date"] if name == "vram-tight" else None
        assert short.finding(name)["evidence"]["calibrated"] == day


def test_what_was_kept_and_is_damaged_is_a_finding_and_never_overwritten(tmp_path: Path, real_model: Path) -> None:
    file = tmp_path / "state" / "retina-doctor" / "cards.json"
    file.parent.mkdir(parents=True)
    file.write_text('{"cards": [{"gpu": "Tesla T4"}]}')
    done = planned(tmp_path, "--model", str(real_model), "--calibrate")
    assert done.returncode == 2 and str(file) in done.stderr
    assert file.read_text() == '{"cards": [{"gpu": "Tesla T4"}]}'


def test_where_nvml_lists_no_process_nothing_is_measured(tmp_path: Path, real_model: Path) -> None:
    done = planned(tmp_path, "--model", str(real_model), "--calibrate", INIT="999")
    assert done.returncode == 3 and "--calibrate: " in done.stderr, done.stderr
    assert not (tmp_path / "state").exists()
