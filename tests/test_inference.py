"""The smoke test on real weights, and the whole report of a machine without a GPU."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy
import pytest
from retina_doctor_checks.inference.card_speed import quoted
from retina_doctor_checks.probes.inference import detector

from tests.doctor import (
    DEV_PYTHON,
    SIX_FACES,
    doctor,
    environment,
    found,
    install,
    make_venv,
    report,
    roots,
    uninstall,
    verdicts,
)  # fmt: skip
from tests.shared import install_cpu_torch, shared

ONLY = ("--device", "cpu", "--only", "inference")
REFERENCE = Path(__file__).parents[1] / "fixtures" / "smoke" / "t1-mobilenet025.json"


def assert_is_the_reference(faces: list[dict[str, Any]], within: float) -> None:
    """Boxes and points within *within* pixels of what another implementation found."""
    expected = json.loads(REFERENCE.read_text())["faces"]
    assert len(faces) == len(expected) == 6
    for one in expected:
        box = numpy.array(one["box"])
        nearest = min(faces, key=lambda face: float(numpy.abs(numpy.array(face["box"]) - box).sum()))
        assert numpy.abs(numpy.array(nearest["box"]) - box).max() <= within
        assert numpy.abs(numpy.array(nearest["points"]) - numpy.array(one["points"])).max() <= within


def test_a_machine_without_a_gpu_has_one_root_and_finds_the_six_faces(real_model: Path, tmp_path: Path) -> None:
    told = report("--target", DEV_PYTHON, "--model", real_model, "--image", SIX_FACES, cwd=tmp_path)
    assert roots(told) == ["no-nvidia-gpu"]
    assert told["exit_code"] == 1
    assert {"smoke-on-cpu", "ort-session-on-cpu", "ort-cuda-libs-missing"} <= set(found(told))
    seen = told["facts"]["inference"]
    assert set(seen["nodes"]) == {"CPUExecutionProvider"}
    assert seen["median"] > 0
    # Wrong means or channels find six faces, too; exchanged, they are off by 1.8 and 5.4 pixels.
    assert_is_the_reference(seen["faces"], within=1)
    assert "unknown" not in verdicts(told).values()


def test_the_same_machine_is_healthy_where_the_cpu_is_meant(real_model: Path, tmp_path: Path) -> None:
    words = ("--target", DEV_PYTHON, "--model", real_model, "--image", SIX_FACES, "--device", "cpu")
    told = report(*words, cwd=tmp_path)
    assert told["findings"] == []
    assert (told["exit_code"], told["verdict"]) == (0, "healthy")
    assert verdicts(told)["no-nvidia-gpu"] == "inapplicable"
    assert len(told["facts"]["inference"]["faces"]) == 6
    # At least Python with numpy and the session: no page count, and nobody else's memory.
    assert 16 * 2**20 < told["facts"]["inference"]["host_memory"] < 4 * 2**30
    assert verdicts(told)["host-memory-limit-too-small"] in ("inapplicable", "passed")


def test_auto_only_warns(real_model: Path, tmp_path: Path) -> None:
    told = report("--target", DEV_PYTHON, "--model", real_model, "--device", "auto", cwd=tmp_path)
    assert {finding["severity"] for finding in told["findings"]} == {"warning"}
    assert told["exit_code"] == 0


def test_a_saved_snapshot_gives_the_same_report_as_the_live_run(real_model: Path, tmp_path: Path) -> None:
    words = ("--target", DEV_PYTHON, "--model", real_model, "--image", SIX_FACES)
    live = report(*words, cwd=tmp_path)
    assert doctor("collect", "-o", "seen.json", "--no-redact", *words, cwd=tmp_path).returncode == 0
    again = report("diagnose", "seen.json", cwd=tmp_path)
    assert again["plan"].pop()["commands"] == ["retina-doctor"], (
        "a recorded machine is not asked again as it was called"
    )
    assert live["plan"].pop()["commands"] != []
    assert without_times(again) == without_times(live)
    live_text = doctor("diagnose", "seen.json", cwd=tmp_path).stdout
    assert live_text == doctor("diagnose", "seen.json", cwd=tmp_path).stdout


def without_times(value: Any) -> Any:
    """A report without what differs from run to run: seconds, milliseconds, memory, and the time stamps in onnxruntime's log."""
    timed = {"seconds", "load", "first", "median", "p95", "cpu_median", "ms", "log", "said", "message", "reason"}
    timed |= {"recorded", "cpu_seconds", "peak_memory", "host_memory", "effort", "runs"}
    if isinstance(value, dict):
        return {key: without_times(inner) for key, inner in value.items() if key not in timed}
    if isinstance(value, str):
        return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+", "TIME", value)
    return [without_times(inner) for inner in value] if isinstance(value, list) else value


