"""Whether a program's sentence is only spoken of: documentation says when it comes, a report of a repair that it came."""

from __future__ import annotations

import re

from .text import LogLine

_SPOKEN_OF = re.compile(
    r"^\W{0,6}(?:if|when|whenever) (?:you (?:see|get|encounter)|the|a|an|your|this|these|it)\b"
    r"|^\W{0,6}(?:fixed|solved|resolved)\b|(?<!not )\b(?:is|was|been|now) (?:fixed|solved|resolved)\b|\bworks (?:fine )?now\b"
    r"|已解决|已经解决|解决了|已修复|修好了|^\W{0,6}(?:如果|当)(?:你|您)?(?:出现|看到|遇到|报)",
    re.IGNORECASE,
)
_PRINTED = re.compile(r"^\s*(?:File '|Traceback|[\w.]{1,80}(?:Error|Exception): )")


def is_written(place: tuple[LogLine, ...]) -> bool:
    """Whether a person wrote these lines: no logger's prefix, no traceback."""
    return all(line.text == line.shown and not _PRINTED.match(line.text) for line in place)


def is_quoted(place: tuple[LogLine, ...]) -> bool:
    """Whether a person wrote these lines, and complains of nothing present."""
    return is_written(place) and _SPOKEN_OF.search(" ".join(line.text.strip() for line in place)) is not None
