"""Words are found in the sorted list as in the set that is made of it."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from retina_doctor.redaction.vocabulary import FEW, Vocabulary, _text, has_line, known_words
from tools import letter_pairs


def test_every_word_of_the_list_is_found() -> None:
    words = _text().split("\n")[:-1]
    assert words == sorted(words)
    assert all(has_line(_text(), word) for word in words)


WORDS = sorted("".join(one) for count in (1, 2, 3) for one in itertools.product("ab\u4e00~", repeat=count))


@given(st.sets(st.sampled_from(WORDS)), st.sampled_from(["", "abab", *WORDS]))
@settings(deadline=None)
def test_nothing_else_is(lines: set[str], word: str) -> None:
    assert has_line("".join(f"{line}\n" for line in sorted(lines)), word) == (word in lines)


def test_the_first_words_are_answered_as_the_later_ones() -> None:
    asked = [*list(known_words())[:40], "x-y-z", "", "qqqqq", "/data"]
    vocabulary = Vocabulary()
    first = [word in vocabulary for word in asked]
    assert len(asked) < FEW
    for _ in range(FEW):
        assert "python" in vocabulary
    assert [word in vocabulary for word in asked] == first == [True] * 40 + [False] * 3 + ["/data" in known_words()]


def test_pairs_of_letters_are_those_of_the_words() -> None:
    """Where this fails, words were added: `python -m tools.letter_pairs`."""
    assert letter_pairs.OUT.read_text(encoding="ascii") == letter_pairs.counted()
