"""What people say in their own words: no library's sentence, but words of certain lists that stand together (own_words.toml)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from . import tables
from .text import LogLine, LogText
from .words import holds, places_of

NEAR = 110
"""Characters before and after the word of the first list within which one of each other list must stand."""
FIRST, LAST = 24_000, 8_000
"""Characters of a text at its beginning and its end that are looked at: people write above and below what they paste."""
LEAST = 5
"""Characters of the shortest sentence that says anything; many a text has thousands of empty lines."""
MOST = 8
"""Places of one word in one sentence that are looked at."""
BROKEN = 45
"""Characters of a line from which on it may be a sentence that goes on in the next."""
_END = re.compile(rf"[.!?;](?=\s)|[。！？；]|(?<![^\n]{{{BROKEN}}})\n|\n\s{{0,9}}\n|\n(?=[#>|`*-])")


_NOT = re.compile(r"\b(ca|wo|is|are|was|were|do|does|did|has|have|could|would|should)n'?t\b|\bcannot\b")


def spelled_out(said: str) -> str:
    """With "not" for every way to write it: "isn't", "isnt", "cannot"."""
    return _NOT.sub(
        lambda match: f"{match[1] or 'can'} not".replace("ca not", "can not").replace("wo not", "will not"), said
    )


def told(text: LogText, most: int) -> Mapping[str, list[tuple[LogLine, ...]]]:
    """Symptom -> the first places where people tell of it."""
    found: dict[str, list[tuple[LogLine, ...]]] = {}
    rows, lists = tables.sayings(), tables.own_words()
    said = spelled_out(text.flowing)
    starts = [0, *(match.end() for match in re.finditer("\n", text.flowing))]  # spelling out moves no line
    for start, sentence in _sentences(said):
        if len(sentence) < LEAST:
            continue
        held = {name for name, words in lists.items() if any(word in sentence for word in words)}
        for row in rows:
            if not held.issuperset(row.all) or len(found.get(row.symptom, ())) >= most:
                continue
            at = _place(sentence, [lists[name] for name in row.all])
            if at is not None and _is_ours(row, text.prose):
                found.setdefault(row.symptom, []).append((text.line_flowing(starts[said.count("\n", 0, start + at)]),))
    return found


def _is_ours(row: tables.Saying, prose: str) -> bool:
    return (not row.beside or holds(row.beside, prose)) and not (row.unless and holds(row.unless, prose))


def _sentences(flowing: str) -> Iterator[tuple[int, str]]:
    """(where it begins, the sentence on one line)."""
    ends = [0, len(flowing)] if len(flowing) <= FIRST + LAST else [0, FIRST, len(flowing) - LAST, len(flowing)]
    for begin, end in zip(ends[::2], ends[1::2], strict=True):
        at = begin
        for match in _END.finditer(flowing, begin, end):
            yield at, flowing[at : match.start()].replace("\n", " ")
            at = match.end()
        yield at, flowing[at:end].replace("\n", " ")


def _place(sentence: str, lists: Sequence[tuple[str, ...]]) -> int | None:
    """Where a word of the first list stands that has one of each other list near it."""
    for word in lists[0]:
        for number, at in enumerate(places_of(word, sentence)):
            around = sentence[max(at - NEAR, 0) : at + len(word) + NEAR]
            if all(holds(words, around) for words in lists[1:]):
                return at
            if number >= MOST:
                break
    return None
