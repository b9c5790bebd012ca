"""Shell text as commands: which words stand on which line. Enough of the shell's grammar for what starts services and installs
packages; what is computed stays as it is written."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

VARIABLE = re.compile(r"\$(?:\{(\w+)(?:(:?[-+?=])([^}]*))?\}|(\w+))")
HEREDOC = re.compile(r"(?<!<)<<-?\s*(['\"]?)([A-Za-z_]\w*)\1")
BEFORE = frozenset(
    (
        *("exec", "nohup", "sudo", "time", "command", "env", "then", "do", "else", "!", "--"),
        *("tini", "dumb-init", "catchsegv"),
    )
)
"""What only starts another command."""
RUNNERS = (("poetry", "run"), ("pipenv", "run"), ("pdm", "run"), ("uv", "run"), ("hatch", "run"))
ASSIGNED = re.compile(r"\w+=")


def commands(lines: Sequence[tuple[int, str]], known: Mapping[str, str] | None = None) -> list[tuple[int, list[str]]]:
    """[(number of its first line, its words)] of the commands that these numbered lines hold. *known*: variables."""
    reader = ShellReader()
    for number, text in lines:
        reader.read(number, substituted(text, known or {}) + "\n")
    reader.end_command()
    return reader.found


class ShellReader:
    """Takes text line by line; *word* is None between words, *quote* the quotation mark that is open."""

    def __init__(self) -> None:
        self.found: list[tuple[int, list[str]]] = []
        self.words: list[str] = []
        self.word: list[str] | None = None
        self.quote = ""
        self.start = 1

    def add(self, text: str) -> None:
        if self.word is None:
            self.word = []
        self.word.append(text)

    def end_word(self) -> None:
        if self.word is not None:
            self.words.append("".join(self.word))
        self.word = None

    def end_command(self) -> None:
        self.end_word()
        if self.words:
            self.found.append((self.start, self.words))
        self.words = []

    def read(self, number: int, line: str) -> None:
        place = 0
        while place < len(line):
            character = line[place]
            place += 1
            if not self.words and self.word is None:
                self.start = number
            if self.quote:
                place = self.quoted(line, place, character)
            elif character == "\\":
                if line[place : place + 1] == "\n":
                    self.end_word()  # it goes on in the next line
                else:
                    self.add(line[place : place + 1])
                place += 1
            elif character in "'\"":
                self.quote = character
                self.add("")
            elif character == "#" and self.word is None:
                place = len(line) - 1
            elif character in " \t\r":
                self.end_word()
            elif character == "$" and line[place : place + 1] in ("(", "{"):
                place = self.computed(line, place)
            elif character in "&|;\n()" or (character in "{}" and self.word is None):
                self.end_command()
            else:
                self.add(character)

    def quoted(self, line: str, place: int, character: str) -> int:
        """Within quotation marks; the place to go on from."""
        if character == self.quote:
            self.quote = ""
        elif character == "\\" and self.quote == '"' and line[place : place + 1] in ('"', "\\", "$"):
            self.add(line[place])
            return place + 1
        else:
            self.add(character)
        return place

    def computed(self, line: str, place: int) -> int:
        """$(...) and ${...} stay as they are written; without an end on the line they go to its end."""
        closing = line.find(")" if line[place] == "(" else "}", place)
        end = closing + 1 if closing >= 0 else len(line) - 1
        self.add(line[place - 1 : end])
        return end


def substituted(text: str, known: Mapping[str, str]) -> str:
    """Variables in place: those that are known, else their default (${PORT:-8080}); others stay."""

    def value(match: re.Match[str]) -> str:
        whole: str = match[0]
        name, sign, default = match[1] or match[4], match[2], str(match[3])
        if name in known:
            return default if sign and "+" in sign else known[name]
        return default if sign and ("-" in sign or "=" in sign) else whole

    return VARIABLE.sub(value, text) if "$" in text else text


def told(value: str) -> list[str] | None:
    """The words of an exec form, ["gunicorn", "app:app"]; None: it is none."""
    if not value.lstrip().startswith("["):
        return None
    try:
        words = json.loads(value)
    except ValueError:
        return None
    return words if isinstance(words, list) and all(isinstance(word, str) for word in words) else None


def program(words: list[str]) -> tuple[list[str], dict[str, str]]:
    """The words from the program on, without what only starts it, and the variables set before it."""
    given: dict[str, str] = {}
    while words:
        if ASSIGNED.match(words[0]):
            name, _, value = words[0].partition("=")
            given[name] = value
            words = words[1:]
        elif base(words[0]) in BEFORE:
            words = words[1:]
        elif tuple(words[:2]) in RUNNERS:
            words = words[2:]
        elif words[0] in ("conda", "mamba", "micromamba") and words[1:2] == ["run"]:
            words = words[2:]
            while words and words[0].startswith("-"):
                words = words[2:] if words[0] in ("-n", "--name", "-p", "--prefix", "--cwd") else words[1:]
        else:
            break
    return words, given


def inner(words: list[str]) -> str | None:
    """The text of sh -c TEXT."""
    if words and base(words[0]) in ("sh", "bash", "ash", "dash") and len(words) > 2:
        for place, word in enumerate(words[1:-1], 1):
            if re.match(r"-\w*c$", word):
                return words[place + 1]
    return None


def base(word: str) -> str:
    return word.rsplit("/", 1)[-1]


def flag(words: list[str], *names: str) -> str | None:
    """The last value of a flag: --bind X, --bind=X, -bX."""
    found = None
    for place, word in enumerate(words):
        for name in names:
            if word == name and place + 1 < len(words):
                found = words[place + 1]
            elif word.startswith(name + "=") and name.startswith("--"):
                found = word[len(name) + 1 :]
            elif not name.startswith("--") and word.startswith(name) and len(word) > 2:
                found = word[2:].lstrip("=")
    return found
