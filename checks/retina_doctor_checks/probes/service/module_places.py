"""Where modules are, and which are Python's own: only folders are asked, so that no code of theirs runs. Sent to targets:
Python 3.8."""

from __future__ import annotations

import functools
import os
import sys
from importlib import machinery

from retina_doctor_checks.probes.native import program

SECONDS = 5


TELL = "import sys; print(*sys.modules)"


def local(name: str, folders: list[str]) -> list[str]:
    """Files beside that an import of this module loads: the packages above it, and itself."""
    parts = name.lstrip(".").split(".")
    for folder in folders[-1:] if name.startswith(".") else folders:
        files = []
        for count in range(1, len(parts) + 1):
            place = os.path.join(folder, *parts[:count])
            files += [one for one in (os.path.join(place, "__init__.py"), place + ".py") if os.path.isfile(one)]
        if files:
            return files
        if os.path.isdir(os.path.join(folder, parts[0])) and os.listdir(os.path.join(folder, parts[0])):
            return []
    return []


def is_in(top: str, folder: str) -> bool:
    """Whether an import would find that there: a folder without __init__.py counts, too."""
    try:
        return machinery.PathFinder.find_spec(top, [folder]) is not None
    except (ImportError, ValueError, OSError):
        return True


def is_standard(name: str) -> bool:
    """Python before 3.10 does not tell the names: there by the file of the module."""
    names = getattr(sys, "stdlib_module_names", None)
    if names is not None:
        return name in names
    folder = os.path.dirname(os.__file__)
    found = machinery.PathFinder.find_spec(name, [folder, os.path.join(folder, "lib-dynload")])
    return found is not None or name in sys.builtin_module_names


@functools.lru_cache(maxsize=None)
def loaded_at_start() -> frozenset[str] | None:
    """What this Python has imported before it looks into any folder but its own: no neighbour takes the place of that. None: it
    does not say."""
    ended = program.run([sys.executable, "-I", "-c", TELL], SECONDS)
    return frozenset(ended.output.decode("utf-8", "replace").split()) if ended.code == 0 else None


def is_there_anywhere(name: str) -> bool:
    return is_there(name, sys.path)


def is_there(name: str, path: list[str]) -> bool:
    """By the finders of the import system, of the first part alone: no package's code is run for that."""
    if not name or name.startswith("."):
        return True
    if name in sys.builtin_module_names or name in sys.modules or name in getattr(sys, "stdlib_module_names", ()):
        return True
    try:
        if machinery.BuiltinImporter.find_spec(name) or machinery.FrozenImporter.find_spec(name):
            return True
        if machinery.PathFinder.find_spec(name, [one for one in path if one]) is not None:
            return True
    except (ImportError, ValueError, OSError):
        return True
    # An editable installation may have a finder of its own.
    finders = [
        one
        for one in sys.meta_path
        if one not in (machinery.BuiltinImporter, machinery.FrozenImporter, machinery.PathFinder)
    ]
    for finder in finders:
        try:
            if getattr(finder, "find_spec", None) and finder.find_spec(name, None) is not None:
                return True
        except Exception:  # noqa: S112 - somebody's finder
            continue
    return False
