"""Providers that stand in each other's branch: the CPU's where there is a GPU, and the GPU's where there is none."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from ...facts.source import Hit
from .lines import hit, instead, text_of
from .reaching import leaves, lists_of
from .sessions import GPU_PROVIDERS, PROVIDER, elsewhere, names
from .tree import Tree, last_word

PACKAGES = ("onnxruntime", "insightface")
GPU_FLAGS = ("use_gpu", "use_cuda", "gpu", "cuda", "has_gpu", "has_cuda", "cuda_available", "gpu_available", "with_gpu")
GPUS, CPUS = ("cuda", "gpu", "cuda:0"), ("cpu",)


def told(tree: Tree) -> Iterator[Hit]:
    """Only where both branches name providers, each the other's: then nothing else can be meant."""
    for test, body, rest in branches(tree):
        on_gpu = means_gpu(tree, test)
        if on_gpu is None:
            continue
        there, without = (body, rest) if on_gpu else (rest, body)
        first, second = lists(tree, there), lists(tree, without)
        if len(first) == 1 and len(second) == 1 and is_cpu(tree, first[0]) and is_gpu(tree, second[0]):
            yield swapped(tree, first[0], second[0])


Part = ast.expr | Sequence[ast.stmt]


def branches(tree: Tree) -> Iterator[tuple[ast.expr, Part, Part]]:
    """(what it turns on, what is done then, what is done otherwise: what comes after it, where the first leaves)"""
    for owner in (tree.root, *tree.scope):
        if isinstance(owner, ast.IfExp):
            yield owner.test, owner.body, owner.orelse
        for block in lists_of(owner):
            for place, one in enumerate(block):
                if isinstance(one, ast.If):
                    after = block[place + 1 :] if leaves(one.body) else []
                    yield one.test, one.body, one.orelse or after


def swapped(tree: Tree, there: ast.expr, without: ast.expr) -> Hit:
    first, second = text_of(tree, there), text_of(tree, without)
    fixed = instead(tree, there, second) if first and second and there.lineno != without.lineno else None
    also = elsewhere(tree, there, instead(tree, without, first)) if fixed is not None else ()
    fixed = fixed if also else None
    words = ", ".join(names(tree, there))
    return hit(tree, "ort-provider-not-requested", there, "swapped", words, fixed, also=also)


def means_gpu(tree: Tree, test: ast.expr) -> bool | None:
    """Whether the branch is that with a GPU; None: it turns on something else, or on more."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = means_gpu(tree, test.operand)
        return None if inner is None else not inner
    if isinstance(test, ast.Call):
        return True if tree.full(test.func) == "torch.cuda.is_available" else None
    if isinstance(test, ast.Name | ast.Attribute):
        return True if last_word(test).lower() in GPU_FLAGS else None
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.comparators[0], ast.Constant)):
        return None
    word = test.comparators[0].value
    equal = isinstance(test.ops[0], ast.Eq)
    if not (equal or isinstance(test.ops[0], ast.NotEq)) or word not in (*GPUS, *CPUS):
        return None
    return (word in GPUS) == equal


def lists(tree: Tree, part: Part) -> list[ast.expr]:
    """The lists of providers that stand in a branch."""
    nodes = [one for piece in ([part] if isinstance(part, ast.expr) else part) for one in ast.walk(piece)]
    found = [one for one in nodes if isinstance(one, ast.List | ast.Tuple) and isinstance(one.ctx, ast.Load)]
    return [one for one in found if any(PROVIDER.match(word) for word in names(tree, one))]


def is_cpu(tree: Tree, node: ast.expr) -> bool:
    return names(tree, node) == ["CPUExecutionProvider"]


def is_gpu(tree: Tree, node: ast.expr) -> bool:
    return any(GPU_PROVIDERS.search(word) for word in names(tree, node))
