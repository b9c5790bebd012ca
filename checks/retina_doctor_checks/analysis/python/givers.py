"""Which calls give faces: app.get(), one that is handed to a thread, and functions of the package that give what it gives."""

from __future__ import annotations

import ast

from .elsewhere import Defined, resolved
from .flow import asked_about, awaited, own_nodes
from .makers import is_app
from .reaching import only_given
from .tree import NAMED, Tree, last_word

THREADS = ("run_in_executor", "to_thread", "run_in_threadpool", "run_sync")
"""Of asyncio, starlette and anyio: call a function in another thread, and give what it gives."""
SAME_LENGTH = ("sorted", "list", "tuple", "reversed")
NO_FACE = ("IndexError", "LookupError", "ValueError", "StopIteration", "Exception", "BaseException")
FAR = 4  # functions that hand on what another gives


class Givers:
    """Of one file; each function that it calls is looked into once."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._known: dict[tuple[str, ast.ClassDef | None], bool] = {}

    def gives(self, call: ast.Call) -> bool:
        """Whether a function of the package gives all faces that it finds, and asks for none."""
        name = self._tree.full(call.func)
        if not name:
            return False
        known = (name, self._tree.class_of(self._tree.scope.get(call)))
        if known not in self._known:
            self._known[known] = gives_faces(resolved(self._tree, call.func), 0)
        return self._known[known]


def gives_faces(found: Defined | None, far: int) -> bool:
    """Whether a function returns in one place, and there what app.get() gives, unasked."""
    if found is None or not isinstance(found.node, NAMED) or found.node.decorator_list or far > FAR:
        return False
    tree, function = found
    given = tree.returns.get(function, ())
    if len(given) != 1 or given[0] is None:
        return False
    node: ast.expr | None = ordered(given[0])
    asked = asked_about(own_nodes(function, NO_FACE)) if isinstance(node, ast.Name) else set()
    for _ in range(FAR):
        if not isinstance(node, ast.Name):
            break
        found_before = only_given(tree, node) if node.id not in asked else None
        node = ordered(found_before) if isinstance(found_before, ast.expr) else None
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Attribute) and node.func.attr == "get" and is_app(tree, node.func.value):
        return True
    return is_handed_on(tree, node) or gives_faces(resolved(tree, node.func), far + 1)


def is_handed_on(tree: Tree, call: ast.Call) -> bool:
    """await loop.run_in_executor(None, app.get, img): what it gives is what app.get gives."""
    if last_word(call.func) not in THREADS:
        return False
    partly = (one.args[:1] for one in call.args if isinstance(one, ast.Call) and last_word(one.func) == "partial")
    given = [*call.args[:2], *(one for parts in partly for one in parts)]
    return any(isinstance(one, ast.Attribute) and one.attr == "get" and is_app(tree, one.value) for one in given)


def ordered(node: ast.expr) -> ast.expr:
    """What sorted(), list(), reversed() and tuple() are given, and what is waited for: as empty as what comes out."""
    while True:
        node = awaited(node)
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            return node
        if node.func.id not in SAME_LENGTH or not node.args:
            return node
        node = node.args[0]
