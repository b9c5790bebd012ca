"""Reads source files and tells what in them costs a face-detection service its GPU, its faces or its callers."""

from __future__ import annotations

import json
import os
import re
import time
from typing import Any

from retina_doctor.secret_words import beginning, masked
from retina_doctor_checks.source.deployment import read as deployment
from retina_doctor_checks.source.python import read as python

MOST_FILES, MOST_BYTES, MOST_UNREAD = 50000, 5 * 2**20, 200
MOST_TOLD = 4 * 2**20  # bytes of all that is told; a probe may not tell more than some
MOST_LINE = 300  # characters of a line that are shown
PASSED_OVER = ("node_modules", "site-packages", "dist-packages", "__pycache__")
MADE = ("build", "dist")  # Python in there is a copy; a Dockerfile is none
IGNORE = re.compile(r"(?i)#\s*retina-doctor:\s*ignore\[([\w\s,-]+)\][ \t]*(.*)")
MOST_ABOVE = 20  # lines of comment above a place
LISTS = ("hits", "figures", "servers", "meant", "bundles", "images", "containers", "routes", "tags")


def look(probe: Any, arguments: dict[str, Any]) -> None:
    """Stops after *seconds*, so that what was found is told before the reading counts as timed out."""
    until = time.monotonic() + arguments["seconds"]
    paths = [os.path.abspath(os.path.expanduser(path)) for path in arguments["paths"]]
    missing = [path for path in paths if not os.path.exists(path)]
    told: dict[str, list[Any]] = {name: [] for name in LISTS}
    unread: list[Any] = []
    probe.tell(paths=paths, missing=missing, files=0, cut=False, unread=[], **told)
    count, size, cut = 0, 0, False
    for path in source_files(paths):
        if count >= MOST_FILES or cut or len(unread) >= MOST_UNREAD or time.monotonic() > until:
            cut = True
            break
        count += 1
        of = "python" if path.endswith(".py") else deployment.kind(*reversed(path.split(os.sep)[-2:]))
        try:
            for name, ones in read(path, of).items():
                if name == "meant" and told[name]:
                    continue  # one shows it
                wanted = len(json.dumps(ones))
                if size + wanted > MOST_TOLD:
                    cut, ones = True, ones[: len(ones) * (MOST_TOLD - size) // wanted]
                told[name] += ones
                size += wanted
        except Exception as error:  # one odd file must not cost what the others tell
            words = "%s: %s" % (type(error).__name__, str(error)[:200])
            unread.append({"file": path, "kind": "python" if of == "python" else "deployment", "error": words})
    for ones in told.values():
        ones.sort(key=place)
    probe.tell(files=count, cut=cut, unread=unread, **told)


def place(one: dict[str, Any]) -> tuple[Any, ...]:
    at = one.get("at", one)
    return (at["file"], at["line"], at["column"])


def source_files(paths: list[str]) -> Any:
    """Each file once, whatever links lead to it; virtual environments and caches are passed over."""
    seen = set()
    for path in paths:
        if not os.path.isdir(path) and os.path.lexists(path):
            yield path
            continue
        for folder, folders, names in os.walk(path):
            real = os.path.realpath(folder)
            if real in seen:
                folders[:] = []
                continue
            seen.add(real)
            folders[:] = sorted(one for one in folders if not passed_over(folder, one))
            made = not set(MADE).isdisjoint(os.path.relpath(folder, path).split(os.sep))
            for name in sorted(names):
                file = os.path.join(folder, name)
                if (
                    (name.endswith(".py") and not made) or deployment.kind(name, os.path.basename(folder))
                ) and not os.path.isdir(file):
                    yield file


def passed_over(folder: str, name: str) -> bool:
    environment = os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))
    return environment or name in PASSED_OVER or name.startswith(".")


def read(path: str, of: str | None) -> dict[str, list[Any]]:
    """What a file of a kind tells. Raises whatever an odd file makes a reader raise."""
    if of is None:
        return {}
    if not os.path.isfile(path):
        raise ValueError("is no regular file")
    with open(path, "rb") as file:
        data = file.read(MOST_BYTES + 1)
    by_content = of if of == "python" else deployment.concerned(data, of)
    if by_content is None or (of == "python" and not python.concerned(data, os.path.basename(path))):
        return {}
    if len(data) > MOST_BYTES:
        raise ValueError("more than %d MB" % (MOST_BYTES // 2**20))
    lines, told = python.read(data, path) if of == "python" else deployment.read(data, path, by_content)
    remarks = python.remarks(data, lines) if of == "python" and b"retina-doctor:" in data else lines
    return {name: [placed(one, path, lines, remarks) for one in ones] for name, ones in told.items()}


def placed(told: Any, path: str, lines: list[str], remarks: list[str]) -> Any:
    """What was told, with the line itself in place of its number, however deep; without secrets. *remarks*: of each line what
    may be a comment."""
    if isinstance(told, list):
        return [placed(one, path, lines, remarks) for one in told]
    if not isinstance(told, dict):
        return told
    found = {
        key: placed(value, path, lines, remarks)
        for key, value in told.items()
        if key not in ("line", "column", "until")
    }
    if "line" not in told:
        return found
    line = told["line"]
    text = lines[line - 1] if line <= len(lines) else ""
    for key in ("fixed", "sides"):
        if found.get(key) and len("".join(found[key])) > MOST_LINE:
            found[key] = None  # half a correction would be none
    if found.get("fixed"):
        found["fixed"] = masked(found["fixed"].strip())
    if found.get("sides"):
        found["sides"] = [masked(side) for side in found["sides"]]
    at = {
        "file": path,
        "line": line,
        "column": told["column"],
        "text": beginning(text.strip()[: 8 * MOST_LINE], MOST_LINE),
        "marks": marks(remarks, line, told.get("until") or line),
    }
    return dict(found, at=at) if found else at


def marks(remarks: list[str], line: int, until: int) -> list[dict[str, str]]:
    """The comments that ask to ignore something: on the lines, or alone on the lines above them."""
    found = [mark for remark in remarks[line - 1 : until] for mark in IGNORE.findall(remark)]
    above = line - 2
    while max(0, line - MOST_ABOVE) <= above < len(remarks) and remarks[above].lstrip().startswith("#"):
        found += IGNORE.findall(remarks[above])
        above -= 1
    return [
        {"word": word.strip(), "reason": reason.strip()[:200] or "-"}
        for words, reason in found
        for word in words.split(",")
    ]
