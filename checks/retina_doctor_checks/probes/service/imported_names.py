"""Which modules a file and those beside it import when loaded, and which of them are nowhere. Sent to targets: Python 3.8.

Nothing is imported: of a package's name only the folders of sys.path are asked, so that no code of it runs.
"""

from __future__ import annotations

import ast
import difflib
import itertools
import os
import sys

from retina_doctor.hints import Any
from retina_doctor_checks.probes.service import added_folders, module_files, module_places

MOST_FILES = 200
IMPLIED = {
    # fastapi/dependencies/utils.py ensure_multipart_is_installed: python_multipart, or its older name
    "fastapi": (("UploadFile", "File", "Form"), ("python_multipart", "multipart")),
}
"""Package -> (names of it that ask for another module when a route is declared, the modules that would do)."""


class Walk:
    """Through the files that a start loads. *missing*: [{"name", "file", "line", "implied_by", "found_at"}]; *unread*: what is
    missing cannot be known, since the first file could not be read, or one changes sys.path, who knows how; *unloadable*: what
    in one of these files ends the start, or None; *names*: of the packages that they import. *first*: their folder is before
    Python's own modules from the start on."""

    def __init__(self, asks: list[str], file: str, folders: list[str], script: bool, first: bool = False) -> None:
        self.folders, self.script, self.first_of_all = folders, script, first
        self.path = [*folders, *sys.path]
        self.unread = False
        self.unloadable: dict[str, Any] | None = None
        self.found: dict[str, Any] = {}
        self.names = set(asks)
        self.asks, self.first = asks, file
        self.added: list[str] = []
        self.trees: dict[str, ast.Module | None] = {}
        while not self.follow(file):
            self.trees.clear()  # what was resolved before a folder was known may be of another one
            self.unloadable = None

    @property
    def missing(self) -> list[Any]:
        return sorted(self.found.values(), key=lambda one: (one["file"] != self.first, one["line"]))

    def follow(self, file: str) -> bool:
        """False: a folder has come to light that one of these files adds."""
        self.found = {
            name: absent(name, file, 1, "command") for name in self.asks if not module_places.is_there(name, self.path)
        }
        waiting = [file]
        walked: set[str] = set()
        unsure = False
        while waiting and len(walked) < MOST_FILES:
            one = waiting.pop()
            if one in walked:
                continue
            walked.add(one)  # not what is parsed: for the names of an import it is so before
            tree = self.tree(one)
            if tree is None:
                self.unread = self.unread or one == file
                continue
            added = added_folders.of(tree, one) if module_files.changes_path(tree) else []
            if added is None:
                self.unknown()
                return True
            if self.adds(added):
                return False
            unsure = unsure or self.may_change_path(one, tree)
            waiting += self.imports(one, tree)
        if self.found and (unsure or not all(map(os.path.exists, self.added))):
            self.unknown()  # what starts it may make the folder: unpack an archive, install into it
        return True

    def may_change_path(self, one: str, tree: ast.Module) -> bool:
        """Whether a file does so that is imported under a condition, or where it may fail."""
        perhaps = [node for node in tree.body if isinstance(node, (ast.Try, ast.If, ast.With))]
        files = [file for name, _, _ in asked_in(map(ast.walk, perhaps)) for file in self.own(name, one)]
        return any(tree is not None and module_files.changes_path(tree) for tree in map(quietly, files))

    def unknown(self) -> None:
        """Where modules are found, nobody can say, nor which of another file's names are there."""
        self.unread = True
        self.found.clear()
        stops = self.unloadable or {}
        if stops.get("kind") == "import-name" or (stops.get("kind") == "syntax" and stops["file"] != self.first):
            self.unloadable = None

    def adds(self, folders: list[str]) -> bool:
        """Whether there is one among them that was not known."""
        new = [one for one in dict.fromkeys(folders) if one not in self.path]
        self.added += new
        self.path += new
        return bool(new)

    def own(self, name: str, one: str) -> list[str]:
        """Files of the service's own that an import in this file loads. Where folders are added, which of several gives it
        depends on the order in which all this is run: what more than one of them has, or an installed package, is left alone."""
        beside = [*self.folders, os.path.dirname(one)]
        if not self.added or name.startswith("."):
            return module_places.local(name, beside)
        top = name.split(".")[0]
        places = {os.path.realpath(place or os.curdir): place for place in [*beside, *self.path]}
        holding = [place for place in places.values() if module_places.is_in(top, place)]
        return module_places.local(name, holding) if len(holding) == 1 and holding[0] in [*beside, *self.added] else []

    def imports(self, one: str, tree: ast.Module) -> list[str]:
        """What a file imports of the service's own; notes what is nowhere."""
        waiting = []
        for name, line, implied in asked(tree):
            top = name.split(".")[0]
            self.names.add(top)
            own = self.own(name, one)
            own = own if not own or name.startswith(".") or not self.is_pythons(name) else []
            waiting += own
            if not own and top not in self.found and not module_places.is_there(top, self.path):
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
        files = self.own(name, one)
        place = os.path.join(*node.module.split("."))
        if not files or not files[-1].endswith((place + ".py", os.path.join(place, "__init__.py"))):
            return None
        if not node.level and self.is_pythons(name):
            return None
        names = module_files.bound(self.tree(files[-1])) if files[-1] != one else None
        folder = os.path.dirname(files[-1]) if files[-1].endswith("__init__.py") else None
        for alias in node.names if names is not None else ():
            beside = folder is not None and (
                os.path.exists(os.path.join(folder, alias.name)) or bool(module_places.local(alias.name, [folder]))
            )
            if names is not None and alias.name not in names and alias.name != "*" and not beside:
                return unloadable("import-name", files[-1], 1, alias.name, alike(alias.name, names))
        return None

    def is_pythons(self, name: str) -> bool:
        """Whether it may be Python's own module, imported before a file of that name could take its place."""
        top = name.split(".")[0]
        return module_places.is_standard(top) and (
            not self.first_of_all or top in (module_places.loaded_at_start() or (top,))
        )

    def tree(self, path: str) -> ast.Module | None:
        if path not in self.trees:
            self.trees[path], refused = module_files.parsed(path)
            if refused is not None and self.unloadable is None:
                self.unloadable = unloadable("syntax", path, refused.lineno or 1, str(refused.msg))
        return self.trees[path]

    def serves(self, attribute: str | None) -> None:
        """Notes where the first file lacks what the command serves."""
        names = module_files.bound(self.tree(self.first))
        if attribute and names is not None and attribute not in names and self.unloadable is None:
            self.unloadable = unloadable(
                "attribute",
                self.first,
                1,
                attribute,
                module_files.made(self.tree(self.first)) or alike(attribute, names),
            )


