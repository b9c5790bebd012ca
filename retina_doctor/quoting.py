"""Makes text of files, logs and snapshots, for which nobody vouches, harmless in a terminal and in a shell command."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from retina_doctor.masking.forms import SECRET
from retina_doctor.patterns import pattern

CONTROLS = pattern(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters, line ends of any kind, and what turns the direction of text."""


PASSWORD = '"$PASSWORD"'  # noqa: S105
"""What a command says in place of a secret, for the user to set before it is run."""


class Command(str):
    """Shell text that is quoted already; only this module makes one."""

    __slots__ = ()


def visible(value: object) -> object:
    """Text with control characters shown, not obeyed; anything else as it is."""
    if not isinstance(value, str):
        return value
    return CONTROLS.sub(lambda m: f"\\x{ord(m[0]):02x}", value)


def quoted(value: object) -> Command:
    """One shell word, on one line whatever it holds."""
    if isinstance(value, Command):
        return value
    text = str(value)
    if SECRET in text:
        return Command(PASSWORD.join(quoted(part) if part else "" for part in text.split(SECRET)))
    if CONTROLS.search(text):
        plain = (c if c.isprintable() and c not in "\\'" else "".join(f"\\x{b:02x}" for b in c.encode()) for c in text)
        return Command(f"$'{''.join(plain)}'")
    return Command(shlex.quote(text))


def argument(value: object) -> Command:
    """One shell word that no program takes for an option: what a snapshot calls ``--evil`` is the file ``./--evil``."""
    if isinstance(value, str) and not isinstance(value, Command) and re.match(r"-(?!\d+$)", value):
        value = f"./{value}"
    return quoted(value)


def command_of(words: Iterable[object]) -> Command:
    """A command of these words, each quoted unless it is a Command already."""
    return Command(" ".join(quoted(word) for word in words))
