"""Draws one person: a head with hair, eyes, nose, mouth, perhaps glasses, mask, hat or beard, and shoulders.

Lengths are in heads: the head is 1 high, its centre at (0, 0), x to the right, y down.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy
from numpy.random import Generator

Colour = tuple[float, float, float]  # blue, green, red, 0 to 255
Points = Sequence[tuple[float, float]]

SHIFT = 4  # bits behind the point in OpenCV's coordinates
LEFT, TOP, RIGHT, BOTTOM = -1.25, -1.1, 1.25, 1.35  # what a person may cover, in heads
SKINS: tuple[Colour, ...] = (
    (180, 205, 250), (150, 185, 240), (120, 160, 220), (90, 130, 195), (70, 100, 160), (50, 75, 120), (40, 55, 85)
)  # fmt: skip
HAIRS: tuple[Colour, ...] = (
    (25, 25, 30), (30, 50, 80), (40, 80, 130), (90, 160, 210), (40, 60, 150), (140, 140, 145), (220, 220, 225)
)  # fmt: skip


class Pen:
    """Draws anti-aliased shapes in heads onto a canvas of its own, and keeps where it drew.

    *scale*: pixels per head. *tilt*: radians, clockwise.
    """

    def __init__(self, scale: float, tilt: float) -> None:
        reach = 1.9
        side = max(8, int(2 * reach * scale))
        self.colour: Any = numpy.zeros((side, side, 3), numpy.uint8)
        self.cover: Any = numpy.zeros((side, side), numpy.uint8)
        self.scale, self.centre = scale, side / 2
        self._turn = numpy.array([[numpy.cos(tilt), -numpy.sin(tilt)], [numpy.sin(tilt), numpy.cos(tilt)]])

    def place(self, points: Any) -> Any:
        """Pixels of the canvas, [n, 2]."""
        return numpy.asarray(points, float) @ self._turn.T * self.scale + self.centre

    def polygon(self, points: Any, colour: Colour) -> None:
        fixed = numpy.round(self.place(points) * (1 << SHIFT)).astype(numpy.int32)
        cv2.fillPoly(self.colour, [fixed], colour, cv2.LINE_AA, SHIFT)
        cv2.fillPoly(self.cover, [fixed], 255, cv2.LINE_AA, SHIFT)

    def line(self, points: Any, colour: Colour, width: float) -> None:
        fixed = numpy.round(self.place(points) * (1 << SHIFT)).astype(numpy.int32)
        thick = max(1, round(width * self.scale))
        cv2.polylines(self.colour, [fixed], False, colour, thick, cv2.LINE_AA, SHIFT)
        cv2.polylines(self.cover, [fixed], False, 255, thick, cv2.LINE_AA, SHIFT)

    def ellipse(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        self.polygon(arc(x, y, rx, ry, 0, 360), colour)


def arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> Any:
    """Points of an ellipse from *start* to *end* degrees, clockwise from the right."""
    angles = numpy.radians(numpy.linspace(start, end, 40))
    return numpy.stack([x + rx * numpy.cos(angles), y + ry * numpy.sin(angles)], axis=1)


def shade(colour: Colour, by: float) -> Colour:
    return (min(255.0, colour[0] * by), min(255.0, colour[1] * by), min(255.0, colour[2] * by))


def vary(random: Generator, colour: Colour, by: float = 20) -> Colour:
    values = [float(numpy.clip(value + random.uniform(-by, by), 0, 255)) for value in colour]
    return (values[0], values[1], values[2])


def any_colour(random: Generator) -> Colour:
    return (random.uniform(0, 255), random.uniform(0, 255), random.uniform(0, 255))


def light(colour: Colour) -> float:
    return 0.114 * colour[0] + 0.587 * colour[1] + 0.299 * colour[2]


def apart(colour: Colour, ground: Colour, least: float) -> Colour:
    """*colour*, made darker or brighter until it differs from *ground*: features that cannot be seen are no faces."""
    if abs(light(colour) - light(ground)) >= least:
        return colour
    if light(ground) > 110:
        return shade(colour, max(0.0, light(ground) - least) / max(light(colour), 1))
    lift = light(ground) + least - light(colour)
    return (min(255.0, colour[0] + lift), min(255.0, colour[1] + lift), min(255.0, colour[2] + lift))


class Person:
    """*box*: left, top, right, bottom of the face from hairline to chin; *points*: eyes, nose, corners of the mouth, from the
    picture's left to right. Both in pixels of *pen*'s canvas."""

    def __init__(self, random: Generator, height: float) -> None:
        self.wears = ""
        self._random = random
        self._wide = random.uniform(0.33, 0.43)
        self._yaw = float(numpy.clip(random.normal(0, 0.35), -0.8, 0.8))
        tilt = float(numpy.clip(random.normal(0, 0.16), -0.6, 0.6))
        self._skin = vary(random, SKINS[random.integers(len(SKINS))])
        self._hair = vary(random, HAIRS[random.integers(len(HAIRS))]) if random.random() < 0.8 else any_colour(random)
        # Small ones are drawn larger and shrunk: a line is never thinner than a pixel.
        self.shrink = max(1, int(numpy.ceil(110 / height)))
        self.pen = Pen(height * self.shrink, tilt)
        self._eye_y, self._nose_y, self._mouth_y = -0.06, random.uniform(0.11, 0.17), random.uniform(0.27, 0.32)
        self._draw()
        place = self.pen.place
        outline = place(self._outline(1.0))
        self.box = numpy.array([*outline.min(axis=0), *outline.max(axis=0)]) / self.shrink
        self.points = place(self._landmarks()) / self.shrink

    def _turned(self, x: float, y: float) -> tuple[float, float]:
        """Where a feature of the front goes when the head turns: along a half cylinder."""
        angle = numpy.arcsin(numpy.clip(x / self._wide, -1, 1)) + self._yaw * 0.55
        return (float(self._wide * numpy.sin(angle)), y)

    def _outline(self, size: float) -> Any:
        """Head from hairline to chin: round above, narrower below."""
        points = arc(0, 0, self._wide * size, 0.5 * size, 0, 360)
        below = points[:, 1] > 0
        points[below, 0] *= 1 - 0.28 * (points[below, 1] / (0.5 * size)) ** 2
        return points

    def _landmarks(self) -> Points:
        eye, mouth = self._wide * 0.45, self._wide * 0.38
        return [
            self._turned(-eye, self._eye_y),
            self._turned(eye, self._eye_y),
            self._turned(0, self._nose_y),
            self._turned(-mouth, self._mouth_y),
            self._turned(mouth, self._mouth_y),
        ]

    def _draw(self) -> None:
        random, pen = self._random, self.pen
        style = random.choice(["short", "bald", "long", "afro", "hijab", "bun", "fringe"])
        hat = random.random() < 0.12
        shirt = any_colour(random)
        behind = {"long": (1.32, 1.25), "afro": (1.65, 1.45), "hijab": (1.38, 1.32), "bun": (1.08, 1.1)}.get(style)
        if random.random() < 0.75:
            if behind and style in ("long", "hijab"):
                pen.ellipse(0, 0.1, self._wide * behind[0], 0.5 * behind[1], shade(self._hair, 0.8))
            pen.polygon([(-0.17, 0.3), (0.17, 0.3), (0.2, 0.8), (-0.2, 0.8)], shade(self._skin, 0.72))
            wide = random.uniform(0.7, 1.0)
            pen.polygon([*arc(0, 1.15, wide, random.uniform(0.42, 0.55), 180, 360), (wide, 1.35), (-wide, 1.35)], shirt)
        if behind:
            pen.ellipse(0, -0.06, self._wide * behind[0], 0.5 * behind[1], shade(self._hair, 0.9))
        if style == "bun":
            pen.ellipse(0, -0.6, 0.13, 0.13, self._hair)
        if style != "hijab":
            for side in (-1, 1):
                pen.ellipse(side * self._wide * 0.97, 0.02, 0.06, 0.1, shade(self._skin, 0.85))
        pen.polygon(self._outline(1.0), self._skin)
        if random.random() < 0.3:
            pen.line(self._outline(1.0), shade(self._skin, 0.6), 0.012)
        self._features()
        if style in ("short", "fringe", "bun", "hijab") and not hat:
            edge = random.uniform(-0.3, -0.2)
            cap = arc(0, -0.02, self._wide * 1.05, 0.53, 180, 360)
            cap[:, 1] = numpy.minimum(cap[:, 1], 0)
            rim = [
                (x, edge + (random.uniform(-0.05, 0.05) if style == "fringe" else 0.0)) for x in (0.3, 0.1, -0.1, -0.3)
            ]
            pen.polygon(numpy.concatenate([cap[4:-4], rim]), self._hair)
        if hat:
            colour = any_colour(random)
            pen.polygon(arc(0, -0.27, self._wide * 1.03, 0.33, 180, 360), colour)
            pen.polygon([(-0.52, -0.3), (0.52, -0.3), (0.46, -0.22), (-0.46, -0.22)], shade(colour, 0.7))
        self._extras()

    def _features(self) -> None:
        random, pen, skin = self._random, self.pen, self._skin
        (lx, ly), (rx, ry), (nx, ny), (mlx, mly), (mrx, mry) = self._landmarks()
        dark = apart((25, 25, 30), skin, 45)
        lid = random.random()
        for x, y in ((lx, ly), (rx, ry)):
            near = max(0.35, 1 - abs(x / self._wide) ** 2)  # foreshortened at the side that turns away
            wide = self._wide * random.uniform(0.19, 0.23) * near**0.5
            if lid < 0.1:
                pen.line(arc(x, y - 0.02, wide, 0.05, 20, 160), dark, 0.022)
            else:
                high = random.uniform(0.035, 0.062)
                pen.ellipse(x, y, wide * 1.08, high * 1.25, shade(skin, 0.7))
                pen.ellipse(x, y, wide, high, vary(random, (238, 240, 242), 12))
                pen.ellipse(x, y, min(wide, high) * 1.05, high * 0.98, vary(random, HAIRS[random.integers(5)], 40))
                pen.ellipse(x, y, min(wide, high) * 0.6, high * 0.6, (10, 10, 12))
            raised = y - random.uniform(0.1, 0.14)
            brow = apart(shade(self._hair, 0.7), skin, 30)
            slope = random.uniform(-0.025, 0.025)
            pen.line(
                [(x - wide * 1.2, raised + slope), (x, raised - 0.02), (x + wide * 1.2, raised - slope)], brow, 0.028
            )
        shadow = apart(shade(skin, 0.66), skin, 25)
        if random.random() < 0.5:
            pen.line(
                [(nx - 0.01, ny - 0.13), (nx + 0.03 * numpy.sign(self._yaw), ny), (nx - 0.03, ny + 0.015)],
                shadow,
                0.022,
            )
        else:
            pen.polygon([(nx, ny - 0.12), (nx + 0.05, ny + 0.02), (nx - 0.05, ny + 0.02)], shadow)
            for side in (-0.025, 0.025):
                pen.ellipse(nx + side, ny + 0.012, 0.012, 0.01, dark)
        lips = apart(vary(random, (70, 70, 170), 30), skin, 35)
        centre, wide, y = (mlx + mrx) / 2, (mrx - mlx) / 2, (mly + mry) / 2
        mouth = random.random()
        if mouth < 0.35:
            pen.line(arc(centre, y - 0.04, wide, 0.08, 15, 165), lips, 0.032)
        elif mouth < 0.6:
            pen.line([(mlx, mly), (mrx, mry)], lips, 0.034)
        elif mouth < 0.8:
            pen.polygon(arc(centre, y, wide, 0.085, 0, 180), shade(lips, 0.4))
            pen.polygon(
                [(mlx + 0.02, y), (mrx - 0.02, y), (centre + wide * 0.6, y + 0.03), (centre - wide * 0.6, y + 0.03)],
                (235, 238, 240),
            )
        else:
            pen.ellipse(centre, y, wide, 0.042, lips)
            pen.line([(mlx, y), (mrx, y)], shade(lips, 0.5), 0.012)

    def _extras(self) -> None:
        """A mask, glasses or a beard; both of the first count as "mask or glasses" in the stated distribution."""
        random, pen = self._random, self.pen
        (lx, ly), (rx, ry), (nx, _), *_ = self._landmarks()
        kind = random.random()
        if kind < 0.1:
            self.wears = "mask"
            cloth = vary(random, [(235, 215, 170), (240, 240, 240), (50, 40, 40), (200, 160, 110)][random.integers(4)])
            cloth = apart(cloth, self._skin, 40)
            edge = self._wide * 0.9
            shift = nx * 0.4
            pen.polygon(
                [
                    (-edge + shift * 0.3, 0.06),
                    (nx, 0.03),
                    (edge + shift * 0.3, 0.06),
                    (edge * 0.8, 0.34),
                    (shift, 0.49),
                    (-edge * 0.8, 0.34),
                ],
                cloth,
            )
            for y in (0.15, 0.23, 0.31):
                pen.line([(-edge * 0.75, y), (edge * 0.75, y)], shade(cloth, 0.8), 0.008)
        elif kind < 0.2:
            self.wears = "glasses"
            frame = apart(any_colour(random), self._skin, 50)
            size = self._wide * random.uniform(0.28, 0.34)
            dark = random.random() < 0.25
            for x, y in ((lx, ly), (rx, ry)):
                if dark:
                    pen.ellipse(x, y, size, size * 0.8, (25, 22, 20))
                pen.line(arc(x, y, size, size * 0.85, 0, 360), frame, 0.022)
            pen.line([(lx + size, ly), (rx - size, ry)], frame, 0.022)
        elif kind < 0.32:
            beard = apart(self._hair, self._skin, 30)
            ring = numpy.concatenate(
                [arc(0, 0.02, self._wide * 0.93, 0.48, 25, 155), arc(nx * 0.6, 0.2, self._wide * 0.55, 0.2, 160, 20)]
            )
            pen.polygon(ring, beard)
            pen.line([(nx - 0.1, self._mouth_y), (nx + 0.1, self._mouth_y)], apart((90, 90, 170), beard, 40), 0.03)
