"""What a file of Python has when it is loaded: its names, its applications, other places for modules. Sent to targets:
Python 3.8."""

from __future__ import annotations

import ast
import io
import os
import tokenize
import warnings

from retina_doctor.hints import Any

MOST_BYTES = 2 * 1024 * 1024
APPLICATIONS = (
    "Flask",
    "FastAPI",
    "Sanic",
    "Quart",
    "Starlette",
    "Bottle",
    "Celery",
    "Litestar",
    "Robyn",
    "get_wsgi_application",
)


def parsed(path: str) -> tuple[ast.Module | None, SyntaxError | None]:
    """As Python would compile it; SyntaxError: it would not."""
    try:
        if os.path.getsize(path) > MOST_BYTES:
            return None, None
        with open(path, "rb") as file:
            data = file.read()
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        try:
            data.decode(encoding)
        except UnicodeDecodeError as error:
            refused = SyntaxError("(unicode error) " + str(error))
            refused.lineno = data.count(b"\n", 0, error.start) + 1
            return None, refused
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(data)
            compile(tree, path, "exec", dont_inherit=True)
        return tree, None
    except SyntaxError as error:
        return None, error
    except (OSError, ValueError, RecursionError, MemoryError):
        return None, None


def bound(tree: ast.Module | None) -> set[str] | None:
    """The names that a module has when it is loaded, and those that its functions may give it; None: it may give itself any."""
    if tree is None:
        return None
    names: set[str] = set()
    waiting: list[Any] = list(tree.body)
    for node in waiting:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
            if not isinstance(node, ast.ClassDef):
                names |= {name for one in ast.walk(node) if isinstance(one, ast.Global) for name in one.names}
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
        elif isinstance(node, ast.Name) and node.id in ("globals", "exec", "vars", "setattr", "locals"):
            return None
        if not isinstance(node, ast.Lambda):
            waiting += ast.iter_child_nodes(node)
    return None if "*" in names or "__getattr__" in names else names


def made(tree: ast.Module | None) -> list[str]:
    """Names of the module that are applications by their makers."""
    found = []
    for node in tree.body if tree is not None else ():
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            called = node.value.func
            maker = (
                called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
            )
            if maker in APPLICATIONS:
                found += [one.id for one in node.targets if isinstance(one, ast.Name)]
    return found


def changes_path(tree: ast.Module) -> bool:
    """Whether it changes where modules are found, or puts one there itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in ("sys", "site"):
            if {alias.name for alias in node.names} & {"path", "modules", "addsitedir"}:
                return True
        called = node.func if isinstance(node, ast.Call) else node
        if not isinstance(called, (ast.Attribute, ast.Subscript)):
            continue
        if is_of(called, "sys", "path") or is_of(called, "site", "addsitedir"):
            return True
        put = node is not called and isinstance(called, ast.Attribute) and called.attr in ("setdefault", "update")
        if (put or isinstance(getattr(node, "ctx", None), ast.Store)) and is_of(called.value, "sys", "modules"):
            return True
    return False


def is_of(node: Any, module: str, name: str) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr == name
        and isinstance(node.value, ast.Name)
        and node.value.id == module
    )
