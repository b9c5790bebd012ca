"""Make retina_doctor/redaction/letter_pairs.txt: how often two letters follow each other in the known words.

    python -m tools.letter_pairs

A row for each first letter, a figure for each second one; the last line is how many pairs the words have. To be run after
tools/vocabulary.py, which makes the words.
"""

from __future__ import annotations

from pathlib import Path
from string import ascii_lowercase

from retina_doctor.redaction.vocabulary import known_words

OUT = Path(__file__).parents[1] / "retina_doctor" / "redaction" / "letter_pairs.txt"


def counted() -> str:
    """Of the words of at least three letters; all else (digits, hyphens, Chinese) tells nothing of letters."""
    words = sorted(word for word in known_words() if len(word) > 2 and word.isascii() and word.isalpha())
    text = " ".join(words)
    rows = (" ".join(str(text.count(first + second)) for second in ascii_lowercase) for first in ascii_lowercase)
    return "\n".join([*rows, str(sum(map(len, words)) - len(words))]) + "\n"


if __name__ == "__main__":
    OUT.write_text(counted(), encoding="ascii")
