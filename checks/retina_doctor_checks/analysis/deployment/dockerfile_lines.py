"""A Dockerfile as text: its instructions with their lines, and how their values are written."""

from __future__ import annotations

import re

from . import shell

INSTRUCTION = re.compile(r"\s*([A-Za-z]+)\s+(.*)", re.DOTALL)


OPTIONS = re.compile(r"^(?:\s*--(?:mount|network|security)=\S+)+")


Lines = list[tuple[int, str]]
"""[(number, text)]"""


def instructions(text: str) -> list[tuple[int, str, Lines]]:
    """[(line, INSTRUCTION, its numbered lines without the word)]: comments dropped, continuations and heredocs taken along."""
    escape = "`" if re.match(r"(?:\s*#[^\n]*\n)*?\s*#\s*escape\s*=\s*`", text) else "\\"
    found: list[tuple[int, str, Lines]] = []
    raw = text.split("\n")
    place = 0
    while place < len(raw):
        match = INSTRUCTION.match(raw[place])
        number = place + 1
        lines: Lines = []
        if raw[place].lstrip().startswith("#") or not match:
            place += 1
            continue
        line: str = match[2]
        keyword = match[1].upper()
        while True:
            place += 1
            body = line.rstrip()
            if not body.lstrip().startswith("#") or not lines:
                goes_on = body.endswith(escape)
                rest = "\\" if keyword == "RUN" else " "  # the shell's own reader goes on by itself
                lines.append((place, body[:-1] + rest if goes_on else body))
                if not goes_on:
                    break
            if place >= len(raw):
                break
            line = raw[place]
        ends = [mark[1] for _, line in lines for mark in shell.HEREDOC.findall(line)]
        for end in ends if keyword in ("RUN", "COPY", "ADD") else ():
            while place < len(raw) and raw[place].strip() != end:
                if keyword == "RUN":
                    lines.append((place + 1, raw[place]))
                place += 1
            place += 1
        found.append((number, keyword, lines))
    return found


def without_options(lines: Lines) -> Lines:
    """RUN's lines without its own flags: --mount=type=cache,... and the like."""
    found, at_start = [], True
    for number, text in lines:
        if at_start:
            text = OPTIONS.sub("", text)
            at_start = not text.strip(" \t\\")
        found.append((number, text))
    return found


def command_words(value: str) -> list[str]:
    """Of an exec form, or of the shell that its text is for."""
    form = shell.told(value)
    return form if form is not None else ["sh", "-c", value]


def pairs(value: str) -> dict[str, str]:
    """A=1 B="2 3", or the old form A 1."""
    words = [word for _, one in shell.commands([(1, value)]) for word in one]
    if words and "=" not in words[0] and len(words) > 1:
        return {words[0]: " ".join(words[1:])}
    return {name: text for name, _, text in (word.partition("=") for word in words)}
