"""The reader of symptoms: which of the tables' sentences a text holds, and on which lines."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence

from retina_doctor.codec import Data

from . import own_words, tables, tracebacks
from .sentences import Sentence, is_open, sentence, squeezed
from .text import LogLine, LogText
from .words import holds

MOST = 12
"""Places of one sentence that are kept: the rest of a log repeats them."""
WIDEST = 12
"""Lines that one sentence may stretch over."""


Place = tuple[LogLine, ...]
"""The lines that one sentence stands on."""


class SymptomSeen(Data, frozen=True, kw_only=True):
    """A symptom and where it is. *captured*: name in the sentence -> each different text that stood there."""

    symptom: tables.Symptom
    places: tuple[Place, ...]
    captured: Mapping[str, tuple[str, ...]]


def seen(text: LogText, most: int = MOST, *, people_wrote: bool = True) -> tuple[SymptomSeen, ...]:
    """In the order of the tables; of each the first *most* places of a sentence. *people_wrote*: it may hold people's own words,
    not a program's output alone."""
    numbers, own = _numbers(text, most), own_words.told(text, most) if people_wrote else {}
    ends = tuple(tracebacks.raised(text))
    rows = (row for row in tables.symptoms() if people_wrote or not row.prose)
    found = (_seen(row, text, numbers, [*own.get(row.name, ()), *_raised(row, ends)], most) for row in rows)
    return tuple(one for one in found if one is not None)


def _raised(row: tables.Symptom, ends: Sequence[tracebacks.Raised]) -> Iterator[Place]:
    return (end.lines for end in ends if any(map(end.fits, row.raised)))


def _numbers(text: LogText, most: int) -> Mapping[tuple[str, int], list[Place]]:
    """(kind of spelling, number) -> the first places where it is written so: each form is searched once for all numbers."""
    found: dict[tuple[str, int], list[Place]] = {}
    for kind, spelling in tables.spellings().items():
        for form in spelling.forms:
            for lines, groups in matches(form, text):
                places = found.setdefault((kind, int(groups["code"])), [])
                if len(places) < most:
                    places.append(lines)
    return found


def mentions(patterns: tuple[str, ...], text: LogText) -> bool:
    """Whether the text holds one of these sentences; one without skips must begin where a word does ("leak", not "bleak"),
    and a short one end where it does."""
    return any(
        holds((pattern.lower(),), text.prose)
        if not is_open(pattern)
        else next(matches(pattern, text), None) is not None
        for pattern in patterns
    )


def matches(pattern: str, text: LogText) -> Iterator[tuple[tuple[LogLine, ...], Mapping[str, str]]]:
    """(lines, what was captured) of each place of a sentence. A cheap look for its longest literal comes first."""
    for start, end, groups in _found(pattern, text.squeezed):
        lines = text.lines_of(start, end)
        # Broken lines are long ones; a sentence put together of many short lines is none.
        if len(lines) <= min(WIDEST, 2 + (end - start) // 12):
            yield lines, groups


def _found(pattern: str, text: str) -> Iterator[tuple[int, int, Mapping[str, str]]]:
    """(start, end, what was captured) in squeezed text. Most sentences are plain text, which needs no expression."""
    if not is_open(pattern):
        plain = _plain(pattern)
        start = text.find(plain)
        if start >= 0 or "'" not in plain[:-1] or max(plain.split("'"), key=len) not in text:
            while start >= 0:
                yield start, start + len(plain), {}
                start = text.find(plain, start + len(plain))
            return
    one = sentence(pattern)
    if one.literal in text:
        for match in map(functools.partial(_tightest, one, text), one.compiled.finditer(text)):
            yield match.start(), match.end(), match.groupdict()


_plain = functools.cache(squeezed)
"""Of a table's sentence."""


def _tightest(one: Sentence, text: str, match: re.Match[str]) -> re.Match[str]:
    """The match of the same end that begins last: where a line repeats, the sentence is that of its own line."""
    start = text.rfind(one.first, match.start() + 1, match.end()) if one.first else -1
    while start >= 0:
        nearer = one.compiled.match(text, start)
        if nearer is not None and nearer.end() == match.end():
            return nearer
        start = text.rfind(one.first, match.start() + 1, start + len(one.first) - 1)
    return match


def _is_others(unless: tuple[str, ...], lines: Place, text: LogText) -> bool:
    around = text.around(lines[0], lines[-1])
    return any(word in line.shown.lower() for line in around for word in unless)


def _seen(
    row: tables.Symptom,
    text: LogText,
    numbers: Mapping[tuple[str, int], list[Place]],
    others: Sequence[Place],
    most: int,
) -> SymptomSeen | None:
    places: dict[int, Place] = {lines[0].number: lines for lines in others}  # a saying has its own `unless`
    captured: dict[str, dict[str, None]] = {}
    said = (match for pattern in row.says for match in itertools.islice(matches(pattern, text), most))
    coded: Iterator[tuple[Place, Mapping[str, str]]] = (
        (lines, {}) for kind, codes in row.codes.items() for code in codes for lines in numbers.get((kind, code), ())
    )
    for lines, groups in itertools.chain(said, coded):
        if not lines or (row.unless and _is_others(row.unless, lines, text)):
            continue
        places.setdefault(lines[0].number, lines)
        for name, value in groups.items():
            captured.setdefault(name, {})[value] = None
    if not places or (row.beside and not mentions(row.beside, text)) or mentions(row.nowhere, text):
        return None
    ordered = tuple(places[number] for number in sorted(places))[:most]
    return SymptomSeen(symptom=row, places=ordered, captured={name: tuple(values) for name, values in captured.items()})
