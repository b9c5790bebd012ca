"""Looks at the torch on the disk without importing it: its import takes seconds, and may be what is broken."""

from __future__ import annotations

import ast
import os
import re

from retina_doctor.hints import Any
from retina_doctor_checks.probes.native import fatbin, places
from retina_doctor_checks.probes.torch_cuda import look_import

LIBRARIES = ("libtorch_cuda*", "libtorch_hip*", "libc10_cuda*", "libcudart*", "libcudnn*", "libcublas*")


def look(probe: Any, _arguments: dict[str, Any]) -> None:
    folder = look_import.folder()
    if folder is None:
        probe.tell(installed=False, version=None, path=None, build=None, cuda=None, libraries=[], code=None)
        return
    said = version_file(os.path.join(folder, "version.py"))
    libraries = [
        os.path.basename(path)
        for pattern in LIBRARIES
        for path in places.matching(os.path.join(folder, "lib"), pattern)
    ]
    version = said.get("__version__") or distribution_version()
    build, cuda = compiled_for(said, version, libraries)
    probe.tell(installed=True, version=version, path=folder, build=build, cuda=cuda, libraries=libraries)
    probe.tell(code=fatbin.gpu_code(os.path.join(folder, "lib", "libtorch_cuda.so")))


def version_file(path: str) -> dict[str, Any]:
    """The plain values that torch/version.py assigns: {"__version__": "2.13.0+cpu", "cuda": None, ...}."""
    try:
        with open(path, encoding="utf-8") as file:
            tree = ast.parse(file.read())
    except (OSError, ValueError, SyntaxError):
        return {}
    values = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign):  # since 2.x: cuda: Optional[str] = None
            targets = [statement.target]
        else:
            continue
        for target in targets:
            if isinstance(target, ast.Name) and isinstance(statement.value, ast.Constant):
                values[target.id] = statement.value.value
    return values


def distribution_version() -> str | None:
    import importlib.metadata

    try:
        return importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return None


def compiled_for(
    said: dict[str, Any], version: str | None, libraries: list[Any]
) -> tuple[str | None, list[int] | None]:
    """("cuda" | "cpu" | "rocm" | None, [major, minor] | None)"""
    if "cuda" in said or "hip" in said:
        if said.get("hip"):
            return "rocm", None
        return ("cuda", numbers(said["cuda"])) if said.get("cuda") else ("cpu", None)
    suffix = (version or "").partition("+")[2]
    match = re.match(r"cu(\d+)(\d)$", suffix)
    if match:
        return "cuda", [int(match.group(1)), int(match.group(2))]
    if suffix.startswith("cpu"):
        return "cpu", None
    if suffix.startswith("rocm"):
        return "rocm", None
    return ("cuda", None) if any("cuda" in name for name in libraries) else (None, None)


def numbers(text: str) -> list[int] | None:
    match = re.match(r"(\d+)\.(\d+)", str(text))
    return [int(match.group(1)), int(match.group(2))] if match else None
