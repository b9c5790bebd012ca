"""Rebuilds the tables of builds from what the wheels on PyPI say of themselves.

usage: uv run --with remotezip,packaging tools/read_wheels.py onnxruntime-gpu x86_64 1.31.1 [VERSION ...]
       uv run --with remotezip,packaging tools/read_wheels.py torch aarch64 2.15.0 [VERSION ...]

Prints one [[build]] row per version, as they stand in checks/retina_doctor_checks/advice/*.toml. Wheels are read whole
(250 MB for onnxruntime-gpu, 500 to 900 MB for torch), since it is their CUDA library that holds what they need and which
GPUs they have code for.
"""

from __future__ import annotations

import ast
import datetime
import json
import re
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "checks"))
from packaging.requirements import Requirement
from remotezip import RemoteZip
from retina_doctor_checks.probes.native import elf, fatbin  # the very readers that the doctor sends to targets

DOCUMENTED = {11: [11, 8]}
"""CUDA's version where a wheel states no more than its major, by the table in
https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html (1.15 to 1.18: CUDA 11.8)."""
PROVIDER = "onnxruntime/capi/libonnxruntime_providers_cuda.so"
INFO = "onnxruntime/capi/build_and_package_info.py"


def wheels(project: str, processor: str, version: str) -> list[dict[str, Any]]:
    """Files of PyPI's simple index (PEP 691): CPython wheels for Linux on that processor."""
    accept = {"Accept": "application/vnd.pypi.simple.v1+json"}
    request = urllib.request.Request(f"https://pypi.org/simple/{project}/", headers=accept)
    with urllib.request.urlopen(request) as answer:
        files: list[dict[str, Any]] = json.load(answer)["files"]
    start = f"{project.replace('-', '_')}-{version}-cp"
    ours = [f for f in files if f["filename"].startswith(start) and f["filename"].endswith(f"{processor}.whl")]
    return [f for f in ours if "linux" in f["filename"] and not re.search(r"-cp\d+t-", f["filename"])]


def pythons(files: list[dict[str, Any]]) -> list[list[int]]:
    """[oldest, newest] minor version of CPython that has a wheel."""
    found = sorted([int(m[1]), int(m[2])] for f in files if (m := re.search(r"-cp(\d)(\d+)-", f["filename"])))
    return [found[0], found[-1]]


def requirements(archive: Any) -> list[str]:
    name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    lines = archive.read(name).decode("utf-8").split("\n\n")[0].splitlines()
    return [line.removeprefix("Requires-Dist: ") for line in lines if line.startswith("Requires-Dist: ")]


def onnxruntime_row(processor: str, version: str) -> dict[str, Any]:
    files = wheels("onnxruntime-gpu", processor, version)
    with RemoteZip(files[-1]["url"]) as archive, tempfile.TemporaryDirectory() as folder:
        needs, info = requirements(archive), {}
        if INFO in archive.namelist():
            tree = ast.parse(archive.read(INFO))
            info = {n.targets[0].id: ast.literal_eval(n.value) for n in tree.body if isinstance(n, ast.Assign)}  # type: ignore[attr-defined]
        library = archive.extract(PROVIDER, folder)
        sonames, code = elf.needed(library), fatbin.architectures(library)
    stated = re.match(r"(\d+)\.(\d+)", info.get("cuda_version", ""))
    cudart = re.search(r"libcudart\.so\.(\d+)", " ".join(sonames))
    assert cudart
    major = int(cudart[1])
    cudnn = re.search(r"libcudnn\.so\.(\d+)", " ".join(sonames)) or re.search(r"cudnn-cu\d+~=(\d+)", " ".join(needs))
    assert cudnn
    return {
        "version": version,
        "processor": processor,
        "cuda": [int(stated[1]), int(stated[2])] if stated else DOCUMENTED.get(major, [major, 0]),
        "cudnn": int(cudnn[1]),
        "python": pythons(files),
        "code": code,
        "needs": [s for s in sonames if re.match(r"lib(cu|nv)", s)],
        "extras": resolves(f"onnxruntime-gpu[cuda,cudnn]=={version}", processor)
        if any("cudnn" in n for n in needs)
        else False,
        "source": source(files[-1], "cuda_version" if stated else "CUDA's major from the soname of libcudart"),
    }


def torch_row(processor: str, version: str) -> dict[str, Any]:
    files = wheels("torch", processor, version)
    with RemoteZip(files[-1]["url"]) as archive, tempfile.TemporaryDirectory() as folder:
        needs = requirements(archive)
        code = fatbin.architectures(archive.extract("torch/lib/libtorch_cuda.so", folder))
    return {
        "version": version,
        "processor": processor,
        "cuda": pinned(needs, r"nvidia-cuda-runtime-cu\d+|cuda-toolkit")[:2],
        "cudnn": pinned(needs, r"nvidia-cudnn-cu\d+")[0],
        "python": pythons(files),
        "code": code,
        "source": source(files[-1], "Requires-Dist"),
    }


def pinned(needs: list[str], name: str) -> list[int]:
    """The version that a requirement on a project of that name is pinned to, as numbers."""
    one = next(r for r in map(Requirement, needs) if re.fullmatch(name, r.name))
    return [int(part) for part in next(iter(one.specifier)).version.split(".")]


def resolves(requirement: str, processor: str) -> bool:
    """Whether PyPI has everything that the requirement asks for there."""
    words = [
        "uv",
        "pip",
        "compile",
        "--no-config",
        "--quiet",
        "--python-version",
        "3.12",
        "--python-platform",
        f"{processor}-manylinux_2_28",
        "-",
    ]
    return subprocess.run(words, input=requirement, text=True, capture_output=True).returncode == 0


def source(file: dict[str, Any], what: str) -> str:
    return f"{file['filename']} on PyPI, {what}; read {datetime.date.today().isoformat()}"


def toml(row: dict[str, Any]) -> str:
    return "\n".join(["[[build]]", *(f"{key} = {json.dumps(value)}" for key, value in row.items())])


if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[1] not in ("onnxruntime-gpu", "torch"):
        sys.exit(__doc__)
    project, machine, *versions = sys.argv[1:]
    for one in versions:
        print(toml((onnxruntime_row if project == "onnxruntime-gpu" else torch_row)(machine, one)), flush=True)
