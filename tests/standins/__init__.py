"""What stands in for hardware: compiled libraries, and machines shown by bind mounts in a namespace of their own."""

from __future__ import annotations

import atexit
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from . import build
from .machine import Machine as Machine


def _once(make: Callable[[Path], Path]) -> Path:
    """A folder that is filled once in each test process, and removed when that ends."""
    folder = Path(tempfile.mkdtemp(prefix="standin-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return make(folder)


@functools.cache
def nvml_folder() -> Path:
    """With the stand-in libnvidia-ml.so.1, for LD_LIBRARY_PATH."""
    return _once(build.build_nvml)


@functools.cache
def cuda_folder() -> Path:
    """With the stand-in libcuda.so.1."""
    return _once(build.build_cuda)


@functools.cache
def toolkit_folder() -> Path:
    """With cuBLAS and cuRAND that do nothing."""
    return _once(build.build_toolkit)


@functools.cache
def cudart_folder() -> Path:
    """With a CUDA runtime under which every card works."""
    return _once(build.build_cudart)


@functools.cache
def cudnn_folder() -> Path:
    return _once(build.build_cudnn)


@functools.cache
def real_cudart_folder() -> Path:
    """NVIDIA's own libcudart.so.13, of the wheel nvidia-cuda-runtime: it asks libcuda and says what that answers."""
    return _once(_unpack_cudart)


def _unpack_cudart(folder: Path) -> Path:
    words = ["uv", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), "nvidia-cuda-runtime==13.0.96"]
    subprocess.run(words, check=True, cwd="/", env={**os.environ, "UV_NO_CONFIG": "1"}, timeout=300)
    return folder / "nvidia" / "cu13" / "lib"


def library_path(*, cudart: Path | None = None, without: Sequence[Path] = (), first: Sequence[Path] = ()) -> str:
    """LD_LIBRARY_PATH of a machine on which everything works, but for what is left out, replaced or put before it."""
    folders = [nvml_folder(), cuda_folder(), toolkit_folder(), cudart or cudart_folder(), cudnn_folder()]
    return ":".join(str(folder) for folder in [*first, *folders] if folder not in without)


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a run of the real command gave."""

    exit_code: int
    json: Any
    stderr: str

    def finding(self, name: str) -> Any:
        found = [one for one in self.json["findings"] if one["name"] == name]
        assert found, self.summary()
        return found[0]

    @property
    def names(self) -> set[str]:
        return {one["name"] for one in self.json["findings"]}

    @property
    def roots(self) -> set[str]:
        return {one["name"] for one in self.json["findings"] if one["root"] is None}

    def verdict(self, name: str) -> str:
        return str(next(one["verdict"] for one in self.json["checks"] if one["name"] == name))

    def facts(self, probe: str) -> Any:
        return self.json["facts"][probe]

    def summary(self) -> str:
        told = [(one["name"], one["root"] and one["root"]["name"], one["evidence"]) for one in self.json["findings"]]
        ended = [one for one in self.json["probes"] if one["outcome"] != "ok"]
        return f"findings {told}; probes that did not end well {ended}; {self.stderr[-2000:]}"


def doctor(
    folder: Path,
    *words: str,
    environment: Mapping[str, str | None] | None = None,
    machine: Machine | None = None,
    target: str | None = None,
    unprivileged: bool = False,
    verb: tuple[str, ...] = ("check",),
) -> Report:
    """Runs the doctor in *folder*. *environment*: variables that differ; None takes one away. *machine*: the one on which it
    is run, which needs root. *unprivileged*: there, what the owner and mode of a file forbid is forbidden to us, too.
    *verb*: the command, and words of its own."""
    variables = {**os.environ, **(environment or {})}
    command = [
        sys.executable, "-m", "retina_doctor", *verb, "--format", "json", "--target", target or sys.executable, *words
    ]  # fmt: skip
    if unprivileged:
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
    if machine:
        needs_root()
        command = machine.running(command, folder)
    done = subprocess.run(
        command,
        cwd=folder,
        env={name: value for name, value in variables.items() if value is not None},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.stdout, done.stderr
    return Report(exit_code=done.returncode, json=json.loads(done.stdout), stderr=done.stderr)


def needs_root() -> None:
    """Mounts of one's own need root; where they are refused, the run must say so instead of passing."""
    if os.geteuid() != 0:
        pytest.fail("needs root (unshare --mount): run the tests as root, as CI does")
