"""Damage by chance: of bytes, of lines, and of the values of JSON."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Sequence
from typing import Any

ODD: tuple[Any, ...] = (
    None, True, 0, -1, 2**63, 2**64, -(10**30), 1e308, "", "x" * 5000, "\x00", "\ud800", "\u202e",
    "<secret>", "<user1>", "密码：", "--evil",
    [], {}, [[]] * 50, {"": ""}, "password=", "-----BEGIN ", "://@:", "%s{{}}$(x)`y`", "9" * 400, "nan", "../" * 50, "/dev/zero",
)  # fmt: skip
PIECES = (
    b"\x00",
    b"\xff\xfe",
    b"[" * 2000,
    b"{" * 50,
    b'"',
    b"\\",
    b"\n",
    b"\r\n",
    b"password=",
    b"=" * 100,
    b"://",
    b"@",
    b"<",
    b"%",
    b"9" * 5000,
    b"'",
)


def mutated(pool: Sequence[bytes], chance: random.Random) -> bytes:
    data = chance.choice(pool)
    if chance.random() < 0.6:
        try:
            value = json.loads(data)
        except (ValueError, RecursionError):
            pass
        else:
            for _ in range(chance.choice((1, 1, 2, 5))):
                value = damaged(value, chance)
            return json.dumps(value).encode("utf-8", "surrogatepass")
    return spoilt(data, pool, chance)


def damaged(value: Any, chance: random.Random) -> Any:
    """One place of plain data is changed, lost, doubled or renamed."""
    value = copy.deepcopy(value)
    holder: Any = None
    key: Any = None
    inner = value
    while isinstance(inner, dict | list) and inner and (holder is None or chance.random() < 0.85):
        holder, key = inner, chance.choice(list(inner) if isinstance(inner, dict) else range(len(inner)))
        inner = inner[key]
    if holder is None:
        return chance.choice(ODD)
    action = chance.randrange(4)
    if action == 0:
        del holder[key]
    elif action == 1 and isinstance(holder, dict):
        holder[str(chance.choice(ODD))] = inner
    elif action == 2 and isinstance(inner, str):
        place = chance.randrange(len(inner) + 1)
        holder[key] = inner[:place] + str(chance.choice(ODD)) + inner[place:]
    else:
        holder[key] = chance.choice(ODD)
    return value


def spoilt(data: bytes, pool: Sequence[bytes], chance: random.Random) -> bytes:
    for _ in range(chance.choice((1, 2, 4, 16))):
        place = chance.randrange(len(data) + 1)
        end = min(len(data), place + chance.choice((1, 2, 8, 100)))
        action = chance.randrange(5)
        if action == 0:
            data = data[:place] + data[end:]
        elif action == 1:
            data = data[:place] + bytes([chance.randrange(256)]) + data[end:]
        elif action == 2:
            data = data[:place] + chance.choice(PIECES) + data[place:]
        elif action == 3:
            other = chance.choice(pool)
            data = data[:place] + other[chance.randrange(len(other) + 1) :][:2000]
        else:
            data = data[:end] + data[place:end] * chance.choice((1, 3)) + data[end:]
    return data[: 2**20]
