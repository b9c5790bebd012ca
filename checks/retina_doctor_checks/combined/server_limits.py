"""A limit in a server's own command that is why it refuses: a restart by the same words would keep the cause."""

from __future__ import annotations

import re
from collections.abc import Sequence

from retina_doctor.codec import Data

from .server_command import behind, server_of


class Limit(Data, frozen=True, kw_only=True):
    """*flags* by which it is set; it explains what was seen where it is no more than *most*. *seen*: what then happens."""

    seen: str
    flags: tuple[str, ...]
    most: int


LIMITS = {
    "uvicorn": (
        Limit(seen="proxy", flags=("--limit-concurrency",), most=1000),  # answers 503 beyond it
        Limit(seen="full", flags=("--backlog",), most=64),
    ),
    "gunicorn": (
        Limit(seen="replaced", flags=("--timeout", "-t"), most=29),  # its own default is 30
        Limit(seen="replaced", flags=("--max-requests",), most=1),
        Limit(seen="full", flags=("--backlog",), most=64),
    ),
    "hypercorn": (Limit(seen="full", flags=("--backlog",), most=64),),
}
"""uvicorn's and hypercorn's settings, gunicorn's settings (their documentation of the same names)."""


def without_limit(words: Sequence[str], seen: str) -> tuple[str, list[str]] | None:
    """(the limit as it is written, the words without it); None: none of these words explains what was *seen*."""
    server = server_of(words)
    limits = [one for one in LIMITS.get(server or "", ()) if one.seen == seen]
    start = len(words) - len(behind(words, server)) if server and limits else 0
    for place in range(start, len(words)) if limits else ():
        for flag, number, length in _read(words, place):
            if any(flag in one.flags and number <= one.most for one in limits):
                return " ".join(words[place : place + length]), [*words[:place], *words[place + length :]]
    return None


def _read(words: Sequence[str], place: int) -> list[tuple[str, int, int]]:
    """(flag, its number, how many words it takes): `--timeout=1`, `--timeout 1`, `-t1`."""
    after = words[place + 1] if place + 1 < len(words) else ""
    found = [(words[place], int(after), 2)] if after.isdecimal() else []
    match = re.fullmatch(r"(--[a-z-]+)=(\d{1,9})|(-[a-z])(\d{1,9})", words[place])
    return [*found, (match[1] or match[3], int(match[2] or match[4]), 1)] if match else found
