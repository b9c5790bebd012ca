"""What becomes of a thing that a function makes: it is used and let go, handed back, or kept beyond the call."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Literal

from .tree import SCOPES, Named, Tree, is_self, last_word, parameters

Fate = Literal["let go", "handed back", "kept"]
KEEPING = (
    *("append", "appendleft", "add", "insert", "extend", "update", "setdefault", "set", "put", "put_nowait", "setattr"),
    *("register", "store", "cache", "push", "save", "remember", "add_instance", "to_instance", "send", "set_result"),
)
"""Methods that may keep what they are given."""
OF_A_REQUEST = ("flask.g", "quart.g")
UNKNOWN_WAYS = (ast.IfExp, ast.BoolOp, ast.Dict, ast.DictComp, ast.NamedExpr, ast.Lambda, ast.AugAssign)
"""known or made(): whether it is made each time cannot be told, or where it goes."""
PLAIN = ("staticmethod", "classmethod", "no_grad", "inference_mode", "override", "wraps")
MOST = 3  # names by which one thing is handed on


class Body:
    """A function's own nodes, and what each stands in. *inner*: names that functions within it use; *outer*: those that are
    not its own; *fates*: name -> what becomes of it."""

    def __init__(self, function: Named) -> None:
        self.function = function
        self.above: dict[ast.AST, ast.AST] = {}
        self.inner: set[str] = set()
        self.outer: set[str] = set()
        self.fates: dict[str, Fate] = {}
        todo: list[ast.AST] = list(function.body)
        while todo:
            node = todo.pop()
            if isinstance(node, SCOPES):
                self.inner |= {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
                continue
            if isinstance(node, ast.Global | ast.Nonlocal):
                self.outer |= set(node.names)
            for child in ast.iter_child_nodes(node):
                self.above[child] = node
                todo.append(child)
        self.nodes = [*function.body, *self.above]

    def calls(self) -> Iterator[ast.Call]:
        found = [one for one in self.nodes if isinstance(one, ast.Call) and not isinstance(one, SCOPES)]
        yield from sorted(found, key=lambda call: (call.lineno, call.col_offset))

    def loads(self, name: str) -> list[ast.Name]:
        named = (one for one in self.nodes if isinstance(one, ast.Name) and one.id == name)
        return [one for one in named if isinstance(one.ctx, ast.Load)]

    def is_within(self, node: ast.AST, kinds: tuple[type[ast.AST], ...]) -> bool:
        while (above := self.above.get(node)) is not None:
            if isinstance(above, kinds):
                return True
            node = above
        return False

    def is_straight(self, node: ast.AST) -> bool:
        """Whether each call comes there: below no condition, and behind no way out."""
        if self.is_within(node, (ast.If, ast.For, ast.While, ast.Try, ast.Match)):
            return False
        line = getattr(node, "lineno", 0)
        return not any(isinstance(one, ast.Return) and one.lineno < line for one in self.nodes)


def fate(tree: Tree, body: Body, node: ast.expr, far: int = 0) -> Fate:
    """Of what an expression of the body makes or names."""
    child: ast.AST = node
    while (above := body.above.get(child)) is not None:
        if isinstance(above, ast.Attribute | ast.Subscript) and child is above.value:
            return "let go"  # it is used: model.get(img)
        if isinstance(above, UNKNOWN_WAYS):
            return "kept"
        if isinstance(above, ast.Call) and child is not above.func and last_word(above.func) in KEEPING:
            return "kept"
        if isinstance(above, ast.Return | ast.Yield | ast.YieldFrom):
            return "handed back"
        if isinstance(above, ast.Assign | ast.AnnAssign):
            return assigned(tree, body, above, far)
        if isinstance(above, ast.stmt):
            return "let go"
        child = above
    return "let go"


def assigned(tree: Tree, body: Body, node: ast.Assign | ast.AnnAssign, far: int) -> Fate:
    """By each of the names that it is given."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    found = {of_target(tree, body, one, far) for one in targets}
    return "kept" if "kept" in found else "handed back" if "handed back" in found else "let go"


def of_target(tree: Tree, body: Body, target: ast.expr, far: int) -> Fate:
    if isinstance(target, ast.Attribute):
        if body.function.name == "__init__" and is_self(target.value):
            return "handed back" if body.is_straight(target) else "kept"
        return "let go" if tree.full(target.value) in OF_A_REQUEST else "kept"
    if isinstance(target, ast.Tuple | ast.List):
        return "let go" if all(isinstance(one, ast.Name) for one in target.elts) else "kept"
    if not isinstance(target, ast.Name) or far >= MOST:
        return "kept"
    name = target.id
    if name in body.outer or name in body.inner or name in parameters(body.function):
        return "kept"
    given = [one for one in tree.bound.get((body.function, name), ()) if not is_nothing(one)]
    if len(given) > 1 and not all(isinstance(one, ast.Call) for one in given):
        return "kept"  # it may be another
    if name not in body.fates:
        body.fates[name] = "let go"  # while its uses lead to it again
        found = {fate(tree, body, one, far + 1) for one in body.loads(name)}
        body.fates[name] = "kept" if "kept" in found else "handed back" if "handed back" in found else "let go"
    return body.fates[name]


def is_nothing(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def is_plain(function: Named) -> bool:
    """Whether nothing stands between a call and the function: no decorator that may remember what it gave."""
    words = [last_word(one.func if isinstance(one, ast.Call) else one) for one in function.decorator_list]
    return all(word in PLAIN for word in words)
