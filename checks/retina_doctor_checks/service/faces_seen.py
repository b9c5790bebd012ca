"""Are the faces of the posted picture in an answer, whatever its form? Then the service detects, and only its form is its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from retina_doctor.patterns import pattern

from ..inference.known import POSTED, expected
from ..settings import ResponseSettings
from .response import HEIGHT, WIDTH, Wrong, faces_of, overlap, wrong_in

SAME = 0.4
"""Intersection over union with a known face: detectors draw their boxes wider or narrower."""
MOST_BOXES, MOST_NUMBERS, DEEP = 40, 6, 8
MOST = 1e9
"""No number of a box; Python's own may have no end."""
NUMBERS = range(4)
ORDERS = ((0, 1, 2, 3), (1, 0, 3, 2), (0, 2, 1, 3), (3, 0, 1, 2))
"""Of lists: x first, y first, both of an axis, and top, right, bottom, left (face_recognition)."""
COORDINATE = pattern(
    r"(?i)(?:\w*_)?(?:c?[xy]|w|h|[ltrb]|left|top|right|bottom|width|height"
    r"|(?:x|y|c)_?(?:\d|min|max|left|right|top|bottom|start|end|center|centre|x|y)"
    r"|(?:\w*(?:top|bottom)_?)?(?:min|max|top|left|right|start|end|center|centre)_?[xy])"
)
"""A key of a number that says where a box is, beside others that do not."""
Box = tuple[float, float, float, float]
Kind = tuple[tuple[str, ...], tuple[str, ...] | None]
"""Where it stands, "" for a place in a list; and the keys of its numbers, in a table."""
Way = tuple[tuple[int, ...], int]
"""The order of the four numbers, and what they say in it."""


def shows_faces(body: Any) -> bool:
    """Whether numbers that stand together are the boxes of faces that are in the picture: read in one way, and most of them, or
    two. One box among many, or each in another way, may be so by chance."""
    known = [one.box for picture in expected() if picture.name == POSTED for one in picture.faces]
    seen: dict[Kind, int] = {}
    hits: dict[tuple[Kind, Way], list[Box]] = {}
    for kind, four in itertools.islice(_fours(body), MOST_BOXES):
        seen[kind] = seen.get(kind, 0) + 1
        for way, box in _readings(four, any_order=kind[1] is not None):
            face = next((one for one in known if overlap(box, one) > SAME), None)
            if face is not None:
                hits.setdefault((kind, way), []).append(face)
    return any(2 * len(faces) >= seen[kind] or len(set(faces)) > 1 for (kind, _), faces in hits.items())


def is_of_own_form(body: Any, wanted: ResponseSettings, fits: ResponseSettings | None) -> bool:
    """It detects, and answers otherwise than the settings say by default. *fits*: settings by which it is right.

    Where someone set what clients expect, it is judged by that; so is what stands under the default's own name: a box that is
    called as the default calls it is read so, and what its numbers contradict (a hint) is wrong.
    """
    if wanted != ResponseSettings():
        return False
    faces = faces_of(body, wanted)
    named = not isinstance(faces, Wrong) and any(isinstance(face, dict) and wanted.box in face for face in faces)
    if named:
        contradicted = any(one.hint for one in wrong_in(body, wanted))
        return fits is not None and fits.box_form == wanted.box_form and not contradicted
    return fits is not None or shows_faces(body)


def _fours(value: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[Kind, tuple[float, ...]]]:
    """Four numbers each, of a list that begins with them, of pairs that are corners, or of a table's values."""
    if len(place) > DEEP:
        return
    table = value if isinstance(value, dict) else {}
    inner = value if isinstance(value, list) else []
    numbers = [key for key, one in table.items() if _is_number(one)]
    if len(numbers) > len(NUMBERS):
        numbers = [key for key in numbers if COORDINATE.fullmatch(key)]
    for keys in itertools.combinations(numbers[:MOST_NUMBERS], len(NUMBERS)):
        yield (place, keys), tuple(table[key] for key in keys)
    corners = [point for point in map(_point, [*table.values(), *inner]) if point]
    if len(inner) >= len(NUMBERS) and all(map(_is_number, inner[:4])):
        if any(inner[:4]):  # else it fills up a table of a fixed size
            yield (place, None), tuple(inner[:4])
    elif 2 <= len(corners) <= 4 and (table or len(corners) == len(inner)):
        across, down = zip(*corners, strict=True)
        yield (place, None), (min(across), min(down), max(across), max(down))
    for key, one in table.items():
        yield from _fours(one, (*place, key))
    for one in inner:
        yield from _fours(one, (*place, ""))


def _readings(four: tuple[float, ...], any_order: bool) -> Iterator[tuple[Way, Box]]:
    """What four numbers may say: corners, a corner and a size, or a centre and a size; also as shares. Tables have them in
    whatever order."""
    shares = all(0 <= number <= 1 for number in four)
    for order in itertools.permutations(NUMBERS) if any_order else ORDERS:
        a, b, c, d = (four[number] for number in order)
        boxes = ((a, b, c, d), (a, b, a + c, b + d), (a - c / 2, b - d / 2, a + c / 2, b + d / 2))
        for form, (left, top, right, bottom) in enumerate(boxes):
            box = (left * WIDTH, top * HEIGHT, right * WIDTH, bottom * HEIGHT) if shares else boxes[form]
            yield (order, form), box


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < MOST


def _point(value: Any) -> tuple[float, float] | None:
    if isinstance(value, dict) and {"x", "y"} == value.keys():
        value = [value["x"], value["y"]]
    pair = isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))
    return (value[0], value[1]) if pair else None
