"""Draws whole pictures with people and distractors in them, and says where the faces are.

The distribution that the figures in docs/known-answer.md are about: face height log-uniform from 16 to 300 pixels (at most 0.9 of
the picture's shorter side), a fifth of the pictures blurred, a fifth of the people with mask or glasses, two to eight
distractors in every picture, none to six people.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import cv2
import numpy
from numpy.random import Generator

from .faces import Person, any_colour, apart, arc, light, shade, vary

SMALLEST, LARGEST = 16.0, 300.0  # pixels
MOST_PEOPLE = 6


@dataclasses.dataclass(frozen=True, kw_only=True)
class Picture:
    """*pixels*: BGR uint8 [height, width, 3]. *boxes*: float32 [n, 4], left, top, right, bottom. *points*: float32 [n, 5, 2].
    *wears*: "mask", "glasses" or "" of each."""

    pixels: Any
    boxes: Any
    points: Any
    wears: tuple[str, ...]
    blurred: bool
    distractors: int


def draw(seed: int, width: int, height: int, people: int | None = None) -> Picture:
    """The picture of that seed: the same with the same versions of NumPy and OpenCV."""
    random = numpy.random.default_rng([seed, width, height])
    pixels = background(random, width, height)
    distractors = int(random.integers(2, 9))
    taken: list[Any] = []
    for _ in range(distractors - 1):
        distract(random, pixels)
    count = int(random.integers(0, MOST_PEOPLE + 1)) if people is None else people
    heights = sorted(face_height(random, width, height) for _ in range(count))
    boxes, points, wears = [], [], []
    for tall in heights:  # the small ones first: they stand behind
        person = Person(random, tall)
        spot = free_spot(random, person, width, height, taken)
        if spot is None:
            continue
        put(pixels, person, spot, random)
        box = person.box + numpy.tile(spot, 2)
        taken.append(box)
        boxes.append(box)
        points.append(person.points + spot)
        wears.append(person.wears)
    # One more that may stand near a face, never before it.
    distract(random, pixels, taken)
    blurred = bool(random.random() < 0.2)
    return Picture(
        pixels=develop(random, pixels, blurred),
        boxes=numpy.array(boxes, numpy.float32).reshape(-1, 4),
        points=numpy.array(points, numpy.float32).reshape(-1, 5, 2),
        wears=tuple(wears),
        blurred=blurred,
        distractors=distractors,
    )


def face_height(random: Generator, width: int, height: int) -> float:
    most = min(LARGEST, 0.9 * min(width, height))
    return float(numpy.exp(random.uniform(numpy.log(SMALLEST), numpy.log(most))))


def free_spot(random: Generator, person: Person, width: int, height: int, taken: list[Any]) -> Any:
    """Where the canvas of *person* goes so that the face is in the picture and hides no other; None: there is no room."""
    left, top, right, bottom = person.box
    for _ in range(30):
        x = random.uniform(0, max(width - (right - left), 0)) - left
        y = random.uniform(0, max(height - (bottom - top), 0)) - top
        reach = person.box + numpy.array([x, y, x, y])
        grown = reach + numpy.array([-0.4, -0.35, 0.4, 0.9]) * (bottom - top)  # hair and shoulders hide, too
        if not any(meet(grown, other) for other in taken):
            return numpy.round(numpy.array([x, y]))
    return None


def meet(one: Any, other: Any) -> bool:
    return bool(one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3])


def put(pixels: Any, person: Person, spot: Any, random: Generator) -> None:
    """Lays the canvas of *person* over the picture, lit from one side."""
    colour, cover = person.pen.colour, person.pen.cover
    if person.shrink > 1:
        side = max(1, round(colour.shape[0] / person.shrink))
        colour, cover = (cv2.resize(one, (side, side), interpolation=cv2.INTER_AREA) for one in (colour, cover))
    side = colour.shape[0]
    across = numpy.linspace(-1, 1, side)
    angle = random.uniform(0, 2 * numpy.pi)
    shine = 1 + random.uniform(0, 0.35) * (numpy.cos(angle) * across[None, :] + numpy.sin(angle) * across[:, None])
    left, top = int(spot[0]), int(spot[1])
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + side, pixels.shape[1]), min(top + side, pixels.shape[0])
    inner = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
    share = (cover[inner] / 255.0)[:, :, None]
    lit = colour[inner] * shine[inner][:, :, None]
    pixels[y0:y1, x0:x1] = numpy.clip(pixels[y0:y1, x0:x1] * (1 - share) + lit * share, 0, 255).astype(numpy.uint8)


def develop(random: Generator, pixels: Any, blurred: bool) -> Any:
    """What a camera does: exposure, blur, noise."""
    if blurred:
        pixels = cv2.GaussianBlur(pixels, (0, 0), random.uniform(0.7, 1.3))
    values = pixels.astype(numpy.float32) * random.uniform(0.7, 1.2) + random.uniform(-15, 20)
    if random.random() < 0.5:
        values += random.normal(0, random.uniform(1, 7), pixels.shape)
    return numpy.clip(values, 0, 255).astype(numpy.uint8)


def background(random: Generator, width: int, height: int) -> Any:
    """A gradient, clouds, stripes, bricks or shapes."""
    kind = random.integers(5)
    one, other = numpy.array(any_colour(random)), numpy.array(any_colour(random))
    if kind == 0:
        ramp = numpy.linspace(0, 1, height)[:, None] * random.uniform(-1, 1) + numpy.linspace(0, 1, width)[
            None
        ] * random.uniform(-1, 1)
        share = (ramp - ramp.min()) / max(float(numpy.ptp(ramp)), 1e-6)
    elif kind in (1, 2):
        coarse = random.uniform(0, 1, (int(random.integers(3, 24)), int(random.integers(3, 24)))).astype(numpy.float32)
        share = numpy.clip(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), 0, 1)
    elif kind == 3:
        y, x = numpy.mgrid[0:height, 0:width]
        period, angle = random.uniform(6, 60), random.uniform(0, numpy.pi)
        share = ((x * numpy.cos(angle) + y * numpy.sin(angle)) % period > period / 2).astype(float) * random.uniform(
            0.2, 1
        )
    else:
        y, x = numpy.mgrid[0:height, 0:width]
        brick = random.uniform(10, 50)
        row = y // brick
        share = ((y % brick < 2) | ((x + (row % 2) * brick) % (2 * brick) < 2)).astype(float)
    pixels = (one * (1 - share[:, :, None]) + other * share[:, :, None]).astype(numpy.uint8)
    for _ in range(int(random.integers(0, 12)) if kind != 4 else 0):
        a, b = random.uniform(0, 1, (2, 2)) * [width, height]
        if random.random() < 0.5:
            cv2.rectangle(pixels, ints(a), ints(b), any_colour(random), -1 if random.random() < 0.6 else 2)
        else:
            cv2.line(pixels, ints(a), ints(b), any_colour(random), int(random.integers(1, 9)), cv2.LINE_AA)
    return pixels


def ints(point: Any) -> tuple[int, int]:
    return (round(float(point[0])), round(float(point[1])))


def distract(random: Generator, pixels: Any, away_from: list[Any] | None = None) -> None:
    """Draws what a careless detector takes for a face."""
    height, width = pixels.shape[:2]
    size = float(numpy.exp(random.uniform(numpy.log(8), numpy.log(min(180, 0.6 * min(width, height))))))
    for _ in range(20):
        x, y = random.uniform(0, width), random.uniform(0, height)
        box = numpy.array([x - size, y - size, x + size, y + size]) * 1.0
        if not any(meet(box, other) for other in away_from or ()):
            DISTRACTORS[random.integers(len(DISTRACTORS))](random, pixels, x, y, size)
            return


def disc(pixels: Any, x: float, y: float, rx: float, ry: float, colour: Any, width: int = -1) -> None:
    axes = ints((max(rx, 1), max(ry, 1)))
    cv2.ellipse(pixels, ints((x, y)), axes, 0, 0, 360, colour, width, cv2.LINE_AA)


def button(random: Generator, pixels: Any, x: float, y: float, size: float) -> None:
    colour = any_colour(random)
    disc(pixels, x, y, size / 2, size / 2, colour)
    disc(pixels, x, y, size * 0.42, size * 0.42, shade(colour, 0.8), 1)
    hole = apart((20, 20, 20), colour, 50)
    holes = [(-0.12, -0.12), (0.12, -0.12), (-0.12, 0.12), (0.12, 0.12)][: 2 if random.random() < 0.4 else 4]
    for dx, dy in holes:
        disc(pixels, x + dx * size, y + dy * size, size * 0.06, size * 0.06, hole)


def clock(random: Generator, pixels: Any, x: float, y: float, size: float) -> None:
    colour = vary(random, (225, 230, 235), 30)
    ink = apart(any_colour(random), colour, 70)
    disc(pixels, x, y, size / 2, size / 2, colour)
    disc(pixels, x, y, size / 2, size / 2, ink, max(1, int(size / 20)))
    for hour in range(12):
        angle = hour * numpy.pi / 6
        disc(pixels, x + 0.4 * size * numpy.cos(angle), y + 0.4 * size * numpy.sin(angle), size / 40, size / 40, ink)
    for length in (0.22, 0.33):
        angle = random.uniform(0, 2 * numpy.pi)
        end = (x + length * size * numpy.cos(angle), y + length * size * numpy.sin(angle))
        cv2.line(pixels, ints((x, y)), ints(end), ink, max(1, int(size / 25)), cv2.LINE_AA)


def dots(random: Generator, pixels: Any, x: float, y: float, size: float) -> None:
    colour = any_colour(random)
    disc(pixels, x, y, size * random.uniform(0.35, 0.5), size / 2, colour)
    ink = apart(any_colour(random), colour, 60)
    for _ in range(int(random.integers(3, 12))):
        dx, dy = random.uniform(-0.3, 0.3, 2)
        disc(
            pixels,
            x + dx * size,
            y + dy * size,
            size * random.uniform(0.02, 0.08),
            size * random.uniform(0.02, 0.08),
            ink,
        )


def glyph(random: Generator, pixels: Any, x: float, y: float, size: float) -> None:
    text = "".join(random.choice(list("ABDGOQRS@%&80369")) for _ in range(int(random.integers(1, 4))))
    thick = max(1, int(size / 14))
    cv2.putText(
        pixels,
        text,
        ints((x - size / 2, y + size / 2)),
        int(random.integers(0, 5)),
        size / 25,
        any_colour(random),
        thick,
        cv2.LINE_AA,
    )


def blank(random: Generator, pixels: Any, x: float, y: float, size: float) -> None:
    """A head's shape and colour, and nothing in it."""
    colour = vary(random, (130, 170, 220), 60)
    if random.random() < 0.5:
        disc(pixels, x, y - size * 0.06, size * 0.45, size * 0.52, shade(colour, 0.35))
    disc(pixels, x, y, size * 0.38, size * 0.5, colour)


