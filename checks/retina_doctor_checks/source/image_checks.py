"""What an image lacks of the libraries that its packages need, as its base and its packages say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Reason, Severity
from retina_doctor.patterns import pattern
from retina_doctor_checks.advice.builds import Build

from ..advice.base_images import in_short, release_of
from ..combined.asides import asides
from ..combined.source_files import is_test
from ..facts.deployment import Image, Package
from ..facts.source import Source
from ..versions import allows
from .builds_required import built
from .environments import GPU, OPENCVS, Environment, environments, installed_by, is_of_pypi, is_wholly_known
from .judging import EITHER, SourcePlace, answer, of_source, scanned, scanned_for_gpu
from .package_checks import BARE, once
from .pythons import of_image
from .requirement_lines import is_direct
from .together import cuda_major

CUDA_TAG = pattern(
    r"(?:^|/)cuda:(?P<version>\d+(?:\.\d+)*)(?P<cudnn>-cudnn(?P<major>\d*))?-(?P<flavour>base|runtime|devel)"
)
"""NVIDIA's: base has libcudart alone, runtime the libraries of CUDA, and cuDNN where the tag says so (nvidia/cuda on Docker
Hub)."""
CUDNN = 9
"""Of a tag that names no number."""
PURE = {"1.0": (3, 6), "1.0.1": (3, 6), "2.0": (3, 10), "2.1": (3, 10)}
"""insightface's releases with a wheel, and the oldest Python of each (PyPI)."""
BRINGERS = ("torch", "tensorflow")
DESKTOP = pattern(r"libgl|mesa|ffmpeg|opencv|libqt|xvfb|gstreamer")
"""Packages of the system that bring libGL.so.1 along."""

NOW = {"libgl1-mesa-glx": "libgl1"}
GONE = {("debian", "libgl1-mesa-glx"): (13,), ("ubuntu", "libgl1-mesa-glx"): (23, 10)}
"""Of which release on there is no package of that name: packages.debian.org and packages.ubuntu.com."""


def needs_libraries(source: Source, one: Environment) -> Package | None:
    """onnxruntime-gpu in an image that could get NVIDIA's libraries from its base alone."""
    package = one.packages.get(GPU)
    if package is None or package.extras or one.other or one.image is None or one.image.brings:
        return None
    if any(name in BRINGERS or name.startswith("nvidia-") for name in one.packages):
        return None
    return package if is_wholly_known(source, one.image) else None


@check("RD525", "ort-cuda-libs-missing", Severity.ERROR, pitfall=2, scope=scanned_for_gpu, action=Action.EDIT)
@of_source
def ort_cuda_libs_missing(source: Source) -> Answer:
    """Neither the base image nor a package brings the CUDA libraries that onnxruntime-gpu needs."""
    places = (place for one in environments(source) if (place := without_cuda(source, one)) is not None)
    return answer(source, "RD525", "ort-cuda-libs-missing", once(places), of=("deployment",))


def without_cuda(source: Source, one: Environment) -> SourcePlace | None:
    package = needs_libraries(source, one)
    if package is None or one.image is None:
        return None
    tag = CUDA_TAG.search(one.image.base)
    if BARE.match(in_short(one.image.base)):
        return lacking(one.image, package, "bare")
    return lacking(one.image, package, "base") if tag is not None and tag["flavour"] == "base" else None


def lacking(image: Image, package: Package, why: str) -> SourcePlace:
    build = built(package)
    fixed = None
    if build is not None and build.extras:
        text, count = re.subn(r"\bonnxruntime-gpu\b(?!\[)", "onnxruntime-gpu[cuda,cudnn]", package.at.text)
        fixed = text if count == 1 else None
    return SourcePlace(at=package.at, why=why, what=f"{GPU}{package.spec}", fixed=fixed, more=about(image, build))


def about(image: Image, build: Build | None) -> dict[str, Any]:
    return {
        "base": image.base,
        "major": build.cuda[0] if build else None,
        "cudnn": build.cudnn if build else None,
        "extras": bool(build and build.extras),
        "needs": asides(
            Reason("needs-cuda", {"package": f"{GPU} {build.version}", "cuda": build.cuda[0], "cudnn": build.cudnn})
            if build
            else None
        ),
        "or_extras": asides(Reason("or-with-cuda-extras") if build and build.extras else None),
    }


@check("RD526", "ort-cudnn-mismatch", Severity.ERROR, pitfall=2, scope=scanned_for_gpu, action=Action.EDIT)
@of_source
def ort_cudnn_mismatch(source: Source) -> Answer:
    """The base image is NVIDIA's, and its tag has no cuDNN, or another."""
    places = (place for one in environments(source) if (place := without_cudnn(source, one)) is not None)
    return answer(source, "RD526", "ort-cudnn-mismatch", once(places), of=("deployment",))


def without_cudnn(source: Source, one: Environment) -> SourcePlace | None:
    package = needs_libraries(source, one)
    tag = CUDA_TAG.search(one.image.base) if one.image is not None else None
    build = built(package) if package is not None else None
    if build is None or one.image is None or tag is None or tag["flavour"] == "base":
        return None
    if build.cuda[0] != cuda_major(one.image.base):
        return None  # that is the first thing to be put right
    if tag["cudnn"] is None:
        fixed = one.image.at.text.replace(f"-{tag['flavour']}", f"-cudnn-{tag['flavour']}", 1)
        return SourcePlace(at=one.image.at, why="none", what=one.image.base, fixed=fixed, more=about(one.image, build))
    there = int(tag["major"] or CUDNN)
    if there == build.cudnn:
        return None
    more = {**about(one.image, build), "there": there, "package": f"{GPU} {build.version}"}
    return SourcePlace(at=one.image.at, why="major", what=one.image.base, more=more)


