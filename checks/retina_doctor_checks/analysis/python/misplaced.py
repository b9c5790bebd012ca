"""Arguments that insightface and retina-face swallow or refuse, and the lines with each where it belongs.

What the APIs take is read in the sources of insightface 0.7.3, 1.0.1 and 2.1 and of retina-face 0.0.19.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Collection, Iterator, Sequence

from retina_doctor.codec import replace

from ...facts.source import Hit
from ...facts.source_lines import LineCorrection
from ..text import corrected_lines
from .arguments import plain_argument
from .flow import is_tried
from .guards import statement_of
from .lines import hit, more, text_of, without
from .makers import is_app
from .tree import Tree
from .values import single

OLD, MIDDLE = "0.7", "1.0"
PREPARE = ("ctx_id", "det_thresh", "det_size")
DETECT_FACES = ("img_path", "threshold", "model", "allow_upscaling")
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
MOVED = {"det_thresh": "det_thresh", "threshold": "det_thresh", "det_size": "det_size", "ctx_id": "ctx_id"}
"""What FaceAnalysis() swallows -> what prepare() takes."""
NMS = ("nms_thresh", "det_nms_threshold", "nms_threshold", "nms")
"""What no method of FaceAnalysis takes: its detector has it, as `nms_thresh` (scrfd.py, retinaface.py)."""


def constructor(tree: Tree, call: ast.Call) -> Iterator[Hit]:
    swallowed = [one for one in call.keywords if one.arg in SWALLOWED or one.arg in SWALLOWED_BEFORE]
    fixed, also = moved(tree, call, swallowed)
    for keyword in swallowed:
        api = SWALLOWED_BEFORE.get(keyword.arg or "", ())
        at = keyword.value
        same = fixed if at.lineno == call.lineno else None
        one = hit(tree, "det-parameter-ignored", at, "constructor", keyword.arg or "", api=api)
        yield replace(one, fixed=same, also=also if same is not None else ())


def moved(
    tree: Tree, call: ast.Call, swallowed: Sequence[ast.keyword]
) -> tuple[str | None, tuple[LineCorrection, ...]]:
    """The line of FaceAnalysis() without them, and that of its prepare() with those that it lacks. None where one of them belongs
    elsewhere, or prepare() is not plain to see."""
    line = without(tree, call, swallowed)
    words = [text_of(tree, one.value) for one in swallowed]
    statement = statement_of(tree, call)
    name = is_named(statement)
    if line is None or not all(words) or not all(one.arg in (*MOVED, *NMS) for one in swallowed):
        return None, ()
    told = dict(zip((one.arg or "" for one in swallowed), words, strict=True))
    lines = [line, *(nms_line(line, name, word) for key, word in told.items() if key in NMS)]
    if len(lines) > 1 and name is None:
        return None, ()
    given = {MOVED[key]: word for key, word in told.items() if key in MOVED}
    if not given:
        return corrected_lines(*lines), ()
    prepared = [one for one in tree.called.get("prepare", ()) if is_prepared(tree, one, call)]
    if len(prepared) != 1 or (lacks := lacking(prepared[0], given)) is None:
        return None, ()
    added = more(tree, prepared[0], ", ".join(f"{key}={word}" for key, word in lacks.items())) if lacks else None
    if lacks and (added is None or prepared[0].lineno == call.lineno):
        return None, ()
    also = LineCorrection(at=tree.text.at(prepared[0].lineno), fixed=added.strip()) if added else None
    return corrected_lines(*lines), (also,) if also is not None else ()


def is_prepared(tree: Tree, call: ast.Call, made: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and single(tree, call.func.value) is made


def lacking(prepare: ast.Call, given: dict[str, str]) -> dict[str, str] | None:
    """Those that it does not have by place or by name; None: it has one that may be any."""
    if any(isinstance(one, ast.Starred) for one in prepare.args) or any(one.arg is None for one in prepare.keywords):
        return None
    there = {*PREPARE[: len(prepare.args)], *(one.arg for one in prepare.keywords)}
    return {key: word for key, word in given.items() if key not in there}


def is_named(statement: ast.stmt | None) -> str | None:
    """What the whole statement gives its value to, as it is written."""
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return ast.unparse(targets[0]) if len(targets) == 1 and isinstance(targets[0], ast.Name | ast.Attribute) else None


def nms_line(line: str, name: str | None, word: str) -> str:
    return f"{line[: len(line) - len(line.lstrip())]}{name}.det_model.nms_thresh = {word}"


def refused(tree: Tree, call: ast.Call, why: str, known: Collection[str]) -> Iterator[Hit]:
    """Whoever catches the TypeError by its name goes on without."""
    for keyword in () if is_tried(tree, call, "TypeError") else call.keywords:
        if keyword.arg is not None and keyword.arg not in known:
            fixed = admitted(tree, call, keyword, known) if keyword.value.lineno == call.lineno else None
            yield replace(hit(tree, "det-parameter-ignored", keyword.value, why, keyword.arg), fixed=fixed)


def admitted(tree: Tree, call: ast.Call, keyword: ast.keyword, known: Collection[str]) -> str | None:
    """The line as the call takes it: an NMS overlap is given to the detector, a misspelt name is written right."""
    line = without(tree, call, [keyword])
    word = keyword.arg or ""
    if line is None:
        return None
    if word in NMS and isinstance(call.func, ast.Attribute) and isinstance(statement_of(tree, call), ast.Expr):
        value, owner = text_of(tree, keyword.value), ast.unparse(call.func.value)
        return corrected_lines(line, nms_line(line, owner, value)) if value and is_app(tree, call.func.value) else None
    near = difflib.get_close_matches(word, known, 1, 0.75)
    there = [one.arg for one in call.keywords]
    if not near or near[0] in there or list(known).index(near[0]) < len(call.args):
        return None
    text = tree.lines[call.lineno - 1]
    return corrected_lines(text.replace(f"{word}=", f"{near[0]}=")) if text.count(f"{word}=") == 1 else None


def old_get(tree: Tree, call: ast.Call) -> Iterator[Hit]:
    for keyword in call.keywords:
        if keyword.arg == "det_metric":
            line = without(tree, call, [keyword])
            yield hit(tree, "det-parameter-ignored", call, "get", "det_metric", line, api=(OLD,))


def old_detect(tree: Tree, call: ast.Call) -> Iterator[Hit]:
    """Until 1.0 a detector keeps its threshold as an attribute (scrfd.py, retinaface.py)."""
    for keyword in call.keywords:
        if keyword.arg == "det_thresh":
            line, value = without(tree, call, [keyword]), text_of(tree, keyword.value)
            told = hit(tree, "det-parameter-ignored", call, "detect", "det_thresh", api=(OLD, MIDDLE))
            if line and value and statement_of(tree, call) is not None and isinstance(call.func, ast.Attribute):
                indent = line[: len(line) - len(line.lstrip())]
                before = f"{indent}{ast.unparse(call.func.value)}.det_thresh = {value}"
                told = replace(told, fixed=corrected_lines(before, line))
            yield told


PACKS = ("buffalo_l", "buffalo_m", "buffalo_s", "buffalo_sc", "antelopev2")
"""Whose detector takes pictures of any size, and has none of its own."""


def unprepared(tree: Tree, call: ast.Call) -> Iterator[Hit]:
    """FaceAnalysis() by which this file finds faces and that it never prepares: until 1.0 its detector has no input size then,
    and detect() asserts one (0.7.3 retinaface.py; 1.0.1 and 2.1 scrfd.py begin with two)."""
    named = plain_argument(call, "name", 0)
    known = named is None or (isinstance(named, ast.Constant) and named.value in PACKS)
    spread = any(one.arg is None for one in call.keywords) or any(isinstance(one, ast.Starred) for one in call.args)
    if "prepare" in tree.called or "prepare" in tree.handed or not known or spread:
        return
    used = [one for one in tree.called.get("get", ()) if is_prepared(tree, one, call)]
    statement = statement_of(tree, call)
    name = is_named(statement)
    if used and statement is not None and name is not None:
        line = tree.lines[statement.lineno - 1]
        after = f"{line[: len(line) - len(line.lstrip())]}{name}.prepare(ctx_id=0, det_size=(640, 640))"
        fixed = corrected_lines(line, after) if statement.lineno == statement.end_lineno else None
        yield replace(hit(tree, "det-not-prepared", call, "used", name, api=(OLD,)), fixed=fixed)
