"""The libraries that a named build of onnxruntime-gpu needs, beside those of CUDA and cuDNN that a text says are there."""

from __future__ import annotations

from ..advice.builds import Build
from ..facts.ort_gpu import FoundLibrary
from .case import parts
from .told import Fact, Told
from .versions_told import cuda_majors, torch_cuda_major

OF_CUDA = ("libcublasLt", "libcublas", "libcudart")
"""Their soname's number is the CUDA major."""


def libraries_told(
    told: Told, build: Build | None
) -> tuple[tuple[str, ...], tuple[FoundLibrary, ...], tuple[Fact, ...]]:
    """(sonames that the build needs and that nothing told brings, the libraries told of another major, the facts that say so).

    A build that is not known needs nothing that could be judged; where a package brings the libraries, or torch of the same
    CUDA does, they are there."""
    if build is None:
        return (), (), ()
    needed: tuple[str, ...] = ()
    libraries: tuple[FoundLibrary, ...] = ()
    used: tuple[Fact, ...] = ()
    toolkits = {major for major in cuda_majors(told) if told.all("cuda")} & {10, 11, 12, 13}
    if toolkits and build.cuda[0] not in toolkits and not _brought(told, build.cuda[0], "cublas", "cuda-runtime"):
        needed += tuple(f"{stem}.so.{build.cuda[0]}" for stem in OF_CUDA)
        libraries += tuple(_library(stem, major) for stem in OF_CUDA for major in sorted(toolkits))
        used += tuple(fact for fact in told.facts if fact.kind == "cuda")
    cudnns = {parts(value)[0] for value in told.all("cudnn")} & {7, 8, 9}
    if cudnns and build.cudnn not in cudnns and not _brought(told, build.cuda[0], "cudnn"):
        needed += (f"libcudnn.so.{build.cudnn}",)
        libraries += tuple(_library("libcudnn", major) for major in sorted(cudnns))
        used += tuple(fact for fact in told.facts if fact.kind == "cudnn")
    return needed, libraries, used


def _brought(told: Told, cuda: int, *names: str) -> bool:
    """Whether pip's packages of that CUDA, the extras of onnxruntime-gpu, or a torch built for it, bring these libraries."""
    extras = {one.strip() for value in told.all("ort-extras") for one in value.split(",")}
    if ("cudnn" if "cudnn" in names else "cuda") in extras:
        return True
    packages = [name for name in told.packages if name.startswith("nvidia-") and any(one in name for one in names)]
    of_major = any(name.endswith(f"-cu{cuda}") or parts(told.packages[name])[:1] == (cuda,) for name in packages)
    return of_major or torch_cuda_major(told) == cuda


def _library(stem: str, major: int) -> FoundLibrary:
    return FoundLibrary(soname=f"{stem}.so.{major}", path="", kind="system")
