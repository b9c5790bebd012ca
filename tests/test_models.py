"""Each way in which a model does not load, made of real files; each healthy twin is silent."""

from __future__ import annotations

import gzip
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from retina_doctor_checks.probes.models import contents, onnx_walk

from tests.doctor import DEV_PYTHON, environment, found, report, run_fix

Making = Callable[[Path, bytes], Path]


def look(model: str | Path, cwd: Path, home: Path | None = None, target: str = DEV_PYTHON) -> list[str]:
    env = environment(HOME=str(home or cwd))
    return found(report("--only", "models", "--target", target, "--model", model, cwd=cwd, env=env))


def torch_zip(path: Path) -> Path:
    """A checkpoint as torch.save writes it since 1.6: a stored zip with NAME/data.pkl in it, a dict of tensors."""
    keys = (
        "body.layer1.0.conv3.weight",
        "body.layer3.5.conv1.weight",
        *(f"{head}.0.conv1x1.bias" for head in ("ClassHead", "BboxHead", "LandmarkHead")),
    )
    tensors = (
        b"X" + len(key).to_bytes(4, "little") + key.encode() + b"ctorch._utils\n_rebuild_tensor_v2\n)R" for key in keys
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("net/data.pkl", b"\x80\x02}(" + b"".join(tensors) + b"u.")
        archive.writestr("net/data/0", os.urandom(4096))
        archive.writestr("net/version", b"3\n")
    return path


def test_a_tensor_alone_is_no_checkpoint(tmp_path: Path) -> None:
    """torch.save(torch.zeros(3), path), and of a list of them."""
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n)R"
    for name, content in (
        ("one.pth", tensor),
        ("list.pth", b"](" + tensor + b"e"),
        ("dict.pth", b"}(K\x01" + tensor + b"u"),
    ):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("net/data.pkl", b"\x80\x02" + content + b".")
            archive.writestr("net/version", b"3\n")
        assert look(name, tmp_path) == ["model-weights-mismatch"], name
    with zipfile.ZipFile(tmp_path / "linear.pth", "w") as archive:
        archive.writestr("net/data.pkl", b"\x80\x02}(U\x06weight" + tensor + b"U\x04bias" + tensor + b"u.")
        archive.writestr("net/version", b"3\n")
    assert look("linear.pth", tmp_path) == []
    assert look(torch_zip(tmp_path / "net.pth"), tmp_path) == []


def test_the_lists_of_a_torchscript_run_no_code(tmp_path: Path) -> None:
    """As torch.jit.save writes a Conv2d: its padding is such a list."""
    for name, severity in (("torch.jit._pickle\nbuild_intlist", "warning"), ("torch.jit._pickle\nload", "error")):
        with zipfile.ZipFile(tmp_path / "net.pt", "w") as archive:
            archive.writestr("net/data.pkl", b"\x80\x02c" + name.encode() + b"\n](K\x00e\x85R.")
            archive.writestr("net/version", b"3\n")
        env = environment(HOME=str(tmp_path))
        told = report("--only", "RD113", "--target", DEV_PYTHON, "--model", "net.pt", cwd=tmp_path, env=env)
        assert [one["severity"] for one in told["findings"]] == [severity], name


def test_an_address_is_no_file(tmp_path: Path, real_model: Path) -> None:
    """What loads models opens no address; a folder that only looks like one is a path."""
    for address in (
        "https://models.example/det_10g.onnx?download=true",
        "s3://bucket/det_10g.onnx",
        "gpu1:/m/det_10g.onnx",
    ):
        told = report("--only", "models", "--model", address, cwd=tmp_path, env=environment(HOME=str(tmp_path)))
        [finding] = told["findings"]
        assert finding["name"] == "model-missing" and finding["subject"] == "model:det_10g.onnx"
        wget = [f"curl -fL --create-dirs -o {tmp_path}/det_10g.onnx '{address}'"] if address.startswith("http") else []
        assert finding["fix"]["commands"] == wget
    shutil.copy(real_model, tmp_path / "det.onnx")
    for address in (f"file://{tmp_path}/det.onnx", "https://models.example/det.onnx"):
        told = report("--only", "models", "--model", address, cwd=tmp_path, env=environment(HOME=str(tmp_path)))
        [finding] = told["findings"]
        assert finding["name"] == "model-wrong-directory"
        told_too = f"export RETINA_DOCTOR_MODEL_PATH={tmp_path}/det.onnx"  # the flag told the doctor an address, too
        assert finding["fix"]["commands"] == [f"export RETINAFACE_MODEL_PATH={tmp_path}/det.onnx", told_too]
    env = environment(HOME=str(tmp_path), RETINAFACE_MODEL_PATH="s3://bucket/det_10g.onnx")
    [finding] = report("--only", "models", cwd=tmp_path, env=env)["findings"]
    assert (finding["name"], finding["severity"]) == ("model-missing", "warning"), "a service may fetch it by itself"
    (tmp_path / "s3:" / "b").mkdir(parents=True)
    shutil.copy(real_model, tmp_path / "s3:" / "b" / "det.onnx")
    assert look("s3://b/det.onnx", tmp_path) == []


