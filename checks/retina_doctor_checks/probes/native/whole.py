"""Which files of installed packages are gone or cut short, by their own lists (RECORD). Sent to targets: Python 3.8.

A package without a list, or of which the list has no files (conda's, Debian's, an editable one), is taken to be whole. What an
image leaves out to be small (tests, sources where compiled files stand beside them, symbols of a library) is no damage, and
neither is what this user may not read.
"""

from __future__ import annotations

import ast
import os
import re
from typing import Any

from retina_doctor_checks.probes.native import access, elf

CODE = re.compile(
    r"(?!\.\.)(?!.*(?:^|/)_?(?:tests?|testing|benchmarks?|conftest\.py|[^/]*_tests?[^/]*\.so)(?:/|$)).*\.(?:py|so[.\d]*)$"
)
"""Of what lies among the packages: what an import of them may load."""
NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
EXTRA = re.compile(r";.*\bextra\s*==")
MOST_SOURCE = 2 * 1024 * 1024  # bytes


def with_requirements(wanted: Any, found: dict[str, Any]) -> list[Any]:
    """Of the distributions *found*: those of which the compiled pattern *wanted* matches the name, and all that they require."""
    open_names = [name for name in found if wanted.match(name)]
    seen: dict[str, Any] = {}
    while open_names:
        name = open_names.pop()
        if name in seen or name not in found:
            continue
        seen[name] = found[name]
        for line in found[name].values("Requires-Dist"):
            match = NAME.match(line)
            if match and not EXTRA.search(line):
                open_names.append(re.sub(r"[-_.]+", "-", match.group(0)).lower())
    return [seen[name] for name in sorted(seen)]


def damaged(entries: list[Any]) -> list[str]:
    """Of the files of a distribution's list those that are gone or cut short; what lies higher first."""
    there: dict[str, Any] = {}
    found = [entry.place for entry in entries if CODE.match(entry.path) and is_damaged(entry, there)]
    return sorted(found, key=depth)


def depth(path: str) -> Any:
    """For sorting: what lies higher first, and what makes a package of a folder before the rest of it."""
    return path.count("/"), not path.endswith("/__init__.py"), path


def is_damaged(entry: Any, there: dict[str, Any]) -> bool:
    """*there*: folder -> its files, as far as they were read already."""
    folder, name = os.path.split(entry.place)
    if folder not in there:
        there[folder] = listed(folder)
    file = there[folder].get(name)
    if file is None:
        return not (name.endswith(".py") and name + "c" in there[folder]) and access.is_gone(entry.place)
    try:
        size = file.stat().st_size
    except OSError:
        return access.is_gone(entry.place)
    if size == entry.size or access.is_closed(entry.place):
        return False
    if name.endswith(".py"):
        return bool(entry.size) and size < entry.size and not can_be_read(entry.place)
    return elf.damage(entry.place) is not None


def listed(folder: str) -> dict[str, Any]:
    try:
        with os.scandir(folder) as files:
            return {file.name: file for file in files}
    except OSError:
        return {}


def can_be_read(path: str) -> bool:
    """Whether it is Python still: somebody may have changed or minified it."""
    try:
        if not 0 < os.path.getsize(path) <= MOST_SOURCE:
            return False
        with open(path, "rb") as file:
            ast.parse(file.read())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
