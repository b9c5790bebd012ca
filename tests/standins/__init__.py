"""What stands in for hardware: compiled libraries, and machines shown by bind mounts in a namespace of their own."""

from __future__ import annotations

import atexit
import functools
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@functools.cache
def nvml_folder() -> Path:
    """A folder with the stand-in libnvidia-ml.so.1, for LD_LIBRARY_PATH. Compiled once in each test process."""
    folder = Path(tempfile.mkdtemp(prefix="standin-nvml-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return build_nvml(folder)


def build_nvml(folder: Path) -> Path:
    """The stand-in as *folder*/libnvidia-ml.so.1, a link to a file that is named after a driver as the real one is."""
    folder.mkdir(parents=True, exist_ok=True)
    library = folder / "libnvidia-ml.so.580.95.05"
    subprocess.run(
        ["gcc", "-shared", "-fPIC", "-Wall", "-Werror", "-o", str(library), str(HERE / "nvml.c")],
        check=True,
        timeout=60,
    )
    (folder / "libnvidia-ml.so.1").symlink_to(library.name)
    return folder


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

    def summary(self) -> str:
        return f"findings {sorted(self.names)}; probes {self.json['probes']}; {self.stderr[-2000:]}"


def doctor(
    folder: Path,
    *words: str,
    environment: Mapping[str, str | None] | None = None,
    before: Sequence[str] = (),
    target: str | None = None,
) -> Report:
    """Runs the doctor in *folder*. *environment*: variables that differ; None takes one away. *before*: shell lines of
    a mount namespace in which it is run, which needs root."""
    variables = {**os.environ, **(environment or {})}
    command = [
        sys.executable, "-m", "retina_doctor", "check", "--format", "json", "--target", target or sys.executable, *words
    ]  # fmt: skip
    if before:
        script = "\n".join(["set -e", *before, f"exec {shlex.join(command)}"])
        command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script]
    done = subprocess.run(
        command,
        cwd=folder,
        env={name: value for name, value in variables.items() if value is not None},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.stdout, done.stderr
    return Report(exit_code=done.returncode, json=json.loads(done.stdout), stderr=done.stderr)


def show_card(
    folder: Path, *, module: str | None = "580.95.05", node: bool = True, bound_to: str = "nvidia"
) -> list[str]:
    """Shell lines that show a Tesla T4 in a mount namespace: on the PCI bus, its module *module*, its device nodes."""
    device = folder / "pci" / "0000:00:1e.0"
    device.mkdir(parents=True)
    (device / "vendor").write_text("0x10de\n")
    (device / "class").write_text("0x030200\n")
    (device / "device").write_text("0x1eb8\n")
    (device / "driver").symlink_to(f"/sys/bus/pci/drivers/{bound_to}")
    lines = [f"mount --bind {device.parent} /sys/bus/pci/devices"]
    if module:
        driver = folder / "driver" / "nvidia"
        driver.mkdir(parents=True)
        (driver / "version").write_text(
            f"NVRM version: NVIDIA UNIX x86_64 Kernel Module  {module}  Tue Sep 16 09:53:33 UTC 2025\n"
        )
        lines.append(f"mount --bind {driver.parent} /proc/driver")
    if node:
        lines += ["mount -t tmpfs none /dev", *_nodes()]
    return lines


def _nodes() -> list[str]:
    plain = [f"mknod -m 666 /dev/{name} c 1 {minor}" for name, minor in (("null", 3), ("zero", 5), ("urandom", 9))]
    return [
        *plain,
        *(f"mknod -m 666 /dev/{name} c 195 {minor}" for name, minor in (("nvidia0", 0), ("nvidiactl", 255))),
    ]
