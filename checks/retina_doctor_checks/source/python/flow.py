"""What of a scope is tried, and what it asks about: whether somebody thought of the case that there is nothing."""

from __future__ import annotations

import ast
from typing import Any

SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def own_nodes(scope: Any, caught: tuple[str, ...]) -> list[tuple[Any, bool]]:
    """(node, whether a try around it catches one of *caught*) of a module or function, without those of functions in it."""
    found: list[tuple[Any, bool]] = []
    todo: list[tuple[Any, bool]] = [(child, False) for child in ast.iter_child_nodes(scope)]
    while todo:
        node, tried = todo.pop()
        if isinstance(node, SCOPES):
            continue
        found.append((node, tried))
        if isinstance(node, ast.Try):
            inside = tried or any(catches(handler, caught) for handler in node.handlers)
            todo += [(child, inside) for child in node.body]
            todo += [(child, tried) for child in [*node.handlers, *node.orelse, *node.finalbody]]
        else:
            todo += [(child, tried) for child in ast.iter_child_nodes(node)]
    return found


def catches(handler: Any, names: tuple[str, ...]) -> bool:
    if handler.type is None:
        return True
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(getattr(kind, "attr", getattr(kind, "id", "")) in names for kind in kinds)


def asked_about(nodes: list[tuple[Any, bool]]) -> set[str]:
    """Names that a condition, a loop or an assertion of the scope mentions, or a name does that stands for an answer: count =
    len(faces), then: if count == 0."""
    asked = set()
    answers: dict[str, set[str]] = {}
    for node, _ in nodes:
        tests: list[Any] = []
        if isinstance(node, (ast.If, ast.While, ast.IfExp, ast.Assert)):
            tests = [node.test]
        elif isinstance(node, ast.BoolOp):
            tests = node.values
        elif isinstance(node, ast.comprehension):
            tests = [node.iter, *node.ifs]
        elif isinstance(node, (ast.For, ast.AsyncFor)):
            tests = [node.iter]
        elif node.__class__.__name__ == "Match":
            tests = [node.subject]
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and is_answer(node.value):
            answers.setdefault(node.targets[0].id, set()).update(names(node.value))
        asked |= {name for test in tests for name in names(test)}
    return asked.union(*(answers[name] for name in asked if name in answers))


def names(node: Any) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def is_answer(node: Any) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in ("len", "bool", "any")
    return isinstance(node, (ast.Compare, ast.BoolOp)) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    )


def is_index(node: Any) -> bool:
    if node.__class__.__name__ == "Index":  # until Python 3.8
        node = node.value
    if isinstance(node, ast.UnaryOp):
        node = node.operand
    return isinstance(node, ast.Constant) and isinstance(node.value, int)
