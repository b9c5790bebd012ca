"""Which files of installed packages are gone or cut short, by their own lists (RECORD). Sent to targets: Python 3.8.

A package without a list, or of which the list has no files (conda's, Debian's, an editable one), is taken to be whole. What an
image leaves out to be small (tests, sources where compiled files stand beside them, symbols of a library) is no damage, and
neither is what this user may not read.
"""

from __future__ import annotations

import os
import re
import stat

from retina_doctor.hints import Any
from retina_doctor_checks.probes.native import access, elf

CODE = (".py,", ".so")
"""In a line of RECORD: what Python or the loader may load, and little else."""
LIBRARY = re.compile(r".*\.so[.\d]*")
BESIDE = re.compile(r"\.\.|(?:.*/)?_?(?:tests?|testing|benchmarks?|conftest\.py|[^/]*_tests?[^/]*\.so)(?:/|$)")
"""What no import loads: outside the packages, or their own tests."""
NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
EXTRA = re.compile(r";.*\bextra\s*==")
READ_BY_ALL = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH
SAYS_VERSION = re.compile(r"""^(?:__)?version(?:__)?(?:: ?str)? ?= ?["'](\d[\w.+]*)["']""", re.MULTILINE)
SAID_IN = ("/version.py", "/_version.py", "/__init__.py")
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


def code(one: Any, there: dict[str, Any]) -> list[Any]:
    """[(entry, its os.stat_result or None)] of the files in the list of a distribution that an import may load. *there*: folder
    -> its files, as far as they were read already."""
    return [(entry, on_disk(entry, there)) for entry in one.files(*CODE) if is_code(entry.path)]


def is_code(path: str) -> bool:
    return (path.endswith((".py", ".so")) or LIBRARY.fullmatch(path) is not None) and not is_beside(path)


def is_beside(path: str) -> bool:
    """The signs spare most paths the pattern."""
    return (".." in path or "test" in path or "bench" in path) and BESIDE.match(path) is not None


def doubtful(found: list[Any]) -> list[Any]:
    """Of what `code` found all but the many that are as long as their list says, and that everybody may read."""
    return [
        (entry, state)
        for entry, state in found
        if state is None or state.st_size != entry.size or state.st_mode & READ_BY_ALL != READ_BY_ALL
    ]


def damaged(found: list[Any], there: dict[str, Any]) -> list[str]:
    """Of what `code` found that which is gone or cut short; what lies higher first."""
    return sorted([entry.place for entry, state in found if is_cut(entry, state, there)], key=depth)


def over(found: list[Any], odd: list[Any]) -> str | None:
    """The version that the source itself states, where any of it is of another length than its list says: another release may
    have been copied over it."""
    if not any(
        state is not None and entry.path.endswith(".py") and state.st_size != entry.size for entry, state in odd
    ):
        return None
    for name in SAID_IN:
        for entry, state in found:
            if state is not None and entry.path.endswith(name) and entry.path.count("/") == 1:
                said = stated(entry.place)
                if said is not None:
                    return said
    return None


def is_other(said: str | None, listed: str | None) -> bool:
    """Whether these are two releases (PEP 440), whatever follows their numbers: `+cu121`, `.post1`, `rc1`."""
    return said is not None and listed is not None and release(said) != release(listed)


def release(version: str) -> list[int]:
    numbers = re.match(r"(?:\d+!)?(\d+(?:\.\d+)*)", version)
    parts = [int(one) for one in numbers.group(1).split(".")] if numbers else []
    while parts and not parts[-1]:
        parts.pop()
    return parts


def stated(path: str) -> str | None:
    try:
        with open(path, "rb") as file:
            match = SAYS_VERSION.search(file.read(65536).decode("utf-8", "replace"))
    except OSError:
        return None
    return match.group(1) if match else None


def depth(path: str) -> Any:
    """For sorting: what lies higher first, and what makes a package of a folder before the rest of it."""
    return path.count("/"), not path.endswith("/__init__.py"), path


def is_damaged(entry: Any, there: dict[str, Any]) -> bool:
    return is_cut(entry, on_disk(entry, there), there)


def is_cut(entry: Any, state: Any, there: dict[str, Any]) -> bool:
    """*state*: its os.stat_result. Gone counts, too."""
    if state is None:
        folder, name = os.path.split(entry.place)
        return not (name.endswith(".py") and name + "c" in there[folder]) and access.is_gone(entry.place)
    if state.st_size == entry.size or access.is_closed(entry.place):
        return False
    if entry.path.endswith(".py"):
        size = state.st_size
        return bool(entry.size) and size < entry.size and (not size or not can_be_read(entry.place))
    return elf.damage(entry.place) is not None


def on_disk(entry: Any, there: dict[str, Any]) -> Any:
    """Its os.stat_result; None where its folder does not show it, or it leads nowhere."""
    folder, _, name = entry.place.rpartition(os.sep)
    if folder not in there:
        there[folder] = listed(folder)
    return there[folder].get(name)


def listed(folder: str) -> dict[str, Any]:
    """Name -> os.stat_result of what may be code; None for others. Asked of the open folder: a path from the root has ten steps,
    and there are thousands of files."""
    try:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return {}
    try:
        with os.scandir(opened) as files:
            return {file.name: state_of(file) if ".py" in file.name or ".so" in file.name else None for file in files}
    except OSError:
        return {}
    finally:
        os.close(opened)


def state_of(file: Any) -> Any:
    try:
        return file.stat()
    except OSError:
        return None


def can_be_read(path: str) -> bool:
    """Whether it is Python still: somebody may have changed or minified it."""
    import ast  # only here: it takes three milliseconds

    try:
        if not 0 < os.path.getsize(path) <= MOST_SOURCE:
            return False
        with open(path, "rb") as file:
            ast.parse(file.read())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
