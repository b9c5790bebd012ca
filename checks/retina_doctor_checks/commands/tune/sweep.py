"""`retina-doctor tune`: what threshold, NMS and input size change on the given pictures, and what to take for which purpose."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tomli

from retina_doctor.codec import Data

from ...facts.inference import Face
from ...settings_values import Size

THRESHOLDS = tuple(round(0.3 + 0.05 * step, 2) for step in range(14))
NMS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7)
SAME, TWICE = 0.5, 0.3
"""Overlap from which on two boxes of two runs are one face, and two of one run are one face that came twice."""
WORTH = 1.05
"""A larger input is worth its time where it finds so many times the faces."""


class SweepSeen(Data, frozen=True, kw_only=True):
    name: str
    width: int | None
    height: int | None
    error: str | None


class AtSize(Data, frozen=True, kw_only=True):
    """*seconds*: median of one picture. *found*: candidates of each picture, best first."""

    size: tuple[int, int]
    seconds: float
    found: tuple[tuple[Face, ...], ...]


class Sweep(Data, frozen=True, kw_only=True):
    """*stopped*: what ended the trial of a size. *left_out*: pictures beyond the most that are tried."""

    problem: str | None
    model: str | None
    device: str | None
    stopped: str | None
    left_out: int
    pictures: tuple[SweepSeen, ...]
    sizes: tuple[AtSize, ...]


class SettingChange(Data, frozen=True, kw_only=True):
    """Over all pictures: faces, and against the settings in force those gained and lost; *twice*: boxes that overlap a better
    one. *smallest*: the shorter side in source pixels of the smallest face."""

    faces: int
    gained: int
    lost: int
    twice: int
    smallest: float | None


class Choice(Data, frozen=True, kw_only=True):
    purpose: str
    threshold: float
    nms: float
    size: Size
    faces: int


def overlap(one: Face, other: Face) -> float:
    """Intersection over union."""
    a, b = one.box, other.box
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def kept(candidates: Sequence[Face], threshold: float, nms: float) -> list[Face]:
    """What a detector with these settings gives of the candidates."""
    faces: list[Face] = []
    for one in candidates:
        if one.score >= threshold and all(overlap(one, other) <= nms for other in faces):
            faces.append(one)
    return faces


def change(here: AtSize, threshold: float, nms: float, base: Sequence[Sequence[Face]]) -> SettingChange:
    """*base*: the faces of each picture under the settings in force."""
    runs = [kept(candidates, threshold, nms) for candidates in here.found]
    faces = list(itertools.chain.from_iterable(runs))
    sides = [min(face.box[2] - face.box[0], face.box[3] - face.box[1]) for face in faces]
    return SettingChange(
        faces=len(faces),
        gained=sum(_new(run, before) for run, before in zip(runs, base, strict=True)),
        lost=sum(_new(before, run) for run, before in zip(runs, base, strict=True)),
        twice=sum(any(overlap(a, b) > TWICE for b in run[:place]) for run in runs for place, a in enumerate(run)),
        smallest=round(min(sides), 1) if sides else None,
    )


def _new(run: Sequence[Face], before: Sequence[Face]) -> int:
    return sum(all(overlap(face, other) < SAME for other in before) for face in run)


def widest_gap(scores: Sequence[float], lowest: float, highest: float) -> float:
    """A threshold within these bounds with no score near it: so that a little change of light loses nobody."""
    inner = sorted({lowest, highest, *(score for score in scores if lowest < score < highest)})
    a, b = max(itertools.pairwise(inner), key=lambda pair: pair[1] - pair[0])
    return round((a + b) / 2, 2)


def choices(sweep: Sweep) -> list[Choice]:
    """One for each purpose of purposes.toml: its bounds are rules of thumb, what is taken within them is tried."""
    told = []
    for purpose in purposes():
        low, high = purpose["threshold"]
        best = sweep.sizes[0]
        for here in sweep.sizes[1:]:
            if _count(here, (low + high) / 2, purpose["nms"]) >= WORTH * max(
                _count(best, (low + high) / 2, purpose["nms"]), 1
            ):
                best = here
        scores = [face.score for candidates in best.found for face in kept(candidates, 0.0, purpose["nms"])]
        threshold = widest_gap(scores, low, high)
        told.append(
            Choice(
                purpose=purpose["name"],
                threshold=threshold,
                nms=purpose["nms"],
                size=Size(*best.size),
                faces=_count(best, threshold, purpose["nms"]),
            )
        )
    return told


def _count(here: AtSize, threshold: float, nms: float) -> int:
    return sum(len(kept(candidates, threshold, nms)) for candidates in here.found)


@functools.cache
def purposes() -> tuple[dict[str, Any], ...]:
    table = tomli.loads(Path(__file__).with_name("purposes.toml").read_text(encoding="utf-8"))
    return tuple(table["purpose"])