def absent(name: str, file: str, line: int, implied_by: str | None, found_at: str | None = None) -> dict[str, Any]:
    return {"name": name, "file": file, "line": line, "implied_by": implied_by, "found_at": found_at}


def unloadable(kind: str, file: str, line: int, what: str | None, names: list[str] | None = None) -> dict[str, Any]:
    return {"kind": kind, "file": file, "line": line, "what": (what or "")[:200], "names": names or []}


def alike(name: str, names: set[str]) -> list[str]:
    return difflib.get_close_matches(name, sorted(names), 3, 0.6)


def asked(tree: ast.Module) -> Any:
    """(module, line, what implies it) of what is imported as soon as the file is loaded, whatever happens."""
    for one in asked_in([loaded(tree.body)]):
        yield one
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
                    if (
                        isinstance(inner, ast.Name)
                        and inner.id in brought
                        and not any(map(module_places.is_there_anywhere, modules))
                    ):
                        yield modules[0], node.lineno, brought[inner.id]


def asked_in(groups: Any) -> Any:
    """What these nodes import, as asked() has it."""
    for node in itertools.chain.from_iterable(groups):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno, None
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, node.lineno, None
        elif isinstance(node, ast.ImportFrom) and node.level == 1:
            for name in [node.module] if node.module else [alias.name for alias in node.names]:
                yield "." + name, node.lineno, None


def quietly(path: str) -> ast.Module | None:
    """What is not surely loaded may have any fault."""
    return module_files.parsed(path)[0]


def loaded(body: list[Any]) -> Any:
    """Statements that run when the module is loaded and may not fail: not in functions, `try` or `with` (which may
    suppress it), or below TYPE_CHECKING."""
    for node in body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node
        elif isinstance(node, (ast.For, ast.ClassDef)):
            for inner in loaded(node.body):
                yield inner
