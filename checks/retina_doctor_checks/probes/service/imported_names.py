"""Which modules a file and those beside it import when loaded, and which of them are nowhere. Sent to targets: Python 3.8.

Nothing is imported: of a package's name only the folders of sys.path are asked, so that no code of it runs.
"""

from __future__ import annotations

import ast
import os
import sys
from importlib import machinery
from typing import Any

MOST_FILES, MOST_BYTES = 200, 2 * 1024 * 1024
IMPLIED = {
    # fastapi/dependencies/utils.py ensure_multipart_is_installed: python_multipart, or its older name
    "fastapi": (("UploadFile", "File", "Form"), ("python_multipart", "multipart")),
}
"""Package -> (names of it that ask for another module when a route is declared, the modules that would do)."""


def missing(file: str, directory: str, extra: list[str], folders: list[str]) -> tuple[list[Any], bool]:
    """([{"name", "file", "line", "implied_by"}], whether it cannot be known: the first file could not be read, or one changes
    sys.path). *directory*: where it is started. *folders*: of its PYTHONPATH."""
    path = [directory, os.path.dirname(file), *folders, *sys.path]
    found: dict[str, Any] = {}
    for name in extra:
        if not is_there(name, path):
            found[name] = {"name": name, "file": file, "line": 1, "implied_by": "command"}
    waiting, unread = [file], False
    seen: set[str] = set()
    while waiting and len(seen) < MOST_FILES:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        tree = parsed(one)
        if tree is None:
            unread = unread or one == file
            continue
        if changes_path(tree):
            return [], True
        for name, line, implied in asked(tree):
            top = name.split(".")[0]
            own = local(name, [directory, *folders, os.path.dirname(file), os.path.dirname(one)])
            waiting += own
            if not own and top not in found and not is_there(top, path):
                found[top] = {"name": top, "file": one, "line": line, "implied_by": implied}
    return sorted(found.values(), key=lambda one: (one["file"] != file, one["line"])), unread


def parsed(path: str) -> ast.Module | None:
    try:
        if os.path.getsize(path) > MOST_BYTES:
            return None
        with open(path, "rb") as file:
            return ast.parse(file.read())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def changes_path(tree: ast.Module) -> bool:
    named = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "path")
    return any(isinstance(node.value, ast.Name) and node.value.id == "sys" for node in named)


def asked(tree: ast.Module) -> Any:
    """(module, line, what implies it) of what is imported as soon as the file is loaded, whatever happens."""
    for node in loaded(tree.body):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno, None
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, node.lineno, None
        elif isinstance(node, ast.ImportFrom) and node.level == 1:
            for name in [node.module] if node.module else [alias.name for alias in node.names]:
                yield "." + name, node.lineno, None
    for package, (names, modules) in IMPLIED.items():
        brought = {
            alias.asname or alias.name: alias.name
            for node in loaded(tree.body)
            if isinstance(node, ast.ImportFrom) and node.module == package
            for alias in node.names
            if alias.name in names
        }
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.decorator_list:
                for inner in ast.walk(node.args):
                    if isinstance(inner, ast.Name) and inner.id in brought and not any(map(is_there_anywhere, modules)):
                        yield modules[0], node.lineno, brought[inner.id]


def loaded(body: list[Any]) -> Any:
    """Statements that run when the module is loaded and may not fail: not in functions, `try` or `with` (which may
    suppress it), or below TYPE_CHECKING."""
    for node in body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node
        elif isinstance(node, (ast.For, ast.ClassDef)):
            for inner in loaded(node.body):
                yield inner


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


def file_of(module: str, directory: str) -> str | None:
    """The file of a module beside the command's working directory, or on sys.path."""
    parts = module.split(".")
    for folder in [directory, *sys.path]:
        place = os.path.join(folder or directory, *parts)
        for path in (os.path.join(place, "__init__.py"), place + ".py"):
            if os.path.isfile(path):
                return path
    return None