def test_weights_that_were_never_trained_are_known_without_a_picture(real_model: Path, tmp_path: Path) -> None:
    """As torch initialises its convolutions, in the graph of the real model."""
    import numpy
    import onnx

    model, random = onnx.load(real_model), numpy.random.default_rng(1)
    for one in model.graph.initializer:
        weights = onnx.numpy_helper.to_array(one)
        if weights.dtype == numpy.float32 and weights.size > 1:
            bound = weights[0].size ** -0.5 if weights.ndim == 4 else 0
            drawn = random.uniform(-bound, bound, weights.shape).astype(numpy.float32)
            one.CopyFrom(onnx.numpy_helper.from_array(drawn, one.name))
    onnx.save(model, tmp_path / "untrained.onnx")
    words = ["check", "--device", "cpu", "--only", "inference", "--target", DEV_PYTHON, "--model"]
    told = report(*words, str(tmp_path / "untrained.onnx"), cwd=tmp_path)
    assert roots(told) == ["smoke-wrong-result"] and told["findings"][0]["evidence"]["why"] == "untrained"
    assert found(report(*words, str(real_model), cwd=tmp_path)) == []


def test_without_a_picture_noise_is_run_and_nothing_is_said_of_faces(real_model: Path, tmp_path: Path) -> None:
    told = report("--target", DEV_PYTHON, "--model", real_model, "--device", "cpu", cwd=tmp_path)
    assert verdicts(told)["smoke-inference-failed"] == "passed"
    assert verdicts(told)["smoke-wrong-result"] == "inapplicable"
    assert told["facts"]["inference"]["faces"] is None
    assert told["exit_code"] == 0


def test_without_a_model_the_smoke_test_is_inapplicable_and_says_what_to_give(tmp_path: Path) -> None:
    told = report("--target", DEV_PYTHON, "--device", "cpu", cwd=tmp_path, env=environment(HOME=str(tmp_path)))
    [smoke] = [one for one in told["checks"] if one["name"] == "smoke-inference-failed"]
    assert smoke["verdict"] == "inapplicable"
    assert "--model" in smoke["reason"]


def test_a_picture_without_the_expected_faces_and_one_that_is_none(real_model: Path, tmp_path: Path) -> None:
    import cv2

    blank, text = tmp_path / "blank.png", tmp_path / "text.jpg"
    cv2.imwrite(str(blank), numpy.full((480, 640, 3), 127, numpy.uint8))
    text.write_text("no picture")
    base = ("--target", DEV_PYTHON, "--model", real_model, "--device", "cpu", "--only", "inference")
    assert found(report(*base, "--image", blank, cwd=tmp_path)) == ["smoke-wrong-result"]
    assert found(report(*base, "--image", text, cwd=tmp_path)) == ["image-not-read"]
    (tmp_path / "retina-doctor.toml").write_text("[detection]\nimage_faces = 0\n")
    assert found(report(*base, "--image", blank, cwd=tmp_path)) == []


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.999])
def test_a_model_cut_short_is_the_root_and_the_failed_inference_its_echo(
    keep: float, real_model: Path, tmp_path: Path
) -> None:
    cut = tmp_path / "cut.onnx"
    whole = real_model.read_bytes()
    cut.write_bytes(whole[: int(len(whole) * keep)])
    told = report("--target", DEV_PYTHON, "--model", cut, "--device", "cpu", cwd=tmp_path)
    assert roots(told) == ["model-corrupt"]
    assert found(told) == ["model-corrupt", "smoke-inference-failed"]


