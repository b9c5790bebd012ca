"""Shell scripts, Procfiles, Makefiles and systemd units: which server they start, and which container."""

from __future__ import annotations

import os
import re
from typing import Any

from retina_doctor_checks.source.deployment import servers, shell
from retina_doctor_checks.source.deployment.shell import base, flag

WITH_VALUE = re.compile(
    r"-[a-zA-Z]$|--(?:name|volume|env|env-file|publish|gpus|runtime|shm-size|network|ipc|restart|memory|cpus|user|workdir)$"
)
ALONE = ("-d", "-i", "-t", "-it", "-ti", "-dit", "-itd", "-P", "-q")


def told(text: str, name: str, path: str) -> dict[str, list[Any]]:
    """{"servers": [...], "containers": [...], "tags": [...]}"""
    found: dict[str, list[Any]] = {"servers": [], "containers": [], "tags": []}
    known = {"PORT": "$PORT"} if name == "Procfile" else variables(text) if name.endswith(".sh") else {}
    for number, words in shell.commands(lines_of(text, name), known):
        at = {"line": number, "column": 1}
        server = servers.started(words, known)
        if server is not None and server["by"] != "python":
            at_desk = name.startswith("Makefile")
            found["servers"].append(dict(server, sure=server["sure"] and not at_desk, **at))
        words, _ = shell.program(words)
        if words and base(words[0]) in ("docker", "podman", "nerdctl"):
            container = run(words, at)
            found["containers"] += [container] if container is not None else []
            found["tags"] += tagged(words, path, at)
    return found


def lines_of(text: str, name: str) -> list[tuple[int, str]]:
    """The numbered lines that hold commands."""
    lines = list(enumerate(text.split("\n"), 1))
    if name == "Procfile":
        return [(number, line.partition(":")[2]) for number, line in lines if re.match(r"\w+:", line)]
    if name.endswith(".service"):
        return [(number, re.sub(r"^\s*ExecStart\w*\s*=\s*[-@:+!]*", "", line)) for number, line in unit(lines)]
    if name.startswith("Makefile"):
        return [
            (number, line.lstrip("\t@-").replace("$(", "${").replace(")", "}"))
            for number, line in lines
            if line.startswith("\t")
        ]
    return without_heredocs(lines) if name.endswith(".sh") else lines


def without_heredocs(lines: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """What is handed to a command as text is none; an end that never comes is no heredoc: $((1 << n))."""
    texts = [text.strip() for _, text in lines]
    last = {text: place for place, text in enumerate(texts)}
    found, place = [], 0
    while place < len(lines):
        found.append(lines[place])
        marks = shell.HEREDOC.findall(lines[place][1])
        place += 1
        for _, end in marks:
            if last.get(end, -1) >= place:
                place = texts.index(end, place) + 1
    return found


def unit(lines: list[tuple[int, str]]) -> Any:
    """The lines of ExecStart, those that go on among them."""
    goes_on = False
    for number, line in lines:
        if goes_on or re.match(r"\s*ExecStart\s*=", line):
            yield number, line
            goes_on = line.rstrip().endswith("\\")


def variables(text: str) -> dict[str, str]:
    """HOST=127.0.0.1 at the beginning of a line."""
    return dict(re.findall(r"(?m)^[ \t]*(?:export[ \t]+)?(\w+)=['\"]?([\w./:-]+)['\"]?[ \t]*$", text))


def run(words: list[str], at: dict[str, int]) -> dict[str, Any] | None:
    """The container that docker run or podman run makes."""
    if "run" not in words[1:3]:
        return None
    rest = words[words.index("run") + 1 :]
    image = image_of(rest)
    if image is None:
        return None
    options = rest[: rest.index(image)]
    mapped = [value for place, value in enumerate(options) if place and options[place - 1] in ("-p", "--publish")]
    mapped += [word.split("=", 1)[1] for word in options if word.startswith("--publish=")]
    mapped += [word[2:] for word in options if word.startswith("-p") and word[2:3].isdecimal()]
    after = rest[rest.index(image) + 1 :]
    server = servers.started(after, {}) if after else None
    return {
        **at,
        "kind": "run",
        "name": flag(options, "--name") or image,
        "image": image,
        "dockerfile": None,
        "gpu": any(
            word.startswith(("--gpus", "--runtime=nvidia", "--device=nvidia", "--device=/dev/nvidia"))
            or "nvidia" in word
            for word in options
        ),
        "known": not any("$" in word for word in options),
        "host_network": flag(options, "--network", "--net") == "host",
        "ports": [one for text in mapped for one in published(text, at)],
        "asked": [],
        "labels": [],
        "commanded": bool(after),
        "moved": flag(options, "--env-file") is not None or servers.moved_by(given_to(options)),
        "server": dict(server, **at) if server else None,
    }


def given_to(options: list[str]) -> list[str]:
    """The variables of -e NAME=VALUE."""
    named = [word for place, word in enumerate(options) if place and options[place - 1] in ("-e", "--env")]
    named += [word.partition("=")[2] for word in options if word.startswith("--env=")]
    return [word.partition("=")[0] for word in named]


def image_of(words: list[str]) -> str | None:
    """The first word that is neither a flag nor a flag's value."""
    place = 0
    while place < len(words):
        word = words[place]
        if not word.startswith("-"):
            return word
        place += 2 if WITH_VALUE.match(word) and word not in ALONE else 1
    return None


def published(text: str, at: dict[str, int]) -> list[dict[str, Any]]:
    before, _, target = text.split("/")[0].rpartition(":")
    host, _, _ = before.rpartition(":")
    number = int(target) if target.isdecimal() else None
    return [{"number": number, "host": host.strip("[]") or None, "name": None, **at}]


def tagged(words: list[str], path: str, at: dict[str, int]) -> list[dict[str, Any]]:
    """docker build -t NAME [-f FILE] FOLDER"""
    name = flag(words, "-t", "--tag") if "build" in words[1:3] else None
    if name is None:
        return []
    folder = os.path.join(os.path.dirname(path), words[-1])
    file = flag(words, "-f", "--file")
    built = os.path.join(os.path.dirname(path), file) if file else os.path.join(folder, "Dockerfile")
    return [{"name": name, "dockerfile": os.path.normpath(built), **at}]
