"""Which modules a file and those beside it import when loaded, and which of them are nowhere. Sent to targets: Python 3.8.

Nothing is imported: of a package's name only the folders of sys.path are asked, so that no code of it runs.
"""

from __future__ import annotations

import ast
import difflib
import functools
import io
import os
import sys
import tokenize
import warnings
from importlib import machinery

from retina_doctor.hints import Any
from retina_doctor_checks.probes.native import program

MOST_FILES, MOST_BYTES = 200, 2 * 1024 * 1024
SECONDS = 5
TELL = "import sys; print(*sys.modules)"
IMPLIED = {
    # fastapi/dependencies/utils.py ensure_multipart_is_installed: python_multipart, or its older name
    "fastapi": (("UploadFile", "File", "Form"), ("python_multipart", "multipart")),
}
"""Package -> (names of it that ask for another module when a route is declared, the modules that would do)."""
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


class Walk:
    """Through the files that a start loads. *missing*: [{"name", "file", "line", "implied_by", "found_at"}]; *unread*: what is
    missing
    cannot be known, since the first file could not be read, or one changes sys.path; *unloadable*: what in one of these files
    ends the start, or None; *names*: of the packages that they import. *first*: their folder is before Python's own modules
    from the start on."""

    def __init__(self, asks: list[str], file: str, folders: list[str], script: bool, first: bool = False) -> None:
        self.folders, self.script, self.first_of_all = folders, script, first
        self.path = [*folders, *sys.path]
        self.unread = False
        self.unloadable: dict[str, Any] | None = None
        self.found: dict[str, Any] = {}
        self.names = set(asks)
        for name in asks:
            if not is_there(name, self.path):
                self.found[name] = absent(name, file, 1, "command")
        self.first = file
        self.trees: dict[str, ast.Module | None] = {}
        self.follow(file)

    @property
    def missing(self) -> list[Any]:
        return sorted(self.found.values(), key=lambda one: (one["file"] != self.first, one["line"]))

    def follow(self, file: str) -> None:
        waiting = [file]
        walked: set[str] = set()
        while waiting and len(walked) < MOST_FILES:
            one = waiting.pop()
            if one in walked:
                continue
            walked.add(one)  # not what is parsed: for the names of an import it is so before
            tree = self.tree(one)
            if tree is None:
                self.unread = self.unread or one == file
                continue
            if changes_path(tree):
                self.unread = True
                self.found.clear()
                return
            waiting += self.imports(one, tree)

    def imports(self, one: str, tree: ast.Module) -> list[str]:
        """What a file imports of the service's own; notes what is nowhere."""
        waiting = []
        for name, line, implied in asked(tree):
            top = name.split(".")[0]
            self.names.add(top)
            own = local(name, [*self.folders, os.path.dirname(one)])
            own = own if not own or name.startswith(".") or not self.is_pythons(name) else []
            waiting += own
            if not own and top not in self.found and not is_there(top, self.path):
                self.found[top] = absent(top, one, line, implied)
        for node in loaded(tree.body):
            if isinstance(node, ast.ImportFrom) and self.unloadable is None:
                # To see its names, the file is parsed, which may have noted that this Python refuses it.
                self.unloadable = self.refused(one, node) or self.unloadable
        return waiting

    def refused(self, one: str, node: ast.ImportFrom) -> dict[str, Any] | None:
        """Whether this import of names fails at a file of the service's own."""
        if node.level and one == self.first and self.script:
            return unloadable("relative-import", one, node.lineno, "." * node.level + (node.module or ""))
        if node.level > 1 or not node.module:
            return None
        name = "." * node.level + node.module
        files = local(name, [*self.folders, os.path.dirname(one)])
        place = os.path.join(*node.module.split("."))
        if not files or not files[-1].endswith((place + ".py", os.path.join(place, "__init__.py"))):
            return None
        if not node.level and self.is_pythons(name):
            return None
        names = bound(self.tree(files[-1])) if files[-1] != one else None
        folder = os.path.dirname(files[-1]) if files[-1].endswith("__init__.py") else None
        for alias in node.names if names is not None else ():
            beside = folder is not None and (
                os.path.exists(os.path.join(folder, alias.name)) or bool(local(alias.name, [folder]))
            )
            if names is not None and alias.name not in names and alias.name != "*" and not beside:
                return unloadable("import-name", files[-1], 1, alias.name, alike(alias.name, names))
        return None

    def is_pythons(self, name: str) -> bool:
        """Whether it may be Python's own module, imported before a file of that name could take its place."""
        top = name.split(".")[0]
        return is_standard(top) and (not self.first_of_all or top in (loaded_at_start() or (top,)))

    def tree(self, path: str) -> ast.Module | None:
        if path not in self.trees:
            self.trees[path], refused = parsed(path)
            if refused is not None and self.unloadable is None:
                self.unloadable = unloadable("syntax", path, refused.lineno or 1, str(refused.msg))
        return self.trees[path]

    def serves(self, attribute: str | None) -> None:
        """Notes where the first file lacks what the command serves."""
        names = bound(self.tree(self.first))
        if attribute and names is not None and attribute not in names and self.unloadable is None:
            self.unloadable = unloadable(
                "attribute", self.first, 1, attribute, made(self.tree(self.first)) or alike(attribute, names)
            )


def absent(name: str, file: str, line: int, implied_by: str | None, found_at: str | None = None) -> dict[str, Any]:
    return {"name": name, "file": file, "line": line, "implied_by": implied_by, "found_at": found_at}


def unloadable(kind: str, file: str, line: int, what: str | None, names: list[str] | None = None) -> dict[str, Any]:
    return {"kind": kind, "file": file, "line": line, "what": (what or "")[:200], "names": names or []}


def alike(name: str, names: set[str]) -> list[str]:
    return difflib.get_close_matches(name, sorted(names), 3, 0.6)


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
