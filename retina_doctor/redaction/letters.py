"""How words put letters together: a token of letters alone has pairs that hardly any word has."""

from __future__ import annotations

import functools
import itertools
import math
import re
from collections import Counter
from collections.abc import Mapping
from math import fsum

from retina_doctor.redaction.harmless import known_words

SHORTEST = 16  # letters; of fewer, too little can be told
WORDLESS = -10.3
"""Mean logarithm (base 2) of the share that a word's pairs have among those of known words. English and the identifiers of
programs have about -8, names in any language written in Latin letters more than this nearly always; of random letters, 5 in 100
have more."""
WORDLESS_IN_CAPITALS = -9.3
"""Where capitals stand within the word or all of it is in capitals, as few names are: of random letters, 1 in 1000 has more."""


@functools.cache
def _pairs() -> Mapping[str, float]:
    """Two letters -> logarithm of their share; "" for those that follow each other in no known word."""
    found = Counter[str]()
    for word in known_words():
        if re.fullmatch("[a-z]{3,}", word):
            found.update(map("".join, itertools.pairwise(word)))
    total = found.total()
    return {two: math.log2((times + 0.5) / total) for two, times in found.items()} | {"": math.log2(0.5 / total)}


def is_no_word(word: str) -> bool:
    """So many Latin letters, put together as no language does: `MCPFOPMDLABRGPLX`, not `gesichtserkennungsdienst`."""
    if len(word) < SHORTEST or not word.isascii() or not word.isalpha():
        return False
    shares = _pairs()
    mean = fsum(shares.get(a + b, shares[""]) for a, b in itertools.pairwise(word.lower())) / (len(word) - 1)
    return mean < (WORDLESS if word[1:].islower() else WORDLESS_IN_CAPITALS)