def test_a_damaged_weight_that_keeps_the_form_is_found_by_running(real_model: Path, tmp_path: Path) -> None:
    """NaN in the first convolution's weights: parseable, loadable, wrong."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load(real_model)
    weight = next(one for one in model.graph.initializer if len(one.dims) == 4)
    values = numpy_helper.to_array(weight).copy()
    values[:] = numpy.nan
    weight.CopyFrom(numpy_helper.from_array(values, weight.name))
    broken = tmp_path / "nan.onnx"
    onnx.save(model, broken)
    told = report("--target", DEV_PYTHON, "--model", broken, "--image", SIX_FACES, "--device", "cpu", cwd=tmp_path)
    assert found(told) == ["smoke-wrong-result"]
    assert told["findings"][0]["evidence"]["why"] == "not-finite"


def scrfd_model(path: Path) -> None:
    """A graph of insightface's nine-output contract with fixed random weights, built of one convolution per output."""
    from onnx import TensorProto, helper, numpy_helper, save

    random = numpy.random.RandomState(7)
    nodes, weights, outputs = [], [], []
    for kind, channels, spread in (("score", 2, 0.6), ("bbox", 8, 0.2), ("kps", 20, 0.2)):
        for stride in (8, 16, 32):
            name = f"{kind}_{stride}"
            shape = (channels, 3, stride, stride)
            values = (random.standard_normal(shape) * spread / stride).astype(numpy.float32)
            weights.append(numpy_helper.from_array(values, f"{name}_w"))
            weights.append(
                numpy_helper.from_array(numpy.array([-1, {"score": 1, "bbox": 4, "kps": 10}[kind]]), f"{name}_s")
            )
            last = name if kind != "score" else f"{name}_raw"
            nodes += [
                helper.make_node("Conv", ["input.1", f"{name}_w"], [f"{name}_c"], strides=[stride, stride]),
                helper.make_node("Transpose", [f"{name}_c"], [f"{name}_t"], perm=[0, 2, 3, 1]),
                helper.make_node("Reshape", [f"{name}_t", f"{name}_s"], [last]),
            ]
            if kind == "score":
                nodes.append(helper.make_node("Sigmoid", [last], [name]))
            outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", values.shape[0] // 2]))
    graph = helper.make_graph(
        nodes,
        "scrfd",
        [helper.make_tensor_value_info("input.1", TensorProto.FLOAT, [1, 3, "?", "?"])],
        outputs,
        weights,
    )
    save(helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)]), path)


def test_scrfd_is_decoded_as_insightface_decodes_it(tmp_path: Path) -> None:
    """The same graph on the same 640x640 pixels, so that no resizing comes between."""
    import onnxruntime
    from insightface.model_zoo import get_model

    path = tmp_path / "scrfd.onnx"
    scrfd_model(path)
    picture = numpy.random.RandomState(3).randint(0, 256, (640, 640, 3)).astype(numpy.uint8)
    theirs = get_model(str(path), providers=["CPUExecutionProvider"])
    threshold = 0.8
    theirs.prepare(-1, det_thresh=threshold, input_size=(640, 640))
    boxes, points = theirs.detect(picture[:, :, ::-1].copy())
    assert len(boxes) > 5

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    canvas, scale = detector.letterbox(picture, 640, 640)
    assert scale == 1
    assert detector.contract(session.get_outputs()) == "scrfd"
    outputs = session.run(None, {"input.1": detector.blob(canvas, "scrfd")})
    ours = detector.decode(outputs, "scrfd", 640, 640, threshold, 0.4)
    # insightface suppresses with areas one pixel larger, so a borderline pair may differ: compare what both found.
    matched = 0
    for box, marks in zip(boxes, points, strict=True):
        near = min(ours, key=lambda one: float(numpy.abs(numpy.array(one["box"]) - box[:4]).max()))
        if numpy.abs(numpy.array(near["box"]) - box[:4]).max() < 0.01:
            assert numpy.abs(numpy.array(near["points"]) - marks).max() < 0.01
            assert abs(near["score"] - box[4]) < 1e-4
            matched += 1
    assert matched >= 0.9 * len(boxes)


