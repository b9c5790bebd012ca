"""What a process says of its lookings, a line each: read as from a stranger, whose target may be anything."""

from __future__ import annotations

import json
from typing import Any

MOST_USED = 1e15  # seconds, bytes: what a probe says beyond is nonsense
MOST_DEPTH = 64  # lists and objects within each other
KINDS = (("tell", dict), ("stage", str), ("begin", str), ("end", str), ("failed", str))


def message_of(line: bytes) -> dict[str, Any] | None:
    """What the bytes after the mark say; None: no message of ours."""
    try:
        message = _storable(json.loads(line, parse_constant=lambda _: None, parse_int=_number))
    except (ValueError, RecursionError, OverflowError):
        return None
    if isinstance(message, dict) and all(isinstance(message.get(key, kind()), kind | None) for key, kind in KINDS):
        return message
    return None


def _number(text: str) -> int | float:
    """JSON as others read it has integers of 64 bits; what is larger becomes a float."""
    number = int(text)
    return number if -(2**63) <= number < 2**64 else float(number)


def used_of(told: Any) -> tuple[float | None, int | None]:
    """What a process says that it used: [CPU seconds, most bytes or null]."""
    cpu, most = told if isinstance(told, list) and len(told) == 2 else (None, None)
    return (
        float(cpu) if isinstance(cpu, (int, float)) and 0 <= cpu < MOST_USED else None,
        most if isinstance(most, int) and 0 <= most < MOST_USED else None,
    )


def _storable(value: Any, depth: int = 0) -> Any:
    """*value* without lone surrogates, which stand for bytes of names that are no UTF-8 and fit in no JSON file.

    Raises ValueError where it is nested deeper than any fact.
    """
    if depth > MOST_DEPTH:
        raise ValueError("nested too deeply")
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, list):
        return [_storable(inner, depth + 1) for inner in value]
    if isinstance(value, dict):
        return {_storable(name): _storable(inner, depth + 1) for name, inner in value.items()}
    return value
