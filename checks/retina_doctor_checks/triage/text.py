"""Pasted text made plain: without colours, prefixes and the marks of one terminal's width; each line keeps its number."""

from __future__ import annotations

import bisect
import functools
import html
import json
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from retina_doctor.codec import Data

from .sentences import BREAK, squeezed

LONGEST = 20_000
"""Characters of one line that are read; what follows is left out (a minified file, a base64 picture)."""
_ESCAPES = re.compile(
    r"\x1b\[[0-?]{0,64}[ -/]{0,8}[@-~]|\x1b\][^\x07\x1b]{0,400}(?:\x07|\x1b\\)?|\x1b[ -/]{0,8}[0-~]|\x9b[0-?]{0,64}[@-~]"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_MOJIBAKE = re.compile("â€[˜™œ\x9d]|вЂ[˜™њќ]|鈥[檚榯]|ï¼š")
_QUOTES = str.maketrans(
    dict.fromkeys("‘’‚‛`´“”„«»「」『』", "'")
    | {chr(c): chr(c - 0xFEE0) for c in range(0xFF01, 0xFF5F)}
    | dict.fromkeys([*map(chr, range(0x2500, 0x2580)), "❱"], " ")  # the boxes that rich draws around tracebacks
    | {"\u00a0": " ", "\u3000": " ", "–": "-", "—": "-", "−": "-"}
)
_ENTITY = re.compile(r"&(?:#\d{1,6}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});")
_ESCAPED = re.compile(r"\\{1,8}(?=[\"'])|\\(?=[\[\]_*#`<>])")
"""Backslashes that JSON, Go and shells put before quotation marks, and Markdown before its signs."""
_PREFIXES = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?:>|&gt;) ?",  # a quotation
        r"\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[ ]?[+-]\d\d:?\d\d)?\]?[:,]?(?:[ \t]+|$)",
        r"\[?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?\]?(?:[ \t]+|$)",
        r"\[\d\d/\d\d/\d\d \d\d:\d\d:\d\d\] {1,20}[A-Z]{4,8}(?: |$)",  # rich's
        r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d [\w.-]{1,64} [\w./@-]{1,64}(?:\[\d{1,10}\])?:(?: |$)",  # syslog, journald
        r"\[ {0,6}\d{1,8}\.\d{6}\] ?",  # the kernel's
        r"(?:stdout|stderr) [FP](?: |$)",  # kubelet's
        r"\[pod/[\w./-]{1,160}\](?: |$)",  # kubectl logs --prefix
        r"[\w.-]{1,64} [\w./@-]{1,64}\[\d{1,10}\]:(?: |$)",  # journalctl -o short-iso, after its time
        r"<\d{1,3}>1 \S{10,40} \S{1,64} \S{1,64} \S{1,20} \S{1,32} (?:-|\[[^\]]{0,200}\])(?: |$)",  # syslog, RFC 5424
        r"\| ?[A-Z]{4,8} {0,5}\| [\w.<>-]{1,80}:[\w<>]{1,60}:\d{1,6} -(?: |$)",  # loguru, after its time
        r"[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{1,6} {1,8}\d{1,8} [\w./-]{1,80}:\d{1,6}\](?: |$)",  # glog, klog, Triton
        r"- [\w.]{1,60} - [A-Z]{4,8} -(?: |$)",  # Python's logging, after its time
        r"\([\w-]{1,40} pid=\d{1,10}(?:, ip=[\d.]{7,15})?\)(?: |$)",  # Ray, vLLM
        r"[A-Z]{4,8} \d\d-\d\d \d\d:\d\d:\d\d \[[\w.]{1,60}:\d{1,6}\](?: |$)",  # vLLM
        r"[\w.-]{1,64} {0,30}\|(?: (?!v?\d{1,4}\.)|$)",  # docker compose, not a table of versions
    )
)
_TITLE = re.compile(r"---.{0,80}---$")
_HEADING = re.compile(r"#{1,6} |'''")
_WIDTHS = (72, 76, 78, 79, 80, 100, 120, 132)
"""Of terminals and mailers that break lines wherever they end."""


class LogLine(Data, frozen=True):
    """*number* counts from 1. *text*: plain and without prefix, for reading. *shown*: plain, with it."""

    number: int
    text: str
    shown: str


