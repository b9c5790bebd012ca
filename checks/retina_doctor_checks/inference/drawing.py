"""Reads the pictures of the known-answer test: PNG without filters, so that zlib alone is needed. Sent to targets: Python 3.8,
numpy. Format: PNG specification (third edition, W3C), 8-bit RGB, not interlaced, filter type 0 in every row."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy

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
