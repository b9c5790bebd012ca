"""Which calls give faces: app.get(), one that is handed to a thread, and functions of the package that give what it gives."""

from __future__ import annotations

import ast

from .elsewhere import Defined, resolved
from .flow import asked_about, awaited, own_nodes
from .makers import is_app
from .reaching import only_given
from .tree import NAMED, Named, Tree, last_word

THREADS = ("run_in_executor", "to_thread", "run_in_threadpool", "run_sync")
"""Of asyncio, starlette and anyio: call a function in another thread, and give what it gives."""
SAME_LENGTH = ("sorted", "list", "tuple", "reversed")
OF_EACH = ("map", "filter")
FILLING = ("append", "add")
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
    tree, function = found.tree, found.node
    given = tree.returns.get(function, ())
    if len(given) != 1 or given[0] is None:
        return False
    node: ast.expr | None = as_empty(given[0])
    asked = asked_about(own_nodes(function, NO_FACE), loops=False)
    for _ in range(FAR):
        if not isinstance(node, ast.Name):
            break
        node = source_of(tree, function, node) if node.id not in asked else None
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Attribute) and node.func.attr == "get" and is_app(tree, node.func.value):
        return True
    return is_handed_on(tree, node) or gives_faces(resolved(tree, node.func), far + 1)


def source_of(tree: Tree, function: Named, name: ast.Name) -> ast.expr | None:
    """What a name is as empty as, that a function gives."""
    given = only_given(tree, name)
    if is_empty(given):
        given = filled_from(tree, function, name.id)
    return as_empty(given) if isinstance(given, ast.expr) else None


def is_empty(node: object) -> bool:
    """[] and list()"""
    if isinstance(node, ast.Call):
        return last_word(node.func) == "list" and not node.args
    return isinstance(node, ast.List) and not node.elts


def filled_from(tree: Tree, function: Named, name: str) -> ast.expr | None:
    """What the one loop goes through in which a list is filled, where nothing else is done with it but to give it."""
    uses = [one for one in ast.walk(function) if isinstance(one, ast.Name) and one.id == name]
    loops = [one for one in ast.walk(function) if isinstance(one, ast.For | ast.AsyncFor)]
    filling = [
        one.value
        for loop in loops
        for one in ast.walk(loop)
        if isinstance(one, ast.Attribute) and one.attr in FILLING and one.value in uses
    ]
    plain = len(loops) == 1 and bool(filling) and not any(tree.scope.get(one) is not function for one in uses)
    return loops[0].iter if plain and len(uses) == len(filling) + 2 else None  # [] and return


def is_handed_on(tree: Tree, call: ast.Call) -> bool:
    """await loop.run_in_executor(None, app.get, img): what it gives is what app.get gives."""
    if last_word(call.func) not in THREADS:
        return False
    partly = (one.args[:1] for one in call.args if isinstance(one, ast.Call) and last_word(one.func) == "partial")
    given = [*call.args[:2], *(one for parts in partly for one in parts)]
    return any(isinstance(one, ast.Attribute) and one.attr == "get" and is_app(tree, one.value) for one in given)


def ordered(node: ast.expr) -> ast.expr:
    """What sorted(), list(), reversed() and tuple() are given, what is waited for, and what is given a name on its way: as empty
    as what comes out."""
    while True:
        node = awaited(node.value if isinstance(node, ast.NamedExpr) else node)
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            return node
        if node.func.id not in SAME_LENGTH or not node.args:
            return node
        node = node.args[0]


def as_empty(node: ast.expr) -> ast.expr:
    """Likewise of [f.bbox for f in faces], map() and filter(): what each face is made into is none where there is none."""
    while True:
        before, node = node, ordered(node)
        if isinstance(node, ast.ListComp | ast.GeneratorExp) and len(node.generators) == 1:
            node = node.generators[0].iter
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in OF_EACH:
            node = node.args[1] if len(node.args) == 2 else node
        if node is before:
            return node
