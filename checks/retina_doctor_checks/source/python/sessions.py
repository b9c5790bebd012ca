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
GPU_WORD = re.compile(r"(?i)gpu|cuda|device_count")
GPU_PROVIDERS = re.compile(r"CUDA|Tensorrt|ROCM|MIGraphX|Dml|CoreML|OpenVINO|CANN")


def told(tree: Tree) -> Any:
    torch = tree.imports("torch")
    guarded = torch and asks_for_gpu(tree)
    sessions = [call for call in tree.calls if tree.full(call.func) == "onnxruntime.InferenceSession"]
    on_gpu = [
        (tree.scope[call], call) for call in sessions if tree.scope[call] is not tree.root and names_gpu(tree, call, 2)
    ]
    first = dict(reversed(on_gpu))
    for call in sessions:
        if not is_given_later(tree, call):
            yield from session(tree, call, first.get(tree.scope[call], call) is not call)
    for call in tree.calls:
        if torch and not guarded:
            yield from cuda(tree, call)


def asks_for_gpu(tree: Tree) -> bool:
    """Whether the file asks torch for the GPU, or a condition turns on one: if args.cuda, use_gpu, device_count()."""
    if any(tree.full(call.func).endswith("cuda.is_available") for call in tree.called.get("is_available", ())):
        return True
    tests = (node.test for node in tree.scope if isinstance(node, (ast.If, ast.IfExp)))
    return any(
        GPU_WORD.search(getattr(one, "id", getattr(one, "attr", ""))) for test in tests for one in ast.walk(test)
    )


def names_gpu(tree: Tree, call: Any, place: int) -> bool:
    try:
        given = argument(call, "providers", place)
    except KeyError:
        return False
    return given is not None and any(
        GPU_PROVIDERS.search(word) for value in values(tree, given) for word in names(tree, value.node)
    )


def is_given_later(tree: Tree, call: Any) -> bool:
    """session = InferenceSession(path), then: session.set_providers([...])"""
    setters = [one for one in tree.called.get("set_providers", ()) if names_gpu(tree, one, 0)]
    named = {tree.full(one.func.value) for one in setters if isinstance(one.func, ast.Attribute)}
    made = (node for node in tree.assignments if node.value is call) if named else ()
    return any(tree.full(target) in named for node in made for target in getattr(node, "targets", ()))


def session(tree: Tree, call: Any, is_fallback: bool) -> Any:
    """*is_fallback*: another session beside it, in the same function, is on the GPU."""
    try:
        given = argument(call, "providers", 2)
    except KeyError:
        return  # **options may hold anything
    if given is None:
        yield hit("ort-provider-not-requested", call, "none", "providers", more(tree, call, PROVIDERS))
        return
    found = [(names(tree, value.node), value) for value in values(tree, given)]
    for words, value in () if is_fallback else judged(found, without_gpu):
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
        known = instead(tree, call, "") is not None and is_bound(tree, call, "device")
        fixed = tree.lines[call.lineno - 1].replace(".cuda()", ".to(device)") if known else None
        yield hit("cuda-hardcoded", call, "method", ".cuda()", fixed)
    elif (call.func.attr == "to" or name == "torch.device") and call.args:
        for word, value in judged(constants(tree, call.args[0]), is_cuda):
            if value.sure:
                yield hit("cuda-hardcoded", value.at or call, "device", word)


def is_bound(tree: Tree, node: Any, name: str) -> bool:
    """Whether a name means something where a node stands."""
    scope = tree.scope.get(node)
    while scope is not None:
        taken = getattr(scope, "args", None)
        if (scope, name) in tree.bound or (taken and name in [one.arg for one in taken.args + taken.kwonlyargs]):
            return True
        scope = tree.parent.get(scope)
    return False


def is_cuda(word: Any) -> bool:
    return isinstance(word, str) and word.split(":")[0] == "cuda"
