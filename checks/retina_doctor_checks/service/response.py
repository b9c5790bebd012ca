"""Is the answer of a detection service one that clients can use? Field by field, as the settings say it should be."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from retina_doctor.codec import Data

from ..settings import ResponseSettings

WIDTH = HEIGHT = 640
"""Of the picture that was posted."""
NAMES = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
BESIDE = 0.1
"""Of the picture's side: so far beyond its edge boxes and points of a face at the edge may lie."""
SURE = 0.5
"""The score from which on a face is one by any usual threshold."""
MOST_SHOWN = 120
MOST_COMPARED = 100
"""Faces of one answer that are compared with each other."""
SAME = 0.9
"""Intersection over union above which two boxes are of one face: suppression at 0.4, or at any usual value, leaves none."""


class Wrong(Data, frozen=True, kw_only=True):
    """*where*: "faces[0].bbox". *wanted*: what should be there, in the signs of both languages. *hint*: a usual slip,
    and *by* how much."""

    where: str
    wanted: str
    got: str
    hint: str | None = None
    by: str = ""


def faces_of(body: Any, settings: ResponseSettings) -> list[Any] | Wrong:
    """The list of faces in an answer, or what stands in its place."""
    value, where = body, "$"
    for key in settings.faces.split(".") if settings.faces else []:
        if not isinstance(value, dict) or key not in value:
            wanted = f"{where}.{key}".removeprefix("$.")
            return Wrong(where=wanted, wanted="[...]", got=shown(sorted(value) if isinstance(value, dict) else value))
        value, where = value[key], f"{where}.{key}"
    if not isinstance(value, list):
        return Wrong(where=where.removeprefix("$."), wanted="[...]", got=shown(value))
    return value


def wrong_in(body: Any, settings: ResponseSettings) -> list[Wrong]:
    """All that is wrong in an answer: of each kind the first face that has it."""
    faces = faces_of(body, settings)
    if isinstance(faces, Wrong):
        return [faces]
    found: dict[str, Wrong] = {}
    for number, face in enumerate(faces):
        for field, wrong in _of_face(face, f"{settings.faces}[{number}]", settings):
            found.setdefault(field, wrong)
    if settings.box and not {"face", settings.box} & found.keys():
        together = _turned(faces, settings) if settings.points and settings.points not in found else None
        together = together or _repeated(faces, settings)
        if together:
            found[settings.box] = together
    if settings.points and not {"face", settings.points} & found.keys():
        crossed = _crossed(faces, settings)
        if crossed:
            found[settings.points] = crossed
    return list(found.values())


def _turned(faces: list[Any], settings: ResponseSettings) -> Wrong | None:
    """The first face whose points are not in its box: x and y are swapped in one of them, or the two are
    of frames of different sizes."""
    for number, face in enumerate(faces):
        points = face[settings.points]
        named = list(points.values() if isinstance(points, dict) else points)
        left, top, right, bottom = corners(face[settings.box], settings)
        x, y = (sum(point[axis] for point in named) / len(named) for axis in (0, 1))
        if not (left <= x <= right and top <= y <= bottom):
            where = f"{settings.faces}[{number}].{settings.box}"
            return Wrong(where=where, wanted=settings.points, got=shown(face[settings.box]), hint="beside-points")
    return None


def _crossed(faces: list[Any], settings: ResponseSettings) -> Wrong | None:
    """The first face whose eyes and mouth corners are on opposite sides by their names, whichever side a left one is meant to be:
    the points of the network have been given the names in another order."""
    for number, face in enumerate(faces):
        points = face[settings.points]
        if not isinstance(points, dict) or not set(NAMES) <= points.keys():
            continue
        eyes, mouth = (
            [points[right][axis] - points[left][axis] for axis in (0, 1)]
            for left, right in (("left_eye", "right_eye"), ("mouth_left", "mouth_right"))
        )
        if sum(one * other for one, other in zip(eyes, mouth, strict=True)) < 0:
            where = f"{settings.faces}[{number}].{settings.points}"
            return Wrong(where=where, wanted=", ".join(NAMES), got=shown(points), hint="sides-crossed")
    return None


def _repeated(faces: list[Any], settings: ResponseSettings) -> Wrong | None:
    """The first face that is an earlier one again: two heads never overlap so much."""
    boxes = [corners(face[settings.box], settings) for face in faces[:MOST_COMPARED]]
    for number, box in enumerate(boxes):
        if any(overlap(box, earlier) > SAME for earlier in boxes[:number]):
            where = f"{settings.faces}[{number}].{settings.box}"
            return Wrong(where=where, wanted="IoU <= NMS", got=shown(faces[number][settings.box]), hint="repeated")
    return None