def test_the_bilinear_resize_is_opencvs() -> None:
    import cv2

    picture = numpy.random.RandomState(1).randint(0, 256, (886, 1280, 3)).astype(numpy.uint8)
    for width, height in ((640, 443), (1500, 1100), (33, 17)):
        theirs = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR).astype(numpy.float32)
        difference = numpy.abs(detector.resize(picture, width, height) - theirs)
        assert difference.max() <= 2
        assert difference.mean() < 0.3


def test_a_target_without_a_picture_decoder_is_unknown_not_healthy(real_model: Path, tmp_path: Path) -> None:
    from tests.doctor import install

    python = make_venv(tmp_path / "target", "uv")
    install(python, "onnxruntime==1.32.0")
    words = ("--target", python, "--model", real_model, "--image", SIX_FACES, "--device", "cpu")
    told = report(*words, cwd=tmp_path)
    assert verdicts(told)["image-not-read"] == "unknown"
    assert told["exit_code"] == 3


def test_the_picture_with_its_faces_is_saved_on_request(real_model: Path, tmp_path: Path) -> None:
    import cv2

    words = (
        "--target",
        DEV_PYTHON,
        "--model",
        real_model,
        "--image",
        SIX_FACES,
        "--device",
        "cpu",
        "--only",
        "inference",
    )
    told = report(*words, "--save-picture", "found.png", cwd=tmp_path)
    assert told["facts"]["inference"]["saved"] == {"path": str(tmp_path / "found.png"), "error": None}
    plain, marked = cv2.imread(str(SIX_FACES)), cv2.imread(str(tmp_path / "found.png"))
    assert plain is not None and marked is not None
    assert plain.shape == marked.shape
    for face in told["facts"]["inference"]["faces"]:
        left, top, right, _ = (round(value) for value in face["box"])
        assert (marked[max(top, 0), (left + right) // 2] == (40, 255, 40)).all()
        for x, y in face["points"]:
            assert (marked[round(y), round(x)] == (40, 40, 255)).all()
    told = report(*words, "--save-picture", "no/such/folder.png", cwd=tmp_path)
    assert told["facts"]["inference"]["saved"]["error"] == "No such file or directory"


INSIGHTFACES = {
    # Published as source alone: built here by g++ and Cython, once for uv's cache.
    "0.7.3": ("insightface==0.7.3", "numpy==1.26.4", "onnxruntime==1.20.1", "opencv-python-headless==4.11.0.86"),
    "2.1": ("insightface==2.1", "numpy==2.2.6", "onnxruntime==1.31.1"),
}


@pytest.fixture(scope="module", params=INSIGHTFACES)
def insightface_target(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """(version, Python) of an environment as pip makes it of that insightface and a CPU onnxruntime of its time."""

    def make(folder: Path) -> None:
        install(make_venv(folder / "target", "uv"), *INSIGHTFACES[request.param])

    folder = shared(tmp_path_factory, f"insightface-{request.param}", make)
    return request.param, folder / "target" / "bin" / "python"


SERVICE = """
import sys, cv2, insightface
from insightface.app import FaceAnalysis
app = FaceAnalysis(name="buffalo_l", allowed_modules=["detection"], providers=["CPUExecutionProvider"])
app.prepare(ctx_id=-1, det_thresh=0.8, det_size=(640, 640))
print(insightface.__version__, len(app.get(cv2.imread(sys.argv[1]))))
"""


def test_a_pack_is_asked_through_insightface_itself(insightface_target: tuple[str, Path], tmp_path: Path) -> None:
    """A graph of its contract under the name of a pack: the doctor says what FaceAnalysis finds when a service calls it, and
    its own decoding finds as many, up to pairs that overlap by just as much as is allowed."""
    version, python = insightface_target
    pack = tmp_path / ".insightface" / "models" / "buffalo_l"
    pack.mkdir(parents=True)
    scrfd_model(pack / "det_10g.onnx")
    env = environment(HOME=str(tmp_path))
    bare = [str(python), "-c", SERVICE, str(SIX_FACES)]
    done = subprocess.run(bare, env=env, cwd=tmp_path, capture_output=True, text=True, check=True)
    said, faces = done.stdout.split()[-2:]
    assert said == version and int(faces) > 5

    words = ("--target", python, "--model", "buffalo_l", "--image", SIX_FACES, "--device", "cpu")
    told = report(*words, "--only", "inference", "--det-thresh", "0.8", cwd=tmp_path, env=env)
    seen = told["facts"]["inference"]
    assert seen["by_insightface"] == {"faces": int(faces), "error": None}
    assert abs(int(faces) - len(seen["faces"])) <= 0.1 * len(seen["faces"]), seen
    assert found(told) == ["smoke-wrong-result"], "its weights are random"


def test_a_pack_that_insightface_cannot_use_is_a_failed_inference(tmp_path: Path) -> None:
    """630 is no multiple of 32: insightface's own arithmetic raises, whatever the graph."""
    pack = tmp_path / ".insightface" / "models" / "buffalo_l"
    pack.mkdir(parents=True)
    scrfd_model(pack / "det_10g.onnx")
    words = ("--target", DEV_PYTHON, "--model", "buffalo_l", "--device", "cpu", "--det-size", "640x640")
    (tmp_path / "insightface").mkdir()
    (tmp_path / "insightface" / "__init__.py").write_text("raise ImportError('no such thing')\n")
    env = environment(HOME=str(tmp_path), PYTHONPATH=str(tmp_path))
    told = report(*words, "--only", "inference", cwd=tmp_path, env=env)
    failed = next(one for one in told["findings"] if one["name"] == "smoke-inference-failed")
    assert failed["evidence"]["stage"] == "calling FaceAnalysis"


# Checkpoints, by torch


@pytest.fixture(scope="module")
def torch_target(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with torch's own CPU build and nothing of ours."""
    python = make_venv(tmp_path_factory.mktemp("torch") / "target", "uv")
    install(python, "pip", "numpy<2.4", "pillow")
    install_cpu_torch(python, tmp_path_factory)
    return python


def test_a_torch_without_numpy_is_no_broken_model(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """torch does not require it; what prepares a picture here does."""
    python = make_venv(tmp_path / "target", "uv")
    install_cpu_torch(python, tmp_path_factory)
    uninstall(python, "numpy")
    path = tmp_path / "mobilenet0.25.pth"
    program = f"import torch; torch.save({{'a': torch.zeros(1)}}, {str(path)!r})"
    subprocess.run([str(python), "-c", program], capture_output=True, check=True)
    words = ("--device", "cpu", "--only", "RD601", "--target", str(python), "--model", str(path))
    told = report("check", *words, cwd=tmp_path)
    assert verdicts(told)["smoke-inference-failed"] == "inapplicable"


MAKE = """
import sys, torch
sys.path.insert(0, {folder!r})
import torch_net
torch.manual_seed(3)
net = torch_net.RetinaFace({backbone!r})
state = net.state_dict()
if {prefix!r}:
    state = {{{prefix!r} + key: value for key, value in state.items()}}
torch.save(state, {path!r}, _use_new_zipfile_serialization={zipped})
net.eval()
with torch.no_grad():
    boxes, scores, points = net(torch.zeros(1, 3, 64, 64))
print(boxes.shape, scores.shape, points.shape, sum(p.numel() for p in net.parameters()), len(state))
"""


@pytest.mark.parametrize(
    ("backbone", "prefix", "zipped"),
    [("mobilenet0.25", "", True), ("mobilenet0.25", "module.", False), ("resnet50", "", True), ("resnet50", "", False)],
)
def test_checkpoints_of_both_backbones_and_both_forms_run(
    torch_target: Path, tmp_path: Path, backbone: str, prefix: str, zipped: bool
) -> None:
    path = tmp_path / f"{backbone}.pth"
    folder = str(Path(detector.__file__).parent)
    text = MAKE.format(folder=folder, backbone=backbone, prefix=prefix, path=str(path), zipped=zipped)
    made = subprocess.run([str(torch_target), "-c", text], capture_output=True, text=True, check=True).stdout
    anchors = 2 * (8 * 8 + 4 * 4 + 2 * 2)
    assert f"[1, {anchors}, 4]" in made and ("426608 300" if "mobile" in backbone else "27293600 456") in made
    words = (
        "--target",
        str(torch_target),
        "--model",
        path,
        "--device",
        "cpu",
        "--only",
        "inference",
        "--only",
        "models",
    )
    told = report(*words, "--image", SIX_FACES, "--skip", "smoke-wrong-result", cwd=tmp_path)
    assert found(told) == (["model-weights-mismatch"] if prefix else []), told["findings"]
    seen = told["facts"]["inference"]
    assert (seen["framework"], seen["device"], seen["contract"]) == ("torch", "cpu", "retinaface")
    assert seen["finite"] is True and seen["median"] > 0


def test_a_planted_checkpoint_is_not_even_given_to_torch(torch_target: Path, tmp_path: Path) -> None:
    mark = tmp_path / "it-ran"
    path = tmp_path / "mobilenet0.25.pth"
    text = (
        "import sys, os, torch\n"
        f"sys.path.insert(0, {str(Path(detector.__file__).parent)!r})\n"
        "import torch_net\n"
        f"class X:\n    def __reduce__(self): return (os.system, ('touch {mark}',))\n"
        f"torch.save(dict(torch_net.RetinaFace('mobilenet0.25').state_dict(), x=X()), {str(path)!r})\n"
    )
    subprocess.run([str(torch_target), "-c", text], check=True)
    told = report("--target", str(torch_target), "--model", path, "--device", "cpu", cwd=tmp_path)
    assert roots(told) == ["model-unsafe-pickle"]
    assert told["facts"]["inference"]["skipped"] == "no-known-checkpoint"
    assert not mark.exists()


def test_a_checkpoint_of_another_width_is_not_condemned(torch_target: Path, tmp_path: Path) -> None:
    path = tmp_path / "mobilenet.pth"
    text = (
        "import sys, torch\n"
        f"sys.path.insert(0, {str(Path(detector.__file__).parent)!r})\n"
        "import torch_net\n"
        "state = torch_net.RetinaFace('mobilenet0.25').state_dict()\n"
        f"torch.save({{key: torch.zeros((2, *value.shape)) for key, value in state.items()}}, {str(path)!r})\n"
    )
    subprocess.run([str(torch_target), "-c", text], check=True)
    told = report(
        "--target", str(torch_target), "--model", path, "--device", "cpu", "--only", "inference", cwd=tmp_path
    )
    assert found(told) == []
    assert told["facts"]["inference"]["skipped"] == "no-known-checkpoint"


def test_boxes_that_are_no_numbers_are_told_as_such(real_model: Path, tmp_path: Path) -> None:
    import onnx
    from onnx import numpy_helper

    model = onnx.load(str(real_model))
    loc = next(one for one in model.graph.node if model.graph.output[0].name in one.output)
    loc.output[0] = "plain"
    model.graph.initializer.append(numpy_helper.from_array(numpy.array(numpy.nan, numpy.float32), "nothing"))
    model.graph.node.append(onnx.helper.make_node("Mul", ["plain", "nothing"], [model.graph.output[0].name]))
    path = tmp_path / "nan.onnx"
    onnx.save(model, str(path))
    words = (
        "--target",
        DEV_PYTHON,
        "--model",
        path,
        "--image",
        SIX_FACES,
        "--device",
        "cpu",
        "--save-picture",
        "out.png",
    )
    told = report(*words, cwd=tmp_path)
    assert roots(told) == ["smoke-wrong-result"]
    assert told["findings"][0]["evidence"]["why"] == "not-finite"


def test_a_pack_for_a_service_without_insightface(tmp_path: Path) -> None:
    pack = tmp_path / ".insightface" / "models" / "buffalo_l"
    pack.mkdir(parents=True)
    scrfd_model(pack / "det_10g.onnx")
    python = make_venv(tmp_path / "target", "uv")
    install(python, "onnxruntime==1.32.0", "numpy<2.4")
    words = ("--target", str(python), "--model", "buffalo_l", "--device", "cpu", "--only", "inference")
    told = report(*words, cwd=tmp_path, env=environment(HOME=str(tmp_path)))
    assert verdicts(told)["smoke-inference-failed"] == "passed"
    assert told["facts"]["inference"]["by_insightface"] is None


@pytest.mark.parametrize(
    ("card", "megabytes", "side", "milliseconds"),
    [
        ("Tesla T4", 109, 640, 120),
        ("Tesla T4", 109, 480, 120),  # between two that are published: the larger counts
        ("Tesla T4", 109, 320, 70),
        ("Tesla T4", 1.7, 640, 90),
        ("Tesla T4", 185, 640, 180),
        ("Tesla T4", 109, 1088, None),
        ("NVIDIA H100 80GB HBM3", 109, 640, None),
        (None, 109, 640, None),
    ],
)
def test_what_is_published_of_a_card(card: str | None, megabytes: float, side: int, milliseconds: int | None) -> None:
    told = quoted(card, int(megabytes * 10**6), (side, side))
    assert (told and round(told.seconds * 1000)) == milliseconds
    assert told is None or told.most == pytest.approx(3 * told.seconds)


def other_input(path: Path, kind: int, shape: list[int | str | None], more: int = 0) -> None:
    """A graph of nine outputs, each the mean of its input, of which only the input matters."""
    from onnx import helper, save

    inputs = [helper.make_tensor_value_info(name, kind, shape) for name in ["x", "size"][: 1 + more]]
    names = [f"y{number}" for number in range(9)]
    nodes = [helper.make_node("Cast", ["x"], [f"{name}_f"], to=1) for name in names]
    nodes += [helper.make_node("ReduceMean", [f"{name}_f"], [name]) for name in names]
    outputs = [helper.make_tensor_value_info(name, 1, None) for name in names]
    graph = helper.make_graph(nodes, "other", inputs, outputs)
    save(helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)]), path)


FLOAT, UINT8, FLOAT16, DOUBLE = 1, 2, 10, 11


@pytest.mark.parametrize(
    ("kind", "shape", "more"),
    [
        (FLOAT, [1, "h", "w", 3], 0),  # as Keras exports it
        (UINT8, [1, 3, "h", "w"], 0),  # with its preprocessing in the graph
        (FLOAT, [4, 3, 64, 64], 0),
        (FLOAT, [1, 3, "h", "w"], 1),
        (FLOAT, ["n", "c"], 0),
    ],
)
def test_a_model_that_takes_no_single_picture_is_not_condemned(
    tmp_path: Path, kind: int, shape: list[int | str | None], more: int
) -> None:
    other_input(tmp_path / "det.onnx", kind, shape, more)
    told = report(*ONLY, "--target", DEV_PYTHON, "--model", tmp_path / "det.onnx", cwd=tmp_path)
    assert (found(told), told["facts"]["inference"]["skipped"]) == ([], "other-input")


@pytest.mark.parametrize(
    ("kind", "shape"),
    [(FLOAT, ["n", "c", "h", "w"]), (FLOAT16, ["n", 3, "h", "w"]), (DOUBLE, [1, 3, 64, 64]), (FLOAT, [None, 3, None, None])],
)  # fmt: skip
def test_a_picture_is_given_in_the_numbers_that_the_model_takes(
    tmp_path: Path, kind: int, shape: list[int | str | None]
) -> None:
    """As many outputs as a detector of insightface, in no form of its own: nothing is said of its faces."""
    other_input(tmp_path / "det.onnx", kind, shape)
    told = report(*ONLY, "--target", DEV_PYTHON, "--model", tmp_path / "det.onnx", "--image", SIX_FACES, cwd=tmp_path)
    seen = told["facts"]["inference"]
    assert (found(told), seen["skipped"], seen["faces"], seen["contract"]) == ([], None, None, None)
    assert seen["median"] is not None


def test_weights_of_half_precision_find_the_six_faces(real_model: Path, tmp_path: Path) -> None:
    from onnx import load, numpy_helper, save

    model = load(real_model)
    for one in model.graph.initializer:
        if one.data_type == FLOAT:
            one.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(one).astype("float16"), one.name))
    for value in [*model.graph.input, *model.graph.output, *model.graph.value_info]:
        value.type.tensor_type.elem_type = FLOAT16
    save(model, tmp_path / "half.onnx")
    words = ("--target", DEV_PYTHON, "--model", tmp_path / "half.onnx", "--image", SIX_FACES)
    told = report(*ONLY, *words, cwd=tmp_path)
    assert found(told) == []
    assert len(told["facts"]["inference"]["faces"]) == 6
