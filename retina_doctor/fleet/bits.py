"""Sets of nodes as the bits of one integer: of ten thousand nodes such a set takes a kilobyte, whatever it is compared with."""

from __future__ import annotations

from collections.abc import Iterable


def union(sets: Iterable[int]) -> int:
    whole = 0
    for bits in sets:
        whole |= bits
    return whole


def numbers(bits: int) -> Iterable[int]:
    text = bin(bits)[:1:-1]
    place = text.find("1")
    while place >= 0:
        yield place
        place = text.find("1", place + 1)
