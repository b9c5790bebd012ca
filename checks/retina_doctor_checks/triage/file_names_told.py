"""Names of model files that a text tells: one that is asked for, beside one that is nearly it."""

from __future__ import annotations

import re

from .case import Case

_MODEL_FILES = re.compile(r"([\w.-]{3,80})\.(onnx|pth|pt|pkl|h5|engine|params)\b", re.IGNORECASE)
_SENSELESS = re.compile(r"[-_. ]|\(\d\)")
_BUILD = re.compile(r"(?<=\w{6})[-_.](?:fp16|fp32|int8|quant|dynamic|simplified|sim|opt|final|new|old|copy)\b.{0,20}$")
"""What is put behind a model's own name for another build of it."""


def _names(case: Case) -> set[tuple[str, str]]:
    return {(stem, kind.lower()) for line in case.text.lines for stem, kind in _MODEL_FILES.findall(line.text)}


def file_names_differ_in_case(case: Case) -> bool:
    names = _names(case)
    return len({(stem.lower(), kind) for stem, kind in names}) < len(names)


def file_names_differ_by_a_build(case: Case) -> bool:
    """ "inswapper_128.onnx" and "inswapper_128_fp16.onnx", "Resnet50_Final.pth" and "resnet50-final.pth"."""
    names = {(stem.lower(), kind) for stem, kind in _names(case)}
    plain = [(_SENSELESS.sub("", _BUILD.sub("", stem)), kind) for stem, kind in names]
    return len(set(plain)) < len(plain)
