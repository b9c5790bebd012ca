"""Shell text as commands: which words stand on which line. Enough of the shell's grammar for what starts services and installs
packages; what is computed stays as it is written."""

from __future__ import annotations

import json
import re
from typing import Any

ENDS = ("&&", "||", ";;", ";", "|", "&", "\n", "(", ")", "{", "}")
VARIABLE = re.compile(r"\$(?:\{(\w+)(?:(:?[-+?=])([^}]*))?\}|(\w+))")
BEFORE = (
    "exec",
    "nohup",
    "sudo",
    "time",
    "command",
    "env",
    "then",
    "do",
    "else",
    "!",
    "--",
    "tini",
    "dumb-init",
    "catchsegv",
)
RUNNERS = (("poetry", "run"), ("pipenv", "run"), ("pdm", "run"), ("uv", "run"), ("hatch", "run"))
ASSIGNED = re.compile(r"\w+=")


def commands(lines: list[tuple[int, str]], known: dict[str, str] | None = None) -> list[tuple[int, list[str]]]:
    """[(number of its first line, its words)] of the commands that these numbered lines hold. *known*: variables."""
    found: list[tuple[int, list[str]]] = []
    words: list[str] = []
    word: str | None = None
    quote = ""
    start = lines[0][0] if lines else 1

    def end_word() -> None:
        nonlocal word
        if word is not None:
            words.append(word)
        word = None

    def end_command() -> None:
        nonlocal words
        end_word()
        if words:
            found.append((start, words))
        words = []

    for number, text in lines:
        line = substituted(text, known or {}) + "\n"
        place = 0
        while place < len(line):
            character = line[place]
            place += 1
            if not words and word is None:
                start = number
            if quote:
                if character == quote:
                    quote = ""
                elif character == "\\" and quote == '"' and line[place : place + 1] in ('"', "\\", "$"):
                    word = (word or "") + line[place]
                    place += 1
                else:
                    word = (word or "") + character
            elif character == "\\":
                if line[place : place + 1] == "\n":
                    place += 1  # it goes on in the next line
                    end_word()
                else:
                    word = (word or "") + line[place : place + 1]
                    place += 1
            elif character in "'\"":
                quote, word = character, word or ""
            elif character == "#" and word is None:
                break_off = line.find("\n", place)
                place = break_off
            elif character in " \t\r":
                end_word()
            elif character == "$" and line[place : place + 1] in ("(", "{"):
                closing = line.find(")" if line[place] == "(" else "}", place)
                closing = closing if closing >= 0 else len(line) - 2
                word = (word or "") + line[place - 1 : closing + 1]
                place = closing + 1
            elif character in "&|;\n(){}" and not (word and character in "{}"):
                end_command()
            else:
                word = (word or "") + character
    end_command()
    return found


def substituted(text: str, known: dict[str, str]) -> str:
    """Variables in place: those that are known, else their default (${PORT:-8080}); others stay."""

    def value(match: Any) -> str:
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