class LogText(Data, frozen=True, dict=True):
    lines: tuple[LogLine, ...]

    @functools.cached_property
    def _squeezed(self) -> tuple[str, tuple[int, ...]]:
        parts = [_part(line.text) for line in self.lines]
        starts, position = [], 0
        for part in parts:
            starts.append(position)
            position += len(part)
        return "".join(parts), tuple(starts)

    @property
    def squeezed(self) -> str:
        """All lines without white space, in lower case: what sentences are looked for in. A BREAK for each end of a paragraph."""
        return self._squeezed[0]

    @functools.cached_property
    def flowing(self) -> str:
        """All lines in lower case, each blank one space, for facts; lines broken at a terminal's width are whole again."""
        lines = [re.sub(r"[ \t]{1,}", " ", line.text).lower() for line in self.lines]
        return "".join(_joined(line.text, text) for line, text in zip(self.lines, lines, strict=True))

    @functools.cached_property
    def prose(self) -> str:
        """As `flowing`, on one line."""
        return self.flowing.replace("\n", " ")

    @functools.cached_property
    def _flowing_starts(self) -> tuple[int, ...]:
        starts, position = [], 0
        for line in self.lines:
            starts.append(position)
            position += len(_joined(line.text, re.sub(r"[ \t]{1,}", " ", line.text).lower()))
        return tuple(starts)

    def lines_of(self, start: int, end: int) -> tuple[LogLine, ...]:
        """The lines that hold characters *start* to *end* of `squeezed`."""
        return self._between(self._squeezed[1], start, end)

    def line_flowing(self, start: int) -> LogLine:
        """The line that holds character *start* of `flowing`."""
        return self._between(self._flowing_starts, start, start + 1)[0]

    @functools.cached_property
    def _positions(self) -> dict[int, int]:
        return {line.number: position for position, line in enumerate(self.lines)}

    def around(self, first: LogLine, last: LogLine) -> tuple[LogLine, ...]:
        """From the line before *first* to the one after *last*."""
        return self.lines[max(self._positions[first.number] - 1, 0) : self._positions[last.number] + 2]

    def _between(self, starts: Sequence[int], start: int, end: int) -> tuple[LogLine, ...]:
        first = bisect.bisect_right(starts, start) - 1
        last = bisect.bisect_left(starts, max(end, start + 1)) - 1
        return tuple(line for line in self.lines[first : last + 1] if line.text.strip())


def _part(text: str) -> str:
    """What a line adds to the squeezed text. No sentence of a program goes on across an empty line or a rule, nor into a
    heading, a fence or a shell prompt; what these say themselves is read, since many put the error into the title."""
    bare = text.strip()
    if not bare or (len(bare) > 2 and not bare.strip("-=_*#~+|")):
        return BREAK
    if _TITLE.match(bare):
        return BREAK + squeezed(bare) + BREAK
    return BREAK + squeezed(bare) if _HEADING.match(bare) else squeezed(text)


def _joined(plain: str, low: str) -> str:
    return low if len(plain) in _WIDTHS else low + "\n"


def text_of(lines: Iterable[tuple[int, str]]) -> LogText:
    """Of numbered raw lines."""
    return LogText(tuple(_line(number, raw) for number, raw in lines))


def read(raw: str) -> LogText:
    return text_of(enumerate(raw.splitlines(), 1))


def plain(raw: str) -> str:
    """Without escape sequences, control characters and the many forms of quotation marks."""
    text = raw[:LONGEST]
    if "\x1b" in text or "\x9b" in text:
        text = _ESCAPES.sub("", text)
    if "&" in text:
        text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _MOJIBAKE.sub("'", text).translate(_QUOTES))
    return _CONTROLS.sub(" ", text.replace("\t", " ").replace("`", "'").replace('"', "'")).rstrip()


@functools.cache
def _languages() -> tuple[Mapping[str, str], re.Pattern[str]]:
    """What is said in another language -> in English; and what finds all of the former."""
    table = tomllib.loads((Path(__file__).parent / "languages.toml").read_text(encoding="utf-8"))
    english = {unicodedata.normalize("NFKC", other): words for words, others in table.items() for other in others}
    return english, re.compile("|".join(map(re.escape, english)))


def _in_english(text: str) -> str:
    english, of_others = _languages()
    return of_others.sub(lambda said: english[said[0]], text)


def _line(number: int, raw: str) -> LogLine:
    if raw.startswith('{"log":"'):  # docker's own log files
        raw = _of_docker(raw)
    shown = plain(raw)
    text = _in_english(_ESCAPED.sub("", shown) if "\\" in shown else shown)
    for _ in range(4):
        for prefix in _PREFIXES:
            if match := prefix.match(text):
                text = text[match.end() :]
                break
        else:
            break
    return LogLine(number, text, shown)


def _of_docker(raw: str) -> str:
    try:
        return str(json.loads(raw)["log"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return raw