def from_behind(random: Generator, pixels: Any, x: float, y: float, size: float) -> None:
    hair = vary(random, (40, 50, 70), 40)
    shirt = any_colour(random)
    cv2.ellipse(
        pixels, ints((x, y + size * 1.05)), ints((size * 0.85, size * 0.5)), 0, 180, 360, shirt, -1, cv2.LINE_AA
    )
    cv2.rectangle(
        pixels,
        ints((x - size * 0.16, y)),
        ints((x + size * 0.16, y + size * 0.7)),
        vary(random, (120, 160, 210), 60),
        -1,
    )
    disc(pixels, x, y, size * 0.42, size * 0.52, hair)


def pair(random: Generator, pixels: Any, x: float, y: float, size: float) -> None:
    """Two of something: lamps, wheels, eyes without a head."""
    colour, inner = any_colour(random), any_colour(random)
    for side in (-1, 1):
        disc(pixels, x + side * size * 0.3, y, size * 0.18, size * 0.18, colour)
        disc(pixels, x + side * size * 0.3, y, size * 0.09, size * 0.09, inner)
    if random.random() < 0.4:
        cv2.rectangle(
            pixels, ints((x - size * 0.5, y - size * 0.45)), ints((x + size * 0.5, y - size * 0.18)), colour, -1
        )


