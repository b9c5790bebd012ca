"""The real onnxruntime-gpu on a real card: what it computes, where, how much memory it takes, and what the doctor says of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from retina_doctor_checks.combined.card_part import MIB, published
from retina_doctor_checks.combined.memory_need import MemoryNeed, need_of
from retina_doctor_checks.facts.inference import KnownAnswer
from retina_doctor_checks.facts.memory import Footprint
from retina_doctor_checks.inference import known
from retina_doctor_checks.inference.known_checks import CUDA, right
from retina_doctor_checks.settings_values import Size

from retina_doctor.codec import decode
from tests.doctor import SIX_FACES, doctor, found, verdicts
from tests.test_inference import assert_is_the_reference
from tools.architectures import retinaface

from .conftest import Service

CHECKS = "smoke-inference-failed,smoke-on-cpu,smoke-wrong-result,smoke-too-slow,ort-nodes-on-cpu,vram-shape-churn,vram-fragmented"


def test_the_whole_report_is_healthy(service: Service, tmp_path: Path, real_model: Path) -> None:
    told = service.looked(tmp_path, "--model", real_model, "--image", SIX_FACES)
    assert (told["findings"], told["exit_code"]) == ([], 0), told["findings"]
    assert "unknown" not in verdicts(told).values()


@pytest.mark.parametrize("tf32", ["as it is", "off"])
def test_the_known_answer_with_and_without_tf32(service: Service, tmp_path: Path, tf32: str) -> None:
    """NVIDIA_TF32_OVERRIDE=0 keeps cuBLAS and cuDNN from TF32; before Ampere there is none."""
    variables = {"NVIDIA_TF32_OVERRIDE": "0"} if tf32 == "off" else {}
    told = service.looked(tmp_path, "--only", "known-answer-wrong", **variables)
    assert verdicts(told)["known-answer-wrong"] == "passed", told["findings"]
    answer = decode(told["facts"]["known_answer"], KnownAnswer)
    assert answer.nodes is not None and answer.nodes.get(CUDA, 0) > 50, answer.nodes
    off = known.compared(answer)
    print(f"{service.card.name}, TF32 {tf32}: off by {off.score:.6f} and {off.pixels:.4f} px")
    assert right(answer) is True, off


def test_the_providers_are_cuda_and_the_faces_the_references(
    service: Service, tmp_path: Path, real_model: Path
) -> None:
    told = service.looked(tmp_path, "--only", CHECKS, "--model", real_model, "--image", SIX_FACES)
    assert found(told) == [], told["findings"]
    seen = told["facts"]["inference"]
    assert seen["session"][0] == CUDA
    assert seen["nodes"][CUDA] > 100 and seen["device"] == "cuda"
    assert_is_the_reference(seen["faces"], within=1.5)
    assert seen["median"] < seen["cpu_median"]
    assert 0 <= seen["cpu_share"] < 1


def taken(service: Service, folder: Path, model: Path, side: int) -> tuple[dict[str, Any], MemoryNeed]:
    """What NVML says of the card that was used, and what was foretold."""
    told = service.looked(folder, "--only", CHECKS, "--model", model, "--det-size", f"{side}x{side}")
    seen = told["facts"]["inference"]
    assert seen["device"] == "cuda", told["findings"]
    [used] = [one for one in seen["cards"] or () if one["own_peak"] is not None] or pytest.fail(
        f"NVML does not list the process, as in a container: {seen['cards']}"
    )
    capability = next(g["compute_capability"] for g in told["facts"]["nvml"]["gpus"] if g["uuid"] == used["uuid"])
    footprint = decode(told["facts"]["footprint"], Footprint)
    assert footprint.activations is not None
    return used, need_of(model.stat().st_size, Size(side, side), footprint, published(tuple(capability)))


@pytest.mark.parametrize("side", [320, 640, 1024])
@pytest.mark.parametrize("network", ["mobilenet0.25", "mobilenet1.0", "resnet50", "resnet101"])
def test_memory_lies_within_15_percent_of_the_forecast(
    service: Service, tmp_path: Path, network: str, side: int
) -> None:
    """The forecast is an interval: less than its lower end, or more than its upper, by no more than 15 percent."""
    model = tmp_path / f"{network}.onnx"
    model.write_bytes(retinaface(network))
    used, need = taken(service, tmp_path, model, side)
    figures = f"{used['own_peak'] / MIB:.0f} MiB, foretold {need.total / MIB:.0f} to {need.most / MIB:.0f}"
    print(f"{service.card.name}, {network} at {side}: {figures}")
    assert need.total / 1.15 <= used["own_peak"] <= need.most * 1.15, figures


def test_inputs_of_other_sizes_do_not_churn(service: Service, tmp_path: Path) -> None:
    model = tmp_path / "resnet50.onnx"
    model.write_bytes(retinaface("resnet50"))
    told = service.looked(tmp_path, "--only", "vram-shape-churn", "--model", model, "--det-size", "1024x1024")
    print([use["own"] // MIB for use in told["facts"]["inference"]["shapes"]["uses"]])
    assert verdicts(told)["vram-shape-churn"] == "passed", told["findings"]


def test_plan_is_of_this_card(service: Service, tmp_path: Path, real_model: Path) -> None:
    words = ("plan", "--format", "json", "--model", real_model, "--target", service.python)
    done = doctor(*words, cwd=tmp_path)
    told = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert service.card.name in told["gpu"]
    assert 0 < told["available"] <= service.card.total
    assert told["recommended"] is not None


def test_tune_runs_on_the_card(service: Service, tmp_path: Path, real_model: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    shutil.copy(SIX_FACES, pictures / "six.jpg")
    words = ("tune", "--images", pictures, "--model", real_model, "--target", service.python, "--format", "json")
    done = doctor(*words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    by_size = {row["of"]: row for row in json.loads(done.stdout)["by_size"]}
    assert by_size["640x640"]["change"]["faces"] == 6
