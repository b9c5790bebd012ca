"""Are the boxes of an answer where the faces of the posted pictures are? If not, but by one simple mistake they would be,
that mistake is named. What finds other things than those faces is not judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from retina_doctor.codec import Data

from ..inference.known import BROAD, POSTED, WIDE, expected
from ..settings import ResponseSettings
from .response import Wrong, are_numbers, corners, faces_of, overlap, shown

Box = tuple[float, float, float, float]
Size = tuple[int, int]
SIZES: dict[str, Size] = {POSTED: (640, 640), WIDE: (517, 333), BROAD: (800, 640)}
NEAR, SURE = 0.4, 0.7
"""Intersection over union with a known face: of detectors, which draw their boxes wider or narrower; and where a single face
has to show it."""
CLEARLY = 0.05
"""By so much nearer is the mistake that explains as many faces as a simpler one."""
MOST_BOXES = 20
INPUTS = (320, 416, 480, 512, 640, 768, 800, 960, 1024, 1280)
"""Sides of square network inputs into which a picture is fitted with equal margins."""


class Mistake(Data, frozen=True, kw_only=True):
    """*undone*: where a box would be without it. *least*: faces that have to show it."""

    hint: str
    undone: Callable[[Box], Box]
    by: str = ""
    least: int = 1


def misplaced(bodies: Mapping[str, Any], settings: ResponseSettings) -> Wrong | None:
    """What is wrong with the boxes of the first picture, or else of another. *bodies*: the answers, by picture."""
    for name, one in bodies.items():
        faces = faces_of(one, settings) if settings.box else []
        if isinstance(faces, Wrong) or not faces or (name != POSTED and not _are_boxes(faces, settings)):
            continue
        mistake = _mistake([corners(face[settings.box], settings) for face in faces[:MOST_BOXES]], name)
        if mistake is not None:
            where, size = f"{settings.faces}[0].{settings.box}", SIZES[name]
            wanted = f"{size[0]}x{size[1]}: " + shown([[round(number) for number in box] for box in _known(name)])
            return Wrong(
                where=where, wanted=wanted, got=shown(faces[0][settings.box]), hint=mistake.hint, by=mistake.by
            )
    return None


def _are_boxes(faces: list[Any], settings: ResponseSettings) -> bool:
    """Four numbers each, wherever they are: that they lie beyond the edge of one that is no square is looked for."""
    boxes: list[Any] = [face.get(settings.box) if isinstance(face, dict) else None for face in faces]
    return all(are_numbers(box, 4) and box[2] > 0 and box[3] > 0 for box in boxes)


def _known(name: str) -> list[Box]:
    drawn = POSTED if name == BROAD else name
    return [
        (box[0], box[1], box[2], box[3])
        for one in expected()
        if one.name == drawn
        for box in (f.box for f in one.faces)
    ]


def _mistake(boxes: list[Box], name: str) -> Mistake | None:
    """The one by which most boxes would be at faces, and more of them than are as they stand."""
    known = _known(name)
    right, _ = _hits(boxes, known)
    if right >= min(len(boxes), len(known)):
        return None  # no box is at two faces
    best, most, closest = None, 0, 0.0
    for one in _mistakes(boxes, known, SIZES[name]):
        hits, nearest = _hits([one.undone(box) for box in boxes], known)
        enough = hits >= max(2, one.least) or (right == 0 and hits >= one.least and nearest > SURE)
        if not enough or hits <= right or 2 * hits < len(boxes):
            continue
        if hits > most or (hits == most and nearest > closest + CLEARLY):
            best, most, closest = one, hits, nearest
    return best


def _hits(boxes: list[Box], known: list[Box]) -> tuple[int, float]:
    """(known faces that a box is at, how near the nearest is)."""
    nearest = [max(overlap(box, face) for box in boxes) for face in known]
    return sum(one > NEAR for one in nearest), max(nearest)


def _mistakes(boxes: list[Box], known: list[Box], size: Size) -> Iterator[Mistake]:
    """The simplest first: of those that explain as much it is the one."""
    width, height = size
    yield Mistake(hint="swapped", undone=lambda box: (box[1], box[0], box[3], box[2]))
    yield Mistake(hint="mirrored", undone=lambda box: (width - box[2], box[1], width - box[0], box[3]))
    yield Mistake(hint="upside-down", undone=lambda box: (box[0], height - box[3], box[2], height - box[1]))
    for box in boxes:
        for face in known:
            x, y = ((box[axis] + box[axis + 2]) / (face[axis] + face[axis + 2]) for axis in (0, 1))
            if x > 0 and y > 0:
                yield _scaled(x, y)
    for side in INPUTS:
        yield _fitted(side, size)
    for box in boxes:
        for face in known:
            yield _shifted(*((box[axis] + box[axis + 2] - face[axis] - face[axis + 2]) / 2 for axis in (0, 1)))


def _scaled(x: float, y: float) -> Mistake:
    by = f"{x:.2f}" if abs(x - y) < 0.03 * max(x, y) else f"{x:.2f}, {y:.2f}"
    return Mistake(hint="scaled-by", undone=lambda box: (box[0] / x, box[1] / y, box[2] / x, box[3] / y), by=by)


def _shifted(x: float, y: float) -> Mistake:
    """By two numbers, which a single face always fits."""
    by = f"{x:.0f}, {y:.0f}"
    return Mistake(
        hint="shifted-by", undone=lambda box: (box[0] - x, box[1] - y, box[2] - x, box[3] - y), by=by, least=2
    )


def _fitted(side: int, size: Size) -> Mistake:
    scale = side / max(size)
    x, y = ((side - scale * length) / 2 for length in size)
    return Mistake(
        hint="with-margins",
        undone=lambda box: ((box[0] - x) / scale, (box[1] - y) / scale, (box[2] - x) / scale, (box[3] - y) / scale),
        by=f"{side}x{side}",
    )
