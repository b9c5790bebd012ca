"""insightface's FaceAnalysis and detectors, and retina-face: arguments that they swallow or refuse, numbers that cost faces,
faces that are taken where there may be none.

What the APIs take is read in the sources of insightface 0.7.3, 1.0.1 and 2.1 and of retina-face 0.0.19.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from typing import Literal

from ...facts.source import Figure, Hit
from ..text import parted
from .flow import Nodes, asked_about, asks, is_index, is_tried, kept, own_nodes
from .lines import around, hit, instead, place
from .tree import Scope, Tree, last_word
from .values import argument, constants, judged, single

PACKAGES = ("insightface", "retinaface")
OLD, MIDDLE = "0.7", "1.0"
FACE_ANALYSIS = ("insightface.app.FaceAnalysis", "insightface.app.face_analysis.FaceAnalysis")
DETECTORS = tuple(
    "insightface.model_zoo." + name
    for name in ("get_model", "model_zoo.get_model", "SCRFD", "RetinaFace", "scrfd.SCRFD", "retinaface.RetinaFace")
)
RECOGNITION = (112.0, 112.0)
"""The input of the models that tell people apart, which get_model gives as well (insightface/model_zoo/arcface_onnx.py)."""
SWALLOWED = ("det_thresh", "det_size", "nms_thresh", "det_nms_threshold", "ctx_id", "threshold", "max_num", "nms")
"""Keywords of FaceAnalysis() that go into **kwargs and are never read."""
SWALLOWED_BEFORE: dict[str, tuple[str, ...]] = {
    "addons": (OLD, MIDDLE),
    "liveness_mode": (OLD, MIDDLE),
    "liveness_threshold": (OLD, MIDDLE),
    "sess_options": (OLD,),
    "static_shape_sessions": (OLD, MIDDLE),
}
"""What only later versions read."""
PREPARE = ("ctx_id", "det_thresh", "det_size")
LARGEST = 10**6
DETECT_FACES = ("img_path", "threshold", "model", "allow_upscaling")
SAME_LENGTH = ("sorted", "list", "tuple", "reversed")
NO_FACE = ("IndexError", "LookupError", "ValueError", "StopIteration", "Exception", "BaseException")


Quantity = Literal["threshold", "nms", "size"]
SET: dict[str, Quantity] = {"nms_thresh": "nms", "det_thresh": "threshold"}
"""Attributes of a detector that are set."""


def told(tree: Tree) -> Iterator[Hit | Figure]:
    taken: dict[Scope, set[ast.expr]] = {}
    for call in tree.calls:
        name = tree.full(call.func)
        if name in FACE_ANALYSIS:
            yield from constructor(tree, call)
        elif name == "retinaface.RetinaFace.detect_faces":
            yield from refused(tree, call, "detect-faces", DETECT_FACES)
            yield from figure(tree, call, "threshold", "threshold", 1)
        elif isinstance(call.func, ast.Attribute):
            method = call.func.attr
            if method == "get" and is_app(tree, call.func.value):
                taken.setdefault(tree.scope[call], set()).add(call)
                if any(keyword.arg == "det_metric" for keyword in call.keywords):
                    yield hit(tree, "det-parameter-ignored", call, "get", "det_metric", api=(OLD,))
            elif method == "prepare":
                yield from prepare(tree, call, call.func.value)
            elif method == "detect" and is_detector(tree, call.func.value):
                if any(keyword.arg == "det_thresh" for keyword in call.keywords):
                    yield hit(tree, "det-parameter-ignored", call, "detect", "det_thresh", api=(OLD, MIDDLE))
                yield from figure(tree, call, "size", "input_size", 1)
    yield from attributes(tree)
    for scope, calls in taken.items():
        yield from faces(tree, scope, calls)


def is_app(tree: Tree, node: ast.expr) -> bool:
    """Whether it is a FaceAnalysis; app.det_model is another."""
    return is_made_by(tree, node, FACE_ANALYSIS)


def is_detector(tree: Tree, node: ast.expr) -> bool:
    if isinstance(node, ast.Attribute) and node.attr == "det_model":
        return is_app(tree, node.value)
    return is_made_by(tree, node, DETECTORS)


def is_made_by(tree: Tree, node: ast.expr, makers: tuple[str, ...]) -> bool:
    made = single(tree, node) if isinstance(node, ast.Name | ast.Attribute | ast.Call) else None
    if isinstance(made, ast.Call):
        return tree.full(made.func) in makers
    return made is None and isinstance(node, ast.Name) and tree.full(annotated(tree, node)) in makers


def annotated(tree: Tree, node: ast.Name) -> ast.expr | None:
    """What a parameter is said to be: FaceAnalysis, FaceAnalysis | None, Optional[FaceAnalysis], "FaceAnalysis",
    Annotated[FaceAnalysis, Depends(...)]. A name that is bound anew may be anything."""
    scope = tree.scope.get(node)
    if not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef) or (scope, node.id) in tree.bound:
        return None
    taken = (*scope.args.posonlyargs, *scope.args.args, *scope.args.kwonlyargs)
    said = next((one.annotation for one in taken if one.arg == node.id), None)
    if isinstance(said, ast.Constant) and isinstance(said.value, str):
        try:
            said = ast.parse(said.value, mode="eval").body
        except (SyntaxError, ValueError, RecursionError):
            return None
    if isinstance(said, ast.BinOp):  # X | None
        said = said.left if isinstance(said.right, ast.Constant) else said.right
    if isinstance(said, ast.Subscript) and last_word(said.value) in ("Optional", "Annotated"):
        said = said.slice.elts[0] if isinstance(said.slice, ast.Tuple) else said.slice
    return said


def constructor(tree: Tree, call: ast.Call) -> Iterator[Hit]:
    for keyword in call.keywords:
        if keyword.arg is not None and (keyword.arg in SWALLOWED or keyword.arg in SWALLOWED_BEFORE):
            api = SWALLOWED_BEFORE.get(keyword.arg, ())
            yield hit(tree, "det-parameter-ignored", keyword.value, "constructor", keyword.arg, api=api)


def refused(tree: Tree, call: ast.Call, why: str, known: Collection[str]) -> Iterator[Hit]:
    """Whoever catches the TypeError by its name goes on without."""
    for keyword in () if is_tried(tree, call, "TypeError") else call.keywords:
        if keyword.arg is not None and keyword.arg not in known:
            yield hit(tree, "det-parameter-ignored", keyword.value, why, keyword.arg)


def prepare(tree: Tree, call: ast.Call, prepared: ast.expr) -> Iterator[Hit | Figure]:
    if is_app(tree, prepared):
        yield from refused(tree, call, "prepare", PREPARE)
        if not call.args and not call.keywords:
            yield hit(tree, "det-parameter-ignored", call, "no-ctx-id", "ctx_id", api=(OLD, MIDDLE))
        yield from figure(tree, call, "threshold", "det_thresh", 1)
        yield from size_of_app(tree, call)
    elif is_detector(tree, prepared):
        yield from figure(tree, call, "threshold", "det_thresh", None)
        yield from figure(tree, call, "nms", "nms_thresh", None)
        yield from (one for one in figure(tree, call, "size", "input_size", None) if one.numbers != RECOGNITION)


def size_of_app(tree: Tree, call: ast.Call) -> Iterator[Hit | Figure]:
    try:
        given = argument(call, "det_size", 2)
    except KeyError:
        return
    if given is None:
        return
    for size, value in judged(constants(tree, given), lambda size: size is None or type(size) is int):
        where = value.at or given
        if size is not None:
            fixed = instead(tree, where, f"({size}, {size})")
            yield hit(tree, "det-parameter-ignored", where, "int-size", str(size), fixed)
        else:
            fixed = instead(tree, where, "(640, 640)")
            yield hit(tree, "det-parameter-ignored", where, "no-size", "None", fixed, api=(OLD,))
    yield from figure(tree, call, "size", "det_size", 2)


def figure(tree: Tree, call: ast.Call, kind: Quantity, name: str, position: int | None) -> Iterator[Figure]:
    try:
        given = argument(call, name, position)
    except KeyError:
        return
    if given is not None:
        yield from figures(tree, given, kind)


def figures(tree: Tree, given: ast.expr, kind: Quantity) -> Iterator[Figure]:
    """The numbers that an argument may be: whether they cost faces is judged by the table of limits. Where a condition chooses
    between several, none can be judged."""
    alternatives = constants(tree, given)
    for value, by in alternatives:
        if sum(other.at is by.at for _, other in alternatives) > 1:
            continue
        where = by.at or given
        found = numbers(value, kind)
        plain = isinstance(where, ast.Constant | ast.Tuple | ast.List) and len(found) == 1
        sides = parted(around(tree, where)) if plain else None
        for one in found:
            yield Figure(at=place(tree, where), kind=kind, numbers=one, sides=sides)


def numbers(value: object, kind: Quantity) -> list[tuple[float, ...]]:
    """[(a score or an overlap,)], or [(width, height)] of each size; none where one of them is no such number."""
    several = isinstance(value, tuple) and value and isinstance(value[0], tuple)
    each = value if isinstance(value, tuple) and several else (value,)
    found = [tuple(map(number, one if isinstance(one, tuple) else (one,))) for one in each]
    wanted = 2 if kind == "size" else 1
    known = [tuple(one for one in ones if one is not None) for ones in found]
    return known if all(len(one) == len(ones) == wanted for one, ones in zip(known, found, strict=True)) else []


def number(value: object) -> float | None:
    """Of a size that a setting can have; 1e999 is infinite, and no JSON."""
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if isinstance(value, int | float) and plain and abs(value) <= LARGEST else None


def attributes(tree: Tree) -> Iterator[Figure]:
    """app.det_model.nms_thresh = 0.4"""
    for node in tree.assignments:
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        kind = SET.get(target.attr) if isinstance(target, ast.Attribute) else None
        if kind and isinstance(target, ast.Attribute) and node.value and is_detector(tree, target.value):
            yield from figures(tree, node.value, kind)


def faces(tree: Tree, scope: Scope, calls: set[ast.expr]) -> Iterator[Hit]:
    """Faces that are indexed where nobody asked whether there are any."""
    own = own_nodes(scope, NO_FACE)
    found = dict(kept(own, calls))
    asked = asked_about(own) | asked_elsewhere(tree, own)
    for node, tried in own:
        if tried:
            continue
        if isinstance(node, ast.Call):
            yield from taken_by_call(tree, node, found, asked, calls)
        if not (isinstance(node, ast.Subscript) and is_index(node.slice)):
            continue
        if ordered(node.value) is not node.value:
            yield from taken_from(tree, node, ordered(node.value), found, asked, calls)
            continue
        if isinstance(node.value, ast.Name) and node.value.id in found and node.value.id not in asked:
            if node.lineno >= found[node.value.id].lineno:
                yield hit(tree, "no-face-not-handled", node, "indexed", node.value.id)
        elif isinstance(node.value, ast.Call) and node.value in calls:
            yield hit(tree, "no-face-not-handled", node, "at-once", tree.full(node.value.func))


def ordered(node: ast.expr) -> ast.expr:
    """What sorted(), list(), reversed() and tuple() are given: as empty as what comes out."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SAME_LENGTH and node.args:
        node = node.args[0]
    return node