@check("RD239", "ort-tensorrt-libs-missing", Severity.NOTE, pitfall=2, scope=scanned_for_gpu, action=Action.EDIT)
@of_source
def ort_tensorrt_libs_missing(source: Source) -> Answer:
    """A session asks for TensorRT, and no image with onnxruntime-gpu has its libraries."""
    found = [one for one in environments(source) if one.image is not None and GPU in one.packages]
    images = [one.image for one in found if one.image is not None and is_without_tensorrt(source, one, one.image)]
    asked = [one for one in source.signs if one.kind == "tensorrt" and not is_test(source, one.at.file)]
    places = (
        SourcePlace(at=one.at, why="image", what=one.what, more={"base": images[0].base})
        for one in (asked if images and len(images) == len(found) else ())
    )
    return answer(source, "RD239", "ort-tensorrt-libs-missing", places, of=EITHER)


def is_without_tensorrt(source: Source, one: Environment, image: Image) -> bool:
    brought = image.brings or any("nvinfer" in name or "tensorrt" in name for name in (*image.system, *one.packages))
    known = BARE.match(in_short(image.base)) or CUDA_TAG.search(image.base)
    return bool(known) and not brought and is_wholly_known(source, image)


@check("RD238", "insightface-build-failed", Severity.ERROR, scope=scanned, action=Action.EDIT)
@of_source
def insightface_build_failed(source: Source) -> Answer:
    """insightface before 1.0 has no wheel on PyPI, and the image cannot compile it."""
    images = [one.image for one in environments(source) if one.image is not None and is_of_pypi(one)]
    places = (place for image in images for place in uncompiled(source, image))
    return answer(source, "RD238", "insightface-build-failed", once(places), of=("deployment",))


def uncompiled(source: Source, image: Image) -> Iterator[SourcePlace]:
    if any("insightface" in step.at.text and ".whl" in step.at.text for step in image.steps):
        return
    python = of_image(image)
    for step in image.steps:
        face = next((one for one in installed_by(source, image, step) if one.name == "insightface"), None)
        if face is None or step.lacks is None or is_direct(face):
            continue
        pure = [version for version, oldest in PURE.items() if python is None or python >= oldest]
        if not any(allows(face.spec, version) for version in pure):
            more = {"base": image.base, "lacks": step.lacks}
            yield SourcePlace(at=step.at, why="image", what=f"insightface{face.spec}", more=more)


@check("RD527", "opencv-system-libs-missing", Severity.ERROR, scope=scanned, action=Action.EDIT)
@of_source
def opencv_system_libs_missing(source: Source) -> Answer:
    """opencv-python needs libGL.so.1 and libgthread-2.0.so.0 of the system (readelf -d of its wheels 4.10 and 5.0)."""
    places = (place for one in environments(source) if (place := without_desktop(source, one)) is not None)
    gone = (place for image in source.images for place in renamed(image))
    return answer(source, "RD527", "opencv-system-libs-missing", once((*gone, *places)), of=("deployment",))


def renamed(image: Image) -> Iterator[SourcePlace]:
    """apt finds no package of a name that this release of the system has given up, and the image is not built."""
    for one in image.graphics:
        system, release = release_of(one.base)
        since = GONE.get((system, one.name))
        if since is not None and release >= since:
            more = {"base": one.base, "now": NOW[one.name]}
            fixed = one.at.text.replace(one.name, NOW[one.name])
            yield SourcePlace(at=one.at, why="renamed", what=one.name, fixed=fixed, more=more)


def without_desktop(source: Source, one: Environment) -> SourcePlace | None:
    image = one.image
    if image is None or any(name.endswith("headless") for name in one.packages if name in OPENCVS):
        return None
    if not (BARE.match(in_short(image.base)) or CUDA_TAG.search(image.base)) or any(map(DESKTOP.search, image.system)):
        return None
    package = next((one.packages[name] for name in OPENCVS if name in one.packages), None)
    face = one.packages.get("insightface") if "insightface" not in one.bare else None
    if package is None and face is not None and takes_2_1(face, image) and is_wholly_known(source, image):
        return desktop(image, face, "insightface")  # 2.1 requires opencv-python itself
    return desktop(image, package, "named") if package is not None else None


def takes_2_1(face: Package, image: Image) -> bool:
    """insightface 2 requires Python 3.10 (PyPI)."""
    python = re.search(r"(?:^|/)python:(\d)\.(\d+)", image.base)
    return allows(face.spec, "2.1") and (python is None or (int(python[1]), int(python[2])) >= (3, 10))


def desktop(image: Image, package: Package, why: str) -> SourcePlace:
    fixed = None
    if why == "named":
        fixed = re.sub(r"\b(opencv(?:-contrib)?-python)\b(?!-headless)", r"\1-headless", package.at.text, count=1)
    whole = re.search(r"python:", image.base) is not None and "slim" not in image.base
    at_most = Severity.WARNING if whole or why == "insightface" else None
    what = f"{package.name}{package.spec}"
    return SourcePlace(at=package.at, why=why, what=what, fixed=fixed, at_most=at_most, more={"base": image.base})
