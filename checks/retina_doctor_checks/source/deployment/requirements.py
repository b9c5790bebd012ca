"""Requirements files: which of our packages they name, with what they include."""

from __future__ import annotations

import os
import re
from typing import Any

from retina_doctor_checks.source.deployment.packages import OTHER_BUILDS, package

INCLUDE = re.compile(r"(?:-r|--requirement)[ =]?\s*(\S+)")
CONSTRAINT = re.compile(r"(?:-c|--constraint)[ =]?\s*(\S+)")
DEEP = 5


def told(text: str, path: str) -> dict[str, list[Any]]:
    named = list(packages(text))
    included = list(included_by(text, path, {os.path.realpath(path)}, 0))
    if not named and not included:
        return {}
    limits = list(constraints(text, path))
    for one in named:
        one["spec"] = ",".join(
            [one["spec"]] * bool(one["spec"]) + [b["spec"] for b in limits if b["name"] == one["name"]]
        )
    index = any(line.startswith("-") and OTHER_BUILDS.search(line) for line in text.split("\n"))
    one = {
        "group": "",
        "packages": named,
        "included": included,
        "kept_out": [],
        "index": index,
        "line": 1,
        "column": 1,
    }
    return {"bundles": [one]}


def packages(text: str) -> Any:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.lstrip().startswith(("#", "-")):
            one = package(line.split(" --hash")[0].rstrip(" \\\r"))
            if one is not None:
                yield dict(one, line=number, column=len(line) - len(line.lstrip()) + 1)


def constraints(text: str, path: str) -> Any:
    """The packages of the constraints that it is held to."""
    for line in text.split("\n"):
        match = CONSTRAINT.match(line.strip())
        file = os.path.join(os.path.dirname(path), match[1]) if match else ""
        if match and os.path.isfile(file):
            with open(file, encoding="utf-8", errors="replace") as opened:
                for one in packages(opened.read(2**20)):
                    yield one


def included_by(text: str, path: str, seen: set[str], deep: int) -> Any:
    """Paths of the files that it takes in, and of those that they do."""
    for line in text.split("\n"):
        match = INCLUDE.match(line.strip())
        file = os.path.normpath(os.path.join(os.path.dirname(path), match[1])) if match else ""
        if match and os.path.realpath(file) not in seen and os.path.isfile(file) and deep < DEEP:
            seen.add(os.path.realpath(file))
            yield file
            with open(file, encoding="utf-8", errors="replace") as opened:
                for inner in included_by(opened.read(2**20), file, seen, deep + 1):
                    yield inner
