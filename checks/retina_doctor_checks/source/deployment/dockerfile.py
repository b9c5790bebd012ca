"""A Dockerfile's last stage and what it builds on: its base image, what it installs, exposes and starts."""

from __future__ import annotations

import re
from typing import Any

from retina_doctor_checks.source.deployment import servers, shell
from retina_doctor_checks.source.deployment.packages import INDEXES, OTHER_BUILDS, steps

INSTRUCTION = re.compile(r"\s*([A-Za-z]+)\s+(.*)", re.DOTALL)
OPTIONS = re.compile(r"^(?:\s*--(?:mount|network|security)=\S+)+")
PACKAGES_FROM = re.compile(r"site-packages|dist-packages|venv|/usr/local|/opt|\.local|conda|/install")
"""Paths by which packages come from another stage."""
Lines = Any
"""[(number, text)]: Python 3.8 has no name for it that it could evaluate."""


def told(text: str) -> dict[str, list[Any]]:
    """{"images": [at most one], "servers": [...]}"""
    stages: dict[str, dict[str, Any]] = {}
    arguments: dict[str, str] = {}
    stage: dict[str, Any] | None = None
    for number, word, lines in instructions(text):
        value = shell.substituted(" ".join(line for _, line in lines), stage["variables"] if stage else arguments)
        if word == "FROM":
            stage = begun(number, value, stages)
            stage["arguments"] = arguments
            stages[stage["name"] or str(len(stages))] = stage
        elif word == "ARG" and stage is None:
            arguments.update(pairs(value))
        elif stage is not None:
            instruction(stage, stages, number, word, value, lines)
    if stage is None:
        return {}
    image = finished(stage)
    return {"images": [image], "servers": [image["server"]] if image["server"] else []}


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


def begun(number: int, value: str, stages: dict[str, Any]) -> dict[str, Any]:
    words = [word for word in value.split() if not word.startswith("--")]
    base = words[0] if words else ""
    name = words[2].lower() if len(words) > 2 and words[1].lower() == "as" else None
    parent = stages.get(base.lower())
    new: dict[str, Any] = {
        "name": name,
        "line": number,
        "base": base,
        "variables": {},
        "steps": [],
        "ports": [],
        "entry": None,
        "command": None,
    }
    if parent is not None:
        new.update(
            line=parent["line"], base=parent["base"], variables=dict(parent["variables"]), steps=list(parent["steps"])
        )
        new.update(ports=list(parent["ports"]), entry=parent["entry"], command=parent["command"])
    return new


def instruction(
    stage: dict[str, Any], stages: dict[str, Any], number: int, word: str, value: str, lines: Lines
) -> None:
    if word == "ENV":
        stage["variables"].update(pairs(value))
    elif word == "ARG":
        for name, default in pairs(value).items():
            known = default or stage["arguments"].get(name)
            if known:
                stage["variables"].setdefault(name, known)
    elif word == "RUN":
        for line, words in shell.commands(without_options(lines), stage["variables"]):
            index = any(OTHER_BUILDS.search(stage["variables"].get(name, "")) for name in INDEXES)
            for step in steps(words):
                stage["steps"].append(placed(dict(step, index=step["index"] or index), line))
    elif word == "EXPOSE":
        for port in value.split():
            number_of = re.match(r"(\d+)(?:/\w+)?$", port)  # a range is none
            stage["ports"].append(
                {"number": int(number_of[1]) if number_of else None, "host": None, "name": None, **at(number)}
            )
    elif word == "COPY" and "--from=" in value and PACKAGES_FROM.search(value):
        source = stages.get(value.split("--from=")[1].split()[0].lower())
        if source is not None:
            stage["steps"] += source["steps"]
    elif word == "ENTRYPOINT":
        stage["entry"], stage["command"] = (number, value), None
    elif word == "CMD":
        stage["command"] = (number, value)


def without_options(lines: Lines) -> Lines:
    """RUN's lines without its own flags: --mount=type=cache,... and the like."""
    found, at_start = [], True
    for number, text in lines:
        if at_start:
            text = OPTIONS.sub("", text)
            at_start = not text.strip(" \t\\")
        found.append((number, text))
    return found


def finished(stage: dict[str, Any]) -> dict[str, Any]:
    """The facts of the image."""
    entry, command = stage["entry"], stage["command"]
    words: list[str] = []
    number = None
    for part in (entry, command):
        if part is not None:
            form = shell.told(part[1])
            words += form if form is not None else ["sh", "-c", part[1]]
            number = part[0]
    server = servers.started(words, stage["variables"]) if words else None
    if server is None and entry is not None and command is not None:  # an entry point that starts the command
        form = shell.told(command[1])
        server = servers.started(form if form is not None else ["sh", "-c", command[1]], stage["variables"])
    base = stage["base"] if "$" not in stage["base"] else ""
    image = {
        "base": base,
        "steps": stage["steps"],
        "ports": stage["ports"],
        "stage": stage["name"],
        **at(stage["line"]),
    }
    return dict(image, server=dict(server, **at(number or 1)) if server else None)


def pairs(value: str) -> dict[str, str]:
    """A=1 B="2 3", or the old form A 1."""
    words = [word for _, one in shell.commands([(1, value)]) for word in one]
    if words and "=" not in words[0] and len(words) > 1:
        return {words[0]: " ".join(words[1:])}
    return {name: text for name, _, text in (word.partition("=") for word in words)}


def placed(step: dict[str, Any], line: int) -> dict[str, Any]:
    return dict(step, packages=[dict(one, **at(line)) for one in step["packages"]], **at(line))


def at(line: int) -> dict[str, int]:
    return {"line": line, "column": 1}
