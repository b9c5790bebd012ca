"""Which lines hold a secret because a line before them says so: what stands below a name, in a column, in a block."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from retina_doctor.masking.forms import ANNOUNCED_ZH, OF_WORD, SECRET, WORD, ZH
from retina_doctor.masking.words import clues, has_one
from retina_doctor.patterns import pattern
from retina_doctor.redaction.speaking import speaks_of_secrets

_LISTED = pattern(r"\A[ \t]*-[ \t]+(?=\S)")
_TIME = r"(?:\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[\d.,+:Z-]{0,16}\]? ?|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d ?)"
_LEVEL = r"(?:(?:INFO|WARN(?:ING)?|ERROR|DEBUG|FATAL|CRITICAL|TRACE)(?!\w):? ?)"
LOGGED = pattern(
    rf"\A(?:(?:{_TIME}|{_LEVEL}){_LEVEL}?(?:\[[^\]\[\"'\n]{{0,40}}\]:? ?(?=.)){{0,3}}{_LEVEL}?"
    r"(?:(?:[\w.-]{1,60} )?[\w.-]{1,60}\[\d{1,9}\]: ?)?(?P<name>[\w.-]{1,60}: )?)?"
)
"""What a log sets before each line of a text."""
_QUOTED = r"\"\"\"|'''|<<-?\s?\\*[\"']?\w{1,40}\\*[\"']?"
_OPEN_ENDED = pattern(rf"(?:[:=：＝|>\\]|[|>][-+]\d?|{_QUOTED})\s*$")
"""What such a line says goes on in the next one. A mark at its end may stand for what opened a block (`<<EOF`, `>`)."""
_BLOCK = pattern(
    rf"(?:(?:\A|[\"'])\W{{0,60}}[^\s:=()]{{1,80}}(?: [^\s:=()]{{1,80}})?\s?[:=：＝]|[\[{{|>]|[|>][-+]\d?|{_QUOTED})\s*$"
)
"""And such a line, in all that stands further in."""
_NAME = pattern(
    rf"(?i)[-?*\s\"'\[<({{]{{0,20}}(?:\d{{1,3}}\)[\s\"']{{1,4}}){{0,4}}(?:(?:name|key|field|variable|env|id)[\"']?\s{{0,4}}[:=]\s{{0,4}}[\"']?)?"
    rf"(?:{WORD}|{ZH}|(?<=[:=] )\\*[\"']?{SECRET})[\]>)}}\"',;\s]{{0,20}}"
)
"""A name alone: its value is said in the next line."""
_PAIR = pattern(
    rf"(?i)(?<![\w-])(?:name|key|field|variable|env)\\*[\"']?\s{{0,4}}[:=]\s{{0,4}}\\*[\"']?(?:{WORD}|{ZH}|{SECRET})\\*[\"',;\s]{{0,4}}\Z"
)
"""`name: DB_PASSWORD` at the end of a line."""
_LAST = pattern(rf"(?i)(?<![\w-])(?:{WORD}|{ZH})\]?\s{{0,4}}\Z")
"""A name at the end of a line: what stands further in, or below its section, is said of it."""
_SAID_NEXT = pattern(
    r"(?:\A|[\"'])\s*(?:\((?:Pdb|gdb|lldb)\+*\)|ipdb>|In \[\d{1,6}\]:|>>>|(?:[\w.-]{1,64}@)?[\w.:~/@-]{0,200}[$#>%]|#)[ \t]"
)
"""At a prompt, a line asks for what the next one says; a comment says what the next one is."""
_LENGTH = pattern(r"\s*(?:[KV] |[$*])\d{1,9}\s*")
"""Of what comes in the next line, in Subversion's files and in Redis' protocol."""
_BRANCH = pattern(r"\s*(?:[│|]\s*){0,40}[└├╰]")
"""Drawn below what a line names: its values."""
_MANIFEST = pattern(r"(?m)^[ \t]*kind:[ \t]*[\"']?(?:Sealed)?Secret\b")
"""Of Kubernetes, whose keys may stand before it."""
_CELLS = pattern(r"[ \t]*[,;|\t][ \t]*|[ \t]{2,}")
_TITLE = pattern(rf"(?i){WORD}|{ZH}")
_RULE = pattern(r"[-+=|:\s]+")
MOST_CELLS = 40


def log_head(line: str) -> str:
    """What a log sets before a line; the name of a logger, which may be that of a secret, stays with what is said."""
    match = LOGGED.match(line)
    head = line[: match.end() if match["name"] is None else match.start("name")] if match else ""
    return "" if speaks_of_secrets(head) else head


def announced(text: str) -> Iterator[tuple[list[str], bool]]:
    """Lines that belong together, and whether any of them speaks of a secret or is said to hold one by those before."""
    following = _Following()
    all_told = _MANIFEST.search(text) is not None
    for lines in _units(text):
        bare = [LOGGED.sub("", line, count=1) for line in lines]
        told = following.is_told(bare) or speaks_of_secrets(" ".join(map(_unlisted, bare)) if lines[1:] else lines[0])
        told = told or all_told
        following.see(bare[-1], told)
        yield lines, told


class _Following:
    """What the lines so far say of the next one."""

    def __init__(self) -> None:
        self.next_one = False
        self.further_in: int | None = None
        self.columns = 0
        self.drawn = False

    def is_told(self, lines: list[str]) -> bool:
        first = lines[0]
        if self.next_one or (self.drawn and _BRANCH.match(first)):
            return True
        if self.further_in is not None and first.strip() and _indent(first) <= self.further_in:
            self.further_in = None
        if self.columns and not _RULE.fullmatch(first) and len(_cells(first)) != self.columns:
            self.columns = 0
        return self.further_in is not None or self.columns > 0

    def see(self, line: str, told: bool) -> None:
        open_ended = told and (_OPEN_ENDED.search(line) or _SAID_NEXT.search(line)) is not None
        self.drawn = told
        if told and self.further_in is None and _BLOCK.search(line):
            self.further_in = _indent(line)
        names = len(line) <= 400 and _names(line)
        named = names and (_NAME.fullmatch(line) or _PAIR.search(line)) is not None
        last = names and _LAST.search(line)
        passed_on = self.next_one and _LENGTH.fullmatch(line) is not None
        self.next_one = open_ended or named or passed_on or bool(last and "]" in last[0])
        if last and self.further_in is None:
            self.further_in = _indent(line)
        cells = _cells(line)
        if len(cells) > 1 and _names(line) and any(map(_TITLE.fullmatch, cells)):
            self.columns = len(cells)


def _names(line: str) -> bool:
    """Whether anything in it may be a name of a secret, or was one that is masked: most lines and most runs have none."""
    return SECRET in line or has_one(clues(line), OF_WORD) or has_one(line, ANNOUNCED_ZH)


def _cells(line: str) -> list[str]:
    if len(line) > 400:
        return []
    found = _CELLS.split(line.strip(" \t|"))
    return found if len(found) <= MOST_CELLS else []


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _units(text: str) -> Iterator[list[str]]:
    """Lines, and those of a list in YAML together: they may be the words of one command, or all that was announced before."""
    for listed, lines in itertools.groupby(
        text.split("\n"), lambda line: _LISTED.match(LOGGED.sub("", line, count=1)) is not None
    ):
        found = [*lines]
        yield from [found] if listed else ([line] for line in found)


def _unlisted(line: str) -> str:
    return _LISTED.sub("", line).strip(" \t\r\"'")
