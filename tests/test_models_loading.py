"""Whole files that do not load as the face detector that the service wants, made for real; each healthy twin is silent."""

from __future__ import annotations

import argparse
import collections
import datetime
import os
import pickle
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import onnx
import onnx.version_converter
import pytest
from onnx import TensorProto, helper, numpy_helper
from retina_doctor_checks.models import loading_checks
from retina_doctor_checks.probes.models import pickles

from tests.doctor import DEV_PYTHON, environment, install, make_venv, report, run_fix
from tests.standins import needs_root
from tests.test_inference import scrfd_model

LOADING = ("--only", "models", "--only", "inference", "--skip", "smoke-wrong-result", "--device", "cpu")
HEADS = [
    "fpn.output1.0.weight",
    "ssh1.conv3X3.0.weight",
    "ClassHead.0.conv1x1.bias",
    "BboxHead.0.conv1x1.bias",
    "LandmarkHead.0.conv1x1.bias",
]
KEYS = {
    "mobilenet0.25": ["body.stage1.0.0.weight", "body.stage3.1.3.weight", *HEADS],
    "resnet50": ["body.conv1.weight", "body.layer1.0.conv3.weight", "body.layer3.5.conv1.weight", *HEADS],
    "other": ["encoder.layers.0.weight", "head.bias"],
}


def looked(model: str | Path, cwd: Path, *words: str, home: Path | None = None, **variables: str) -> Any:
    env = environment(HOME=str(home or cwd), **variables)
    return report(*LOADING, "--target", DEV_PYTHON, "--model", model, *words, cwd=cwd, env=env)


def roots(told: Any) -> list[str]:
    return sorted(one["name"] for one in told["findings"] if one["root"] is None)


def graph(
    path: Path, *, outputs: tuple[int, ...] = (4, 2, 10), side: int | str = "h", external: bool = False, ir: int = 8
) -> Path:
    """A model of one convolution and as many outputs as wanted."""
    weights = numpy_helper.from_array(numpy.zeros((sum(outputs), 3, 1, 1), numpy.float32), "w")
    split = numpy_helper.from_array(numpy.array(outputs, numpy.int64), "split")
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"]),
        helper.make_node("Split", ["c", "split"], [f"y{i}" for i in range(len(outputs))], axis=1),
    ]
    value = helper.make_tensor_value_info
    told = [value(f"y{i}", TensorProto.FLOAT, None) for i in range(len(outputs))]
    body = helper.make_graph(nodes, "g", [value("x", TensorProto.FLOAT, [1, 3, side, side])], told, [weights, split])
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", 13)], ir_version=ir)
    onnx.save(model, str(path), save_as_external_data=external, location=path.name + ".data", size_threshold=100)
    return path


def test_weights_in_another_file(tmp_path: Path) -> None:
    model = graph(tmp_path / "face.onnx", external=True)
    data = tmp_path / "face.onnx.data"
    assert roots(looked(model, tmp_path)) == []
    data.rename(tmp_path / "kept")
    told = looked(model, tmp_path)
    assert roots(told) == ["model-external-data-missing"]
    assert {one["name"] for one in told["findings"]} == {"model-external-data-missing", "smoke-inference-failed"}
    shutil.copy(tmp_path / "kept", data)
    os.truncate(data, 100)
    [finding, *_] = looked(model, tmp_path)["findings"]
    assert (finding["name"], finding["evidence"]["problem"]) == ("model-external-data-missing", "cut-short")
    data.write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 1691952\n")
    told = looked(model, tmp_path)
    assert roots(told) == ["model-lfs-pointer"]
    assert told["findings"][0]["fix"]["commands"] == [f"git -C {tmp_path} lfs pull"]


@pytest.mark.parametrize("location", ["../outside.data", "/etc/passwd"])
def test_weights_outside_the_models_folder_are_not_opened(tmp_path: Path, location: str) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "outside.data").write_bytes(bytes(1000))
    model = graph(tmp_path / "models" / "face.onnx", external=True)
    loaded = onnx.load(str(model), load_external_data=False)
    for tensor in loaded.graph.initializer:
        for entry in tensor.external_data:
            entry.value = location if entry.key == "location" else entry.value
    model.write_bytes(loaded.SerializeToString())
    [finding, *_] = looked(model, tmp_path)["findings"]
    assert (finding["name"], finding["evidence"]["problem"]) == ("model-external-data-missing", "outside")


