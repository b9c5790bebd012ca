"""GPU memory: the real program over a compiled stand-in of NVML, and the estimate against what is published."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from retina_doctor_checks.memory.need import MIB, need_of

from retina_doctor.codec import replace
from retina_doctor.diagnose import diagnose
from retina_doctor.model import Judgement
from retina_doctor.pages import render
from retina_doctor.registry import installed
from retina_doctor.settings import Size
from retina_doctor.snapshot import load
from tests.machines import put, raw
from tests.standins import Report, doctor, nvml_folder

FREE_AT_REST = 15360 - 449  # MiB that the stand-in's card has free when nobody holds any
RESNET50, MOBILENET025 = 109_012_793, 1_722_896  # bytes of the ONNX exports


def run(
    folder: Path, model: Path, *words: str, free: int | None = None, visible: str | None = None, **standin: str
) -> Report:
    """The memory domain on a T4 of which *free* MiB are free; *standin*: PID="9" sets STANDIN_PID."""
    used = {} if free is None else {"STANDIN_USED": str((FREE_AT_REST - free) * MIB)}
    environment = {
        "LD_LIBRARY_PATH": str(nvml_folder()),
        "CUDA_VISIBLE_DEVICES": visible,
        "RETINA_DOCTOR_DEVICE": None,
        **used,
        **{f"STANDIN_{name}": value for name, value in standin.items()},
    }
    return doctor(folder, "--only", "memory", "--model", str(model), *words, environment=environment)


def test_an_empty_card_is_enough(tmp_path: Path, real_model: Path) -> None:
    told = run(tmp_path, real_model)
    assert (told.names, told.exit_code) == (set(), 0), told.summary()
    assert told.verdict("vram-insufficient") == told.verdict("vram-held-by-others") == "passed"


def test_another_process_holds_the_card(tmp_path: Path, real_model: Path) -> None:
    told = run(tmp_path, real_model, free=200, PID=str(os.getpid()))
    assert (told.names, told.exit_code) == ({"vram-held-by-others"}, 1), told.summary()
    shown = told.finding("vram-held-by-others")["evidence"]
    assert (shown["free"], shown["total"]) == (200 * MIB, 15360 * MIB)
    assert [(one["pid"], one["memory"]) for one in shown["holders"]] == [(os.getpid(), (FREE_AT_REST - 200) * MIB)]
    assert shown["need"] == shown["need_constant"] + shown["need_pixels"]
    assert any(str(os.getpid()) in command for command in told.finding("vram-held-by-others")["fix"]["commands"])


def test_memory_that_nobody_visible_holds(tmp_path: Path, real_model: Path) -> None:
    """As in a container: NVML counts what others hold, and lists no process."""
    told = run(tmp_path, real_model, free=200)
    assert told.names == {"vram-insufficient"}, told.summary()
    assert told.finding("vram-insufficient")["evidence"]["too_small"] is False


def test_enough_is_free_although_another_process_is_there(tmp_path: Path, real_model: Path) -> None:
    assert run(tmp_path, real_model, free=1000, PID=str(os.getpid())).names == set()


def test_a_larger_input_needs_more(tmp_path: Path, real_model: Path) -> None:
    assert run(tmp_path, real_model, "--det-size", "640x640", free=340).names == set()
    assert run(tmp_path, real_model, "--det-size", "3840x2176", free=340).names == {"vram-insufficient"}


def test_the_service_that_runs_already_is_not_told_to_make_room_for_itself(tmp_path: Path, real_model: Path) -> None:
    idle = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        told = run(tmp_path, real_model, "--pid", str(idle.pid), free=200, PID=str(idle.pid))
        assert told.names == set()
        initial = Path("/proc/self/ns/pid").readlink() == Path("pid:[4026531836]")
        assert told.verdict("vram-held-by-others") == ("inapplicable" if initial else "unknown")
    finally:
        idle.kill()
        idle.wait()


@pytest.mark.parametrize(
    ("pid", "holders", "free", "verdict"),
    [
        (4711, [8001], 100, "unknown"),  # 8001 is the host's number of some process: of the service or of another
        (4711, [4711], 100, "unknown"),  # the same number by chance
        (4711, [], 100, "unknown"),
        (4711, [8001], 9000, "passed"),
        (None, [8001], 100, "failed"),  # no service is known to run: whoever holds it, room is to be made
    ],
)
def test_in_a_container_the_service_is_not_taken_for_another(
    pid: int | None, holders: list[int], free: int, verdict: str
) -> None:
    data = raw("t4-healthy")
    put(data, "/settings/service", {"pid": pid} if pid else {})
    if pid is None:
        put(data, "/readings/ports/facts/sockets", [])
    put(data, "/readings/nvml/facts/own_pids", False)
    put(data, "/readings/nvml/facts/gpus/0/memory_free", free * MIB)
    told = [{"pid": one, "used_memory": None, "name": None, "user": None} for one in holders]
    put(data, "/readings/nvml/facts/gpus/0/processes", told)
    diagnosis = diagnose(load(json.dumps(data)), installed())
    judgements = {one.name: one for one in diagnosis.judgements}
    assert judgements["vram-held-by-others"].verdict == verdict
    for finding in (one for one in diagnosis.findings if one.name == "vram-held-by-others"):
        assert "The numbers are the host's" in render(finding, diagnosis.snapshot, installed(), "en").fix
    if verdict == "unknown":
        assert judgements["vram-insufficient"].verdict == verdict


def test_cpu_meant_and_auto(tmp_path: Path, real_model: Path) -> None:
    told = run(tmp_path, real_model, "--device", "cpu", free=200)
    assert told.verdict("vram-insufficient") == "inapplicable"
    told = run(tmp_path, real_model, "--device", "auto", free=200)
    assert (told.finding("vram-insufficient")["severity"], told.exit_code) == ("warning", 0)


def test_no_gpu_and_hidden_gpus_are_another_domains_business(tmp_path: Path, real_model: Path) -> None:
    assert run(tmp_path, real_model, free=200, COUNT="0").verdict("vram-insufficient") == "inapplicable"
    assert run(tmp_path, real_model, free=200, visible="-1").verdict("vram-insufficient") == "inapplicable"


def test_a_gpu_that_is_lost_and_one_that_is_divided_are_unknown(tmp_path: Path, real_model: Path) -> None:
    for told in (run(tmp_path, real_model, LOST="0"), run(tmp_path, real_model, MIG="1")):
        assert told.verdict("vram-insufficient") == "unknown", told.summary()
        assert told.exit_code == 3


def test_without_a_model_nothing_is_estimated(tmp_path: Path) -> None:
    assert run(tmp_path, tmp_path / "nothing.onnx", free=10).verdict("vram-insufficient") == "inapplicable"


# Which of several GPUs


def judged(*gpus: tuple[str, int], visible: str | None = None, order: str | None = None) -> dict[str, Judgement]:
    """Judgements of the healthy machine with these cards instead, as (name, free MiB), all of 16 GB."""
    data = raw("t4-healthy")
    one = data["readings"]["nvml"]["facts"]["gpus"][0]
    cards = [
        {
            **one,
            "index": i,
            "name": name,
            "uuid": f"GPU-0000000{i}-1111-2222-3333-444444444444",
            "memory_free": free * MIB,
        }
        for i, (name, free) in enumerate(gpus)
    ]
    put(data, "/readings/nvml/facts/gpus", cards)
    put(data, "/readings/gpu_environment/facts/cuda_visible_devices", visible)
    put(data, "/readings/gpu_environment/facts/cuda_device_order", order)
    return {one.name: one for one in diagnose(load(json.dumps(data)), installed()).judgements}


@pytest.mark.parametrize(
    ("visible", "verdict"),
    [
        (None, "failed"),
        ("0", "failed"),
        ("1", "passed"),
        ("1,0", "passed"),
        ("GPU-00000001-1111-2222-3333-444444444444", "passed"),
        ("GPU-00000000", "failed"),
        ("7", "inapplicable"),
    ],
)
def test_cuda_visible_devices_chooses_the_card(visible: str | None, verdict: str) -> None:
    assert judged(("Tesla T4", 100), ("Tesla T4", 9000), visible=visible)["vram-insufficient"].verdict == verdict


def test_different_cards_are_numbered_by_speed_unless_told_otherwise() -> None:
    cards = ("Tesla T4", 100), ("NVIDIA A10", 9000)
    unknown = judged(*cards)["vram-insufficient"]
    assert (unknown.verdict, unknown.missing) == ("unknown", ("gpu_environment",))
    assert judged(*cards, order="PCI_BUS_ID")["vram-insufficient"].verdict == "failed"
    assert judged(cards[0], ("NVIDIA A10", 100))["vram-insufficient"].verdict == "failed", "whichever it is"


# The estimate


@pytest.mark.parametrize(
    ("weights", "side", "quoted"),
    [(MOBILENET025, 640, 450), (RESNET50, 320, 980), (RESNET50, 640, 1420), (RESNET50, 1024, 2100)],
)
def test_the_lower_bound_lies_below_what_is_quoted_for_a_t4(weights: int, side: int, quoted: int) -> None:
    need = need_of(weights, Size(side, side))
    assert 0.2 * quoted * MIB < need.total < quoted * MIB


def test_the_need_is_a_constant_and_a_part_proportional_to_the_pixels() -> None:
    small, large = need_of(RESNET50, Size(640, 640)), need_of(RESNET50, Size(1280, 1280))
    assert small.constant == large.constant > RESNET50
    assert large.pixels == pytest.approx(4 * small.pixels, abs=4)
    assert replace(large, pixels=small.pixels) == small
