"""What is made once in a session of tests, by whichever worker comes first: some environments take longer to make than to use."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.doctor import install, make_venv


def shared(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder of that name, which *make* has filled. Others use it, too: what is to be changed is copied first."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder, done = base / f"shared-{name}", base / f"shared-{name}.made"
    with (base / f"shared-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # half made by a worker that failed
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


def install_cpu_torch(python: Path, factory: pytest.TempPathFactory) -> None:
    """torch's own CPU wheel and what it needs, as links to files that are unpacked once."""
    unpacked = shared(factory, "torch", _unpack_torch) / "site"
    command = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    site = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    shutil.copytree(unpacked, site, copy_function=os.link, dirs_exist_ok=True)


def _unpack_torch(folder: Path) -> None:
    """Where pip has the wheel at hand, or from PyTorch's index; uv would look for it on PyPI alone."""
    python = make_venv(folder / "pip", "uv")
    install(python, "pip")
    words = [str(python), "-m", "pip", "install", "--quiet", "--retries", "0", "--target", str(folder / "site")]
    index = ["--extra-index-url", "https://download.pytorch.org/whl/cpu"]
    for more in ([], index):
        done = subprocess.run([*words, "torch==2.13.0+cpu", *more], capture_output=True, text=True, timeout=900)
        if done.returncode == 0:
            return
    pytest.fail(done.stderr)
