"""Into which folders an image's instructions put files."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence

from . import shell

WITHOUT_MODELS = (
    *("apt-get", "apt", "apk", "dnf", "yum", "microdnf", "zypper", "pip", "pip3", "uv", "poetry", "pipenv", "ldconfig"),
    *(
        "rm",
        "mkdir",
        "chown",
        "chmod",
        "useradd",
        "groupadd",
        "adduser",
        "addgroup",
        "echo",
        "printf",
        "set",
        "export",
        "cd",
    ),
    *("true", "update-alternatives", "locale-gen", "find"),
)
"""Programs that put no models into an image: they install packages, make users and folders, or tidy up."""


def destination(value: str, folder: str) -> str:
    """The last word of a COPY or an ADD; "" where it cannot be told."""
    words = shell.told(value[value.index("[") :]) if "[" in value else value.split()
    place = words[-1].strip("\"'") if words else ""
    return posixpath.normpath(posixpath.join(folder, place)) if place and "$" not in folder + place else ""


def by_run(lines: Sequence[tuple[int, str]], variables: Mapping[str, str]) -> list[str]:
    """[""] where a RUN may put models somewhere."""
    commands = [shell.program(words)[0] for _, words in shell.commands(list(lines), variables)]
    return [""] if any(words and not is_without_models(words) for words in commands) else []


def is_without_models(words: Sequence[str]) -> bool:
    by_python = shell.base(words[0]).startswith("python") and list(words[1:3]) == ["-m", "pip"]
    return by_python or shell.base(words[0]) in WITHOUT_MODELS