def test_a_model_of_a_newer_ir(tmp_path: Path) -> None:
    needs_root()
    model = graph(tmp_path / "face.onnx", ir=14)
    python = make_venv(tmp_path / "target", "uv")
    install(python, "onnxruntime==1.26.0", "numpy==2.2.6")
    words = ("--target", str(python))
    told = looked(model, tmp_path, *words)
    assert roots(told) == ["model-ir-too-new"]
    [finding] = [one for one in told["findings"] if one["root"] is None]
    assert finding["evidence"]["has"] == 14
    run_fix(told, "model-ir-too-new", tmp_path)
    assert roots(looked(finding["evidence"]["converted"], tmp_path, *words)) == []


@pytest.mark.real
@pytest.mark.parametrize("version", ["1.15.1", "1.16.3"])
def test_a_copy_for_an_old_onnxruntime_is_of_an_opset_that_it_has_whole(tmp_path: Path, version: str) -> None:
    """Of 1.16 the newest opset is 19, and it has no kernel for Shape of 19; of IR 10 it tells before it tells of opset 21."""
    model = tmp_path / "face.onnx"
    onnx.save(onnx.version_converter.convert_version(shaped(graph(model)), 21), str(model))
    python = make_venv(tmp_path / "target", "uv")
    install(python, f"onnxruntime=={version}", "numpy==1.26.4")
    words = ("--target", str(python))
    told = looked(model, tmp_path, *words)
    assert roots(told) == ["model-ir-too-new"]
    [finding] = [one for one in told["findings"] if one["root"] is None]
    run_fix(told, "model-ir-too-new", tmp_path)
    assert roots(looked(finding["evidence"]["converted"], tmp_path, *words)) == []


def shaped(path: Path) -> onnx.ModelProto:
    """With an operator of which opset 19 has a kernel of its own."""
    model = onnx.load(str(path))
    whole = model.graph.node.pop()
    model.graph.node.append(helper.make_node("Shape", ["c"], ["of"]))
    model.graph.node.append(helper.make_node("Reshape", ["c", "of"], ["same"]))
    whole.input[0] = "same"
    model.graph.node.append(whole)
    model.ir_version = 10
    return model


@pytest.mark.real
def test_a_model_of_a_newer_opset(tmp_path: Path) -> None:
    """The printed commands write a copy that the old onnxruntime takes."""
    model = graph(tmp_path / "it's a face.onnx")
    loaded = onnx.load(str(model))
    loaded.opset_import[0].version = 22
    loaded.ir_version = 9
    model.write_bytes(loaded.SerializeToString())
    python = make_venv(tmp_path / "target", "uv")
    install(python, "onnxruntime==1.18.1", "numpy==1.26.4")
    words = ("--target", str(python))
    told = looked(model, tmp_path, *words)
    assert roots(told) == ["model-opset-too-new"]
    [finding] = [one for one in told["findings"] if one["root"] is None]
    run_fix(told, "model-opset-too-new", tmp_path)
    assert roots(looked(finding["evidence"]["converted"], tmp_path, *words)) == []


def test_a_model_of_an_opset_to_come(tmp_path: Path) -> None:
    model = graph(tmp_path / "face.onnx")
    loaded = onnx.load(str(model))
    loaded.opset_import[0].version = 99
    model.write_bytes(loaded.SerializeToString())
    told = looked(model, tmp_path)
    assert roots(told) == ["model-opset-too-new"]
    assert [one["evidence"]["has"] for one in told["findings"] if one["root"] is None] == [99]


@pytest.mark.parametrize(("side", "kind"), [(112, "recognition"), (192, "landmarks"), (96, "gender-age")])
def test_a_model_of_another_kind(tmp_path: Path, side: int, kind: str) -> None:
    told = looked(graph(tmp_path / "w600k_r50.onnx", outputs=(5,), side=side), tmp_path)
    assert roots(told) == ["model-not-a-detector"]
    assert told["findings"][0]["evidence"]["kind"] == kind
    assert told["exit_code"] == 1


def test_a_graph_that_is_no_known_detectors_is_a_warning(tmp_path: Path) -> None:
    told = looked(graph(tmp_path / "yolo.onnx", outputs=(16,)), tmp_path)
    assert [(one["name"], one["severity"]) for one in told["findings"]] == [("model-not-a-detector", "warning")]


