"""A Dockerfile's last stage and what it builds on: its base image, what it installs, exposes and starts."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from retina_doctor.codec import replace

from ...facts.deployment import Doubt, Image, ImageStep, Port, SetVariable, SystemPackage
from ...facts.source import Sign
from ..found import Found
from ..text import SourceText
from ..variables import watched
from . import filling, servers, shell, understood
from .asking import asking_tool
from .compilers import lacking
from .dockerfile_lines import Lines, command_words, instructions, pairs, without_options
from .packages import INDEXES, OTHER_BUILDS, changes

PACKAGES_FROM = re.compile(r"site-packages|dist-packages|venv|/usr/local|/opt|\.local|conda|/install")
"""Paths by which packages come from another stage."""
INSTALLERS = ("apt-get", "apt", "apk", "dnf", "yum", "microdnf", "zypper")
GRAPHICS = re.compile(r"libgl\d|mesa")
"""Packages of OpenGL, whose names have changed."""
FETCHER = re.compile(r"\b(?:wget|curl)\b")
INSTALLED = re.compile(r"(?:wget|curl)(?:=\S+)?")
BRINGS = re.compile(r"(?i)cuda|cudnn|cublas|nvidia|conda|mamba|\bwget\b|\bcurl\b|tensorrt|install-deps|setup\.sh")
"""What may bring libraries of NVIDIA's that nobody sees."""
FOUND = {"PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_ONLY_BINARY", "UV_FIND_LINKS"}
OWN_PYTHON = re.compile(r"\b(?:conda|mamba|micromamba|pyenv|deadsnakes|uv|virtualenv)\b|python3\.\d")
GPU_BASE = re.compile(r"(?i)cuda|nvidia|tensorrt|torch")


@dataclass(kw_only=True)
class Stage:
    """What the instructions from a FROM on have said so far. *line*: of the FROM of *base*; *entry*, *command*: (line, as it is
    written); *given*: the ARGs before the first FROM."""

    name: str | None
    line: int
    base: str
    given: Mapping[str, str]
    variables: dict[str, str] = field(default_factory=dict)
    steps: list[ImageStep] = field(default_factory=list)
    ports: list[Port] = field(default_factory=list)
    sets: dict[str, SetVariable] = field(default_factory=dict)
    system: list[str] = field(default_factory=list)
    graphics: list[SystemPackage] = field(default_factory=list)
    asks: SystemPackage | None = None
    brings: bool = False
    runs: str = ""
    doubts: set[Doubt] = field(default_factory=set)
    user: str | None = None
    folder: str = "/"
    filled: list[str] = field(default_factory=list)
    entry: tuple[int, str] | None = None
    command: tuple[int, str] | None = None


def told(text: SourceText, content: str) -> Found:
    stages: dict[str, Stage] = {}
    arguments: dict[str, str] = {}
    stage: Stage | None = None
    for number, word, lines in instructions(content):
        # A FROM knows the ARGs before the first FROM alone (docs.docker.com/reference/dockerfile, FROM and ARG).
        known = stage.variables if stage is not None and word != "FROM" else arguments
        value = shell.substituted(" ".join(line for _, line in lines), known)
        if word == "FROM":
            stage = begun(number, value, stages, arguments)
            stages[stage.name or str(len(stages))] = stage
        elif word == "ARG" and stage is None:
            arguments.update(pairs(value))
        elif stage is not None:
            instruction(text, stage, stages, number, word, value, lines)
    if stage is None:
        return Found()
    image = finished(text, stage)
    signs = [Sign(at=text.at(stage.line), kind="low-ports", what="setcap")] if "setcap " in stage.runs else []
    return Found(images=[image], servers=[image.server] if image.server else [], signs=signs)


def begun(number: int, value: str, stages: Mapping[str, Stage], given: Mapping[str, str]) -> Stage:
    words = [word for word in value.split() if not word.startswith("--")]
    base = words[0] if words else ""
    name = words[2].lower() if len(words) > 2 and words[1].lower() == "as" else None
    parent = stages.get(base.lower())
    if parent is None:
        return Stage(name=name, line=number, base=base, given=given)
    return Stage(
        name=name,
        line=parent.line,
        base=parent.base,
        given=given,
        variables=dict(parent.variables),
        steps=list(parent.steps),
        ports=list(parent.ports),
        sets=dict(parent.sets),
        system=list(parent.system),
        graphics=list(parent.graphics),
        asks=parent.asks,
        brings=parent.brings,
        runs=parent.runs,
        doubts=set(parent.doubts),
        user=parent.user,
        folder=parent.folder,
        filled=list(parent.filled),
        entry=parent.entry,
        command=parent.command,
    )


