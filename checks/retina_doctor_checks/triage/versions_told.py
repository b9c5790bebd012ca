"""Of which CUDA and cuDNN what a text names is, as far as versions tell."""

from __future__ import annotations

import re

from ..advice.builds import Build, known, onnxruntime_builds, torch_builds
from .case import parts
from .told import Told

CUDA_11_UNTIL = (1, 18)
"""onnxruntime-gpu up to 1.18 is built for CUDA 11 on PyPI (onnxruntime.ai, CUDA execution provider, requirements)."""
CUDA_12_UNTIL = (1, 26)


def cuda_majors(told: Told) -> set[int]:
    """Of the CUDA that is said to be there: a toolkit's where one is named, else the driver's."""
    toolkits = told.all("cuda") or told.all("driver-cuda")
    return {parts(value)[0] for value in toolkits if parts(value)}


def build_told(builds: tuple[Build, ...], version: str | None) -> Build | None:
    """The row of a version as people write it: "1.19", "2.4.0+cu121". All patches of a minor are built alike; a build for
    another CUDA than PyPI's has no row."""
    row = known(builds, version, None) or next(
        (build for build in builds if parts(build.version)[:2] == parts(version)[:2]), None
    )
    named = re.search(r"\+cu(\d{2})(\d)", version or "")
    return row if row is None or named is None or row.cuda == (int(named[1]), int(named[2])) else None


def ort_build(told: Told) -> Build | None:
    """The row of the named onnxruntime-gpu, if it is PyPI's: Microsoft's feeds have the same versions for another CUDA."""
    version, feed = told.packages.get("onnxruntime-gpu"), told.first("ort-feed")
    row = build_told(onnxruntime_builds(), version) if version else None
    return row if row is None or feed is None or row.cuda[0] == int(feed) else None


def ort_cuda_major(told: Told) -> int | None:
    version, feed = told.packages.get("onnxruntime-gpu"), told.first("ort-feed")
    if version is None or feed is not None:
        return int(feed) if version and feed else None
    row = ort_build(told)
    number = parts(version)[:2]
    return row.cuda[0] if row else 11 if number <= CUDA_11_UNTIL else 12 if number <= CUDA_12_UNTIL else 13


def torch_cuda_major(told: Told) -> int | None:
    version = told.packages.get("torch")
    if version is None or "+cpu" in version:
        return None
    named = re.search(r"\+cu(\d\d)", version)
    if named:
        return int(named[1])
    beside = _cuda_beside(told, version) or told.first("torch-built-for")
    row = build_told(torch_builds(), version)
    return int(beside[:2]) if beside else row.cuda[0] if row else None


def _cuda_beside(told: Told, version: str) -> str | None:
    """The CUDA that is told beside that torch: the text may name another one, of another machine or day."""
    lines = {fact.line.number for fact in told.facts if fact.kind == "package" and fact.value == f"torch {version}"}
    return next((one.value for one in told.facts if one.kind == "torch-cuda" and one.line.number in lines), None)


def cudnn_majors(told: Told) -> set[int]:
    """Of the cuDNN that is said to be there; where none is, of pip's packages and of the one that torch brings."""
    named = {parts(value)[0] for value in told.all("cudnn")}
    packages = {parts(version)[0] for name, version in told.packages.items() if name.startswith("nvidia-cudnn-cu")}
    of_torch = _cudnn_of_torch(told)
    return named or packages or (set() if of_torch is None else {of_torch})


def _cudnn_of_torch(told: Told) -> int | None:
    """PyPI's torch brings cuDNN 9 from 2.4 on, its builds for other CUDA as well (torch's release notes)."""
    version = told.packages.get("torch")
    if version is None or torch_cuda_major(told) is None or parts(version) < (1, 8):
        return None
    return 9 if parts(version) >= (2, 4) else 8
