"""Pasted text made plain: without colours, prefixes and the marks of one terminal's width; each line keeps its number."""

from __future__ import annotations

import bisect
import functools
import html
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import tomli

from retina_doctor.codec import Data
from retina_doctor.masking.words import masked

from .log_forms import by_speaker, unwrapped, without_prefix
from .of_code import without_code
from .sentences import BREAK, squeezed
from .traditional import simplified

LONGEST = 20_000
"""Characters of one line that are read; what follows is left out (a minified file, a base64 picture)."""
_ESCAPES = re.compile(
    r"\x1b\[[0-?]{0,64}[ -/]{0,8}[@-~]|\x1b\][^\x07\x1b]{0,400}(?:\x07|\x1b\\)?|\x1b[ -/]{0,8}[0-~]|\x9b[0-?]{0,64}[@-~]"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_MOJIBAKE = re.compile("â€[˜™œ\x9d]|вЂ[˜™њќ]|鈥[檚榯]|ï¼š")
_LIGATURES = re.compile("ï¬(?:(?P<fi>[\x81\ufffd])|‚)")
"""fi and fl as one letter, read in the wrong code page."""
_QUOTES = str.maketrans(
    dict.fromkeys("‘’‚‛`´“”„«»「」『』", "'")
    | {chr(c): chr(c - 0xFEE0) for c in range(0xFF01, 0xFF5F)}
    | dict.fromkeys([*map(chr, range(0x2500, 0x2580)), "❱"], " ")  # the boxes that rich draws around tracebacks
    | {"\u00a0": " ", "\u3000": " ", "–": "-", "—": "-", "−": "-"}
)
_EDGE = re.compile(r"(?:\x1b\[[\d;]{0,16}m| ){0,16}[│┃║] ?")
"""A box is drawn around what loggers, docker and journald have written."""
_ENTITY = re.compile(r"&(?:#\d{1,6}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});")
_ESCAPED = re.compile(r"\\{1,8}(?=[\"'])|\\(?=[\[\]_*#`<>])")
"""Backslashes that JSON, Go and shells put before quotation marks, and Markdown before its signs."""
_ANSWERED = re.compile(r"('[A-Z]{3,8} \S{1,4000} HTTP/\d(?:\.\d)?' [45]\d\d) [A-Z][\w -]{1,40}$")
"""A server's line of a request that it refused: the words of the status, which in a client's text complain, are no complaint
of the server's (uvicorn/protocols/http)."""
_TITLE = re.compile(r"---.{0,80}---$")
_HEADING = re.compile(r"#{1,6} |'''")
_WIDTHS = (72, 76, 78, 79, 80, 100, 120, 132)
"""Of terminals and mailers that break lines wherever they end."""


class LogLine(Data, frozen=True):
    """*number* counts from 1. *text*: plain and without prefix, for reading. *shown*: plain, with it, on one line; of a record
    that says more than one line the whole, masked."""

    number: int
    text: str
    shown: str


class LogText(Data, frozen=True, dict=True):
    """*starts*: positions of lines where another program begins to speak: no sentence goes on into them."""

    lines: tuple[LogLine, ...]
    starts: frozenset[int] = frozenset()

    @functools.cached_property
    def _squeezed(self) -> tuple[str, tuple[int, ...]]:
        parts = [BREAK * (at in self.starts) + _part(line.text) for at, line in enumerate(self.lines)]
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
        return "".join(_joined(line.text, _low(line.text)) for line in self.lines)

    @functools.cached_property
    def prose(self) -> str:
        """As `flowing`, on one line."""
        return self.flowing.replace("\n", " ")

    @functools.cached_property
    def _flowing_starts(self) -> tuple[int, ...]:
        starts, position = [], 0
        for line in self.lines:
            starts.append(position)
            position += len(_joined(line.text, _low(line.text)))
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


def _low(text: str) -> str:
    """In lower case, each blank one space, without Markdown's asterisks around words; Chinese in simplified letters."""
    return simplified(re.sub(r"[ \t]{1,}", " ", text.replace("**", "") if "**" in text else text).lower())


def _joined(plain: str, low: str) -> str:
    return low if len(plain) in _WIDTHS else low + "\n"


def text_of(lines: Iterable[tuple[int, str]]) -> LogText:
    """Of numbered raw lines. Where several programs take turns, each one's lines are put together."""
    read_lines = [_line(*one) for one in unwrapped((number, unboxed(raw)) for number, raw in lines)]
    kept = without_code(line.text for line, _ in read_lines)
    said = [(LogLine(line.number, bare, line.shown), who) for (line, who), bare in zip(read_lines, kept, strict=True)]
    order, starts = by_speaker([who for _, who in said], [not line.text.strip() for line, _ in said])
    return LogText(tuple(said[at][0] for at in order), starts)


def unboxed(raw: str) -> str:
    """Without the edges of the box in which a line stands."""
    edge = None if raw.isascii() else _EDGE.match(raw)
    return raw if edge is None else raw[edge.end() :].rstrip(" │┃║")


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
        text = _LIGATURES.sub(lambda one: "fi" if one["fi"] else "fl", text)
        text = _MOJIBAKE.sub("'", text.replace("Â\u00a0", " "))
        text = unicodedata.normalize("NFKC", text.translate(_QUOTES))
    return _CONTROLS.sub(" ", text.replace("\t", " ").replace("`", "'").replace('"', "'")).rstrip()


@functools.cache
def _languages() -> tuple[Mapping[str, str], re.Pattern[str]]:
    """What is said in another language -> in English; and what finds all of the former."""
    table = tomli.loads((Path(__file__).parent / "languages.toml").read_text(encoding="utf-8"))
    english = {unicodedata.normalize("NFKC", other): words for words, others in table.items() for other in others}
    return english, re.compile("|".join(map(re.escape, english)))


def _in_english(text: str) -> str:
    english, of_others = _languages()
    return of_others.sub(lambda said: english[said[0]], text)


def _line(number: int, said: str, who: str | None, whole: str | None) -> tuple[LogLine, str | None]:
    text = plain(said)
    shown = text if whole is None and "\n" not in text else plain(masked(whole or said)).replace("\n", " ")
    bare, named = without_prefix(_in_english(_ESCAPED.sub("", text) if "\\" in text else text))
    return LogLine(number, _ANSWERED.sub(r"\1", bare) if " HTTP/" in bare else bare, shown), named or who
