"""Which Python an environment has, as the files say that make it."""

from __future__ import annotations

import posixpath
import re
from typing import NamedTuple

from retina_doctor.patterns import pattern

from ..advice.base_images import release_of
from ..advice.pythons import Version, pythons
from ..facts.deployment import Image
from ..facts.source import Source
from ..facts.source_lines import SourceLine
from .environments import Environment

SYSTEM = {
    ("ubuntu", (18, 4)): (3, 6), ("ubuntu", (20, 4)): (3, 8), ("ubuntu", (22, 4)): (3, 10), ("ubuntu", (24, 4)): (3, 12),
    ("debian", (10,)): (3, 7), ("debian", (11,)): (3, 9), ("debian", (12,)): (3, 11), ("debian", (13,)): (3, 13),
}  # fmt: skip
"""python3 of a release: packages.ubuntu.com and packages.debian.org."""


CALLED = pattern(r"\bpython(3)\.(\d+) -m pip install\b")


class Said(NamedTuple):
    """*by*: the image, or the name of the file, that says it at a line; *each*: the minor versions that it may be."""

    at: SourceLine
    by: str
    text: str
    each: list[Version]


def python_of(source: Source, one: Environment) -> Said | None:
    """None: nothing says it."""
    if "python" in one.doubts:
        return None  # it makes another than its base's
    if one.image is not None:
        version = of_image(one.image)
        text = f"{version[0]}.{version[1]}" if version else ""
        return Said(one.image.at, one.image.base, text, [version]) if version is not None else None
    files = [package.at.file for package in one.packages.values()]
    folders = {posixpath.dirname(file) for file in files}
    signs = [sign for sign in source.signs if sign.kind == "python" and posixpath.dirname(sign.at.file) in folders]
    # An environment of conda's has a Python of its own, and so has another one beside it.
    signs = [sign for sign in signs if sign.at.file in files or not sign.at.file.endswith((".yml", ".yaml"))]
    # An exact one first: .python-version chooses among those that a project lets in.
    signs.sort(key=lambda sign: len(pythons(sign.what)))
    exact = {sign.what for sign in signs if len(pythons(sign.what)) == 1}
    for sign in signs[:1] if len(exact) < 2 else ():
        return Said(sign.at, posixpath.basename(sign.at.file), shown(sign.what), pythons(sign.what))
    return None


def shown(spec: str) -> str:
    """3.9 of ==3.9.*; a range as it is written."""
    exact = re.fullmatch(r"==(\d+\.\d+)\.\*", spec)
    return exact[1] if exact else spec


def of_image(image: Image) -> Version | None:
    """A python image's, by its tag; else the system's, where only that is installed."""
    named = re.search(r"(?:^|/)(?:python:|uv:python)(\d)\.(\d+)", image.base)
    if named:
        return int(named[1]), int(named[2])
    # Another Python beside the system's, by which all is installed: python3.8 -m pip install
    each = {CALLED.search(step.at.text) for step in image.steps if step.does in ("install", "file")}
    called = {(int(one[1]), int(one[2])) if one is not None else None for one in each}
    if len(called) == 1 and (only := called.pop()) is not None:
        return only
    own = image.own_python or any(step.does == "project" for step in image.steps)
    return SYSTEM.get(release_of(image.base)) if "python3-pip" in image.system and not own else None
