"""Files that are damaged by chance, hostile or huge: each is told, none is loaded into memory, nothing hangs."""

from __future__ import annotations

import os
from pathlib import Path

import onnx
import pytest

from tests.doctor import DEV_PYTHON, report, roots
from tests.test_models_loading import graph
from tools.fuzz_models import fuzz


@pytest.mark.parametrize("seed", range(4))
def test_10000_damaged_files_are_looked_at(seed: int, tmp_path: Path) -> None:
    """2,500 for each seed; what raises, hangs or gives facts that do not fit ends it."""
    ended = fuzz(2500, seed, tmp_path)
    assert sum(ended.values()) == 2500
    assert {"onnx, cut-short", "onnx, not-protobuf", "torch-zip, no-directory", "empty, whole"} <= set(ended)


def test_a_sparse_file_of_two_gigabytes(tmp_path: Path) -> None:
    for name in ("huge.onnx", "huge.pth"):
        path = tmp_path / name
        path.touch()
        os.truncate(path, 2 * 2**30)
        told = report("--target", DEV_PYTHON, "--device", "cpu", "--model", path, cwd=tmp_path)
        assert "model-corrupt" in roots(told), told["findings"]


def test_a_graph_with_a_cycle(tmp_path: Path) -> None:
    path = graph(tmp_path / "cycle.onnx")
    model = onnx.load(str(path))
    model.graph.node[0].input[0] = model.graph.node[1].output[0]
    path.write_bytes(model.SerializeToString())
    told = report("--target", DEV_PYTHON, "--device", "cpu", "--model", path, cwd=tmp_path)
    assert roots(told) == ["smoke-inference-failed"], told["findings"]
