"""The known-answer test: the doctor's own model and pictures, what it finds in them, and how far an answer may be off.

The model is no face detector for users: it was trained on drawn faces (tools/known_answer, docs/known-answer.md).
"""

from __future__ import annotations

import base64
import functools
import json
import math
from pathlib import Path
from typing import Any

from retina_doctor.codec import Data, decode

from ..facts.inference import Face, KnownAnswer

POSTED = "faces-6.png"
"""Is posted to a service: drawn faces that public weights find, too."""
WIDE = "faces-8.png"
"""Is posted after it: no square, and of no network's input."""
BROAD = "broad.png"
"""Is posted where WIDE gives no face, which weights miss that are used to photographs once it is pressed into a square: POSTED at
the left of 800x640 gray pixels."""
CLOSE = "close.png"
"""Is posted where POSTED gives no face: a square of 300 pixels of it, with its larger face, enlarged to 640. Who leaves small
faces out on purpose finds that one (public weights do, with scores of 0.93 and more)."""
NOBODY = "nobody-640.png"
"""Is posted where POSTED gives faces: a picture of nobody, as cameras have them (nobody.png, each pixel four times), and as large
as POSTED, so that its size is nobody's trouble."""
FOLDER = Path(__file__).with_name("known_answer")
EXACT = (1e-3, 0.05)
"""Largest difference in score, and in pixels, of float32 on a CPU: kernels add up in different orders (drift of torch against
onnxruntime: 3e-6 and 0.001 px)."""
TENSOR_CORES = (0.03, 0.5)
"""The same for a GPU, whose convolutions may be in TF32 (the default from Ampere on): emulated, it is off by 7e-3 and 0.13 px."""


class ExpectedAnswer(Data, frozen=True, kw_only=True):
    name: str
    faces: tuple[Face, ...]


class Off(Data, frozen=True, kw_only=True):
    """Where an answer differs most. *score* and *pixels*: largest differences of faces that were found in both."""

    picture: str | None
    score: float
    pixels: float
    missing: int
    surplus: int


def arguments() -> dict[str, Any]:
    """Model and pictures as text."""
    pictures = [{"name": one.name, "png": encoded(one.name)} for one in expected()]
    return {"model": encoded("model.onnx"), "pictures": pictures}


def encoded(name: str) -> str:
    """A file of the test, as base64."""
    return base64.b64encode((FOLDER / name).read_bytes()).decode()


@functools.cache
def expected() -> tuple[ExpectedAnswer, ...]:
    told = json.loads((FOLDER / "answers.json").read_text(encoding="utf-8"))
    return decode(told["pictures"], tuple[ExpectedAnswer, ...])


def compared(answer: KnownAnswer) -> Off:
    """Every expected face with the nearest that was found."""
    found = {picture.name: picture.faces for picture in answer.pictures}
    worst, score, pixels, missing, surplus = None, 0.0, 0.0, 0, 0
    for one in expected():
        left = [(other, _coordinates(other)) for other in found.get(one.name, ())]
        for face in one.faces:
            here = _expected_coordinates(face)
            away = [_distance(here, there) for _, there in left]
            nearest = min(away, default=None)
            if nearest is None or nearest > 0.5 * (face.box[3] - face.box[1]):
                missing, worst = missing + 1, worst or one.name
                continue
            near, _ = left.pop(away.index(nearest))
            off = abs(face.score - near.score)
            if off > score or nearest > pixels:
                worst = one.name
            score, pixels = max(score, off), max(pixels, nearest)
        if left:
            surplus, worst = surplus + len(left), worst or one.name
    return Off(picture=worst, score=score, pixels=pixels, missing=missing, surplus=surplus)


def _coordinates(face: Face) -> tuple[float, ...]:
    return (*face.box, *(value for point in face.points for value in point))


_expected_coordinates = functools.cache(_coordinates)


def _distance(here: tuple[float, ...], there: tuple[float, ...]) -> float:
    """Largest difference of any coordinate in pixels. With another number of points it is no face of this model."""
    if len(here) != len(there):
        return math.inf
    return max([abs(a - b) for a, b in zip(here, there, strict=True)])
