"""Reads Python files and tells what in them costs a face-detection service its GPU or its faces."""

from __future__ import annotations

import ast
import os
import re
import tokenize
import warnings
from typing import Any

from retina_doctor_checks.source import rules

MOST_FILES, MOST_BYTES, MOST_HITS = 50000, 5 * 2**20, 2000
PASSED_OVER = ("node_modules", "site-packages", "dist-packages", "__pycache__", "build", "dist")
IGNORE = re.compile(r"#\s*retina-doctor:\s*ignore\[([\w-]+)\]\s*(.*)")


def look(probe: Any, arguments: dict[str, Any]) -> None:
    paths = [os.path.abspath(os.path.expanduser(path)) for path in arguments["paths"]]
    missing = [path for path in paths if not os.path.exists(path)]
    probe.tell(paths=paths, missing=missing, files=0, cut=False, unread=[], hits=[])
    files, cut = 0, False
    unread: list[Any] = []
    hits: list[Any] = []
    for path in python_files(paths):
        if files >= MOST_FILES or len(hits) >= MOST_HITS:
            cut = True
            break
        files += 1
        try:
            if concerned(path):
                lines, tree = parsed(path)
                hits += [marked(hit, path, lines) for hit in rules.hits(tree)]
        except (SyntaxError, ValueError, OSError, RecursionError, MemoryError, UnicodeDecodeError) as error:
            unread.append({"file": path, "error": "%s: %s" % (type(error).__name__, str(error)[:200])})
    hits.sort(key=lambda hit: (hit["file"], hit["line"], hit["column"]))
    probe.tell(files=files, cut=cut, unread=unread[:200], hits=hits)


def python_files(paths: list[str]) -> Any:
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


def concerned(path: str) -> bool:
    """Whether a rule can find anything: it must name a package that rules are about. Parsing takes most of the time."""
    if os.path.getsize(path) > MOST_BYTES:
        raise ValueError("more than %d MB" % (MOST_BYTES // 2**20))
    with open(path, "rb") as file:
        data = file.read()
    return any(name.encode() in data for name in rules.PACKAGES) or b"coding" in data[:200]


def parsed(path: str) -> tuple[Any, ...]:
    """(lines, syntax tree). Raises SyntaxError, ValueError, OSError, RecursionError."""
    with tokenize.open(path) as file:  # in the encoding that the file itself declares
        text = file.read()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return text.splitlines(), ast.parse(text, path)


def marked(hit: dict[str, Any], path: str, lines: list[str]) -> dict[str, Any]:
    """The hit with its place, its line, and the reason for which it is ignored, if the line gives one."""
    text = lines[hit["line"] - 1] if hit["line"] <= len(lines) else ""
    told = IGNORE.search(text)
    fixed = hit["fixed"](text) if hit["fixed"] else None
    here = told is not None and told.group(1) in (hit["code"], hit["cause"])
    place = {key: hit[key] for key in ("cause", "line", "column", "why", "what")}
    return dict(
        place,
        file=path,
        text=text.strip()[:300],
        fixed=fixed.strip()[:300] if fixed and fixed != text else None,
        ignored=(told.group(2) or "-") if told and here else None,
    )
