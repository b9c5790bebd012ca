"""Faults of all kinds, made for real, and their plans followed to the letter: afterwards the doctor finds nothing more."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy
import pytest
from onnx import TensorProto, helper, numpy_helper, save

from tests.doctor import DEV_PYTHON, environment, install, make_venv, uninstall, uv
from tests.followed import Desk, Hands, desk_at, follow
from tests.test_models import LFS, recognition
from tests.test_service import free_port

PACKAGES = ("onnxruntime==1.32.0", "numpy==2.4.6", "opencv-python-headless==5.0.0.93", "fastapi", "uvicorn", "flask")
NOBODY = "setpriv --reuid=65534 --regid=65534 --clear-groups"
Words = tuple[str | Path, ...]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """*make* makes it, and returns what the doctor is told. *hands*: what the plan asks of people. *own*: packages change, so it
    has an environment of its own; *packs*: it takes one that has insightface; *mounts*: it asks for root."""

    root: str
    make: Callable[[Desk], Words]
    hands: Hands = field(default_factory=dict)
    own: bool = False
    packs: bool = False
    mounts: bool = False


# Models


def put(desk: Desk, name: str) -> Path:
    """The whole model, under that name."""
    path = desk.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(desk.folder.parent / "det.onnx", path)
    return path


def named(desk: Desk, name: object) -> Words:
    """By the variable that the service reads."""
    desk.variables["RETINAFACE_MODEL_PATH"] = str(name)
    return ()


def misspelt(desk: Desk) -> Words:
    put(desk, "models/retinaface_r50.onnx")
    return named(desk, desk.folder / "models" / "retinafce_r50.onnx")


def misspelt_in_settings(desk: Desk) -> Words:
    put(desk, "models/retinaface_r50.onnx")
    desk.write("retina-doctor.toml", '[model]\npath = "models/RetinaFace_R50.onnx"\n')
    return ()


def relative(desk: Desk) -> Words:
    put(desk, "models/retinaface_r50.onnx")
    return named(desk, "retinaface_r50.onnx")


def tilde(desk: Desk) -> Words:
    shutil.copy(put(desk, "models/retinaface_r50.onnx"), desk.home / "face.onnx")
    return named(desk, "~/face.onnx")


def dead_link(desk: Desk, name: str) -> Words:
    put(desk, "models/v2/retinaface_r50.onnx" if name == "retinaface_r50.onnx" else "models/retinaface_r50.onnx")
    (desk.folder / "models" / name).symlink_to("/volume/that/is/not/mounted.onnx")
    return named(desk, desk.folder / "models" / name)


def pack(desk: Desk, name: str) -> Path:
    folder = desk.home / ".insightface" / "models" / name
    folder.mkdir(parents=True)
    return folder


def scrfd(path: Path) -> None:
    """A detector to insightface that runs and finds nobody."""
    value = helper.make_tensor_value_info
    nodes, outputs, shapes = [helper.make_node("ReduceMean", ["x"], ["m"], keepdims=0)], [], []
    nodes.append(helper.make_node("Sub", ["m", "m"], ["nothing"]))
    for width in (1, 4, 10):
        for stride in (8, 16, 32):
            rows, name = 2 * (640 // stride) ** 2, f"{width}_{stride}"
            shapes.append(numpy_helper.from_array(numpy.array([rows, width]), f"shape_{name}"))
            nodes.append(helper.make_node("Expand", ["nothing", f"shape_{name}"], [name]))
            outputs.append(value(name, TensorProto.FLOAT, [rows, width]))
    graph = helper.make_graph(nodes, "scrfd", [value("x", TensorProto.FLOAT, [1, 3, 640, 640])], outputs, shapes)
    save(helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)]), path)


def of_the_network(desk: Desk, *names: str) -> None:
    """`curl` brings a pack with these detectors: what the network has is no part of the plan."""
    archive = desk.folder.parent / "fetched.zip"
    scrfd(desk.folder.parent / "fetched.onnx")
    with zipfile.ZipFile(archive, "w") as zipped:
        for name in names:
            zipped.write(desk.folder.parent / "fetched.onnx", name)
    curl = desk.folder.parent / "bin" / "curl"
    curl.write_text(f'#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done\nmkdir -p "$(dirname "$2")"\ncp {archive} "$2"\n')
    curl.chmod(0o755)


def nested(desk: Desk) -> Words:
    inner = pack(desk, "antelopev2") / "antelopev2"
    inner.mkdir()
    scrfd(inner / "scrfd_10g_bnkps.onnx")
    recognition(inner / "glintr100.onnx")
    return "--model", "antelopev2"


def without_a_detector(desk: Desk) -> Words:
    scrfd(pack(desk, "buffalo_l") / "det_10g.onnx")
    recognition(pack(desk, "ours") / "w600k_r50.onnx")
    return "--model", "ours"


def spoiled(desk: Desk, spoil: Callable[[bytes], bytes]) -> Words:
    """A file of a pack that can be fetched."""
    file = pack(desk, "buffalo_s") / "det_500m.onnx"
    scrfd(file)
    file.write_bytes(spoil(file.read_bytes()))
    of_the_network(desk, "det_500m.onnx")
    return "--model", "buffalo_s"


def not_unpacked(desk: Desk) -> Words:
    of_the_network(desk, "det_10g.onnx")
    (desk.home / ".insightface" / "models").mkdir(parents=True)
    shutil.copy(desk.folder.parent / "fetched.zip", desk.home / ".insightface" / "models" / "buffalo_l.zip")
    return "--model", "buffalo_l"


def on_a_full_disk(desk: Desk) -> Words:
    """A volume of 4 MiB, on which the download ended; the service fetches the pack at its start, as insightface does."""
    of_the_network(desk, "det_10g.onnx")
    volume = desk.home / ".insightface"
    volume.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", volume], check=True)
    desk.ends.callback(lambda: subprocess.run(["umount", volume], check=True))
    models = volume / "models"
    models.mkdir()
    (models / "buffalo_l.zip").write_bytes((desk.folder.parent / "fetched.zip").read_bytes()[:-500])
    (models / "other.bin").write_bytes(bytes(3 * 2**20))
    desk.write("app.py", FLASK.replace("{host}", "0.0.0.0"))
    fetch = f"curl -o {models}/buffalo_l.zip x && {desk.python} -m zipfile -e {models}/buffalo_l.zip {models}/buffalo_l"
    desk.service = f"sh -c '(test -e {models}/buffalo_l.zip || ({fetch})) && exec {desk.python} app.py'"
    desk.variables["PORT"] = str(free_port())
    return "--model", "buffalo_l", "--target", desk.python


def volume_made_larger(desk: Desk) -> None:
    subprocess.run(["mount", "-o", "remount,size=2g", desk.home / ".insightface"], check=True)


def misspelt_pack(desk: Desk) -> Words:
    of_the_network(desk, "det_500m.onnx")
    (desk.home / ".insightface" / "models").mkdir(parents=True)
    return "--model", "bufalo_sc"


def closed(desk: Desk) -> Words:
    """To the user that the service is run as: the doctor is root."""
    for folder in {desk.home, desk.folder, *desk.folder.parents[:-1]}:
        folder.chmod(folder.stat().st_mode | 0o055)
    put(desk, "models/retinaface_r50.onnx").chmod(0o600)
    python = shutil.which("python3", path="/usr/bin:/bin")  # our own may be closed to that user, too
    return "--model", "models/retinaface_r50.onnx", "--only", "models", "--target", f"{NOBODY} {python}"


def recognition_model(desk: Desk) -> Words:
    (desk.folder / "models").mkdir()
    scrfd(desk.folder / "models" / "det_10g.onnx")
    recognition(desk.folder / "models" / "w600k_r50.onnx")
    return "--model", "models/w600k_r50.onnx"


def in_a_folder(desk: Desk) -> Words:
    """As `unzip -d` makes it."""
    put(desk, "models/det.onnx/det.onnx")
    return "--model", "models/det.onnx"


# Packages


def with_model(desk: Desk) -> Words:
    return named(desk, put(desk, "models/retinaface_r50.onnx"))


def packages(*wanted: str, without: tuple[str, ...] = ()) -> Callable[[Desk], Words]:
    def make(desk: Desk) -> Words:
        if wanted:
            install(desk.python, "--no-deps", *wanted)
        if without:
            uninstall(desk.python, *without)
        return with_model(desk)

    return make


def replaced(path: Path, data: bytes) -> None:
    path.unlink()  # a link to uv's cache, and to the base
    path.write_bytes(data)


def cut_short(desk: Desk) -> Words:
    [library] = desk.site.glob("cv2/cv2*.so")
    replaced(library, library.read_bytes()[:400000])
    return with_model(desk)


def shadowing(name: str) -> Callable[[Desk], Words]:
    def make(desk: Desk) -> Words:
        desk.write(f"{name}.py", "seed = 1\n")
        return with_model(desk)

    return make


def other_copy(desk: Desk) -> Words:
    words = [uv(), "pip", "install", "--quiet", "--no-deps", "--target", str(desk.folder / "lib"), "--python"]
    subprocess.run([*words, str(desk.python), "numpy==2.3.5"], check=True, cwd="/", env=environment(UV_NO_CONFIG="1"))
    desk.variables["PYTHONPATH"] = str(desk.folder / "lib")
    return with_model(desk)


# How the service is started, and its own lines

FASTAPI = """from fastapi import FastAPI, UploadFile

