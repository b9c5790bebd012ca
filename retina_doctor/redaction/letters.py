"""How words put letters together: a token of letters alone has pairs that hardly any word has."""

from __future__ import annotations

import functools
import itertools
import math
from math import fsum

from retina_doctor.redaction.vocabulary import known_words

SHORTEST = 16  # letters; of fewer, too little can be told
WORDLESS = -10.3
"""Mean logarithm (base 2) of the share that a word's pairs have among those of known words. English and the identifiers of
programs have about -8, names in any language written in Latin letters more than this nearly always; of random letters, 5 in 100
have more."""
WORDLESS_IN_CAPITALS = -9.3
"""Where capitals stand within the word or all of it is in capitals, as few names are: of random letters, 1 in 1000 has more."""


@functools.cache
def _words() -> tuple[str, int]:
    """All known words of at least three letters as one text, and how many pairs of letters they have."""
    words = [word for word in known_words() if len(word) > 2 and word.isascii() and word.isalpha()]
    return " ".join(words), sum(map(len, words)) - len(words)


@functools.cache
def _share(two: str) -> float:
    """Logarithm of the share that two letters have among the pairs of known words; of those that follow each other in none, as
    if half a pair did."""
    text, pairs = _words()
    return math.log2((text.count(two) + 0.5) / pairs)


def is_no_word(word: str) -> bool:
    """So many Latin letters, put together as no language does: `MCPFOPMDLABRGPLX`, not `gesichtserkennungsdienst`."""
    if len(word) < SHORTEST or not word.isascii() or not word.isalpha():
        return False
    mean = fsum(_share(a + b) for a, b in itertools.pairwise(word.lower())) / (len(word) - 1)
    return mean < (WORDLESS if word[1:].islower() else WORDLESS_IN_CAPITALS)
