"""Sessions without the GPU, and code that cannot do without it (onnxruntime 1.31.1, torch)."""

from __future__ import annotations

import ast
import re
from typing import Any

from retina_doctor_checks.source.python.lines import hit, instead, more
from retina_doctor_checks.source.python.tree import Tree
from retina_doctor_checks.source.python.values import argument, constant, constants, judged, values

PACKAGES = ("onnxruntime", "torch")
PROVIDERS = 'providers=["CUDAExecutionProvider", "CPUExecutionProvider"]'
GPU_PROVIDERS = re.compile(r"CUDA|Tensorrt|ROCM|MIGraphX|Dml|CoreML|OpenVINO|CANN")


def told(tree: Tree) -> Any:
    torch = tree.imports("torch")
    guarded = any(tree.full(call.func).endswith("cuda.is_available") for call in tree.called.get("is_available", ()))
    for call in tree.calls:
        if tree.full(call.func) == "onnxruntime.InferenceSession":
            yield from session(tree, call)
        if torch and not guarded:
            yield from cuda(tree, call)


def session(tree: Tree, call: Any) -> Any:
    try:
        given = argument(call, "providers", 2)
    except KeyError:
        return  # **options may hold anything
    if given is None:
        yield hit("ort-provider-not-requested", call, "none", "providers", more(tree, call, PROVIDERS))
        return
    found = [(names(tree, value.node), value) for value in values(tree, given)]
    for words, value in judged(found, without_gpu):
        yield hit("ort-provider-not-requested", value.at or call, "cpu-only", ", ".join(words))


def without_gpu(words: list[str]) -> bool:
    return bool(words) and not any(GPU_PROVIDERS.search(word) for word in words)


def names(tree: Tree, node: Any) -> list[str]:
    """The providers of a list or tuple; none where one of them is not plain to see."""
    parts = constant(tree, node) if isinstance(node, (ast.List, ast.Tuple)) else ()
    return list(parts) if isinstance(parts, tuple) and all(isinstance(part, str) for part in parts) else []


def cuda(tree: Tree, call: Any) -> Any:
    if not isinstance(call.func, ast.Attribute):
        return
    name = tree.full(call.func)
    if call.func.attr == "cuda" and not call.args and not call.keywords and not name.startswith("torch."):
        line = instead(tree, call, "")
        fixed = tree.lines[call.lineno - 1].replace(".cuda()", ".to(device)") if line is not None else None
        yield hit("cuda-hardcoded", call, "method", ".cuda()", fixed)
    elif (call.func.attr == "to" or name == "torch.device") and call.args:
        for word, value in judged(constants(tree, call.args[0]), is_cuda):
            if value.sure:
                yield hit("cuda-hardcoded", value.at or call, "device", word)


def is_cuda(word: Any) -> bool:
    return isinstance(word, str) and word.split(":")[0] == "cuda"
