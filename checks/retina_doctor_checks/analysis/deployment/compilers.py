"""What an image lacks for compiling a C++ extension of Python's, as insightface before 1.0 holds one (language="c++" in its
setup.py): a compiler, or Python's headers."""

from __future__ import annotations

import re

COMPILERS = re.compile(
    r"(?<![\w.+-])(?:g\+\+(?:-\d+)?|gxx\w*|clang(?:-\d+)?|build-essential|build-base|base-devel|gcc-c\+\+|gxx_linux-64|dpkg-dev|devscripts)(?![\w.+-])"
    r"|[Dd]evelopment[ -][Tt]ools"
)
HEADERS = re.compile(
    r"(?<![\w.+-])(?:lib)?python3[\w.]*-(?:dev|devel|all-dev)(?![\w.+-])|\b(?:conda|mamba|micromamba|pyenv|uv)\b"
)
UNSEEN = re.compile(
    r"\.sh\b|xargs|\bmake\b|ansible|build-dep|\.py\b|Install-Recommends|\binstall\b(?:(?!\binstall\b)[^\n&|;])*\$"
)
"""What may install anything, or lets apt choose otherwise."""
RECOMMENDED = re.compile(r"(?<![\w.+-])python3-pip(?![\w.+-])")
"""Debian's and Ubuntu's recommends build-essential and python3-dev (packages.debian.org, packages.ubuntu.com)."""
CONTINUED = re.compile(r"\\[ \t]*\n")
COMMAND = re.compile(r"[\n;&|]+")
SLIM = re.compile(
    r"^(?:docker\.io/|\S+/(?=library/))?(?:library/)?python:\S*(?:slim|alpine)|(?:^|/)astral-sh/uv:python\S*(?:slim|alpine)"
)
"""python:X holds a compiler, of buildpack-deps; the others none. All have Python's headers (docker-library/python);
uv's are made of these (docs.astral.sh/uv, "Using uv in Docker")."""
RUNTIME = re.compile(r"(?:^|/)pytorch/pytorch:\S+-runtime$")
"""Conda's Python with its headers, and no C++ compiler (pytorch's Dockerfile, stage "official")."""
SYSTEM = re.compile(
    r"^(?:docker\.io/|\S+/(?=library/))?(?:library/)?(?:debian|ubuntu):|(?:^|/)nvidia/cuda:\S+-(?:base|runtime)(?:-|$)"
)


def lacking(base: str, runs: str) -> str | None:
    """*runs*: all that was run on the base so far. None: nothing, or it cannot be told."""
    known = SLIM.search(base) or RUNTIME.search(base) or SYSTEM.search(base)
    if not known or UNSEEN.search(runs):
        return None
    each = COMMAND.split(CONTINUED.sub(" ", runs))
    if any(RECOMMENDED.search(one) and "no-install-recommends" not in one for one in each):
        return None
    if not COMPILERS.search(runs):
        return "g++"
    return "python3-dev" if SYSTEM.search(base) and not HEADERS.search(runs) else None
