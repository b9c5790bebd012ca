"""Sessions without the GPU, and code that cannot do without it (onnxruntime 1.31.1, torch)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ...facts.source import Hit
from .lines import hit, instead, more
from .tree import FUNCTIONS, Scope, Tree, last_word
from .values import argument, constant, constants, judged, values

PACKAGES = ("onnxruntime", "torch")
PROVIDERS = 'providers=["CUDAExecutionProvider", "CPUExecutionProvider"]'
CONDITIONS = (ast.If, ast.IfExp)
GPU_WORD = re.compile(r"(?i)gpu|cuda|device_count")
GPU_PROVIDERS = re.compile(r"CUDA|Tensorrt|ROCM|MIGraphX|Dml|CoreML|OpenVINO|CANN")


def told(tree: Tree) -> Iterator[Hit]:
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
    tests = (node.test for node in tree.scope if isinstance(node, CONDITIONS))
    return any(GPU_WORD.search(last_word(one)) for test in tests for one in ast.walk(test))


def names_gpu(tree: Tree, call: ast.Call, place: int) -> bool:
    try:
        given = argument(call, "providers", place)
    except KeyError:
        return False
    return given is not None and any(
        GPU_PROVIDERS.search(word) for value in values(tree, given) for word in names(tree, value.node)
    )


def is_given_later(tree: Tree, call: ast.Call) -> bool:
    """session = InferenceSession(path), then: session.set_providers([...])"""
    setters = [one for one in tree.called.get("set_providers", ()) if names_gpu(tree, one, 0)]
    named = {tree.full(one.func.value) for one in setters if isinstance(one.func, ast.Attribute)}
    made = (node for node in tree.assignments if node.value is call) if named else ()
    return any(tree.full(target) in named for node in made if isinstance(node, ast.Assign) for target in node.targets)


def session(tree: Tree, call: ast.Call, is_fallback: bool) -> Iterator[Hit]:
    """*is_fallback*: another session beside it, in the same function, is on the GPU."""
    try:
        given = argument(call, "providers", 2)
    except KeyError:
        return  # **options may hold anything
    if given is None:
        yield hit(tree, "ort-provider-not-requested", call, "none", "providers", more(tree, call, PROVIDERS))
        return
    if is_fallback:
        return
    for words, value in judged([(names(tree, value.node), value) for value in values(tree, given)], without_gpu):
        yield hit(tree, "ort-provider-not-requested", value.at or call, "cpu-only", ", ".join(words))


def without_gpu(words: list[str]) -> bool:
    return bool(words) and not any(GPU_PROVIDERS.search(word) for word in words)


def names(tree: Tree, node: ast.expr | None) -> list[str]:
    """The providers of a list or tuple; none where one of them is not plain to see."""
    parts = constant(tree, node) if isinstance(node, ast.List | ast.Tuple) else ()
    words = [part for part in parts if isinstance(part, str)] if isinstance(parts, tuple) else []
    return words if isinstance(parts, tuple) and len(words) == len(parts) else []


def cuda(tree: Tree, call: ast.Call) -> Iterator[Hit]:
    if not isinstance(call.func, ast.Attribute):
        return
    name = tree.full(call.func)
    if call.func.attr == "cuda" and not call.args and not call.keywords and not name.startswith("torch."):
        known = instead(tree, call, "") is not None and is_bound(tree, call, "device")
        fixed = tree.lines[call.lineno - 1].replace(".cuda()", ".to(device)") if known else None
        yield hit(tree, "cuda-hardcoded", call, "method", ".cuda()", fixed)
    elif (call.func.attr == "to" or name == "torch.device") and call.args:
        for word, value in judged(constants(tree, call.args[0]), is_cuda):
            if value.sure:
                yield hit(tree, "cuda-hardcoded", value.at or call, "device", str(word))


def is_bound(tree: Tree, node: ast.expr, name: str) -> bool:
    """Whether a name means something where a node stands."""
    scope: Scope | None = tree.scope.get(node)
    while scope is not None:
        taken = [*scope.args.args, *scope.args.kwonlyargs] if isinstance(scope, FUNCTIONS) else []
        if (scope, name) in tree.bound or name in [one.arg for one in taken]:
            return True
        scope = tree.parent.get(scope)
    return False


def is_cuda(word: object) -> bool:
    return isinstance(word, str) and word.split(":")[0] == "cuda"
