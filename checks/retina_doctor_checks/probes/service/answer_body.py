"""What the body of an answer holds: JSON, however it is wrapped, or text. Python 3.8, standard library."""

from __future__ import annotations

import json
import math
import re
import zlib

from retina_doctor.hints import Any
from retina_doctor.masking.words import beginning
from retina_doctor_checks.probes.service import own_headers

MOST = 16 * 2**20  # bytes of an answer, packed and unpacked
MOST_READ = 65536  # bytes of a text
MOST_TEXT, MOST_ITEMS, MOST_DEPTH = 300, 256, 8
OF_EVENTS = re.compile(r"(?:data|event|id|retry)?:")
"""Fields and comments of an event stream (HTML standard, 9.2.6)."""
DONE = "[DONE]"  # how OpenAI's streams, and those made after them, end
GZIP = b"\x1f\x8b"
UNPACKS = {"gzip": 31, "x-gzip": 31, "deflate": 47}  # wbits of zlib: gzip alone, and zlib or gzip by what the head says


def read(data: bytes, encoding: str | None) -> dict[str, Any]:
    """As it is, to be judged: {"cut", "packed", "shape", "json", "body" or "text"}. *encoding*: the header Content-Encoding.

    *packed*: "unsaid": compressed, and no header says so; else the name of a compression that nobody asked for and
    that we cannot read.
    """
    name = (encoding or "identity").strip().lower()
    told: dict[str, Any] = {"cut": len(data) > MOST, "packed": None, "shape": "plain"}
    if name in UNPACKS:
        data = unpacked(data, UNPACKS[name])
        told["cut"] = told["cut"] or len(data) > MOST
    elif name != "identity":
        return dict(told, packed=beginning(name, 40), text=None)
    elif data.startswith(GZIP):
        told["packed"], data = "unsaid", unpacked(data, UNPACKS["gzip"])
    return dict(told, **understood(data))


def unpacked(data: bytes, wbits: int) -> bytes:
    """At most a byte more than MOST: a small answer may hold gigabytes. What is no such stream stays as it is."""
    try:
        return zlib.decompressobj(wbits).decompress(data, MOST + 1)
    except zlib.error:
        return data


def understood(data: bytes) -> dict[str, Any]:
    """*shape*: plain; twice: a JSON text that holds JSON; lines: a JSON value on each of several lines."""
    try:
        text = data.decode("utf-8-sig")
        value = json.loads(text)
    except (ValueError, RecursionError):
        lines = values_of_lines(data)
        if lines:
            return {"json": True, "body": lines, "shape": "lines"}
        return {"text": data[:MOST_READ].decode("utf-8", "replace")}
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return {"json": True, "body": json.loads(value), "shape": "twice"}
        except (ValueError, RecursionError):
            pass
    return {"json": True, "body": value}


def values_of_lines(data: bytes) -> list[Any]:
    """The objects of JSON lines (one or more, each on its own line), as ndjson and event streams have them; else nothing."""
    try:
        lines = [line for line in data.decode("utf-8").splitlines()[: 4 * MOST_ITEMS] if line.strip()]
        events = [line[5:] for line in lines if line.startswith("data:") and line[5:].strip() != DONE]
        if events and all(OF_EVENTS.match(line) for line in lines):
            lines = events
        values = [json.loads(line) for line in lines]
    except (ValueError, RecursionError):
        return []
    return values if all(isinstance(value, (dict, list)) for value in values) else []


def pruned(value: Any, headers: own_headers.Headers, depth: int = 0) -> Any:
    """The document to be told: without our secrets and what nobody reads: long lists (embeddings), long texts, what lies
    deep. No NaN, which is no JSON."""
    if depth > MOST_DEPTH:
        return "..."
    if isinstance(value, dict):
        some = list(value.items())[:MOST_ITEMS]
        return {beginning(headers.hidden_name(str(key)), 80): pruned(one, headers, depth + 1) for key, one in some}
    if isinstance(value, list):
        return [pruned(one, headers, depth + 1) for one in value[:MOST_ITEMS]]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**63:
        return str(value)[:MOST_TEXT]
    return beginning(headers.hidden(value), MOST_TEXT) if isinstance(value, str) else value
