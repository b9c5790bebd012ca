"""Memory while the model runs: the unmodified onnxruntime-gpu allocates from a stand-in of CUDA's runtime that keeps count, and
the stand-in of NVML says what that has counted."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy
import pytest
from retina_doctor_checks.combined.memory_need import MIB
from retina_doctor_checks.memory.run_checks import Refused, refused

from tests.standins import Report, doctor, library_path, needs_root, nvml_folder
from tests.test_faults_driver import CLEAN
from tests.test_memory import counted

CONTEXT = 200 * MIB
ONLY = ("--only", "smoke-inference-failed,smoke-on-cpu,ort-nodes-on-cpu,vram-shape-churn,vram-fragmented")


def run(folder: Path, model: Path, *words: str, path: str | None = None, **standin: str) -> Report:
    (folder / "held").mkdir()
    environment = {
        **CLEAN,
        "LD_LIBRARY_PATH": library_path() if path is None else path,
        "STANDIN_HELD": str(folder / "held"),
        "STANDIN_CONTEXT": str(CONTEXT),
        **{f"STANDIN_{name}": value for name, value in standin.items()},
    }
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
    assert f"used up to {round(card['own_peak'] / MIB)} MiB of GPU 0" in shown and "predicted 314–852 MiB" in shown


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
        Refused(wanted=2 * GIB, free=GIB * 3 // 2, unused=512 * MIB),
    ),
    (
        "CUDA out of memory. Tried to allocate 1.50 GiB (GPU 0; 6.00 GiB total capacity; 4.00 GiB already allocated; "
        "478.00 MiB free; 4.50 GiB reserved in total by PyTorch) If reserved memory is >> allocated memory try setting",
        Refused(wanted=GIB * 3 // 2, free=478 * MIB, unused=GIB // 2),
    ),
    ("Tried to allocate 20.00 MiB (GPU 0; 0 bytes free; ...)", Refused(wanted=20 * MIB, free=0)),
    ("Failed to allocate memory for requested buffer of size 6553600", Refused(wanted=6553600)),
    ("CUDA failure 700: an illegal memory access was encountered", None),
]


@pytest.mark.parametrize(("said", "expected"), SAID)
def test_what_frameworks_say_when_memory_is_refused(said: str, expected: Refused | None) -> None:
    assert refused(said) == expected
