"""From sources to one text: whole where it is small, else what the first look keeps."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Iterator

from retina_doctor.codec import Data
from retina_doctor.errors import UsageError

from ...triage.first_look import Excerpt, thinned
from ...triage.text import LogText, text_of
from .sources import Stream

THICK = 32_000
"""Bytes from which on lines that differ in numbers alone are read a few times only."""
WHOLE = 1 << 20
"""Bytes up to which a text is read whole."""


class GatheredText(Data, frozen=True, kw_only=True):
    """*text*: lines numbered through all sources. *starts*: number before the first line of each source, with its *names*.
    *whole*: nothing was left out. *size*: bytes read."""

    text: LogText
    starts: tuple[int, ...]
    names: tuple[str, ...]
    whole: bool
    size: int

    def place(self, number: int) -> tuple[str, int]:
        """(source, line in it) of a line's number."""
        index = bisect.bisect_left(self.starts, number) - 1
        return self.names[index], number - self.starts[index]


def gather(streams: Iterable[Stream], progress: Callable[[int], None]) -> GatheredText:
    """Raises UsageError where all sources together hold nothing but white space."""
    lines: list[tuple[int, str]] = []
    starts: list[int] = []
    names: list[str] = []
    whole, base, size = True, 0, 0
    for stream in streams:
        starts.append(base)
        names.append(stream.name)
        read = 0
        begun: list[bytes] = []
        excerpt: Excerpt | None = None
        for chunk in stream.chunks:
            read += len(chunk)
            chunk = chunk.replace(b"\0", b"")
            progress(size + read)
            if excerpt is None and read <= WHOLE:
                begun.append(chunk)
                continue
            if excerpt is None:
                excerpt = Excerpt()
                for earlier in begun:
                    excerpt.feed(earlier)
                begun = []
            excerpt.feed(chunk)
        size += read
        if excerpt is None:
            whole_lines = decoded(b"".join(begun)).splitlines()
            numbered: Iterator[tuple[int, str]] = enumerate(whole_lines, 1)
            if read > THICK:
                numbered = thinned(numbered)
        else:
            numbered = ((number, decoded(line)) for number, line in excerpt.end())
            whole = False
        last = 0
        for number, line in numbered:
            lines.append((base + number, line))
            last = number
        base += max(last, excerpt.lines_seen if excerpt else len(whole_lines)) + 1
    if not any(line.strip() for _, line in lines) and whole:
        raise UsageError(f"{', '.join(names) or 'nothing'}: is empty")
    return GatheredText(text=text_of(lines), starts=tuple(starts), names=tuple(names), whole=whole, size=size)


def decoded(raw: bytes) -> str:
    """UTF-8, else the encoding of Chinese Windows, else whatever of it is UTF-8."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("utf-8", "replace")
