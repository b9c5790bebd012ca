"""What of a scope is tried, and what it asks about: whether somebody thought of the case that there is nothing."""

from __future__ import annotations

import ast
from typing import Any

from retina_doctor_checks.source.python.tree import Tree

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
        if isinstance(node, ast.Try) or suppresses(node, caught):
            inside = tried or any(catches(handler, caught) for handler in getattr(node, "handlers", ()))
            inside = inside or not isinstance(node, ast.Try)
            todo += [(child, inside) for child in node.body]
            todo += [
                (child, tried)
                for part in ("handlers", "orelse", "finalbody", "items")
                for child in getattr(node, part, ())
            ]
        else:
            todo += [(child, tried) for child in ast.iter_child_nodes(node)]
    return found


def catches(handler: Any, names: tuple[str, ...]) -> bool:
    if handler.type is None:
        return True
    return any_named(handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type], names)


def suppresses(node: Any, names: tuple[str, ...]) -> bool:
    """with contextlib.suppress(IndexError)"""
    calls = [item.context_expr for item in node.items] if isinstance(node, ast.With) else []
    return any(
        isinstance(one, ast.Call) and any_named([one.func], ("suppress",)) and any_named(one.args, names)
        for one in calls
    )


def any_named(nodes: list[Any], names: tuple[str, ...]) -> bool:
    return any(getattr(one, "attr", getattr(one, "id", "")) in names for one in nodes)


def asked_about(nodes: list[tuple[Any, bool]]) -> set[str]:
    """Names that a condition, a loop or an assertion of the scope mentions, or a name does that stands for an answer: count =
    len(faces), then: if count == 0."""
    asked: set[str] = set()
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
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            for name in given_names(node):
                answers.setdefault(name, set()).update(answered(node.value))
        asked |= {name for test in tests for name in names(test)}
    todo = list(asked)
    while todo:
        new = answers.pop(todo.pop(), set()) - asked
        asked |= new
        todo += new
    return asked


def given_names(node: Any) -> set[str]:
    return {name for target in getattr(node, "targets", None) or [node.target] for name in names(target)}


def answered(value: Any) -> set[str]:
    """The names about which a value says something: len(faces), (len(faces), 0) and {"n": len(faces)} say it of faces."""
    return {name for one in ast.walk(value) if is_answer(one) for name in names(one)}


def names(node: Any) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def is_answer(node: Any) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in ("len", "bool", "any")
    return isinstance(node, (ast.Compare, ast.BoolOp)) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    )


def asks(tree: Tree, word: str, place: int, call: Any, caught: tuple[str, ...]) -> bool:
    """Whether the argument at a place, of those by place and then those by name, goes to a function of this file that asks for
    itself."""
    made = tree.functions.get(word, ())
    if len(made) != 1:
        return False
    taken = [one.arg for one in [*made[0].args.args, *made[0].args.kwonlyargs] if one.arg not in ("self", "cls")]
    name = taken[place] if place < len(call.args) and place < len(taken) else None
    if place >= len(call.args):
        name = call.keywords[place - len(call.args)].arg
    if made[0] not in tree.asking:
        tree.asking[made[0]] = asked_about(own_nodes(made[0], caught))
    return name in tree.asking[made[0]]


def is_index(node: Any) -> bool:
    if node.__class__.__name__ == "Index":  # until Python 3.8
        node = node.value
    if isinstance(node, ast.UnaryOp):
        node = node.operand
    return isinstance(node, ast.Constant) and isinstance(node.value, int)
