"""How words put letters together: a token of letters alone has pairs that hardly any word has."""

from __future__ import annotations

import functools
import itertools
import math
from math import fsum
from pathlib import Path

SHORTEST = 16  # letters; of fewer, too little can be told
WORDLESS = -10.3
"""Mean logarithm (base 2) of the share that a word's pairs have among those of known words. English and the identifiers of
programs have about -8, names in any language written in Latin letters more than this nearly always; of random letters, 5 in 100
have more."""
WORDLESS_IN_CAPITALS = -9.3
"""Where capitals stand within the word or all of it is in capitals, as few names are: of random letters, 1 in 1000 has more."""


@functools.cache
def _counts() -> tuple[list[int], int]:
    """How often each pair of letters stands in known words, aa, ab, … zz, and how many pairs they have. letter_pairs.txt is
    made by tools/letter_pairs.py: to count them takes longer than all else that a path is looked at for."""
    counts = [int(count) for count in Path(__file__).with_name("letter_pairs.txt").read_text(encoding="ascii").split()]
    return counts[:-1], counts[-1]


@functools.cache
def _share(first: str, second: str) -> float:
    """Logarithm of the share that two letters have among the pairs of known words; of those that follow each other in none, as
    if half a pair did."""
    counts, pairs = _counts()
    return math.log2((counts[26 * (ord(first) - 97) + ord(second) - 97] + 0.5) / pairs)


def is_no_word(word: str) -> bool:
    """So many Latin letters, put together as no language does: `MCPFOPMDLABRGPLX`, not `gesichtserkennungsdienst`."""
    if len(word) < SHORTEST or not word.isascii() or not word.isalpha():
        return False
    mean = fsum(_share(a, b) for a, b in itertools.pairwise(word.lower())) / (len(word) - 1)
    return mean < (WORDLESS if word[1:].islower() else WORDLESS_IN_CAPITALS)
