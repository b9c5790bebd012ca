"""Which calls give what OpenCV's reading gives, None where a picture could not be read: a reader under another name, or a
function of the package that hands its answer on, unasked."""

from __future__ import annotations

import ast

from .elsewhere import Defined, resolved
from .flow import asked_about, awaited, own_nodes
from .reaching import only_given
from .tree import NAMED, Named, Tree, last_word
from .values import single

READERS = ("cv2.imread", "cv2.imdecode")
CAUGHT = ("error", "AttributeError", "TypeError", "Exception", "BaseException")
KEEPING = ("lru_cache", "cache", "staticmethod", "classmethod", "to_thread", "run_in_threadpool")
"""What gives back what the function gives that it is given."""
FAR = 3  # functions that hand on what another gives


class Readers:
    """Of one file; each function that it calls is looked into once."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._known: dict[tuple[str, ast.ClassDef | None], str | None] = {}

    def word(self, call: ast.Call) -> str | None:
        """ "cv2.imread" or "cv2.imdecode", whose answer the call gives; None: it gives another."""
        name = self._tree.full(call.func)
        if name in READERS or not name:
            return name or None
        known = (name, self._tree.class_of(self._tree.scope.get(call)))
        if known not in self._known:
            self._known[known] = read_by(self._tree, call.func, 0)
        return self._known[known]


def read_by(tree: Tree, function: ast.expr, far: int) -> str | None:
    name = tree.full(function)
    if name in READERS or far > FAR:
        return name if name in READERS else None
    if isinstance(function, ast.Lambda):
        return read_in(tree, function.body, far)
    if isinstance(function, ast.Call):  # partial(cv2.imread, flags=1), lru_cache(maxsize=9)(cv2.imread)
        maker = function.func.func if isinstance(function.func, ast.Call) else function.func
        wrapped = function.args[:1] if last_word(maker) in (*KEEPING, "partial") else []
        return read_by(tree, wrapped[0], far + 1) if wrapped else None
    found = resolved(tree, function)
    if found is not None:
        return of_function(found, far)
    made = single(tree, function) if isinstance(function, ast.Name | ast.Attribute) else None
    return read_by(tree, made, far + 1) if isinstance(made, ast.Call | ast.Lambda) else None


def read_in(tree: Tree, given: ast.expr, far: int) -> str | None:
    given = awaited(given)
    return read_by(tree, given.func, far + 1) if isinstance(given, ast.Call) else None


def of_function(found: Defined, far: int) -> str | None:
    """Of one that returns in one place what a reader gives, and asks for nothing."""
    tree, function = found.tree, found.node
    given = tree.returns.get(function, ())
    if not isinstance(function, NAMED) or len(given) != 1 or given[0] is None:
        return None
    if not all(passes_on(tree, one) for one in function.decorator_list):
        return None
    node: object = given[0]
    if isinstance(node, ast.Name):
        asked = asked_about(own_nodes(function, CAUGHT))
        node = only_given(tree, node) if node.id not in asked else None
    return read_in(tree, node, far) if isinstance(node, ast.expr) else None


def passes_on(tree: Tree, decorator: ast.expr) -> bool:
    """@lru_cache, or a decorator of the package whose inner function gives what the decorated one gives."""
    if last_word(decorator.func if isinstance(decorator, ast.Call) else decorator) in KEEPING:
        return True
    found = resolved(tree, decorator)
    if found is None or not isinstance(found.node, NAMED) or len(found.node.args.args) != 1:
        return False
    inner = [one for made in found.tree.functions.values() for one in made if found.tree.parent.get(one) is found.node]
    return len(inner) == 1 and gives_its(found.tree, inner[0], found.node.args.args[0].arg)


def gives_its(tree: Tree, inner: Named, decorated: str) -> bool:
    given = tree.returns.get(inner, ())
    node: object = given[0] if len(given) == 1 else None
    if isinstance(node, ast.Name):
        node = only_given(tree, node) if node.id not in asked_about(own_nodes(inner, CAUGHT)) else None
    node = awaited(node) if isinstance(node, ast.expr) else None
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == decorated
