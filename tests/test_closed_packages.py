"""Packages that the service's user may not read, and environments that their Python does not take for one, made of real wheels:
each is the only root, what is printed mends it, and the healthy twin is silent."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.doctor import environment, install, report, roots, run_fix, uv
from tests.test_other_users import NOBODY, system_python

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="taking on another user takes root")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="closed-"))  # the folders of pytest are closed to others
    made.chmod(0o755)
    words = [uv(), "venv", "--quiet", "--python", system_python(), str(made / "venv")]
    subprocess.run(words, check=True, cwd="/", env=environment(UV_NO_CONFIG="1"))
    os.environ["UV_LINK_MODE"] = "copy"  # a link's permissions are those of uv's cache
    install(made / "venv" / "bin" / "python", "onnxruntime", "opencv-python-headless", "numpy<2.5")
    del os.environ["UV_LINK_MODE"]
    yield made
    shutil.rmtree(made)


def site(folder: Path) -> Path:
    [found] = (folder / "venv").glob("lib/python3*/site-packages")
    return found


def looked(folder: Path, model: Path, as_whom: str = f"{NOBODY.words} ") -> dict[str, Any]:
    copied = folder / "det.onnx"
    shutil.copy(model, copied)
    copied.chmod(0o644)
    target = f"{as_whom}{folder}/venv/bin/python"
    return report("check", "--device", "cpu", "--target", target, "--model", str(copied), cwd=folder)


def close(path: Path) -> None:
    subprocess.run(["chmod", "-R", "go-rwx", path], check=True)


CLOSED = {
    "onnxruntime": ["onnxruntime"],
    "its compiled module": ["onnxruntime/capi/onnxruntime_pybind11_state*.so"],
    "numpy": ["numpy"],
    "a library under numpy": ["numpy.libs"],
    "one source file": ["numpy/__init__.py"],
    "OpenCV": ["cv2"],
    "OpenCV's compiled module": ["cv2/cv2*.so"],
    "all that was installed": ["*"],
    "the whole folder": ["."],
}


@pytest.mark.parametrize("name", CLOSED)
def test_what_the_services_user_may_not_read_is_neither_missing_nor_damaged(
    name: str, folder: Path, real_model: Path
) -> None:
    found = [
        path for pattern in CLOSED[name] for path in ([site(folder)] if pattern == "." else site(folder).glob(pattern))
    ]
    for kept in [*site(folder).rglob("__pycache__")]:  # with which Python needs no source
        shutil.rmtree(kept)
    for path in found:
        close(path)
    told = looked(folder, real_model)
    assert (roots(told), told["exit_code"]) == (["package-unreadable"], 1)
    assert looked(folder, real_model, "")["findings"] == [], "root may read it"
    run_fix(told, "package-unreadable", folder)
    assert looked(folder, real_model)["findings"] == []


def test_what_another_user_owns_gets_no_command_for_root(folder: Path, real_model: Path) -> None:
    path = site(folder) / "cv2"
    os.chown(path, 12345, 12345)
    close(path)
    told = looked(folder, real_model)
    [finding] = [one for one in told["findings"] if one["name"] == "package-unreadable"]
    assert [one.split()[0] for one in finding["fix"]["commands"]] == ["namei"]
    os.chown(path, 0, 0)
    subprocess.run(["chmod", "-R", "a+rX", path], check=True)
    assert looked(folder, real_model)["findings"] == []


def test_an_environment_without_its_settings_is_no_missing_package(folder: Path, real_model: Path) -> None:
    settings = folder / "venv" / "pyvenv.cfg"
    kept = settings.read_text()
    settings.unlink()
    told = looked(folder, real_model, "")
    assert roots(told) == ["environment-not-recognized"]
    run_fix(told, "environment-not-recognized", folder)
    assert looked(folder, real_model, "")["findings"] == []
    settings.write_text(kept)
    (folder / "venv").chmod(0o700)
    assert roots(looked(folder, real_model)) == ["environment-not-recognized"], "and of one that it may not enter"
    (folder / "venv").chmod(0o755)
    assert looked(folder, real_model)["findings"] == []
