"""Names of insightface's packs, and which of them a misspelt one is meant to be. (A name that nobody knows is masked in a
support file, so that this is told beside it.)"""

from __future__ import annotations

import difflib
import re

PACKS = (
    *("buffalo_l", "buffalo_m", "buffalo_s", "buffalo_sc", "antelopev2"),
    *("raccoon_l", "raccoon_s", "cheetah_l", "cheetah_s"),
)
"""Those of models/packs.toml."""
ALIKE = 0.8
"""By difflib's ratio: a letter or two of a pack's name."""
MOST = 2  # letters more or less


def nearest(name: str) -> str | None:
    """The pack of which the name is plainly a misspelling."""
    word = plain(name)
    each = {plain(one): one for one in PACKS}
    found = difflib.get_close_matches(word, each, 1, ALIKE)
    return each[found[0]] if found and abs(len(found[0]) - len(word)) <= MOST else None


def plain(name: str) -> str:
    return re.sub(r"[-_]", "", name).lower()
