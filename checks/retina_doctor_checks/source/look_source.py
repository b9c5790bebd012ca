"""Reads source files and tells what in them costs a face-detection service its GPU, its faces or its callers."""

from __future__ import annotations

import os
import re
from typing import Any

from retina_doctor_checks.source.python import read as python

MOST_FILES, MOST_BYTES, MOST_TOLD, MOST_UNREAD = 50000, 5 * 2**20, 2000, 200
PASSED_OVER = ("node_modules", "site-packages", "dist-packages", "__pycache__", "build", "dist")
IGNORE = re.compile(r"#\s*retina-doctor:\s*ignore\[([\w-]+)\][ \t]*(.*)")
LISTS = ("hits", "figures", "servers")


def look(probe: Any, arguments: dict[str, Any]) -> None:
    paths = [os.path.abspath(os.path.expanduser(path)) for path in arguments["paths"]]
    missing = [path for path in paths if not os.path.exists(path)]
    told: dict[str, list[Any]] = {name: [] for name in LISTS}
    unread: list[Any] = []
    probe.tell(paths=paths, missing=missing, files=0, cut=False, unread=[], **told)
    count, cut = 0, False
    for path in source_files(paths):
        if count >= MOST_FILES or sum(map(len, told.values())) >= MOST_TOLD or len(unread) >= MOST_UNREAD:
            cut = True
            break
        count += 1
        try:
            for name, ones in read(path).items():
                told[name] += ones
        except (SyntaxError, ValueError, OSError, RecursionError, MemoryError) as error:
            words = "%s: %s" % (type(error).__name__, str(error)[:200])
            unread.append({"file": path, "kind": "python", "error": words})
    for ones in told.values():
        ones.sort(key=lambda one: (one["at"]["file"], one["at"]["line"], one["at"]["column"]))
    probe.tell(files=count, cut=cut, unread=unread, **told)


def source_files(paths: list[str]) -> Any:
    """Each file once, whatever links lead to it; virtual environments and caches are passed over."""
    seen = set()
    for path in paths:
        if os.path.isfile(path):
            yield path
            continue
        for folder, folders, names in os.walk(path):
            real = os.path.realpath(folder)
            if real in seen:
                folders[:] = []
                continue
            seen.add(real)
            folders[:] = sorted(one for one in folders if not passed_over(folder, one))
            for name in sorted(names):
                file = os.path.join(folder, name)
                if name.endswith(".py") and os.path.isfile(file):
                    yield file


def passed_over(folder: str, name: str) -> bool:
    environment = os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))
    return environment or name in PASSED_OVER or name.startswith(".")


def read(path: str) -> dict[str, list[Any]]:
    with open(path, "rb") as file:
        data = file.read(MOST_BYTES + 1)
    if not python.concerned(data):
        return {}
    if len(data) > MOST_BYTES:
        raise ValueError("more than %d MB" % (MOST_BYTES // 2**20))
    lines, told = python.read(data, path)
    return {name: [placed(one, path, lines) for one in ones] for name, ones in told.items()}


def placed(one: dict[str, Any], path: str, lines: list[str]) -> dict[str, Any]:
    """What was told, with its line in place of the line's number."""
    line = one.pop("line")
    text = lines[line - 1] if line <= len(lines) else ""
    if one.get("fixed"):
        one["fixed"] = one["fixed"].strip()[:300]
    at = {
        "file": path,
        "line": line,
        "column": one.pop("column"),
        "text": text.strip()[:300],
        "marks": marks(lines, line),
    }
    return dict(one, at=at)


def marks(lines: list[str], line: int) -> list[dict[str, str]]:
    """The comments that ask to ignore something: on the line, or alone on the lines above it."""
    found = IGNORE.findall(lines[line - 1]) if line <= len(lines) else []
    above = line - 2
    while 0 <= above < len(lines) and lines[above].lstrip().startswith("#"):
        found += IGNORE.findall(lines[above])
        above -= 1
    return [{"word": word, "reason": reason.strip()[:200] or "-"} for word, reason in found]