def test_an_address_that_names_no_file_is_told_as_it_is(tmp_path: Path) -> None:
    for address in ("http://[::1/det.onnx", "https://models.example/..", "https://models.example/models/"):
        told = report("--only", "models", "--model", address, cwd=tmp_path, env=environment(HOME=str(tmp_path)))
        [finding] = told["findings"]
        assert (finding["name"], finding["subject"], finding["fix"]["commands"]) == ("model-missing", "model:url", [])


def test_whole_models_are_silent(real_model: Path, tmp_path: Path) -> None:
    assert look(real_model, tmp_path) == []
    assert look(torch_zip(tmp_path / "resnet50.pth"), tmp_path) == []


def test_missing(tmp_path: Path) -> None:
    assert look("/nowhere/retinaface.onnx", tmp_path) == ["model-missing"]
    (tmp_path / "dangling.onnx").symlink_to(tmp_path / "gone.onnx")
    assert look(tmp_path / "dangling.onnx", tmp_path) == ["model-missing"]
    assert look("buffalo_l", tmp_path) == ["model-missing"]
    (tmp_path / "buffalo_l").mkdir()
    (tmp_path / "elsewhere" / "antelopev2").mkdir(parents=True)
    assert look("antelopev2", tmp_path) == ["model-missing"], "an empty folder of that name is no model"


def test_a_relative_path_from_another_directory(real_model: Path, tmp_path: Path) -> None:
    (tmp_path / "app" / "models").mkdir(parents=True)
    (tmp_path / "start").mkdir()
    shutil.copy(real_model, tmp_path / "app" / "models" / "face.onnx")
    assert look("models/face.onnx", tmp_path / "app") == []
    assert look("models/face.onnx", tmp_path / "start") == ["model-missing"], "another tree is not searched"
    assert look("face.onnx", tmp_path / "app") == ["model-wrong-directory"]
    # The service's working directory counts, not the doctor's.
    (tmp_path / "start" / "retina-doctor.toml").write_text(f'[target]\nworkdir = "{tmp_path / "app"}"\n')
    assert look("models/face.onnx", tmp_path / "start") == []


def test_a_misspelt_name(real_model: Path, tmp_path: Path) -> None:
    shutil.copy(real_model, tmp_path / "retinaface_r50_v1.onnx")
    assert look("retinaface_r50_v2.onnx", tmp_path) == ["model-name-typo"]
    assert look("RetinaFace_R50_v1.onnx", tmp_path) == ["model-name-typo"]
    assert look("retinaface_r50_v1.pth", tmp_path) == ["model-missing"], "of another format"
    (tmp_path / "other").mkdir()
    shutil.copy(real_model, tmp_path / "other" / "det.onnx")
    assert look(tmp_path / "other" / "tmp.onnx", tmp_path) == ["model-missing"], "alike by the ending alone"
    (tmp_path / ".insightface" / "models" / "buffalo_l").mkdir(parents=True)
    insightfaces(tmp_path / ".insightface" / "models" / "buffalo_l" / "det_10g.onnx")
    assert look("bufalo_l", tmp_path) == ["model-name-typo"]
    assert look("buffalo_l", tmp_path) == []


def test_packs(tmp_path: Path) -> None:
    pack = tmp_path / ".insightface" / "models" / "antelopev2"
    (pack / "antelopev2").mkdir(parents=True)
    insightfaces(pack / "antelopev2" / "scrfd_10g_bnkps.onnx")
    assert look("antelopev2", tmp_path) == ["model-nested-directory"]
    (pack / "antelopev2" / "scrfd_10g_bnkps.onnx").rename(pack / "scrfd_10g_bnkps.onnx")
    assert look("antelopev2", tmp_path) == []
    (pack / "scrfd_10g_bnkps.onnx").unlink()
    assert look("antelopev2", tmp_path) == ["model-pack-incomplete"]
    recognition(pack / "glintr100.onnx")
    assert look("antelopev2", tmp_path) == ["model-pack-incomplete"]


