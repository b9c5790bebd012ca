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
_LETTERS = bytes(range(0x80)).lower() + bytes(range(0x80, 0x100))
_NO_LETTERS = bytes(set(range(0x100)) - set(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ '\n"))
"""What no anchor holds: half of most logs is numbers, and what is left out need not be searched once for each anchor."""
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


def _lines_with_anchors(chunk: bytes) -> dict[int, bytes]:
    """Index of a line -> the first of the anchors that it holds."""
    low = chunk.translate(_LETTERS, _NO_LETTERS)
    found: dict[int, bytes] = {}
    for anchor in ANCHORS:
        index = counted = 0
        position = low.find(anchor)
        while position >= 0:
            index += low.count(b"\n", counted, position)
            found.setdefault(index, anchor)
            counted = low.find(b"\n", position)
            position = low.find(anchor, counted) if counted >= 0 else -1
    return found


def _around(line: bytes, anchor: bytes) -> bytes:
    if len(line) <= LONG:
        return line
    place = max(line.lower().find(anchor) - LONG // 2, 0)
    return line[place : place + LONG]


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
        """*chunk*: whole lines; where a line or the log has no end, a part of one."""
        number = self.lines_seen + 1
        found = _lines_with_anchors(chunk)
        if found:
            lines = chunk.removesuffix(b"\n").split(b"\n")
            kept = 0
            for index, anchor in sorted(found.items()):
                if not self._is_new(lines[index][:LONG]):
                    continue
                for near in range(max(index - AROUND, kept), min(index + AROUND + 1, len(lines))):
                    self._keep(number + near, _around(lines[near], found.get(near, anchor)))
                kept = max(kept, min(index + AROUND + 1, len(lines)))
        self.lines_seen += chunk.count(b"\n")

    def _is_new(self, line: bytes) -> bool:
        low = line[:400].lower()
        template = _variable.sub(b"0", low) + b"".join(_code.findall(low))
        if len(self._templates) > TEMPLATES:
            self._templates.clear()
        times = self._templates[template] = self._templates.get(template, 0) + 1
        return times <= ALIKE

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
