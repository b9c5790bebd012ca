"""Requirements files: which of our packages they name, with what they include."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator

from retina_doctor.codec import replace

from ...facts.deployment import Package
from ...facts.source import Bundle
from ..found import Found
from ..text import SourceText
from . import understood
from .packages import OTHER_BUILDS, Wanted, cuda_of, package

INCLUDE = re.compile(r"(?:-r|--requirement)[ =]?\s*(\S+)")
CONSTRAINT = re.compile(r"(?:-c|--constraint)[ =]?\s*(\S+)")
DEEP = 5
MOST_INCLUDED = 2**20  # bytes of a file that another takes in

Contents = Callable[[str], bytes | None]
"""The bytes of a file, by its path."""


def told(text: SourceText, content: str, content_of: Contents) -> Found:
    named = [one.at(text.at(number, column)) for one, number, column in packages(content)]
    included = list(included_by(content, text.path, content_of, {text.path}, 0))
    named += [one for file in included if is_named_alone(file) for one in of_named(file, content_of)]
    if not named and not included:
        return Found()
    limits = list(constraints(content, text.path, content_of))
    if "numpy" not in [one.name for one in named]:  # which comes along with all others
        named += [one.at(text.at(1)) for one in limits if one.name == "numpy"][:1]
    index = any(line.startswith("-") and OTHER_BUILDS.search(line) for line in text.lines)
    bundle = Bundle(
        at=text.at(1),
        group="",
        packages=tuple(held(built(one, text), limits) for one in named),
        included=tuple(included),
        kept_out=(),
        index=index,
        doubts=tuple(sorted(understood.of_requirements(content, text.path, content_of))),
    )
    return Found(bundles=[bundle])


def is_named_alone(file: str) -> bool:
    """Whether only another file says that it holds requirements: such as numpy.txt."""
    return (
        "requirements" not in posixpath.basename(file) and posixpath.basename(posixpath.dirname(file)) != "requirements"
    )


def of_named(file: str, content_of: Contents) -> Iterator[Package]:
    content = (content_of(file) or b"")[:MOST_INCLUDED].decode("utf-8", "replace")
    text = SourceText(file, content.split("\n"))
    return (one.at(text.at(number, column)) for one, number, column in packages(content))


def packages(content: str) -> Iterator[tuple[Wanted, int, int]]:
    """(a requirement, its line, its column)"""
    for number, line in enumerate(content.split("\n"), 1):
        if not line.lstrip().startswith(("#", "-")):
            one = package(line.split(" --hash")[0].rstrip(" \\\r"))
            if one is not None:
                yield one, number, len(line) - len(line.lstrip()) + 1


def built(package: Package, text: SourceText) -> Package:
    """torch where the file names one of pytorch's indexes alone, not beside PyPI."""
    lines = [line for line in text.lines if line.startswith(("--index-url", "-i "))]
    said = cuda_of(" ".join(lines)) if package.name == "torch" and package.cuda is None else None
    return replace(package, cuda=said) if said is not None else package


def held(package: Package, limits: list[Wanted]) -> Package:
    """A requirement with what constraints say of it."""
    specs = [one.spec for one in limits if one.name == package.name]
    return replace(package, spec=",".join([package.spec] * bool(package.spec) + specs))


def constraints(content: str, path: str, content_of: Contents) -> Iterator[Wanted]:
    """The packages of the constraints that it is held to."""
    for _, taken in taken_in(content, path, content_of, CONSTRAINT):
        for one, _, _ in packages(taken):
            yield one


def included_by(content: str, path: str, content_of: Contents, seen: set[str], deep: int) -> Iterator[str]:
    """Paths of the files that it takes in, and of those that they do."""
    for file, taken in taken_in(content, path, content_of, INCLUDE):
        if file not in seen and deep < DEEP:
            seen.add(file)
            yield file
            yield from included_by(taken, file, content_of, seen, deep + 1)


def taken_in(content: str, path: str, content_of: Contents, named: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """(path, text) of each file that is named so, and is there."""
    for line in content.split("\n"):
        match = named.match(line.strip())
        file = posixpath.normpath(posixpath.join(posixpath.dirname(path), match[1])) if match else ""
        data = content_of(file) if match else None
        if data is not None:
            yield file, data[:MOST_INCLUDED].decode("utf-8", "replace")