class Runs:
    """What a planted checkpoint holds."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return (os.system, (f"touch {self.mark}",))


def checkpoint(path: Path, state: object, kind: str = "zip") -> Path:
    data = pickle.dumps(state, protocol=2)
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("net/data.pkl", data)
            archive.writestr("net/data/0", bytes(64))
            archive.writestr("net/version", b"3\n")
    elif kind == "legacy":
        head = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}]
        parts = [*(pickle.dumps(one, protocol=2) for one in head), data, pickle.dumps(["0"], protocol=2)]
        path.write_bytes(b"".join(parts) + bytes(1000))
    else:
        path.write_bytes(pickle.dumps(state, protocol=4))
    return path


def state(network: str, prefix: str = "") -> dict[str, object]:
    return {prefix + key: [] for key in KEYS[network]}


@pytest.mark.parametrize("kind", ["zip", "legacy", "pickle"])
def test_a_checkpoint_that_would_run_code_does_not(tmp_path: Path, kind: str) -> None:
    mark = tmp_path / "it-ran"
    path = checkpoint(tmp_path / "mobilenet0.25.pth", {**state("mobilenet0.25"), "x": Runs(mark)}, kind)
    told = looked(path, tmp_path)
    assert roots(told) == ["model-unsafe-pickle"]
    assert told["findings"][0]["evidence"]["dangerous"] == ["posix.system"]
    assert not mark.exists()


def zipped(path: Path, *parts: tuple[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts:
            archive.writestr(name, data)
    return path


HARMLESS = pickle.dumps({key: [] for key in ("body.stage1.0.0.weight", "body.stage3.1.3.weight")}, protocol=2)
MAGIC = pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2)
HEAD = MAGIC + pickle.dumps(1001, protocol=2) + pickle.dumps({}, protocol=2)
EVIL = b"\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R."
NAMES_POPPED = b"\x80\x04\x8c\x05posix\x8c\x06system\x8c\x0bcollections\x8c\x0bOrderedDict00\x93\x8c\x04true\x85R."
EVASIONS: dict[str, Callable[[Path], Path]] = {
    "names under others that are popped": lambda p: zipped(p, ("net/data.pkl", NAMES_POPPED)),
    "a name by way of torch's own functions": lambda p: zipped(
        p, ("net/data.pkl", b"\x80\x02ctorch._utils\n_import_dotted_name\nX\x09\x00\x00\x00os.system\x85R.")
    ),
    "a checkpoint within torch.storage": lambda p: zipped(
        p, ("net/data.pkl", b"\x80\x02ctorch.storage\n_load_from_bytes\nX\x01\x00\x00\x00a\x85R.")
    ),
    "a second data.pkl": lambda p: zipped(p, ("net/a/data.pkl", HARMLESS), ("net/data.pkl", EVIL)),
    "the fifth pickle": lambda p: wrote(p, HEAD + HARMLESS + EVIL + bytes(1000)),
    "another protocol at the head": lambda p: wrote(p, b"\x80\x03" + HEAD[2:] + EVIL + pickle.dumps([]) + bytes(1000)),
    "protocol 1": lambda p: wrote(p, b"\x80\x01" + EVIL[2:]),
    "protocol 0": lambda p: wrote(p, b"cposix\nsystem\n(S'true'\ntR."),
    "pickle in pickle": lambda p: wrote(p, b"\x80\x02c_pickle\nloads\nX\x01\x00\x00\x00a\x85R."),
    "a name through a name": lambda p: zipped(
        p, ("net/data.pkl", b"\x80\x04\x8c\x13torch.nn.functional\x8c\x17importlib.import_module\x93\x8c\x02os\x85R.")
    ),
    "an instance": lambda p: wrote(p, b"\x80\x02(S'true'\niposix\nsystem\n."),
}


def wrote(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("how", EVASIONS)
def test_ways_to_hide_code_in_a_checkpoint(tmp_path: Path, how: str) -> None:
    told = looked(EVASIONS[how](tmp_path / "mobilenet0.25.pth"), tmp_path)
    assert "model-unsafe-pickle" in roots(told), told["findings"]
    assert next(one for one in told["findings"] if one["name"] == "model-unsafe-pickle")["severity"] == "error"


@pytest.mark.parametrize("spoil", [b"I0x10\n0", b"\x91\x91\x91", b"h\x63"])
def test_what_cannot_be_followed_is_not_passed(tmp_path: Path, spoil: bytes) -> None:
    """pickle takes numbers that pickletools refuses, and the like."""
    path = zipped(
        tmp_path / "mobilenet0.25.pth", ("net/data.pkl", b"\x80\x02ccollections\nOrderedDict\n0" + spoil + EVIL[2:])
    )
    told = looked(path, tmp_path)
    assert {one["name"]: one["verdict"] for one in told["checks"]}["model-unsafe-pickle"] in ("unknown", "failed")


def test_a_checkpoint_that_is_a_whole_module_is_a_warning(tmp_path: Path) -> None:
    from fractions import Fraction

    path = checkpoint(tmp_path / "mobilenet0.25.pth", {**state("mobilenet0.25"), "x": Fraction(1, 3)})
    assert [(one["name"], one["severity"]) for one in looked(path, tmp_path)["findings"]] == [
        ("model-unsafe-pickle", "warning")
    ]


@pytest.mark.parametrize("kind", ["zip", "legacy", "pickle"])
def test_checkpoints_of_another_network(tmp_path: Path, kind: str) -> None:
    right = checkpoint(tmp_path / "Resnet50_Final.pth", state("resnet50"), kind)
    assert roots(looked(right, tmp_path)) == []
    wrong = checkpoint(tmp_path / "Resnet50.pth", state("mobilenet0.25"), kind)
    told = looked(wrong, tmp_path)
    assert roots(told) == ["model-weights-mismatch"]
    assert (told["findings"][0]["evidence"]["said"], told["exit_code"]) == ("resnet50", 1)
    other = looked(checkpoint(tmp_path / "model.pth", state("other"), kind), tmp_path)
    assert [(one["name"], one["severity"]) for one in other["findings"]] == [("model-not-a-detector", "warning")]
    of_another_make: dict[str, object] = {
        "fx.stage1.0.0.weight": [],
        "class_head.class_head.0.weight": [],
        "bbox_head.0.bias": [],
    }
    assert roots(looked(checkpoint(tmp_path / "ours.pth", of_another_make, kind), tmp_path)) == []


@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_a_checkpoint_without_weights_or_without_heads(tmp_path: Path, kind: str) -> None:
    """`torch.save({})`, a state of training alone, and a backbone as it is trained on other pictures."""
    body = {key: one for key, one in state("mobilenet0.25").items() if "Head" not in key}
    part = dict(list(body.items())[: len(body) // 4])
    heads = ["ClassHead", "BboxHead", "LandmarkHead"]
    for there, lacks in (({}, []), ({"epoch": 3, "lr": 0.1}, []), (body, heads), (part, heads)):
        told = looked(checkpoint(tmp_path / "mobilenet0.25.pth", there, kind), tmp_path)
        assert roots(told) == ["model-weights-mismatch"]
        assert (told["findings"][0]["evidence"]["lacks"], told["exit_code"]) == (lacks, 1)


def test_what_honest_checkpoints_hold_is_no_error(tmp_path: Path) -> None:
    """The kinds of things that training code saves beside weights."""
    beside = [
        collections.defaultdict(list),
        datetime.datetime(2026, 1, 1),
        argparse.Namespace(lr=1),
        slice(1),
        numpy.float32(1),
    ]
    path = checkpoint(tmp_path / "mobilenet0.25.pth", {**state("mobilenet0.25"), "beside": beside})
    told = looked(path, tmp_path)
    assert [(one["name"], one["severity"]) for one in told["findings"]] == [("model-unsafe-pickle", "warning")]
    assert told["findings"][0]["evidence"]["dangerous"] == []


def test_a_prefix_of_data_parallel_is_a_warning(tmp_path: Path) -> None:
    told = looked(checkpoint(tmp_path / "mobilenet0.25.pth", state("mobilenet0.25", "module.")), tmp_path)
    assert [(one["name"], one["severity"]) for one in told["findings"]] == [("model-weights-mismatch", "warning")]


def test_names_that_insightface_does_not_know(tmp_path: Path) -> None:
    told = looked("retinaface_r50_v1", tmp_path)
    assert roots(told) == ["model-unknown-name"]
    told = looked("bufalo_l", tmp_path)
    assert (roots(told), told["findings"][0]["evidence"]["near"]) == (["model-unknown-name"], "buffalo_l")
    assert roots(looked("buffalo_l", tmp_path)) == ["model-missing"]


def test_a_cache_that_the_services_user_may_not_write(tmp_path: Path) -> None:
    needs_root()  # to become another user
    home = Path(tempfile.mkdtemp(dir="/tmp"))  # pytest's folders are closed to others
    home.chmod(0o755)
    words = (
        "setpriv --bounding-set=-dac_override,-dac_read_search --inh-caps=-all --reuid=65534 --clear-groups "
        + DEV_PYTHON,
    )
    told = looked("buffalo_l", tmp_path, "--target", *words, home=home)
    assert roots(told) == ["model-cache-not-writable"], told["findings"]
    assert told["findings"][0]["evidence"]["at"] == str(home)
    home.chmod(0o777)
    assert roots(looked("buffalo_l", tmp_path, "--target", *words, home=home)) == ["model-missing"]
    shutil.rmtree(home)


def test_a_download_that_was_broken_off(tmp_path: Path) -> None:
    packs = tmp_path / ".insightface" / "models"
    packs.mkdir(parents=True)
    with zipfile.ZipFile(packs / "buffalo_l.zip", "w") as archive:
        scrfd_model(tmp_path / "det_10g.onnx")
        archive.write(tmp_path / "det_10g.onnx", "det_10g.onnx")
    whole = (packs / "buffalo_l.zip").read_bytes()
    (packs / "buffalo_l.zip").write_bytes(whole[:-30])
    told = looked("buffalo_l", tmp_path)
    assert roots(told) == ["model-download-failed"]
    (packs / "buffalo_l.zip").write_bytes(whole)
    told = looked("buffalo_l", tmp_path)
    assert roots(told) == ["model-download-failed"]
    run_fix(told, "model-download-failed", tmp_path)
    assert roots(looked("buffalo_l", tmp_path)) == []


def test_a_cache_of_links_is_no_way_out_of_the_folder(tmp_path: Path) -> None:
    """As huggingface_hub lays files out: snapshots/REVISION/NAME -> ../../blobs/HASH."""
    plain = graph(tmp_path / "face.onnx", external=True)
    (tmp_path / "blobs").mkdir()
    (tmp_path / "snapshots" / "main").mkdir(parents=True)
    for name, blob in (("face.onnx", "a"), ("face.onnx.data", "b")):
        (tmp_path / name).rename(tmp_path / "blobs" / blob)
        (tmp_path / "snapshots" / "main" / name).symlink_to(f"../../blobs/{blob}")
    assert roots(looked(tmp_path / "snapshots" / "main" / plain.name, tmp_path)) == []


def test_the_printed_command_strips_the_prefix_of_a_wrapped_checkpoint() -> None:
    """What it does to the table is run here; torch's own reading and writing is tests/test_inference.py's."""
    page = Path(loading_checks.__file__).with_name("pages") / "model-weights-mismatch.en.md"
    command = page.read_text().split("{{ python }} -c '")[1].split("'")[0]
    inner = command.split("weights_only=True); ")[1].replace("torch.save(", "kept = (").replace(", sys.argv[2])", ")")
    for told in ({"module.a": 1}, {"epoch": 3, "state_dict": {"module.a": 1}}):
        names: dict[str, Any] = {"s": told}
        exec(inner, names)
        assert names["kept"] == {"a": 1}


def test_what_picklescan_calls_dangerous_is_dangerous_here() -> None:
    """Its list of globals that run code, as an oracle: each name on it, and some name of each module that is on it whole."""
    from picklescan.scanner import _unsafe_globals

    named = []
    for module, members in _unsafe_globals.items():
        members = {"anything"} if members == "*" else {members} if isinstance(members, str) else members
        named += [f"{module}.{member}" for member in members]
    assert len(named) > 60
    assert [name for name in named if not pickles.dangerous(name)] == []


def test_a_folder_that_insightface_finds_no_detector_in(tmp_path: Path, real_model: Path) -> None:
    """Three outputs: insightface itself dies at a bare assertion."""
    from insightface.app import FaceAnalysis

    folder = tmp_path / "models" / "retinaface"
    folder.mkdir(parents=True)
    shutil.copy(real_model, folder / "retinaface_mobile.onnx")
    with pytest.raises(AssertionError):
        FaceAnalysis(name="retinaface", root=str(tmp_path), providers=["CPUExecutionProvider"])
    told = looked(folder, tmp_path)
    assert roots(told) == ["model-not-a-detector"]
    assert told["findings"][0]["severity"] == "warning"
    assert roots(looked(folder / "retinaface_mobile.onnx", tmp_path)) == []