app = FastAPI()


@app.post("/detect")
async def detect(image: UploadFile):
    return {"faces": []}
"""
FLASK = """import os

import onnxruntime
from flask import Flask, jsonify, request

app = Flask(__name__)


@app.post("/detect")
def detect():
    return jsonify(faces=[], size=len(request.files["image"].read()))


if __name__ == "__main__":
    app.run(host="{host}", port=int(os.environ["PORT"]))
"""
PREPARED = """import insightface

app = insightface.app.FaceAnalysis(name="buffalo_l", providers=["CPUExecutionProvider"])
app.prepare(ctx_id=-1, det_thresh={threshold}, det_size={size})
"""
START = '#!/bin/sh\nset -e\ncd "$(dirname "$0")"\nexec uvicorn app:app --host 0.0.0.0 --port 8000\n'


def no_multipart(desk: Desk) -> Words:
    desk.write("app.py", FASTAPI)
    return *with_model(desk), "--start", "uvicorn app:app --host 0.0.0.0 --port 8000"


def start_script(text: str, mode: int) -> Callable[[Desk], Words]:
    def make(desk: Desk) -> Words:
        desk.write("app.py", FLASK.replace("{host}", "0.0.0.0"))
        desk.write("start.sh", text).chmod(mode)
        return *with_model(desk), "--start", "./start.sh"

    return make


def no_env_file(desk: Desk) -> Words:
    desk.write("app.py", FLASK.replace("{host}", "0.0.0.0"))
    desk.write(
        "compose.yml", "services:\n  face:\n    image: face\n    command: python app.py\n    env_file: face.env\n"
    )
    return *with_model(desk), "--start", "compose.yml"


def on_loopback(desk: Desk) -> Words:
    """It runs, and is found by its number: which another has after the restart."""
    desk.write("app.py", FLASK.replace("{host}", "127.0.0.1"))
    desk.variables |= {"PORT": str(free_port())}
    del desk.variables["RETINA_DOCTOR_SERVICE_ATTACH"]
    desk.service = f"{desk.python} app.py"
    desk.start()
    assert desk.process is not None
    return *with_model(desk), "--pid", str(desk.process.pid)


def beside_an_earlier_start(desk: Desk) -> Words:
    """Something else has the port."""
    port = str(free_port())
    desk.write("app.py", FLASK.replace("{host}", "0.0.0.0"))
    desk.variables["PORT"] = port
    desk.service = f"{desk.python} app.py"
    words, log = ["-m", "http.server", port], desk.folder.parent / "other.log"
    with log.open("wb") as out:
        desk.process = subprocess.Popen([sys.executable, *words], cwd=desk.home, stdout=out, stderr=out)
    desk.wait(log)
    return *with_model(desk), "--target", desk.python, "--port", port


def prepared(threshold: float, size: str) -> Callable[[Desk], Words]:
    def make(desk: Desk) -> Words:
        desk.write("app.py", PREPARED.format(threshold=threshold, size=size))
        scrfd(pack(desk, "buffalo_l") / "det_10g.onnx")
        return with_model(desk)

    return make


def told(*words: str) -> Callable[[Desk], Words]:
    return lambda desk: (*with_model(desk), *words)


FAULTS: dict[str, Fault] = {
    "the model's name misspelt in a variable": Fault(root="model-name-typo", make=misspelt),
    "the model's name misspelt in a settings file": Fault(root="model-name-typo", make=misspelt_in_settings),
    "a relative path": Fault(root="model-wrong-directory", make=relative),
    "a tilde in a variable": Fault(root="model-wrong-directory", make=tilde),
    "a dead link": Fault(root="model-wrong-directory", make=lambda desk: dead_link(desk, "retinaface_r50.onnx")),
    "a dead link of a misspelt name": Fault(
        root="model-name-typo", make=lambda desk: dead_link(desk, "retinaface_r5O.onnx")
    ),
    "a pack one folder too deep": Fault(root="model-nested-directory", make=nested, packs=True),
    "a pack without a detector": Fault(root="model-pack-incomplete", make=without_a_detector, packs=True),
    "a truncated model": Fault(
        root="model-corrupt", make=lambda desk: spoiled(desk, lambda whole: whole[:-40]), packs=True
    ),
    "an empty model": Fault(root="model-empty", make=lambda desk: spoiled(desk, lambda _: b""), packs=True),
    "a pointer of git-lfs": Fault(root="model-lfs-pointer", make=lambda desk: spoiled(desk, lambda _: LFS), packs=True),
    "a web page saved as the model": Fault(
        root="model-not-a-model", make=lambda desk: spoiled(desk, lambda _: b"<!doctype html><p>Not found"), packs=True
    ),
    "a pack that was not unpacked": Fault(root="model-download-failed", make=not_unpacked, packs=True),
    "a misspelt pack": Fault(root="model-unknown-name", make=misspelt_pack, packs=True),
    "a full disk": Fault(
        root="disk-full",
        make=on_a_full_disk,
        hands={"Free space on the volume of": volume_made_larger},
        packs=True,
        mounts=True,
    ),
    "a model that the service may not read": Fault(root="model-unreadable", make=closed),
    "a recognition model": Fault(
        root="model-not-a-detector",
        make=recognition_model,
        hands={"In the service write": lambda _: None},
        packs=True,
    ),
    "a folder in the model's place": Fault(root="model-not-a-model", make=in_a_folder),
    "two packages of OpenCV": Fault(root="opencv-both-packages", make=packages("opencv-python==4.11.0.86"), own=True),
    "OpenCV for NumPy 1": Fault(root="numpy-abi", make=packages("opencv-python-headless==4.8.1.78"), own=True),
    "no onnxruntime": Fault(root="ort-missing", make=packages(without=("onnxruntime",)), own=True),
    "a package cut short": Fault(root="package-damaged", make=cut_short, own=True),
    "packages that do not fit": Fault(
        root="dependency-version-conflict",
        make=packages("onnx==1.19.0", "ml_dtypes==0.4.1", "protobuf==6.33.0", "typing_extensions==4.15.0"),
        own=True,
    ),
    "a package that lacks another": Fault(root="package-import-fails", make=packages("onnx==1.19.1"), own=True),
    "a file called random.py": Fault(root="working-directory-shadows-package", make=shadowing("random")),
    "another copy of numpy": Fault(
        root="package-shadowed",
        make=other_copy,
        hands={"from PYTHONPATH where the service is started": lambda desk: desk.variables.pop("PYTHONPATH")},
    ),
    "no python-multipart": Fault(root="service-module-missing", make=no_multipart, own=True),
    "a start script of Windows": Fault(
        root="service-start-failed", make=start_script(START.replace("\n", "\r\n"), 0o755)
    ),
    "a start script of Windows that may not be executed": Fault(
        root="service-start-failed", make=start_script(START.replace("\n", "\r\n"), 0o644)
    ),
    "a start script that may not be executed": Fault(root="service-start-failed", make=start_script(START, 0o644)),
    "a file of variables that is not there": Fault(root="service-start-failed", make=no_env_file),
    "a service on loopback": Fault(root="service-loopback-only", make=on_loopback),
    "a port that another process has": Fault(
        root="port-in-use", make=beside_an_earlier_start, hands={"End the other process": Desk.stop}
    ),
    "a threshold and an input size in the source": Fault(
        root="det-threshold-too-high", make=prepared(0.95, "(500, 500)"), packs=True
    ),
    "a threshold and an input size that the doctor is told": Fault(
        root="det-size-not-multiple-of-32",
        make=told("--det-size", "500x500", "--det-thresh=0.95"),
        hands={"det_thresh=0.6, det_size=(512, 512)": lambda _: None},
    ),
    "an address of another machine": Fault(
        root="host-not-on-this-machine", make=told("--host", "192.0.2.7"), hands={"Bind 0.0.0.0": lambda _: None}
    ),
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment in which nothing is wrong; nobody changes it."""
    python = make_venv(tmp_path_factory.mktemp("base") / "env", "uv")
    install(python, *PACKAGES)
    return python