def instruction(
    text: SourceText, stage: Stage, stages: Mapping[str, Stage], number: int, word: str, value: str, lines: Lines
) -> None:
    if word == "ENV":
        stage.variables.update(pairs(value))
        stage.doubts |= understood.of_variables(pairs(value))
        stage.sets.update({one.name: one for one in watched(pairs(value), text.at(number))})
    elif word == "ARG":
        for name, default in pairs(value).items():
            known = default or stage.given.get(name)
            if known:
                stage.variables.setdefault(name, known)
                stage.doubts |= understood.of_variables({name: known})
    elif word == "RUN":
        stage.runs += "".join(f"{shell.substituted(line, stage.variables)}\n" for _, line in lines)
        stage.steps += steps(text, stage, lines)
        packages = system_packages(lines, stage.variables)
        stage.system += packages
        stage.graphics += [placed(text, stage, lines, name) for name in packages if GRAPHICS.match(name)]
        stage.brings = stage.brings or is_bringing(lines, stage.variables)
        stage.filled += filling.by_run(without_options(lines), stage.variables)
        called = shell.commands(without_options(lines), stage.variables)
        stage.doubts |= {doubt for _, words in called for doubt in understood.of_command(words)}
    elif word == "EXPOSE":
        at = text.at(number)
        for port in value.split():
            match = re.match(r"(\d+)(?:/\w+)?$", port)  # a range is none
            stage.ports.append(Port(at=at, number=int(match[1]) if match else None, host=None, name=None))
    elif word == "COPY":
        copied(stage, stages, value)
        stage.filled.append(filling.destination(value, stage.folder))
    elif word in ("ENTRYPOINT", "CMD", "HEALTHCHECK"):
        commanded(text, stage, number, word, value)
    elif word == "ADD":
        stage.brings = True
        stage.doubts.add("part")
        stage.filled.append(filling.destination(value, stage.folder))
    elif word == "WORKDIR":
        stage.folder = posixpath.join(stage.folder, value.strip())
    elif word == "USER":
        stage.user = value.strip() or None


def is_bringing(lines: Lines, variables: Mapping[str, str]) -> bool:
    """Whether a RUN may bring what nobody sees: to install curl is not yet to fetch something by it."""
    called = [shell.program(words)[0] for _, words in shell.commands(without_options(lines), variables)]
    fetched = any(words and (FETCHER.search(words[0]) or any(map(fetches, words))) for words in called)
    return fetched or any(BRINGS.search(FETCHER.sub("", line)) for _, line in lines)


def fetches(word: str) -> bool:
    """Text that calls curl: of sh -c, or of $(curl ...)."""
    return FETCHER.search(word) is not None and INSTALLED.fullmatch(word) is None


def copied(stage: Stage, stages: Mapping[str, Stage], value: str) -> None:
    """What another stage, or another image, gives."""
    stage.brings = stage.brings or BRINGS.search(value) is not None
    source = stages.get(value.split("--from=")[1].split()[0].lower()) if "--from=" in value else None
    stage.doubts |= understood.of_copied(value, source is not None)
    if "--from=" not in value:
        return
    if source is not None:
        stage.graphics += source.graphics  # it is built for this one
    if PACKAGES_FROM.search(value):
        if source is not None:
            stage.steps += source.steps
            stage.doubts |= source.doubts
        stage.brings = stage.brings or source is None or source.brings or GPU_BASE.search(source.base) is not None


def commanded(text: SourceText, stage: Stage, number: int, word: str, value: str) -> None:
    """What a container of the image runs. A new entry point takes the command of the image below with it."""
    if word == "ENTRYPOINT":
        stage.entry, stage.command = (number, value), None
    elif word == "CMD":
        stage.command = (number, value)
    else:
        _, command, said = value.partition("CMD ")
        tool = asking_tool(command_words(said) if said.lstrip().startswith("[") else [said]) if command else None
        stage.asks = SystemPackage(at=text.at(number), name=tool, base=known_base(stage)) if tool else None


def system_packages(lines: Lines, variables: Mapping[str, str]) -> list[str]:
    """What a RUN installs by the system's own installer."""
    found = []
    for _, words in shell.commands(without_options(lines), variables):
        words, _ = shell.program(words)
        if len(words) > 2 and shell.base(words[0]) in INSTALLERS and {"install", "add"} & set(words[1:4]):
            found += [
                word.split("=")[0] for word in words[1:] if not word.startswith("-") and word not in ("install", "add")
            ]
    return found


def placed(text: SourceText, stage: Stage, lines: Lines, name: str) -> SystemPackage:
    """A RUN may go over many lines."""
    line = next((line for line, words in lines if name in words), lines[0][0])
    return SystemPackage(at=text.at(line), name=name, base=known_base(stage))


def known_base(stage: Stage) -> str:
    return stage.base if "$" not in stage.base else ""


def steps(text: SourceText, stage: Stage, lines: Lines) -> list[ImageStep]:
    """What a RUN does to packages."""
    index = any(OTHER_BUILDS.search(stage.variables.get(name, "")) for name in INDEXES)
    lacks = lacking(known_base(stage), stage.runs)
    return [
        replace(
            replace(change, index=change.index or index).at(text.at(line)),
            lacks=None if change.wheels or stage.variables.keys() & FOUND else lacks,
        )
        for line, words in shell.commands(without_options(lines), stage.variables)
        for change in changes(words)
    ]


def finished(text: SourceText, stage: Stage) -> Image:
    server = started(stage)
    last = stage.command or stage.entry
    return Image(
        at=text.at(stage.line),
        base=known_base(stage),
        steps=tuple(stage.steps),
        ports=tuple(stage.ports),
        stage=stage.name,
        server=server.at(text.at(last[0])) if server and last else None,
        sets=tuple(stage.sets.values()),
        system=tuple(stage.system),
        graphics=tuple(dict.fromkeys(stage.graphics)),
        asks=stage.asks,
        brings=stage.brings,
        user=stage.user,
        filled=tuple(dict.fromkeys(stage.filled)),
        own_python=OWN_PYTHON.search(stage.runs) is not None,
        doubts=tuple(sorted(stage.doubts)),
    )


def started(stage: Stage) -> servers.Started | None:
    """The server that its entry point and command start together, or its command where the entry point only starts that."""
    parts = [command_words(part[1]) for part in (stage.entry, stage.command) if part is not None]
    words = [word for part in parts for word in part]
    server = servers.started(words, stage.variables) if words else None
    return servers.started(parts[1], stage.variables) if server is None and len(parts) == 2 else server
