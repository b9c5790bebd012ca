"""Faults of all kinds, made for real, and their plans followed to the letter: afterwards the doctor finds nothing more."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.doctor import DEV_PYTHON, install, make_venv, uninstall
from tests.followed import Desk, Hands, desk_at, follow

PACKAGES = ("onnxruntime==1.32.0", "numpy==2.4.6", "opencv-python-headless==5.0.0.93", "fastapi", "uvicorn", "flask")
Words = tuple[str | Path, ...]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """*make* makes it, and returns what the doctor is told. *hands*: what the plan asks of people. *own*: packages change, so it
    has an environment of its own; *packs*: it takes one that has insightface."""

    root: str
    make: Callable[[Desk], Words]
    hands: Hands = field(default_factory=dict)
    own: bool = False
    packs: bool = False


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


FAULTS: dict[str, Fault] = {
    "the model's name misspelt in a variable": Fault(root="model-name-typo", make=misspelt),
    "the model's name misspelt in a settings file": Fault(root="model-name-typo", make=misspelt_in_settings),
    "a relative path": Fault(root="model-wrong-directory", make=relative),
    "a tilde in a variable": Fault(root="model-wrong-directory", make=tilde),
    "a dead link": Fault(root="model-wrong-directory", make=lambda desk: dead_link(desk, "retinaface_r50.onnx")),
    "a dead link of a misspelt name": Fault(
        root="model-name-typo", make=lambda desk: dead_link(desk, "retinaface_r5O.onnx")
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


@pytest.mark.parametrize("name", FAULTS)
def test_a_plan_that_is_followed_to_the_letter_mends(name: str, at: Callable[[Fault], Desk]) -> None:
    fault = FAULTS[name]
    desk = at(fault)
    words = fault.make(desk)
    target = () if desk.service else ("--target", desk.python)
    desk.first_look("--device", "cpu", *target, *words)
    assert desk.roots == {fault.root}, desk.shown
    follow(desk, fault.hands)
    assert (desk.roots, desk.told["exit_code"]) == (set(), 0), desk.shown
