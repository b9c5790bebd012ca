"""Which expressions stand for a FaceAnalysis or a detector of insightface's: by what made them, or by what a parameter is said
to be."""

from __future__ import annotations

import ast

from .annotated import alternatives, is_none
from .modules import there
from .tree import Tree, is_self
from .values import values

FACE_ANALYSIS = ("insightface.app.FaceAnalysis", "insightface.app.face_analysis.FaceAnalysis")
DETECTORS = tuple(
    "insightface.model_zoo." + name
    for name in ("get_model", "model_zoo.get_model", "SCRFD", "RetinaFace", "scrfd.SCRFD", "retinaface.RetinaFace")
)

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


def is_made_by(tree: Tree, node: ast.expr, makers: tuple[str, ...], far: int = 0) -> bool:
    place = there(tree, node) if isinstance(node, ast.Name | ast.Attribute) and far < FAR else None
    if place is not None:  # from .engine import app
        return is_made_by(*place, makers, far + 1)
    followed = isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript)
    made = [one.node for one in values(tree, node)] if followed else [None]
    if all(isinstance(one, ast.Call) for one in made):
        return all(isinstance(one, ast.Call) and tree.full(one.func) in makers for one in made)
    if len(made) == 1 and made[0] is not None:
        return False
    if isinstance(node, ast.Attribute) and is_self(node.value):
        return tree.full(of_attribute(tree, node)) in makers
    return isinstance(node, ast.Name) and tree.full(annotated(tree, node)) in makers


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
