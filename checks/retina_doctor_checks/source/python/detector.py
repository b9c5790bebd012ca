"""insightface's FaceAnalysis and detectors, and retina-face: arguments that they swallow or refuse, numbers that cost faces,
faces that are taken where there may be none.

What the APIs take is read in the sources of insightface 0.7.3, 1.0.1 and 2.1 and of retina-face 0.0.19.
"""

from __future__ import annotations

import ast
from typing import Any

from retina_doctor_checks.source.python.flow import asked_about, asks, is_index, own_nodes
from retina_doctor_checks.source.python.lines import around, hit, instead
from retina_doctor_checks.source.python.tree import Tree
from retina_doctor_checks.source.python.values import argument, constants, judged, single

PACKAGES = ("insightface", "retinaface")
OLD, MIDDLE = "0.7", "1.0"
FACE_ANALYSIS = ("insightface.app.FaceAnalysis", "insightface.app.face_analysis.FaceAnalysis")
DETECTORS = tuple(
    "insightface.model_zoo." + name
    for name in ("get_model", "model_zoo.get_model", "SCRFD", "RetinaFace", "scrfd.SCRFD", "retinaface.RetinaFace")
)
SWALLOWED = ("det_thresh", "det_size", "nms_thresh", "det_nms_threshold", "ctx_id", "threshold", "max_num", "nms")
"""Keywords of FaceAnalysis() that go into **kwargs and are never read."""
SWALLOWED_BEFORE = {
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
NO_FACE = ("IndexError", "LookupError", "Exception", "BaseException")


def told(tree: Tree) -> Any:
    taken: dict[Any, set[Any]] = {}
    for call in tree.calls:
        name = tree.full(call.func)
        if name in FACE_ANALYSIS:
            yield from constructor(call)
        elif name == "retinaface.RetinaFace.detect_faces":
            yield from refused(call, "detect-faces", DETECT_FACES)
            yield from figure(tree, call, "threshold", "threshold", 1)
        elif isinstance(call.func, ast.Attribute):
            method = call.func.attr
            if method == "get" and is_app(tree, call.func.value):
                taken.setdefault(tree.scope[call], set()).add(call)
                if any(keyword.arg == "det_metric" for keyword in call.keywords):
                    yield hit("det-parameter-ignored", call, "get", "det_metric", api=(OLD,))
            elif method == "prepare":
                yield from prepare(tree, call)
            elif method == "detect" and is_detector(tree, call.func.value):
                if any(keyword.arg == "det_thresh" for keyword in call.keywords):
                    yield hit("det-parameter-ignored", call, "detect", "det_thresh", api=(OLD, MIDDLE))
                yield from figure(tree, call, "size", "input_size", 1)
    yield from attributes(tree)
    for scope, calls in taken.items():
        yield from faces(tree, scope, calls)


def is_app(tree: Tree, node: Any) -> bool:
    """Whether it is a FaceAnalysis; app.det_model is another."""
    made = single(tree, node) if isinstance(node, (ast.Name, ast.Attribute, ast.Call)) else None
    return isinstance(made, ast.Call) and tree.full(made.func) in FACE_ANALYSIS


def is_detector(tree: Tree, node: Any) -> bool:
    if isinstance(node, ast.Attribute) and node.attr == "det_model":
        return is_app(tree, node.value)
    made = single(tree, node) if isinstance(node, (ast.Name, ast.Attribute, ast.Call)) else None
    return isinstance(made, ast.Call) and tree.full(made.func) in DETECTORS


def constructor(call: Any) -> Any:
    for keyword in call.keywords:
        if keyword.arg in SWALLOWED:
            yield hit("det-parameter-ignored", keyword.value, "constructor", keyword.arg)
        elif keyword.arg in SWALLOWED_BEFORE:
            yield hit(
                "det-parameter-ignored", keyword.value, "constructor", keyword.arg, api=SWALLOWED_BEFORE[keyword.arg]
            )


def refused(call: Any, why: str, known: Any) -> Any:
    for keyword in call.keywords:
        if keyword.arg is not None and keyword.arg not in known:
            yield hit("det-parameter-ignored", keyword.value, why, keyword.arg)


def prepare(tree: Tree, call: Any) -> Any:
    if is_app(tree, call.func.value):
        yield from refused(call, "prepare", PREPARE)
        if not call.args and not call.keywords:
            yield hit("det-parameter-ignored", call, "no-ctx-id", "ctx_id", api=(OLD, MIDDLE))
        yield from figure(tree, call, "threshold", "det_thresh", 1)
        yield from size_of_app(tree, call)
    elif is_detector(tree, call.func.value):
        yield from figure(tree, call, "threshold", "det_thresh", None)
        yield from figure(tree, call, "nms", "nms_thresh", None)
        yield from figure(tree, call, "size", "input_size", None)


def size_of_app(tree: Tree, call: Any) -> Any:
    try:
        given = argument(call, "det_size", 2)
    except KeyError:
        return
    if given is None:
        return
    for size, value in judged(constants(tree, given), lambda size: size is None or type(size) is int):
        place = value.at or given
        if size is not None:
            fixed = instead(tree, place, "(%d, %d)" % (size, size))
            yield hit("det-parameter-ignored", place, "int-size", str(size), fixed)
        else:
            yield hit("det-parameter-ignored", place, "no-size", "None", instead(tree, place, "(640, 640)"), api=(OLD,))
    yield from figure(tree, call, "size", "det_size", 2)


def figure(tree: Tree, call: Any, kind: str, name: str, place: int | None) -> Any:
    try:
        given = argument(call, name, place)
    except KeyError:
        return
    if given is not None:
        yield from figures(tree, given, kind)


def figures(tree: Tree, given: Any, kind: str) -> Any:
    """The numbers that an argument may be: whether they cost faces is judged by the table of limits. Where a condition chooses
    between several, none can be judged."""
    alternatives = constants(tree, given)
    for value, by in alternatives:
        if sum(other.at is by.at for _, other in alternatives) > 1:
            continue
        where = by.at or given
        found = numbers(value, kind)
        plain = isinstance(where, (ast.Constant, ast.Tuple, ast.List)) and len(found) == 1
        for one in found:
            told = {"kind": kind, "numbers": one, "sides": around(tree, where) if plain else None}
            yield dict(told, line=where.lineno, column=where.col_offset + 1)


def numbers(value: Any, kind: str) -> list[list[float]]:
    """[[a score or an overlap]], or [[width, height]] of each size."""
    several = isinstance(value, tuple) and value and isinstance(value[0], tuple)
    found = [list(one) if isinstance(one, tuple) else [one] for one in (value if several else (value,))]
    wanted = 2 if kind == "size" else 1
    whole = all(len(one) == wanted and all(is_number(number) for number in one) for one in found)
    return [[float(number) for number in one] for one in found] if whole else []


def is_number(value: Any) -> bool:
    """Of a size that a setting can have; 1e999 is infinite, and no JSON."""
    return type(value) in (int, float) and abs(value) <= LARGEST


def attributes(tree: Tree) -> Any:
    """app.det_model.nms_thresh = 0.4"""
    for node in tree.assignments:
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if isinstance(target, ast.Attribute) and target.attr in ("nms_thresh", "det_thresh"):
            if is_detector(tree, target.value):
                yield from figures(tree, node.value, "nms" if target.attr == "nms_thresh" else "threshold")


def faces(tree: Tree, scope: Any, calls: set[Any]) -> Any:
    """Faces that are indexed where nobody asked whether there are any."""
    own = own_nodes(scope, NO_FACE)
    found = {}
    for node, _ in own:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            if node.value in calls:
                found[node.targets[0].id] = node
    asked = asked_about(own) | asked_elsewhere(tree, own)
    for node, tried in own:
        if not (isinstance(node, ast.Subscript) and is_index(node.slice)) or tried:
            continue
        if isinstance(node.value, ast.Name) and node.value.id in found and node.value.id not in asked:
            if node.lineno >= found[node.value.id].lineno:
                yield hit("no-face-not-handled", node, "indexed", node.value.id)
        elif isinstance(node.value, ast.Call) and node.value in calls:
            yield hit("no-face-not-handled", node, "at-once", tree.full(node.value.func))


def asked_elsewhere(tree: Tree, nodes: list[tuple[Any, bool]]) -> set[str]:
    """Names that are handed to a function of this file which asks, and may raise: ensure_faces(faces)."""
    calls: list[Any] = [node for node, _ in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    return {
        one.id
        for call in calls
        for place, one in enumerate(call.args)
        if isinstance(one, ast.Name) and raises(tree, call.func.id) and asks(tree, call.func.id, place, call, NO_FACE)
    }


def raises(tree: Tree, word: str) -> bool:
    return any(isinstance(node, ast.Raise) for made in tree.functions.get(word, ()) for node, _ in own_nodes(made, ()))
