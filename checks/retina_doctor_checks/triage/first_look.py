"""The first look at a log too large to be read whole: which of its lines are worth reading.

Whole chunks of bytes are searched for a few anchor words; only lines with one, and those around them, go on. A log repeats
itself, so lines that differ in numbers alone are kept a few times only.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator

ANCHORS = (
    b"not ", b"error", b"fail", b"exception", b"module", b"invalid", b"denied", b"refuse", b"no such", b"can't", b"unable",
    b"missing", b"expect", b"require", b"out of", b"unsupported", b"mismatch", b"incompatib", b"undefined", b"corrupt",
    b"timeout", b"reset", b"kill", b"already", b"illegal", b"nvidia", b"nvrm", b"cuda", b"cudnn", b"cublas", b"onnx",
)  # fmt: skip
"""Few, since each costs a pass over the whole log; "not " is also in "cannot open" and "could not"."""
AROUND = 3
"""Lines before and after one with an anchor that are read as well."""
ALIKE = 3
"""Times that lines which differ in numbers alone are kept."""
TEMPLATES = 50_000
"""Different lines that are remembered; after that the memory begins anew."""
KEPT = 400_000
"""Bytes that are kept of the beginning, and again of the end."""
LONG = 4_000
"""Bytes of one line that are kept around an anchor."""
_VARIABLE = r"0x[0-9a-f]+|[0-9a-f]{8,}|\d+"
_CODE = r"(?:failure|error|errno|winerror|code|status|signal|xid \([^)]{1,40}\):|version|so\.)[ =:.]{0,3}\d{1,5}"
"""Numbers that are no mere counts: Xid 79 is not Xid 13."""
_variable, _code = re.compile(_VARIABLE.encode()), re.compile(_CODE.encode())
_variable_text, _code_text = re.compile(_VARIABLE), re.compile(_CODE)


def thinned(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Of numbered lines that differ in numbers alone the first few."""
    times: dict[str, int] = {}
    for number, line in lines:
        low = line[:400].lower()
        template = _variable_text.sub("0", low) + "".join(_code_text.findall(low))
        count = times[template] = times.get(template, 0) + 1
        if count <= ALIKE or not low.strip():
            yield number, line


class Excerpt:
    """Collects the lines worth reading of chunks that come one after another."""

    def __init__(self) -> None:
        self.lines_seen = 0
        self.left_out = False
        """Whether lines worth reading were dropped for want of room."""
        self._rest = b""
        self._first: list[tuple[int, bytes]] = []
        self._first_size = 0
        self._last: deque[tuple[int, bytes]] = deque()
        self._last_size = 0
        self._templates: dict[bytes, int] = {}

    def feed(self, chunk: bytes) -> None:
        """A chunk of any size; a line may go on in the next."""
        chunk = self._rest + chunk if self._rest else chunk
        cut = chunk.rfind(b"\n") + 1
        if not cut and len(chunk) < 1 << 22:
            self._rest = chunk
            return
        cut = cut or len(chunk)
        self._rest = chunk[cut:]
        self._search(chunk[:cut])

    def end(self) -> Iterator[tuple[int, bytes]]:
        """(number, line), in order."""
        if self._rest:
            self._search(self._rest)
            self._rest = b""
        yield from self._first
        yield from self._last

    def _search(self, chunk: bytes) -> None:
        low = chunk.lower()
        found: dict[int, int] = {}  # start of a line -> place of its first anchor
        for anchor in ANCHORS:
            position = low.find(anchor)
            while position >= 0:
                start = low.rfind(b"\n", 0, position) + 1
                found.setdefault(start, position)
                position = low.find(b"\n", position)
                position = low.find(anchor, position) if position >= 0 else -1
        number, counted, told = self.lines_seen + 1, 0, -1
        for start in sorted(found):
            if not self._is_new(low, start):
                continue
            first = self._back(chunk, start, max(told, counted))
            number += chunk.count(b"\n", counted, first)
            counted = first
            last = self._forward(chunk, start)
            for line in self._cut(chunk, first, last, found):
                self._keep(number, line)
                number += 1
            counted = told = last
        self.lines_seen += chunk.count(b"\n")

    def _is_new(self, low: bytes, start: int) -> bool:
        end = low.find(b"\n", start)
        line = low[start : min(end if end >= 0 else len(low), start + 400)]
        template = _variable.sub(b"0", line) + b"".join(_code.findall(line))
        if len(self._templates) > TEMPLATES:
            self._templates.clear()
        times = self._templates[template] = self._templates.get(template, 0) + 1
        return times <= ALIKE

    @staticmethod
    def _back(chunk: bytes, start: int, limit: int) -> int:
        for _ in range(AROUND):
            before = chunk.rfind(b"\n", max(limit, 0), max(start - 1, 0)) + 1
            if start <= limit or before < limit or start == 0:
                break
            start = before
        return max(start, limit, 0)

    @staticmethod
    def _forward(chunk: bytes, start: int) -> int:
        end = start
        for _ in range(AROUND + 1):
            after = chunk.find(b"\n", end)
            if after < 0:
                return len(chunk)
            end = after + 1
        return end

    @staticmethod
    def _cut(chunk: bytes, first: int, last: int, found: dict[int, int]) -> Iterable[bytes]:
        position = first
        while position < last:
            end = chunk.find(b"\n", position, last)
            end = last if end < 0 else end
            place = max(position, found.get(position, position) - LONG // 2)
            yield chunk[place : min(end, place + LONG)]
            position = end + 1

    def _keep(self, number: int, line: bytes) -> None:
        if self._first_size < KEPT:
            self._first.append((number, line))
            self._first_size += len(line) + 1
            return
        self._last.append((number, line))
        self._last_size += len(line) + 1
        while self._last_size > KEPT:
            self._last_size -= len(self._last.popleft()[1]) + 1
            self.left_out = True
