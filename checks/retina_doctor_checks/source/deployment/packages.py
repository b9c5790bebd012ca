"""Which packages of ours a requirement names, and what a command installs or removes."""

from __future__ import annotations

import re
from typing import Any

from retina_doctor_checks.source.deployment.shell import base, flag, program

OURS = ("onnxruntime", "onnxruntime-gpu", "insightface")
REQUIREMENT = re.compile(
    r"\s*([A-Za-z0-9][\w.-]*)\s*(?:\[([^\]]*)\])?\s*(?:\(?\s*((?:[<>=!~^].*?)?)\s*\)?)?\s*(?:;\s*(.*))?$"
)
LONGEST = 1000  # characters of a requirement
CLAUSE = re.compile(r"""(sys_platform|platform_system|platform_machine|os_name)\s*(==|!=)\s*['"]([^'"]*)['"]""")
LINUX = {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64", "os_name": "posix"}
PYTHON_OPTIONS = (
    "-r",
    "--requirement",
    "-c",
    "--constraint",
    "-i",
    "--index-url",
    "--extra-index-url",
    "-f",
    "--find-links",
)
OTHER_BUILDS = re.compile(r"onnxruntime-cuda|ort-nightly|onnxruntime.*index|pypi\.jetson|pypi\.nvidia")
"""Indexes that have onnxruntime-gpu for another CUDA than PyPI's."""
INDEXES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX")
"""Variables that name an index."""


def package(text: str) -> dict[str, Any] | None:
    """{"name", "spec", "extras"} of a requirement (PEP 508) of one of our packages that is meant for Linux, else None.
    *spec*: as it is written; a URL in its place is none."""
    match = REQUIREMENT.match(text.split(" #")[0].split(" @ ")[0]) if len(text) <= LONGEST else None
    if not match:
        return None
    name = re.sub(r"[-_.]+", "-", match[1]).lower()
    if name not in OURS or not on_linux(match[4] or ""):
        return None
    return {"name": name, "spec": (match[3] or "").strip(), "extras": bool(match[2])}


def on_linux(marker: str) -> bool:
    """Whether an environment marker lets a requirement apply on an x86 Linux; other conditions are taken to hold."""

    def holds(clause: str) -> bool:
        return all((LINUX[name] == value) == (sign == "==") for name, sign, value in CLAUSE.findall(clause))

    return any(all(holds(part) for part in one.split(" and ")) for one in marker.split(" or "))


def steps(words: list[str]) -> list[dict[str, Any]]:
    """What a command does to the packages: [{"does": "install" | "uninstall" | "file" | "project", "packages", "file",
    "dependencies", "index"}]"""
    words, _ = program(words)
    if not words:
        return []
    if re.match(r"python[\d.]*$", base(words[0])) and words[1:3] == ["-m", "pip"]:
        words = words[2:]
    if words[0] == "uv" and words[1:2] == ["pip"]:
        words = words[1:]
    name, rest = base(words[0]), words[1:]
    if re.match(r"pip[\d.]*$", name) and rest:
        action = next((word for word in rest if not word.startswith("-")), "")
        return by_pip(action, rest[rest.index(action) + 1 :] if action else [])
    if name in ("conda", "mamba", "micromamba") and rest[:1] == ["install"]:
        exact = [re.sub(r"(?<![=<>!])=(?!=)", "==", word) for word in rest[1:]]  # conda's single sign
        named = [one for one in map(package, exact) if one]
        return [step("install", named, index=True)] if named else []  # conda-forge's builds are for several CUDAs
    if (name, rest[:1]) in (("uv", ["sync"]), ("poetry", ["install"]), ("pipenv", ["install"]), ("pdm", ["install"])):
        return [
            step("project", file="uv.lock" if name == "uv" else "pyproject.toml" if name != "pipenv" else "Pipfile")
        ]
    return []


def by_pip(action: str, words: list[str]) -> list[dict[str, Any]]:
    if action == "uninstall":
        return made("uninstall", [one for one in map(package, words) if one])
    if action != "install":
        return []
    dependencies = "--no-deps" not in words
    index = any(OTHER_BUILDS.search(word) for word in words)
    found: list[dict[str, Any]] = []
    plain: list[Any] = []
    place = 0
    while place < len(words):
        word = words[place]
        place += 1
        if word.startswith("-r") or word.split("=")[0] == "--requirement":
            file = flag([word, *words[place : place + 1]], "-r", "--requirement")
            found.append(step("file", file=file, dependencies=dependencies, index=index))
        elif word in (".", "-e") or re.match(r"\.(\[.*\])?$|\./?$", word):
            found.append(step("project", file="pyproject.toml", dependencies=dependencies, index=index))
        elif not word.startswith("-"):
            plain.append(package(word))
        if word in PYTHON_OPTIONS:
            place += 1
    named = [one for one in plain if one]
    return found + ([step("install", named, dependencies=dependencies, index=index)] if named else [])


def made(does: str, named: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [step(does, named)] if named else []


def step(
    does: str, named: Any = (), file: str | None = None, dependencies: bool = True, index: bool = False
) -> dict[str, Any]:
    return {"does": does, "packages": list(named), "file": file, "dependencies": dependencies, "index": index}