def corners(box: list[float], settings: ResponseSettings) -> tuple[float, float, float, float]:
    left, top, third, fourth = box
    return (left, top, third, fourth) if settings.box_form == "corners" else (left, top, left + third, top + fourth)


def overlap(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Intersection over union."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return width * height / (areas - width * height)


def _of_face(face: Any, where: str, settings: ResponseSettings) -> Iterator[tuple[str, Wrong]]:
    """(field, what is wrong with it)."""
    if not isinstance(face, dict):
        keys = ", ".join(f'"{key}"' for key in (settings.box, settings.points, settings.score) if key)
        yield "face", Wrong(where=where, wanted=f"{{{keys}}}", got=shown(face))
        return
    for key, judge in ((settings.box, _box), (settings.score, _score), (settings.points, _points)):
        if key and key not in face:
            yield key, Wrong(where=f"{where}.{key}", wanted=key, got=shown(sorted(face)))
        elif key:
            wrong = judge(face[key], f"{where}.{key}", settings)
            if wrong and not (wrong.hint == "scaled" and _is_doubtful(face, settings)):
                yield key, wrong


def _is_doubtful(face: Any, settings: ResponseSettings) -> bool:
    """What a low threshold lets through is no face, and its box and points may lie anywhere."""
    score = face.get(settings.score)
    return _is_number(score) and 0 <= score < SURE


def _box(value: Any, where: str, settings: ResponseSettings) -> Wrong | None:
    corners = settings.box_form == "corners"
    wanted = "[x1, y1, x2, y2]" if corners else "[x, y, width, height]"
    if not are_numbers(value, 4):
        return Wrong(where=where, wanted=wanted, got=shown(value))
    left, top, third, fourth = value
    right, bottom = (third, fourth) if corners else (left + third, top + fourth)
    wanted += f", 0 <= x <= {WIDTH}, 0 <= y <= {HEIGHT}"
    if all(0 <= number <= 1 for number in value) and any(value):
        return Wrong(where=where, wanted=wanted, got=shown(value), hint="shares")
    if right <= left or bottom <= top:
        hint = "size" if corners and _inside(left + third, top + fourth) else None
        return Wrong(where=where, wanted=wanted, got=shown(value), hint=hint)
    if not (_inside(left, top) and _inside(right, bottom)):
        hint = "corners" if not corners and third > left and fourth > top and _inside(third, fourth) else "scaled"
        return Wrong(where=where, wanted=wanted, got=shown(value), hint=hint)
    return None


def _score(value: Any, where: str, _: ResponseSettings) -> Wrong | None:
    if _is_number(value) and 0 <= value <= 1:
        return None
    hint = "percent" if _is_number(value) and 1 < value <= 100 else None
    return Wrong(where=where, wanted="0 ... 1", got=shown(value), hint=hint)


def _points(value: Any, where: str, settings: ResponseSettings) -> Wrong | None:
    """Five named points; where the settings call them otherwise, a list of five is as good."""
    own = settings.points == ResponseSettings().points
    if isinstance(value, list) and not own:
        named = {str(number): point for number, point in enumerate(value)}
        complete = len(value) == len(NAMES)
    elif isinstance(value, dict):
        named, complete = value, set(NAMES) <= set(value) if own else len(value) == len(NAMES)
    else:
        named, complete = {}, False
    if not complete:
        missing = ", ".join(name for name in NAMES if name not in value) if isinstance(value, dict) else ""
        return Wrong(where=where, wanted=missing or ", ".join(NAMES), got=shown(sorted(named) or value))
    for name, point in named.items():
        if not are_numbers(point, 2):
            return Wrong(where=f"{where}.{name}", wanted="[x, y]", got=shown(point))
        if not _inside(*point):
            wanted = f"[x, y], 0 <= x <= {WIDTH}, 0 <= y <= {HEIGHT}"
            return Wrong(where=f"{where}.{name}", wanted=wanted, got=shown(point), hint="scaled")
    return None


def _inside(x: float, y: float) -> bool:
    return -BESIDE * WIDTH <= x <= (1 + BESIDE) * WIDTH and -BESIDE * HEIGHT <= y <= (1 + BESIDE) * HEIGHT


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def are_numbers(value: Any, count: int) -> bool:
    return isinstance(value, list) and len(value) == count and all(_is_number(one) for one in value)


def shown(value: Any) -> str:
    """A part of an answer, cut to a line."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "..."