def insightfaces(path: Path) -> None:
    """A valid model with nine outputs, as SCRFD has them: to insightface a detector."""
    from onnx import TensorProto, helper, save

    names = [f"{kind}_{stride}" for kind in ("score", "bbox", "kps") for stride in (8, 16, 32)]
    shape = [1, 3, 640, 640]
    graph = helper.make_graph(
        [helper.make_node("Relu", ["input.1"], [name]) for name in names],
        "scrfd",
        [helper.make_tensor_value_info("input.1", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in names],
    )
    save(helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)]), path)


def recognition(path: Path) -> None:
    """A valid model with one output: what stands in a pack beside the detector."""
    from onnx import TensorProto, helper, save

    graph = helper.make_graph(
        [helper.make_node("Relu", ["input.1"], ["683"])],
        "recognition",
        [helper.make_tensor_value_info("input.1", TensorProto.FLOAT, [1, 3, 112, 112])],
        [helper.make_tensor_value_info("683", TensorProto.FLOAT, [1, 3, 112, 112])],
    )
    save(helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)]), path)


def test_the_variable_of_the_image_is_understood(real_model: Path, tmp_path: Path) -> None:
    words = ("--only", "models", "--target", DEV_PYTHON)
    env = environment(HOME=str(tmp_path), RETINAFACE_MODEL_PATH=str(real_model))
    told = report(*words, cwd=tmp_path, env=env)
    assert told["findings"] == []
    assert told["facts"]["models"]["named_by"] == "RETINAFACE_MODEL_PATH"
    env["RETINAFACE_MODEL_PATH"] = "./models/default.pth"
    assert found(report(*words, cwd=tmp_path, env=env)) == ["model-missing"]


def test_nobody_expands_a_tilde_in_a_variable(real_model: Path, tmp_path: Path) -> None:
    shutil.copy(real_model, tmp_path / "a.onnx")
    words = ("check", "--quick", "--only", "models", "--target", DEV_PYTHON)
    told = report(*words, cwd=tmp_path, env=environment(HOME=str(tmp_path), RETINAFACE_MODEL_PATH="~/a.onnx"))
    assert found(told) == ["model-wrong-directory"]
    assert told["findings"][0]["evidence"]["all_found"] == [str(tmp_path / "a.onnx")]
    assert found(report(*words, "--model", "~/a.onnx", cwd=tmp_path, env=environment(HOME=str(tmp_path)))) == []


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"5" * 64 + b"\nsize 16923827\n"


SAFETENSORS = (54).to_bytes(8, "little") + b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}' + bytes(8)


