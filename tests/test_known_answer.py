"""The known-answer test: its shipped parts are what they are said to be, and it tells a wrong environment from a right one."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper
from retina_doctor_checks.facts.inference import Answered, Face, KnownAnswer
from retina_doctor_checks.inference import known
from retina_doctor_checks.inference.known_checks import right
from retina_doctor_checks.probes.inference import detector, drawing

from retina_doctor.codec import decode, replace
from tests.doctor import DEV_PYTHON, SIX_FACES, environment, install, make_venv, report
from tests.standins import Machine, doctor, library_path, needs_root
from tests.test_faults_driver import CLEAN
from tools.known_answer import scenes

MODEL = known.FOLDER / "model.onnx"
ONLY = ("--only", "known-answer-wrong")


def test_the_shipped_model_is_small_old_and_free_in_its_sizes() -> None:
    data = MODEL.read_bytes()
    model = onnx.load_from_string(data)
    assert len(data) <= 1_000_000
    assert model.ir_version <= 8
    assert [one.version for one in model.opset_import] == [11]
    assert hashlib.sha256(data).hexdigest() == json.loads((known.FOLDER / "answers.json").read_text())["model_sha256"]
    [picture] = model.graph.input
    sizes = [one.dim_param or one.dim_value for one in picture.type.tensor_type.shape.dim]
    assert sizes == ["n", 3, "height", "width"]
    assert "Not a face detector" in model.doc_string


def answered(model: bytes, threshold: float = 0.5) -> KnownAnswer:
    """What that model finds in the shipped pictures here."""
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    told = []
    for one in known.expected():
        pixels = drawing.read((known.FOLDER / one.name).read_bytes())
        outputs = session.run(None, {"picture": detector.blob(pixels.astype(numpy.float32), "retinaface")})
        found = detector.decode(outputs, "retinaface", pixels.shape[1], pixels.shape[0], threshold, 0.4)
        told.append(Answered(name=one.name, faces=decode(found, tuple[Face, ...])))
    return KnownAnswer(
        skipped=None, session=("CPUExecutionProvider",), nodes=None, preloaded=False, finite=True, seconds=0.1,
        pictures=tuple(told),
    )  # fmt: skip


def test_the_shipped_pictures_have_a_margin() -> None:
    """All faces score 0.85 and more and are 40 pixels high; nothing else comes above 0.3; one picture shows nobody."""
    pictures = answered(MODEL.read_bytes(), threshold=0.3).pictures
    assert 8 <= len(pictures) <= 12
    assert [len(one.faces) for one in pictures].count(0) == 1
    faces = [face for one in pictures for face in one.faces]
    assert min(face.score for face in faces) >= 0.85
    assert min(face.box[3] - face.box[1] for face in faces) >= 38  # found; drawn with 40 and more
    sizes = {drawing.read((known.FOLDER / one.name).read_bytes()).shape[:2] for one in pictures}
    assert {(320, 320), (640, 640), (333, 517)} <= sizes


def test_a_picture_is_read_as_opencv_reads_it() -> None:
    import cv2

    for one in known.expected():
        theirs = cv2.imread(str(known.FOLDER / one.name))
        assert theirs is not None
        assert (drawing.read((known.FOLDER / one.name).read_bytes()) == theirs[:, :, ::-1]).all()


def test_several_pictures_at_once_give_the_same() -> None:
    session = onnxruntime.InferenceSession(str(MODEL), providers=["CPUExecutionProvider"])
    square = [
        one.name
        for one in known.expected()
        if drawing.read((known.FOLDER / one.name).read_bytes()).shape[:2] == (320, 320)
    ]
    blobs = [
        detector.blob(drawing.read((known.FOLDER / name).read_bytes()).astype(numpy.float32), "retinaface")
        for name in square
    ]
    together = session.run(None, {"picture": numpy.concatenate(blobs)})
    for index, one in enumerate(blobs):
        for alone, batched in zip(session.run(None, {"picture": one}), together, strict=True):
            assert numpy.abs(alone[0] - batched[index]).max() < 1e-4


def test_this_environment_is_right_and_a_slightly_wrong_model_is_not() -> None:
    data = MODEL.read_bytes()
    assert right(answered(data)) is True
    model = onnx.load_from_string(data)
    bias = next(one for one in model.graph.initializer if len(one.dims) == 1 and one.dims[0] > 8)
    bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias) + numpy.float32(0.05), bias.name))
    assert right(answered(model.SerializeToString())) is False


def rounded(values: Any, bits: int) -> Any:
    """float32 with so many bits of mantissa, to the nearest: TF32 has 10, bfloat16 7."""
    step = numpy.uint32(1 << (23 - bits))
    whole = (values.view(numpy.uint32) + step // 2) & ~(step - 1)
    return whole.view(numpy.float32)


def emulated(bits: int) -> KnownAnswer:
    """Weights and each convolution's input rounded to so many bits, as tensor cores read them."""
    model = onnx.load_from_string(MODEL.read_bytes())
    session = onnxruntime.InferenceSession(with_inputs(model, bits), providers=["CPUExecutionProvider"])
    told = []
    for one in known.expected():
        pixels = drawing.read((known.FOLDER / one.name).read_bytes())
        feed = {"picture": detector.blob(pixels.astype(numpy.float32), "retinaface")}
        found = detector.decode(session.run(None, feed), "retinaface", pixels.shape[1], pixels.shape[0], 0.5, 0.4)
        told.append(Answered(name=one.name, faces=decode(found, tuple[Face, ...])))
    return KnownAnswer(
        skipped=None, session=("CUDAExecutionProvider",), nodes={"CUDAExecutionProvider": 100}, preloaded=False,
        finite=True, seconds=0.1, pictures=tuple(told),
    )  # fmt: skip


