"""Reads the pictures of the known-answer test: PNG without filters, so that zlib alone is needed. Sent to targets: Python 3.8,
numpy. Format: PNG specification (third edition, W3C), 8-bit RGB, not interlaced, filter type 0 in every row."""

from __future__ import annotations

import struct
import zlib

import numpy

from retina_doctor.hints import Any

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def read(data: bytes) -> Any:
    """RGB uint8 [height, width, 3]. Raises ValueError for any other kind of PNG."""
    if not data.startswith(SIGNATURE):
        raise ValueError("no PNG")
    width = height = 0
    packed, at = b"", len(SIGNATURE)
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, height, *rest = struct.unpack(">IIBBBBB", body)
            if rest != [8, 2, 0, 0, 0]:
                raise ValueError("PNG of another kind: " + repr(rest))
        elif kind == b"IDAT":
            packed += body
        at += length + 12
    rows = numpy.frombuffer(zlib.decompress(packed), numpy.uint8).reshape(height, 1 + width * 3)
    if rows[:, 0].any():
        raise ValueError("PNG with filters")
    return rows[:, 1:].reshape(height, width, 3)


def write(pixels: Any) -> bytes:
    """The PNG of RGB uint8 [height, width, 3] that `read` reads."""
    height, width = pixels.shape[:2]
    rows = numpy.concatenate([numpy.zeros((height, 1), numpy.uint8), pixels.reshape(height, width * 3)], axis=1)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packed = zlib.compress(rows.tobytes(), 9)
    return SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


GREEN, RED = (40, 255, 40), (255, 40, 40)
DIGITS = {
    "0": "757577", "1": "262227", "2": "717477", "3": "717177", "4": "557111", "5": "747177", "6": "747577", "7": "711111",
    "8": "757577", "9": "757177", ".": "000002",
}  # fmt: skip
"""Rows of three pixels, as octal digits; eight is drawn with its bar below."""


def marked(pixels: Any, faces: list[Any]) -> Any:
    """A copy of RGB uint8 [height, width, 3] with each face's box, five points and score."""
    canvas = numpy.ascontiguousarray(pixels).copy()
    thick = max(1, max(canvas.shape[:2]) // 500)
    for face in faces:
        left, top, right, bottom = (round(value) for value in face["box"])
        for x0, y0, x1, y1 in (
            (left, top, right, top + thick), (left, bottom - thick, right, bottom),
            (left, top, left + thick, bottom), (right - thick, top, right, bottom),
        ):  # fmt: skip
            fill(canvas, x0, y0, x1, y1, GREEN)
        for x, y in face["points"]:
            fill(canvas, round(x) - thick, round(y) - thick, round(x) + thick + 1, round(y) + thick + 1, RED)
        label(canvas, "%.2f" % face["score"], left, top - 8 * thick, thick)
    return canvas


def fill(canvas: Any, x0: int, y0: int, x1: int, y1: int, colour: Any) -> None:
    canvas[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = colour


def label(canvas: Any, text: str, x: int, y: int, size: int) -> None:
    for place, letter in enumerate(text):
        for row, bits in enumerate(DIGITS.get(letter, "000000")):
            for column in range(3):
                if int(bits, 8) >> (2 - column) & 1:
                    at = (x + (4 * place + column) * size, max(y, 0) + row * size)
                    fill(canvas, at[0], at[1], at[0] + size, at[1] + size, GREEN)
