"""Which constants an expression may be, and which of them are wrong whichever way the program goes."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import TypeVar

from .tree import Tree
from .value import DEEP, Value
from .values import values

T = TypeVar("T")
UNKNOWN = object()


def constants(tree: Tree, node: ast.expr) -> list[tuple[object, Value]]:
    """[(a constant, or a tuple of constants, or UNKNOWN; the Value that it is)]"""
    return [(constant(tree, value.node), value) for value in values(tree, node)]


def judged(found: Sequence[tuple[T, Value]], is_wrong: Callable[[T], bool]) -> list[tuple[T, Value]]:
    """Those of [(what it says, its Value)] that are wrong whichever way it goes: all that came by one argument, or by none,
    must be. Of several calls, the one whose argument is wrong is; what stands beside an argument, `given or [...]`, is
    only with it."""
    groups: dict[ast.expr | None, list[tuple[T, Value]]] = {}
    for one in found:
        groups.setdefault(one[1].at, []).append(one)
    wrong = [at for at, group in groups.items() if all(said is not UNKNOWN and is_wrong(said) for said, _ in group)]
    return [groups[at][0] for at in wrong if at is not None or len(wrong) == len(groups)]


def constant(tree: Tree, node: ast.expr | None, deep: int = 0) -> object:
    """The constant itself, a tuple of constants, or UNKNOWN: what no reader would see at a glance."""
    if deep > DEEP:
        return UNKNOWN
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Tuple | ast.List):
        parts = tuple(_only(tree, one, deep + 1) for one in node.elts)
        return UNKNOWN if UNKNOWN in parts else parts
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _only(tree, node.operand, deep + 1)
        return -inner if isinstance(inner, int | float) else UNKNOWN
    return UNKNOWN


def _only(tree: Tree, node: ast.expr, deep: int) -> object:
    found = values(tree, node)
    return constant(tree, found[0].node, deep) if len(found) == 1 else UNKNOWN
