"""Versions as people write them."""

from __future__ import annotations


def dotted(version: tuple[int, ...] | None) -> str | None:
    """(12, 2) -> "12.2"; None stays None."""
    return None if version is None else ".".join(map(str, version))
