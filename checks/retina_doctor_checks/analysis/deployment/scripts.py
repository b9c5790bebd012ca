"""Shell scripts, Procfiles, Makefiles and systemd units: which server they start, and which container."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import Literal

from retina_doctor.codec import replace

from ...facts.deployment import DeployedContainer, Port
from ...facts.source import Sign, Tag
from ...facts.source_lines import SourceLine
from ..found import Found
from ..text import FOLDERS, SourceText
from ..variables import watched
from . import servers, shell
from .packages import exactly
from .shell import base, flag

WITH_VALUE = re.compile(
    r"-[a-zA-Z]$|--(?:name|volume|env|env-file|publish|gpus|runtime|shm-size|network|ipc|restart|memory|cpus|user|workdir|tmpfs|mount)$"
)
LOW_PORTS = re.compile(r"\bsetcap\b|ip_unprivileged_port_start")
PASSES_ON = re.compile(r"\bnetwork[ \t]+connect\b|\bcloudflared\b|\bngrok\b|\btailscale\b|\bfrpc\b|\bautossh\b")
"""What lets others come to containers whose ports are not published."""
ALONE = ("-d", "-i", "-t", "-it", "-ti", "-dit", "-itd", "-P", "-q")


def told(text: SourceText, content: str) -> Found:
    found = Found()
    name = text.name
    known = {"PORT": "$PORT"} if name == "Procfile" else variables(content) if name.endswith(".sh") else {}
    user = user_of(content) if name.endswith(".service") else None
    if LOW_PORTS.search(content):
        found.signs.append(Sign(at=text.at(1), kind="low-ports", what=name))
    found.signs += [Sign(at=text.at(1), kind="folder", what=one) for one in sorted(set(FOLDERS.findall(content)))]
    if PASSES_ON.search(content):
        found.signs.append(Sign(at=text.at(1), kind="passed-on", what=name))
    at_desk = name.startswith("Makefile")
    for number, words in shell.commands(lines_of(content, name), known):
        server = servers.started(words, known)
        if server is not None and (server.by != "python" or user is not None):
            made = replace(server, sure=server.sure and not at_desk).at(text.at(number))
            found.servers.append(replace(made, user=user))
        words, _ = shell.program(words)
        spec = made_with(words)
        found.signs += [Sign(at=text.at(number), kind="python", what=spec)] if spec else []
        if words and base(words[0]) in ("docker", "podman", "nerdctl"):
            at = text.at(number)
            container = run(words, at)
            found.containers += [container] if container is not None else []
            found.tags += tagged(words, text.path, at)
    return found


def configured(text: SourceText, content: str) -> Found:
    """A unit's drop-in, or a file of sysctl's."""
    folder = posixpath.basename(posixpath.dirname(text.path))
    unit = folder.removesuffix(".d") if folder.endswith(".service.d") else None
    kind: Literal["drop-in", "low-ports"] | None = (
        "drop-in" if unit else "low-ports" if LOW_PORTS.search(content) else None
    )
    return Found(signs=[Sign(at=text.at(1), kind=kind, what=unit or text.name)] if kind else [])


def made_with(words: list[str]) -> str | None:
    """The Python of the environment that a command makes: python3.8 -m venv, uv venv --python 3.8, conda create python=3.8."""
    name, rest = base(words[0]) if words else "", words[1:]
    if rest[:2] == ["-m", "venv"]:
        return exactly(name.removeprefix("python"))
    if name == "uv" and rest[:1] == ["venv"]:
        return exactly(flag(rest, "-p", "--python") or "")
    if name == "uv" and rest[:2] == ["python", "pin"]:
        return exactly(rest[-1])
    if name == "virtualenv":
        return exactly(base(flag(rest, "-p", "--python") or "").removeprefix("python"))
    if name in ("conda", "mamba", "micromamba") and rest[:1] == ["create"]:
        return exactly(next((one.partition("=")[2] for one in rest if one.startswith("python=")), ""))
    return None


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
    found = []
    place = 0
    while place < len(lines):
        found.append(lines[place])
        marks = shell.HEREDOC.findall(lines[place][1])
        place += 1
        for _, end in marks:
            if last.get(end, -1) >= place:
                place = texts.index(end, place) + 1
    return found


def user_of(unit: str) -> str | None:
    """The user of a systemd unit to whom nothing gives the right to bind ports below 1024 (systemd.exec, systemd.service)."""
    given: dict[str, list[str]] = {}
    for line in re.sub(r"\\\n", " ", unit).split("\n"):
        key, sign, value = line.partition("=")
        if sign and key.strip() in SAID:
            given.setdefault(key.strip(), []).append(value.strip())
    last = {key: values[-1] for key, values in given.items()}
    user = last.get("User") or ("?" if last.get("DynamicUser", "").lower() in ("yes", "true", "1", "on") else "root")
    starts = " ".join(given.get("ExecStart", ()))
    is_free = may_bind(given.get("AmbientCapabilities", ())) or RAISED.search(starts) or "Sockets" in given
    return None if is_free or is_root(user) or "%" in user else user


SAID = ("User", "DynamicUser", "AmbientCapabilities", "ExecStart", "Sockets")
RAISED = re.compile(r"^[-@:|]*[+!]|\b(?:sudo|authbind|capsh|setpriv)\b")


def may_bind(lines: Iterable[str]) -> bool:
    """Whether AmbientCapabilities= give CAP_NET_BIND_SERVICE: lines join, ~ means all but these, nothing takes all back."""
    given = False
    for line in lines:
        named = "CAP_NET_BIND_SERVICE" in line.upper()
        given = False if not line else (not named or given) if line.startswith("~") else given or named
    return given


def is_root(user: str) -> bool:
    return user == "root" or re.fullmatch("0+", user) is not None


def unit(lines: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """The lines of ExecStart, those that go on among them."""
    goes_on = False
    for number, line in lines:
        if goes_on or re.match(r"\s*ExecStart\s*=", line):
            yield number, line
            goes_on = line.rstrip().endswith("\\")


def variables(text: str) -> dict[str, str]:
    """HOST=127.0.0.1 at the beginning of a line."""
    return dict(re.findall(r"(?m)^[ \t]*(?:export[ \t]+)?(\w+)=['\"]?([\w./:-]+)['\"]?[ \t]*$", text))


def run(words: list[str], at: SourceLine) -> DeployedContainer | None:
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
    return DeployedContainer(
        at=at,
        kind="run",
        name=flag(options, "--name") or image,
        image=image,
        dockerfile=None,
        gpu=any(word.startswith("--gpus") or "nvidia" in word for word in options),
        known=not any("$" in word for word in options),
        host_network=flag(options, "--network", "--net") == "host",
        ports=tuple(published(word, at) for word in mapped),
        asked=(),
        labels=(),
        commanded=bool(after),
        moved=flag(options, "--env-file") is not None or servers.moved_by(given_to(options)),
        server=server.at(at) if server else None,
        sets=watched(dict(word.partition("=")[::2] for word in variables_given(options) if "=" in word), at),
        shared_memory=flag(options, "--shm-size") is not None
        or (flag(options, "--ipc") or "").startswith(("host", "container:", "shareable")),
        read_only=at if "--read-only" in options else None,
        mounts=tuple(mounted(options)),
        reached=bool(
            {"-P", "--publish-all"} & set(options)
            or flag(options, "--network", "--net")
            or re.search(r"traefik|caddy|VIRTUAL_HOST|SERVICE_FQDN", " ".join(options))
        ),
    )


def mounted(options: list[str]) -> Iterator[str]:
    """Paths within the container that -v, --tmpfs and --mount give it."""
    yield from (one.split(":")[1] for one in values(options, "-v", "--volume") if one.count(":") > 0)
    yield from (one.split(":")[0] for one in values(options, "--tmpfs"))
    for one in values(options, "--mount"):
        named = dict(part.partition("=")[::2] for part in one.split(","))
        yield from (named[key] for key in ("target", "destination", "dst") if named.get(key))


def given_to(options: list[str]) -> list[str]:
    """The variables of -e NAME=VALUE."""
    return [word.partition("=")[0] for word in variables_given(options)]


def variables_given(options: list[str]) -> list[str]:
    return values(options, "-e", "--env")


def values(options: list[str], *flags: str) -> list[str]:
    """All that a flag is given."""
    found = [word for place, word in enumerate(options) if place and options[place - 1] in flags]
    return found + [word.partition("=")[2] for word in options if word.partition("=")[0] in flags and "=" in word]


def image_of(words: list[str]) -> str | None:
    """The first word that is neither a flag nor a flag's value."""
    place = 0
    while place < len(words):
        word = words[place]
        if not word.startswith("-"):
            return word
        place += 2 if WITH_VALUE.match(word) and word not in ALONE else 1
    return None


def published(text: str, at: SourceLine) -> Port:
    before, _, target = text.split("/")[0].rpartition(":")
    host, _, _ = before.rpartition(":")
    number = int(target) if target.isdecimal() else None
    return Port(at=at, number=number, host=host.strip("[]") or None, name=None)


def tagged(words: list[str], path: str, at: SourceLine) -> list[Tag]:
    """docker build -t NAME [-f FILE] FOLDER"""
    name = flag(words, "-t", "--tag") if "build" in words[1:3] else None
    if name is None:
        return []
    here = posixpath.dirname(path)
    file = flag(words, "-f", "--file")
    built = posixpath.join(here, file or posixpath.join(words[-1], "Dockerfile"))
    return [Tag(at=at, name=name, dockerfile=posixpath.normpath(built))]