def with_inputs(model: Any, bits: int) -> bytes:
    """Each convolution's input goes through a multiplication that leaves so many bits: Veltkamp's splitting."""
    factor = numpy_helper.from_array(numpy.array(2.0 ** (23 - bits) + 1, numpy.float32), "splitter")
    model.graph.initializer.append(factor)
    nodes = []
    for node in model.graph.node:
        if node.op_type == "Conv":
            x = node.input[0]
            made = [f"{node.name}.{part}" for part in ("big", "rest", "short")]
            nodes += [
                onnx.helper.make_node("Mul", [x, "splitter"], [made[0]]),
                onnx.helper.make_node("Sub", [made[0], x], [made[1]]),
                onnx.helper.make_node("Sub", [made[0], made[1]], [made[2]]),
            ]
            node.input[0] = made[2]
        nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    for tensor in model.graph.initializer:
        if tensor.data_type == onnx.TensorProto.FLOAT and len(tensor.dims) == 4:
            tensor.CopyFrom(numpy_helper.from_array(rounded(numpy_helper.to_array(tensor).copy(), bits), tensor.name))
    return model.SerializeToString()  # type: ignore[no-any-return]


def test_the_precision_of_tensor_cores_is_right_on_a_gpu_and_half_of_it_is_not() -> None:
    off = known.compared(emulated(10))
    assert (off.missing, off.surplus) == (0, 0)
    assert right(emulated(10)) is True, off
    assert right(emulated(3)) is False


@pytest.mark.parametrize("version", ["1.20.1", "1.26.0", "1.32.0"])
def test_other_releases_of_onnxruntime_give_the_known_answer(tmp_path: Path, version: str) -> None:
    python = make_venv(tmp_path / "target", "uv")
    install(python, f"onnxruntime=={version}", "numpy<2.3")
    told = report(*ONLY, "--target", str(python), "--device", "cpu", cwd=tmp_path)
    assert (told["findings"], told["exit_code"]) == ([], 0), told
    assert {one["name"]: one["verdict"] for one in told["checks"]}["known-answer-wrong"] == "passed"


