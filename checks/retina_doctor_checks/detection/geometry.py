"""What a picture becomes in the detector's input, in whole numbers: no rounding error decides a finding.

insightface keeps the ratio: it scales a picture until it fits into det_size and fills the rest with black
(RetinaFace.detect and SCRFD.detect; small pictures are scaled up).
"""

from __future__ import annotations

from ..settings_values import Size


def smallest_face(source: Size, size: Size, least: int) -> int:
    """Side in source pixels, rounded up, of a face that is *least* pixels wide in an input of *size*."""
    return max(_up(least * source.width, size.width), _up(least * source.height, size.height))


def size_for(source: Size, face: int, least: int, stride: int) -> Size:
    """The smallest input, in multiples of *stride*, in which a face of *face* source pixels is *least* pixels wide."""
    return Size(
        stride * _up(least * source.width, face * stride),
        stride * _up(least * source.height, face * stride),
    )


def nearest_sizes(size: Size, stride: int) -> tuple[Size, Size]:
    """*size* with each side a multiple of *stride*: rounded down (to one stride at least), and rounded up."""
    down = Size(max(stride, size.width // stride * stride), max(stride, size.height // stride * stride))
    return down, Size(stride * _up(size.width, stride), stride * _up(size.height, stride))


def _up(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor)