@pytest.mark.parametrize(
    ("name", "make", "cause"),
    [
        ("a.onnx", lambda whole: whole[:-1], "model-corrupt"),
        ("a.onnx", lambda whole: whole[: len(whole) // 3], "model-corrupt"),
        ("a.onnx", lambda whole: bytes(4096), "model-corrupt"),
        ("a.onnx", lambda whole: b"{" + bytes(range(255, 0, -1)) * 16, "model-corrupt"),
        ("a.onnx", lambda whole: b"", "model-empty"),
        ("a.pth", lambda whole: b"", "model-empty"),
        ("a.onnx", lambda whole: LFS, "model-lfs-pointer"),
        ("a.pth", lambda whole: LFS, "model-lfs-pointer"),
        ("a.onnx", lambda whole: b"\n  <!DOCTYPE html><html><title>Quota exceeded</title></html>", "model-not-a-model"),
        ("a.pth", lambda whole: b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "model-not-a-model"),
        ("a.onnx", lambda whole: b'{"error": "not found"}', "model-not-a-model"),
        ("a.onnx", lambda whole: gzip.compress(whole), "model-not-a-model"),
        ("a.onnx", lambda whole: b"Not Found\n", "model-not-a-model"),
        ("a.pth", lambda whole: whole, "model-not-a-model"),
        ("a.onnx", lambda whole: b"\x89HDF\r\n\x1a\n" + bytes(range(256)), "model-not-a-model"),
        ("a.onnx", lambda whole: SAFETENSORS, "model-not-a-model"),
    ],
)
def test_what_the_bytes_are(
    name: str, make: Callable[[bytes], bytes], cause: str, real_model: Path, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(make(real_model.read_bytes()))
    assert look(tmp_path / name, tmp_path) == [cause]


def test_a_format_under_the_name_of_another_and_under_its_own(real_model: Path, tmp_path: Path) -> None:
    """An ending that no library asks for says nothing."""
    for name in ("net.onnx", "NET.ONNX"):
        told = report("--only", "models,torch-missing", "--model", torch_zip(tmp_path / name), cwd=tmp_path)
        assert found(told) == ["model-not-a-model"], "onnxruntime is given it: torch would be of no use"
    for name in ("net.pth", "net.pt", "net.tar", "net.bin"):
        assert look(torch_zip(tmp_path / name), tmp_path) == []
    for name in ("net.bin", "net.safetensors"):
        (tmp_path / name).write_bytes(SAFETENSORS)
        assert look(tmp_path / name, tmp_path) == []
    (tmp_path / "net.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(range(256)))
    assert look(tmp_path / "net.h5", tmp_path) == []


def test_a_folder_in_the_place_of_a_file(tmp_path: Path, real_model: Path) -> None:
    """As Docker makes it where the file that is to be mounted is not there; and one that holds the file."""
    for name in ("det.onnx", "Resnet50_Final.pth"):
        (tmp_path / name).mkdir()
        assert look(tmp_path / name, tmp_path) == ["model-not-a-model"]
    shutil.copy(real_model, tmp_path / "det.onnx" / "det.onnx")
    told = report("--only", "models", "--model", "det.onnx", cwd=tmp_path, env=environment(HOME=str(tmp_path)))
    assert found(told) == ["model-not-a-model"]
    run_fix(told, "model-not-a-model", tmp_path)
    assert (tmp_path / "det.onnx").is_file()
    assert look(tmp_path / "det.onnx", tmp_path) == []


def test_which_file_of_such_a_folder_is_the_model(tmp_path: Path, real_model: Path) -> None:
    """The one that detects faces; of two, or of one with another ending, none is put in the folder's place."""
    folder = tmp_path / "retinaface.onnx"
    folder.mkdir()
    recognition(folder / "1k3d68.onnx")
    shutil.copy(real_model, folder / "det_10g.onnx")
    words = ("--only", "models", "--model", "retinaface.onnx")
    [finding] = report(*words, cwd=tmp_path, env=environment(HOME=str(tmp_path)))["findings"]
    assert finding["evidence"]["right"] == str(folder / "det_10g.onnx")
    shutil.copy(real_model, folder / "det_500m.onnx")
    [finding] = report(*words, cwd=tmp_path, env=environment(HOME=str(tmp_path)))["findings"]
    assert finding["evidence"]["right"] is None
    assert not any("mv " in command for command in finding["fix"]["commands"])
    for name in ("1k3d68.onnx", "det_500m.onnx", "det_10g.onnx"):
        (folder / name).unlink()
    torch_zip(folder / "Resnet50_Final.pth")
    [finding] = report(*words, cwd=tmp_path, env=environment(HOME=str(tmp_path)))["findings"]
    assert finding["evidence"]["right"] == str(folder / "Resnet50_Final.pth")
    assert not any("mv " in command for command in finding["fix"]["commands"])


def test_insightface_passes_over_names_in_upper_case(tmp_path: Path) -> None:
    pack = tmp_path / ".insightface" / "models" / "buffalo_l"
    pack.mkdir(parents=True)
    insightfaces(pack / "DET_10G.ONNX")
    told = report("--only", "models", "--model", "buffalo_l", cwd=tmp_path, env=environment(HOME=str(tmp_path)))
    assert found(told) == ["model-pack-incomplete"]
    run_fix(told, "model-pack-incomplete", tmp_path)
    assert look("buffalo_l", tmp_path) == []
    insightfaces(pack / "SECOND.Onnx")
    assert look("buffalo_l", tmp_path) == [], "one that it sees is enough"
    (pack / "DET_10G.onnx").rename(pack / "det.ONNX")
    (pack / "SECOND.Onnx").unlink()
    assert look(pack / "det.ONNX", tmp_path) == [], "a file that is named may be called anything"


def test_hidden_files_of_a_pack_are_none_of_it(tmp_path: Path) -> None:
    """What a Mac's archive leaves beside each file; a file that is named counts whatever its name."""
    pack = tmp_path / ".insightface" / "models" / "buffalo_l"
    pack.mkdir(parents=True)
    (pack / "._det_10g.onnx").write_bytes(b"\0\5\x16\7" + bytes(100))
    assert look("buffalo_l", tmp_path) == ["model-pack-incomplete"]
    insightfaces(pack / "det_10g.onnx")
    assert look("buffalo_l", tmp_path) == []
    assert look(pack / "._det_10g.onnx", tmp_path) == ["model-corrupt"]


def test_checkpoints_cut_short_and_archives(real_model: Path, tmp_path: Path) -> None:
    whole = torch_zip(tmp_path / "whole.pth").read_bytes()
    (tmp_path / "cut.pth").write_bytes(whole[: len(whole) // 2])
    assert look(tmp_path / "cut.pth", tmp_path) == ["model-corrupt"]
    with zipfile.ZipFile(tmp_path / "buffalo_l.onnx", "w") as archive:
        archive.write(real_model, "det_10g.onnx")
    assert look(tmp_path / "buffalo_l.onnx", tmp_path) == ["model-not-a-model"]


def test_a_file_that_the_services_user_may_not_read(real_model: Path, tmp_path: Path) -> None:
    """The target is started as nobody; the doctor itself is root, for whom every file is readable."""
    assert os.getuid() == 0, "this test starts a target as another user, which only root can"
    for folder in (tmp_path, *tmp_path.parents[:-1]):
        if folder.owner() == "root" and folder != Path("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o055)
    model = tmp_path / "secret.onnx"
    shutil.copy(real_model, model)
    as_nobody = f"setpriv --reuid=65534 --regid=65534 --clear-groups {shutil.which('python3', path='/usr/bin:/bin')}"
    model.chmod(0o644)
    assert look(model, tmp_path, target=as_nobody) == []
    model.chmod(0o600)
    assert look(model, tmp_path, target=as_nobody) == ["model-unreadable"]
    model.chmod(0o644)
    (tmp_path / "closed").mkdir(mode=0o700)
    shutil.copy(model, tmp_path / "closed" / "a.onnx")
    assert look(tmp_path / "closed" / "a.onnx", tmp_path, target=as_nobody) == ["model-unreadable"]


def test_things_that_are_no_regular_files(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.onnx")
    assert look(tmp_path / "pipe.onnx", tmp_path) == ["model-unreadable"], "opening it would wait for ever"


def test_names_that_could_break_a_report(real_model: Path, tmp_path: Path) -> None:
    name = "a b'\n$(touch owned)\x1b[31m`.onnx"
    (tmp_path / name).write_bytes(b"")
    told = report("--only", "models", "--target", DEV_PYTHON, "--model", tmp_path / name, cwd=tmp_path)
    [command] = told["findings"][0]["fix"]["commands"]
    assert "\n" not in command
    assert os.system(f"bash -c {__import__('shlex').quote(command)}") == 0
    assert not (tmp_path / name).exists(), "the printed command removes exactly that file"
    assert not (tmp_path / "owned").exists()


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("small") / "small.onnx"
    recognition(path)
    return path.read_bytes()


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_no_damage_breaks_the_looking(small_model: bytes, data: st.DataObject) -> None:
    """Bytes overwritten, cut and doubled at will: an answer each time, and never an exception."""
    import tempfile

    damaged = bytearray(small_model)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, max(0, len(damaged) - 1)))
        damaged[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=12))
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        file.write(damaged)
        file.flush()
        facts = contents.examine(file.name)
    assert facts["size"] == len(damaged)
    assert facts["onnx"] is None or facts["problem"] is None


def test_the_walk_reads_what_onnx_reads(real_model: Path) -> None:
    import onnx

    model = onnx.load(real_model)
    told = onnx_walk.skeleton(str(real_model))
    assert told["nodes"] == len(model.graph.node)
    assert told["ir_version"] == model.ir_version
    assert told["opset"] == model.opset_import[0].version
    weights = {one.name for one in model.graph.initializer}
    assert [one["name"] for one in told["inputs"]] == [i.name for i in model.graph.input if i.name not in weights]
    assert [one["name"] for one in told["outputs"]] == [o.name for o in model.graph.output]
    dimensions = [d.dim_param or d.dim_value or "?" for d in model.graph.input[0].type.tensor_type.shape.dim]
    assert told["inputs"][0]["shape"] == dimensions