def test_a_wrong_environment_is_the_root_and_the_services_model_its_echo(tmp_path: Path, real_model: Path) -> None:
    """Every result of onnxruntime is a tenth too large, whatever the model: as with a bad card, or a wrong library."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "sitecustomize.py").write_text(
        "import builtins, sys\n"
        "plain = builtins.__import__\n"
        "def patched(name, *words, **more):\n"
        "    module = plain(name, *words, **more)\n"
        "    ort = sys.modules.get('onnxruntime')\n"
        "    kind = getattr(ort, 'InferenceSession', None)\n"
        "    if kind is not None and not hasattr(kind, 'honest'):\n"
        "        kind.honest = kind.run\n"
        "        kind.run = lambda self, *a, **k: [x * 0.5 for x in kind.honest(self, *a, **k)]\n"
        "    return module\n"
        "builtins.__import__ = patched\n"
    )
    image = SIX_FACES
    words = (
        "--only",
        "inference",
        "--device",
        "cpu",
        "--target",
        DEV_PYTHON,
        "--model",
        str(real_model),
        "--image",
        str(image),
    )
    told = report(*words, cwd=tmp_path, env=environment(PYTHONPATH=str(tmp_path / "lib")))
    roots = {one["name"] for one in told["findings"] if one["root"] is None}
    assert roots == {"known-answer-wrong"}, told["findings"]
    assert report(*words, cwd=tmp_path)["findings"] == []


def test_a_card_that_computes_nothing_is_found_out(tmp_path: Path) -> None:
    """The stand-in of cuDNN: the session is on CUDA, its nodes run there, no call fails, and every result is empty."""
    needs_root()
    python = make_venv(tmp_path / "target", "uv")
    install(python, "onnxruntime-gpu==1.31.1", "numpy==2.4.6")
    told = doctor(
        tmp_path, *ONLY, environment={**CLEAN, "LD_LIBRARY_PATH": library_path()}, machine=Machine(folder=tmp_path / "m"),
        target=str(python),
    )  # fmt: skip
    assert told.facts("known_answer")["nodes"]["CUDAExecutionProvider"] > 50, told.summary()
    assert told.roots == {"known-answer-wrong"}


def test_the_drawn_pictures_are_of_the_stated_distribution() -> None:
    pictures = [scenes.draw(seed, 640, 640) for seed in range(150)]
    heights = numpy.array([box[3] - box[1] for one in pictures for box in one.boxes])
    wears = [kind for one in pictures for kind in one.wears]
    assert len(heights) > 300
    assert heights.min() >= 0.85 * scenes.SMALLEST and heights.max() <= 1.25 * scenes.LARGEST
    # Log-uniform, but for the large ones that find no room: the middle of the logarithms lies near the middle.
    share = float((numpy.log(heights) < numpy.log(scenes.SMALLEST * scenes.LARGEST) / 2).mean())
    assert 0.4 < share < 0.65
    assert 0.1 < sum(one.blurred for one in pictures) / len(pictures) < 0.32
    assert 0.12 < sum(kind != "" for kind in wears) / len(wears) < 0.3
    assert all(one.distractors >= 2 for one in pictures)
    assert (scenes.draw(3, 320, 320).pixels == scenes.draw(3, 320, 320).pixels).all()
    for one in pictures:
        for box, points in zip(one.boxes, one.points, strict=True):
            assert (points >= box[:2] - 2).all() and (points <= box[2:] + 2).all()


def test_where_nodes_are_not_told_the_session_says_which_tolerance_holds() -> None:
    """An onnxruntime before 1.24 without a writable disk."""
    from retina_doctor.codec import replace

    assert right(replace(emulated(7), nodes=None)) is True
    assert right(replace(emulated(7), nodes=None, session=("CPUExecutionProvider",))) is False


def test_a_face_of_another_number_of_points_is_none_of_this_model() -> None:
    """A snapshot may hold anything: it is a wrong answer, and breaks no check."""
    exact = KnownAnswer(
        skipped=None,
        session=None,
        nodes=None,
        preloaded=False,
        finite=True,
        pictures=tuple(Answered(name=one.name, faces=one.faces) for one in known.expected()),
        seconds=None,
    )
    assert known.compared(exact).missing == 0
    first, *others = exact.pictures
    maimed = replace(first, faces=(replace(first.faces[0], points=first.faces[0].points[:4]), *first.faces[1:]))
    off = known.compared(replace(exact, pictures=(maimed, *others)))
    assert (off.picture, off.missing, off.surplus) == (first.name, 1, 1)


def test_the_close_picture_is_a_part_of_the_posted_one() -> None:
    """Made again from it, to the pixel."""
    part = drawing.read((known.FOLDER / known.POSTED).read_bytes())[257:557, 181:481]
    close = drawing.read((known.FOLDER / known.CLOSE).read_bytes())
    assert (detector.resize(part, 640, 640).astype(numpy.uint8) == close).all()


def test_the_broad_picture_is_the_posted_one_with_gray_beside_it() -> None:
    broad = drawing.read((known.FOLDER / known.BROAD).read_bytes())
    assert broad.shape == (640, 800, 3)
    assert (broad[:, :640] == drawing.read((known.FOLDER / known.POSTED).read_bytes())).all()
    assert (broad[:, 640:] == 128).all()


def test_the_posted_picture_of_nobody_is_as_large_as_the_one_with_faces() -> None:
    nobody = drawing.read((known.FOLDER / "nobody.png").read_bytes())
    posted = drawing.read((known.FOLDER / known.NOBODY).read_bytes())
    assert (posted == nobody.repeat(2, axis=0).repeat(2, axis=1)).all()
