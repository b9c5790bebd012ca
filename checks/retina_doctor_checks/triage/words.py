"""Words in flowing text: where they stand, beginning where a word does ("leak", not "bleak")."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

SHORT = 3
"""Letters of a word up to which it must end where a word does, too."""
WHOLE = "|"
"""At the end of a word of a list: it must end where a word does, but for a plural's s. A hand is no handle, a screen no
screenshot."""


def holds(words: Iterable[str], text: str) -> bool:
    """Whether the text, in lower case and on one line, holds one of these words."""
    return any(next(places_of(word, text), None) is not None for word in words)


def places_of(listed: str, text: str) -> Iterator[int]:
    word = letters(listed)
    position = text.find(word)
    while position >= 0:
        end = position + len(word)
        if word != listed and text[end : end + 1] == "s":
            end += 1
        before, after = text[position - 1 : position], text[end : end + 1]
        begins = not (_is_of_word(word[0]) and _is_of_word(before))
        ends = (word == listed and len(word) > SHORT) or not (_is_of_word(word[-1]) and _is_of_word(after))
        ends = ends and not (after.isdigit() and word[-2:].isdigit())  # "port 80" is not "port 8000"
        if begins and ends:
            yield position
        position = text.find(word, position + 1)


def letters(listed: str) -> str:
    """A word of a list as it stands in text."""
    return listed.removesuffix(WHOLE)


def _is_of_word(letter: str) -> bool:
    """Chinese has no blanks between its words."""
    return letter.isascii() and letter.isalnum()
