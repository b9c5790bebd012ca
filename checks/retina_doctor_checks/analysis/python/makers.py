"""Which expressions stand for a FaceAnalysis or a detector of insightface's: by what made them, or by what a parameter is said
to be."""

from __future__ import annotations

import ast

from .annotated import alternatives, is_none
from .modules import there, tree_of
from .tree import NAMED, Tree, is_self
from .values import values

FACE_ANALYSIS = ("insightface.app.FaceAnalysis", "insightface.app.face_analysis.FaceAnalysis")
DETECTORS = tuple(
    "insightface.model_zoo." + name
    for name in ("get_model", "model_zoo.get_model", "SCRFD", "RetinaFace", "scrfd.SCRFD", "retinaface.RetinaFace")
)

ASKED = ("get", "detect", "prepare")
"""Methods whose answers and parameters are judged."""
FAR = 6  # files that a name is followed through
DEFERRED = (
    "functools.partial",
    *(
        f"dependency_injector.providers.{name}"
        for name in ("Singleton", "ThreadSafeSingleton", "ThreadLocalSingleton", "Factory", "Resource")
    ),
)
"""What is given a class and its arguments, and calls it later."""


def makes(tree: Tree, call: ast.Call, makers: tuple[str, ...]) -> bool:
    """Whether the call makes one of these, at once or later."""
    name = tree.full(call.func)
    return name in makers or (name in DEFERRED and bool(call.args) and tree.full(call.args[0]) in makers)


def is_app(tree: Tree, node: ast.expr) -> bool:
    """Whether it is a FaceAnalysis; app.det_model is another."""
    return is_made_by(tree, node, FACE_ANALYSIS)


def is_detector(tree: Tree, node: ast.expr) -> bool:
    if isinstance(node, ast.Attribute) and node.attr == "det_model":
        return is_app(tree, node.value)
    return is_made_by(tree, node, DETECTORS)


def is_of(tree: Tree, named: ast.expr | None, makers: tuple[str, ...], far: int = 0) -> bool:
    """Whether a name is that of one of these classes, or of a class of the package that is made from one and does nothing else
    where it is asked."""
    name = tree.full(named)
    if name in makers or far > FAR:
        return name in makers
    module, _, word = name.rpartition(".")
    if not module and name not in tree.classes:
        return False
    other = tree_of(tree, module) if module else tree
    return other is not None and any(
        is_of(other, base, makers, far + 1) for one in classes_of(other, word) for base in one.bases
    )


def classes_of(tree: Tree, name: str) -> list[ast.ClassDef]:
    """The one class of a name, where it has none of the methods that are asked of what it is made from."""
    found = [one for one in tree.parent if isinstance(one, ast.ClassDef) and one.name == name]
    own = {one.name for each in found for one in each.body if isinstance(one, NAMED)}
    return found if len(found) == 1 and own.isdisjoint(ASKED) else []


def is_itself(tree: Tree, node: ast.expr, makers: tuple[str, ...]) -> bool:
    """self and super() in a class that is made from one of these."""
    above = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"
    owner = tree.class_of(tree.scope.get(node)) if above or is_self(node) else None
    if owner is None:
        return False
    own = {one.name for one in owner.body if isinstance(one, NAMED)}
    return (above or own.isdisjoint(ASKED)) and any(is_of(tree, base, makers) for base in owner.bases)


def is_made_by(tree: Tree, node: ast.expr, makers: tuple[str, ...], far: int = 0) -> bool:
    if is_itself(tree, node, makers):
        return True
    place = there(tree, node) if isinstance(node, ast.Name | ast.Attribute) and far < FAR else None
    if place is not None:  # from .engine import app
        return is_made_by(*place, makers, far + 1)
    followed = isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript)
    made = [one.node for one in values(tree, node)] if followed else [None]
    if all(isinstance(one, ast.Call) for one in made):
        return all(isinstance(one, ast.Call) and is_of(tree, one.func, makers) for one in made)
    if len(made) == 1 and made[0] is not None:
        return False
    if isinstance(node, ast.Attribute) and is_self(node.value):
        return is_of(tree, of_attribute(tree, node), makers)
    return isinstance(node, ast.Name) and is_of(tree, annotated(tree, node), makers)


def of_attribute(tree: Tree, node: ast.Attribute) -> ast.expr | None:
    """The one type that self.NAME is said to be of: by its own annotation (of a dataclass, say), or by that of the parameter that
    it is given."""
    owner = tree.class_of(tree.scope.get(node))
    given = tree.bound.get((owner, "self." + node.attr), ())
    if len(given) == 1 and isinstance(given[0], ast.Name):
        return annotated(tree, given[0])
    said = [
        one.annotation
        for one in (owner.body if owner is not None and not given else ())
        if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and one.target.id == node.attr
    ]
    return only_type(said[0]) if len(said) == 1 else None


def annotated(tree: Tree, node: ast.Name) -> ast.expr | None:
    """The one type that a parameter is said to be of, where it is not None. A name that is bound anew may be anything."""
    scope = tree.scope.get(node)
    if not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef) or (scope, node.id) in tree.bound:
        return None
    taken = (*scope.args.posonlyargs, *scope.args.args, *scope.args.kwonlyargs)
    said = next((one.annotation for one in taken if one.arg == node.id), None)
    return only_type(said)


def only_type(said: ast.expr | None) -> ast.expr | None:
    types = [one for one in alternatives(said) if not is_none(one)]
    return types[0] if len(types) == 1 else None
