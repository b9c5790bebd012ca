"""The sentences that programs print, as a small pattern language. Every pattern takes linear time, whatever the text.

White space and case mean nothing, in the pattern and in the text: a line that somebody's terminal or mail broke anywhere
is still found. Quotation marks within may be left out, since who types a message off writes none; one at the end must be there,
for it says that the word ends. In a sentence

- ``…`` skips up to 240 characters of the same paragraph, to the nearest place where the rest goes on;
- ``{name}`` is a number, ``{name:v}`` a version, ``{name:t}`` any text up to what follows it (at most 240 characters),
  ``{name:a}`` the same within the brackets of a call, ``{name:p}`` within a path, in which no colon stands but a drive's;
- ``{=35}`` is exactly the number 35, and not the beginning of 350;
- ``(a|b)`` is one of several wordings.

Each skip is an atomic group: the nearest place is taken and no other is tried, so there is nothing to backtrack into.
"""

from __future__ import annotations

import functools
import re

from retina_doctor.codec import Data

SKIP = 240
"""Characters, white space not counted, that a skip passes at most."""
BREAK = "\x1e"
"""Stands in squeezed text for the end of a paragraph, which no skip passes."""
_QUOTED = "[^\\x1e']"
_ARGUMENTS = r"(?:[^\x1e](?<!\)[\w#>;.\\]))"
"""A word behind a closing bracket begins another statement, or calls what the bracket made."""
_PATH = r"(?:[^\x1e;,()](?<!\w{2}:))"
_ANY = "[^\\x1e]"
KINDS = {"t": _ANY, "a": _ARGUMENTS, "p": _PATH}
_TOKEN = re.compile(r"…|\{=(\d+)\}|\{([a-z_]+)(?::([vtap]))?\}|\(([^()|]*\|[^()]*)\)")
_SPACE = re.compile(r"\s+")
_NUMBER = r"\d{1,12}+"
_VERSION = r"\d{1,5}(?:\.\d{1,5}){0,4}+"


class Sentence(Data, frozen=True):
    """*expression*: a regular expression over squeezed lower-case text. *literal*: a text without which it cannot match.
    *first*: the text that it begins with, or "" where it begins with a choice."""

    expression: str
    literal: str
    first: str

    @property
    def compiled(self) -> re.Pattern[str]:
        return _compiled(self.expression)


@functools.cache
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.DOTALL)


def is_open(pattern: str) -> bool:
    """Whether it holds a skip, a number, or a choice."""
    return ("…" in pattern or "{" in pattern or "|" in pattern) and _TOKEN.search(pattern) is not None


def squeezed(text: str) -> str:
    """Without white space, in lower case, character for character (str.lower may lengthen a text)."""
    bare = _SPACE.sub("", text)
    low = bare.lower()
    return low if len(low) == len(bare) else "".join(c.lower() if len(c.lower()) == 1 else c for c in bare)


@functools.cache
def sentence(pattern: str) -> Sentence:
    """Raises ValueError for a pattern that does not begin with a text of three characters."""
    parts: list[str] = []  # the first segment, and then one for each skip
    literals: list[str] = []
    current = ""
    position = 0

    def literal(text: str) -> str:
        plain = squeezed(text)
        literals.extend(plain.split("'"))
        # Without the mark behind a name nothing would say where the name ends.
        first = plain[:1] if plain[:1] == "'" and current.endswith("?)") else ""
        last = plain[-1:] if plain[-1:] == "'" and pattern.endswith(text) and len(plain) > len(first) else ""
        return first + re.escape(plain[len(first) : len(plain) - len(last)]).replace("'", "'?") + last

    for token in _TOKEN.finditer(pattern):
        current += literal(pattern[position : token.start()])
        position = token.end()
        exact, name, kind, choice = token.groups()
        if exact:
            current += f"{exact}(?!\\d)"
        elif choice is not None:
            current += "(?:" + "|".join(re.escape(squeezed(one)) for one in choice.split("|")) + ")"
        elif name and kind not in KINDS:
            current += f"(?P<{name}>{_VERSION if kind else _NUMBER})"
        else:
            # What stands in quotation marks ends where they do.
            any_of = _QUOTED if name and pattern[: token.start()].endswith("'") else KINDS.get(kind, _ANY)
            parts.append(current)
            current = f"(?P<{name}>{any_of}{{1,{SKIP}}}?)" if name else f"{_ANY}{{0,{SKIP}}}?"
            current += r"(?<!\))" if kind == "a" else ""
    current += literal(pattern[position:])
    parts.append(current)
    longest = max(literals, key=len)
    start = parts[0]
    if len(start) < 3:
        raise ValueError(f"{pattern!r} must begin with a text of three characters or more")
    return Sentence(parts[0] + "".join(f"(?>{part})" for part in parts[1:]), longest, literals[0])
