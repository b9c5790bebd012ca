"""Variables that the code itself sets, and that hide the GPU from CUDA: before a library that uses it is loaded, or after."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...facts.source import Hit
from ..variables import HIDES
from .arguments import plain_argument
from .constants import constants, judged
from .lines import hit, instead
from .tree import Tree

PACKAGES = ("onnxruntime", "torch", "insightface", "retinaface")
NAME = "CUDA_VISIBLE_DEVICES"


def told(tree: Tree) -> Iterator[Hit]:
    """Where CUDA_VISIBLE_DEVICES is set to what hides every GPU, and nothing decides whether it is."""
    for node, given in set_somewhere(tree):
        if is_conditional(tree, node):
            continue
        for word, value in judged(constants(tree, given), is_hiding):
            if value.sure:
                where = value.at or node
                plain = isinstance(given, ast.Constant) and given.lineno == where.lineno
                fixed = instead(tree, given, '"0"') if plain else None
                yield hit(tree, "cuda-visible-devices-hides-gpu", where, "source", f"{NAME}={word}", fixed)


def set_somewhere(tree: Tree) -> Iterator[tuple[ast.expr, ast.expr]]:
    """(where, what it is set to)"""
    for one in tree.assignments:
        target = one.targets[0] if isinstance(one, ast.Assign) else one.target
        if isinstance(target, ast.Subscript) and is_environment(tree, target.value) and is_name(tree, target.slice):
            assert one.value is not None
            yield target, one.value
    for call in tree.calls:
        owner = call.func.value if isinstance(call.func, ast.Attribute) else None
        put = tree.full(call.func) == "os.putenv"
        if not put and (owner is None or not is_environment(tree, owner)):
            continue
        if put or call.func.attr == "setdefault":  # type: ignore[attr-defined]
            if len(call.args) == 2 and is_name(tree, call.args[0]):
                yield call, call.args[1]
        elif call.func.attr == "update":  # type: ignore[attr-defined]
            yield from updated(tree, call)


def updated(tree: Tree, call: ast.Call) -> Iterator[tuple[ast.expr, ast.expr]]:
    """(place, value) of each CUDA_VISIBLE_DEVICES that os.environ.update() is given, by keyword or in a dictionary."""
    given = plain_argument(call, NAME)
    if given is not None:
        yield call, given
    for one in call.args[:1]:
        if isinstance(one, ast.Dict):
            yield from (
                (call, value) for key, value in zip(one.keys, one.values, strict=True) if key and is_name(tree, key)
            )


def is_environment(tree: Tree, node: ast.expr) -> bool:
    return tree.full(node) in ("os.environ", "environ")


def is_name(tree: Tree, node: ast.expr) -> bool:
    return [word for word, _ in constants(tree, node)] == [NAME]


def is_hiding(word: object) -> bool:
    return isinstance(word, str) and HIDES.fullmatch(word.strip()) is not None


def is_conditional(tree: Tree, node: ast.expr) -> bool:
    """Below an `if` that is not that of the main program: then somebody chooses."""
    blocks = (one for one in tree.scope if isinstance(one, ast.If) and "__name__" not in ast.dump(one.test))
    return any(one.lineno <= node.lineno <= (one.end_lineno or one.lineno) for one in blocks)
