"""What of a scope is tried, and what it asks about: whether somebody thought of the case that there is nothing."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator, Sequence

from .tree import FUNCTIONS, Assignment, Named, Scope, Tree, last_word

Nodes = list[tuple[ast.AST, bool]]
"""[(node, whether a try around it catches what is asked for)]"""
Given = ast.Assign | ast.NamedExpr
"""Where a name is given a value."""


def own_nodes(scope: Scope, caught: tuple[str, ...]) -> Nodes:
    """(node, whether a try around it catches one of *caught*) of a module or function, without those of functions in it."""
    found: Nodes = []
    todo: Nodes = [(child, False) for child in ast.iter_child_nodes(scope)]
    while todo:
        node, tried = todo.pop()
        if isinstance(node, FUNCTIONS):
            continue
        found.append((node, tried))
        if isinstance(node, ast.Try):
            inside = tried or any(catches(handler, caught) for handler in node.handlers)
            todo += [(child, inside) for child in node.body]
            todo += [(child, tried) for child in (*node.handlers, *node.orelse, *node.finalbody)]
        elif isinstance(node, ast.With) and suppresses(node, caught):
            todo += [(child, True) for child in node.body]
            todo += [(child, tried) for child in node.items]
        else:
            todo += [(child, tried) for child in ast.iter_child_nodes(node)]
    return found


def catches(handler: ast.ExceptHandler, names: tuple[str, ...]) -> bool:
    if handler.type is None:
        return True
    return any_named(handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type], names)


def is_tried(tree: Tree, node: ast.expr, name: str) -> bool:
    """Whether a try around it catches an exception by its very name."""
    tries = (
        one for one in tree.scope if isinstance(one, ast.Try) and one.lineno <= node.lineno <= (one.end_lineno or 0)
    )
    return any(
        any(node is inner for part in one.body for inner in ast.walk(part))
        and any(handler.type is not None and catches(handler, (name,)) for handler in one.handlers)
        for one in tries
    )


def suppresses(node: ast.With, names: tuple[str, ...]) -> bool:
    """with contextlib.suppress(IndexError)"""
    calls = [item.context_expr for item in node.items]
    return any(
        isinstance(one, ast.Call) and last_word(one.func) == "suppress" and any_named(one.args, names) for one in calls
    )


def any_named(nodes: Sequence[ast.expr], names: tuple[str, ...]) -> bool:
    return any(last_word(one) in names for one in nodes)


def asked_about(nodes: Nodes, loops: bool = True) -> set[str]:
    """Names that a condition, a loop or an assertion of the scope mentions, or a name does that stands for an answer: count =
    len(faces), then: if count == 0. *loops*: whoever goes through them has thought of there being none; what a loop makes of
    none is as empty."""
    asked: set[str] = set()
    answers: dict[str, set[str]] = {}
    for node, _ in nodes:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            if node.value is not None:
                for name in given_names(node):
                    answers.setdefault(name, set()).update(answered(node.value))
        else:
            asked |= {name for test in tests_of(node) for name in names(test)}
            asked |= {name for one in iterated(node) for name in gone_through(one)} if loops else set()
    todo = list(asked)
    while todo:
        new = answers.pop(todo.pop(), set()) - asked
        asked |= new
        todo += new
    return asked


def turns_on_none(node: ast.AST) -> bool:
    """if faces is None: where there is none, they are an empty list."""
    test = getattr(node, "test", None)
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.ops[0], ast.Is | ast.IsNot)
        and any(isinstance(one, ast.Constant) and one.value is None for one in (test.left, test.comparators[0]))
    )


def tests_of(node: ast.AST) -> Iterator[ast.expr]:
    """What a node turns on."""
    if isinstance(node, ast.If | ast.While | ast.IfExp | ast.Assert):
        yield node.test
    elif isinstance(node, ast.BoolOp):
        yield from node.values
    elif isinstance(node, ast.comprehension):
        yield from node.ifs
    elif isinstance(node, ast.Match):
        yield node.subject


def iterated(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.comprehension | ast.For | ast.AsyncFor):
        yield node.iter


def gone_through(node: ast.expr) -> set[str]:
    """The names that a loop goes through: faces, enumerate(faces), range(len(faces)); what somebody else's function is given, it
    does not: of detect(picture) picture is only used."""
    if isinstance(node, ast.Call):
        if not (isinstance(node.func, ast.Name) and hasattr(builtins, node.func.id)):
            return gone_through(node.func.value) if isinstance(node.func, ast.Attribute) else set()
        return {
            name for one in (*node.args, *(keyword.value for keyword in node.keywords)) for name in gone_through(one)
        }
    return names(node)


def given_names(node: Assignment) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {name for target in targets for name in names(target)}


def answered(value: ast.expr) -> set[str]:
    """The names about which a value says something: len(faces), (len(faces), 0), {"n": len(faces)} and faces.shape[0] say it of
    faces."""
    return {name for one in ast.walk(value) if is_answer(one) for name in names(one)}


def names(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def is_answer(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute):
            return node.func.attr == "any"
        return isinstance(node.func, ast.Name) and node.func.id in ("len", "bool", "any")
    if isinstance(node, ast.Attribute):
        return node.attr in ("shape", "size")  # of an array
    return isinstance(node, ast.Compare | ast.BoolOp) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    )


def awaited(node: ast.expr) -> ast.expr:
    """What a coroutine waits for, which is what it is given."""
    while isinstance(node, ast.Await):
        node = node.value
    return node


def kept(
    nodes: Nodes, values: set[ast.expr], bare: Callable[[ast.expr], ast.expr] = awaited
) -> Iterator[tuple[str, Given]]:
    """(name, where it is given one of these values); *bare*: what takes off that a value is wrapped in."""
    for node, _ in nodes:
        if isinstance(node, ast.NamedExpr) and bare(node.value) in values:
            yield node.target.id, node
        elif isinstance(node, ast.Assign) and len(node.targets) == 1 and bare(node.value) in values:
            target = node.targets[0]
            if isinstance(target, ast.Name):
                yield target.id, node


def asks(tree: Tree, word: str, place: int, call: ast.Call, caught: tuple[str, ...]) -> bool:
    """Whether the argument at a place, of those by place and then those by name, goes to a function of this file that asks for
    itself."""
    made = tree.functions.get(word, ())
    if len(made) != 1:
        return False
    taken = [one.arg for one in [*made[0].args.args, *made[0].args.kwonlyargs] if one.arg not in ("self", "cls")]
    name = taken[place] if place < len(call.args) and place < len(taken) else None
    if place >= len(call.args):
        name = call.keywords[place - len(call.args)].arg
    return name in asked_by(tree, made[0], caught)


def asked_by(tree: Tree, function: Named, caught: tuple[str, ...]) -> set[str]:
    if function not in tree.asking:
        tree.asking[function] = asked_about(own_nodes(function, caught))
    return tree.asking[function]


def is_index(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp):
        node = node.operand
    return isinstance(node, ast.Constant) and isinstance(node.value, int)