def taken_by_call(
    tree: Tree, call: ast.Call, found: dict[str, ast.Assign], asked: set[str], calls: set[ast.expr]
) -> Iterator[Hit]:
    """faces.pop(), max(faces, key=...), next(iter(faces)): each raises where there is none."""
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    if isinstance(call.func, ast.Attribute) and call.func.attr == "pop" and len(call.args) < 2:
        yield from taken_from(tree, call, call.func.value, found, asked, calls)
    elif name in ("max", "min") and len(call.args) == 1 and not any(one.arg == "default" for one in call.keywords):
        yield from taken_from(tree, call, ordered(call.args[0]), found, asked, calls)
    elif name == "next" and len(call.args) == 1:
        inner = call.args[0]
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id == "iter" and inner.args:
            yield from taken_from(tree, call, ordered(inner.args[0]), found, asked, calls)


def taken_from(
    tree: Tree, node: ast.expr, given: ast.expr, found: dict[str, ast.Assign], asked: set[str], calls: set[ast.expr]
) -> Iterator[Hit]:
    if isinstance(given, ast.Name) and given.id in found and given.id not in asked:
        if node.lineno >= found[given.id].lineno:
            yield hit(tree, "no-face-not-handled", node, "taken", given.id)
    elif isinstance(given, ast.Call) and given in calls:
        yield hit(tree, "no-face-not-handled", node, "taken", tree.full(given.func))


def asked_elsewhere(tree: Tree, nodes: Nodes) -> set[str]:
    """Names that are handed to a function of this file which asks, and may raise: ensure_faces(faces)."""
    called = [
        (node.func.id, node) for node, _ in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    return {
        one.id
        for word, call in called
        for position, one in enumerate(call.args)
        if isinstance(one, ast.Name) and raises(tree, word) and asks(tree, word, position, call, NO_FACE)
    }


def raises(tree: Tree, word: str) -> bool:
    return any(isinstance(node, ast.Raise) for made in tree.functions.get(word, ()) for node, _ in own_nodes(made, ()))