def ball(random: Generator, pixels: Any, x: float, y: float, size: float) -> None:
    colour = any_colour(random)
    disc(pixels, x, y, size / 2, size / 2, colour)
    for start in random.uniform(0, 180, 3):
        cv2.ellipse(
            pixels,
            ints((x, y)),
            ints((size / 2, size * random.uniform(0.1, 0.4))),
            start,
            0,
            180,
            shade(colour, 0.5),
            max(1, int(size / 30)),
            cv2.LINE_AA,
        )


def flower(random: Generator, pixels: Any, x: float, y: float, size: float) -> None:
    colour = any_colour(random)
    for angle in numpy.linspace(0, 2 * numpy.pi, int(random.integers(5, 9)), endpoint=False):
        disc(
            pixels,
            x + 0.28 * size * numpy.cos(angle),
            y + 0.28 * size * numpy.sin(angle),
            size * 0.17,
            size * 0.17,
            colour,
        )
    disc(pixels, x, y, size * 0.15, size * 0.15, any_colour(random))


def window(random: Generator, pixels: Any, x: float, y: float, size: float) -> None:
    frame, pane = any_colour(random), any_colour(random)
    cv2.rectangle(pixels, ints((x - size * 0.4, y - size * 0.5)), ints((x + size * 0.4, y + size * 0.5)), frame, -1)
    for dx in (-0.19, 0.19):
        for dy in (-0.25, 0.22):
            a, b = (x + (dx - 0.14) * size, y + (dy - 0.18) * size), (x + (dx + 0.14) * size, y + (dy + 0.18) * size)
            cv2.rectangle(pixels, ints(a), ints(b), pane, -1)