def own_copy(base: Path, folder: Path) -> Path:
    """By links: what changes a file of it must put another one in its place."""
    subprocess.run(["cp", "-al", base.parents[1], folder], check=True)
    return folder / "bin" / "python"


@pytest.fixture
def at(tmp_path: Path, base: Path, real_model: Path) -> Iterator[Callable[[Fault], Desk]]:
    desks = []

    def make(fault: Fault) -> Desk:
        shutil.copy(real_model, tmp_path / "det.onnx")
        python = own_copy(base, tmp_path / "env") if fault.own else Path(DEV_PYTHON) if fault.packs else base
        desks.append(desk_at(tmp_path, python))
        return desks[0]

    yield make
    for desk in desks:
        desk.stop()
        desk.ends.close()


@pytest.mark.parametrize("name", FAULTS)
def test_a_plan_that_is_followed_to_the_letter_mends(name: str, at: Callable[[Fault], Desk]) -> None:
    fault = FAULTS[name]
    if fault.mounts and os.geteuid() != 0:
        pytest.skip("only root mounts a volume")
    desk = at(fault)
    words = fault.make(desk)
    target = () if desk.service or "--target" in words else ("--target", desk.python)
    desk.first_look("--device", "cpu", *target, *words)
    assert fault.root in desk.roots, desk.shown
    follow(desk, fault.hands)
    assert (desk.roots, desk.told["exit_code"]) == (set(), 0), desk.shown
