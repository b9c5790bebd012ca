"""Words in flowing text: where they stand, beginning where a word does ("leak", not "bleak")."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

SHORT = 3
"""Letters of a word up to which it must end where a word does, too."""


def holds(words: Iterable[str], text: str) -> bool:
    """Whether the text, in lower case and on one line, holds one of these words."""
    return any(next(places_of(word, text), None) is not None for word in words)


def places_of(word: str, text: str) -> Iterator[int]:
    position = text.find(word)
    while position >= 0:
        before, after = text[position - 1 : position], text[position + len(word) : position + len(word) + 1]
        begins = not (_is_of_word(word[0]) and _is_of_word(before))
        ends = len(word) > SHORT or not (_is_of_word(word[-1]) and _is_of_word(after))
        ends = ends and not (after.isdigit() and word[-2:].isdigit())  # "port 80" is not "port 8000"
        if begins and ends:
            yield position
        position = text.find(word, position + 1)


def _is_of_word(letter: str) -> bool:
    """Chinese has no blanks between its words."""
    return letter.isascii() and letter.isalnum()