def house(random: Generator, pixels: Any, x: float, y: float, size: float) -> None:
    """Two windows and a door: a face to many."""
    wall = any_colour(random)
    dark = apart(any_colour(random), wall, 50)
    cv2.rectangle(pixels, ints((x - size * 0.45, y - size * 0.4)), ints((x + size * 0.45, y + size * 0.5)), wall, -1)
    roof = numpy.array(
        [ints((x - size * 0.5, y - size * 0.4)), ints((x, y - size * 0.8)), ints((x + size * 0.5, y - size * 0.4))]
    )
    cv2.fillPoly(pixels, [roof], shade(wall, 0.6 if light(wall) > 60 else 1.6), cv2.LINE_AA)
    for dx in (-0.25, 0.25):
        cv2.rectangle(pixels, ints((x + (dx - 0.1) * size, y - size * 0.2)), ints((x + (dx + 0.1) * size, y)), dark, -1)
    cv2.rectangle(pixels, ints((x - size * 0.1, y + size * 0.15)), ints((x + size * 0.1, y + size * 0.5)), dark, -1)


def blob(random: Generator, pixels: Any, x: float, y: float, size: float) -> None:
    turns = arc(0, 0, 1, 1, 0, 360)[:-1]
    radii = size / 2 * random.uniform(0.5, 1, len(turns))[:, None]
    points = numpy.round(turns * radii + [x, y]).astype(numpy.int32)
    cv2.fillPoly(pixels, [points], any_colour(random), cv2.LINE_AA)


DISTRACTORS = (button, clock, dots, glyph, blank, from_behind, pair, ball, flower, window, house, blob)
