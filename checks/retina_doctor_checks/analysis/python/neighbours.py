"""Constants that a file imports from other modules of its own package: `from .config import DET_SIZE`, `config.DET_SIZE`, and
what classes of settings begin with: `settings.det_size`, `Config.DET_SIZE`."""

from __future__ import annotations

import ast
import io
import posixpath
import re
import tokenize
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping

from . import fields
from .outside import Outside

Contents = Callable[[str], bytes | None]
"""The bytes of another file that was fetched, by its path."""
DJANGO = "django.conf.settings"
DJANGO_SETTINGS = re.compile(r"(?:^|/)settings(?:/\w+)?\.py$")
ABOVE = 3  # folders above a file from which a full name may start
MOST_BYTES = 100_000  # of a module that holds constants
SETS = re.compile(rb"(?m)^[ \t]*+(\w++)\.(\w++)(?:[ \t]*+:[^=\n]*+|[ \t]*+[-+*/|]?)=(?!=)")
"""Nothing in it is tried twice: a line may be a megabyte of blanks. What one file sets in another: config.MODELS = ..."""
IMPORTS = re.compile(
    rb"(?m)^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t]*(\([^()]*\)|[^\n]*)|import[ \t]+([\w., \t]+))"
)
CONFIGURES = re.compile(rb"\.config\s*(?:\.(update|from_\w+|setdefault)\b|\[\s*['\"](\w+)['\"]\s*\]\s*=(?!=))")
"""What an application is told: app.config.update(...), app.config["SIZE"] = ..."""

ASIDE = re.compile(
    r"(?:^|/)(?:(?:tests?|tools?|scripts?|bench(?:mark)?s?|examples?|docs?|ci|\.ci|\.github)/|conftest\.py$|setup\.py$)"
)
"""Files that no service is made of."""


class Neighbours:
    """What the modules around a file say. Of their values only literals are taken: whatever else they compute stays unknown.

    *trees*: file -> its Tree, where one was asked for (elsewhere.py); None: it is no Python. *settable*: values that the
    environment may exchange. *outside*: what that is known to say. *files*: all Python files that were fetched. *answering*:
    (file, line) of functions that are known to answer requests."""

    def __init__(self, content_of: Contents, files: Collection[str] = (), outside: Outside | None = None) -> None:
        self.content_of = content_of
        self.outside = outside or Outside(content_of)
        self._files = files
        self._sets: dict[tuple[str, str], set[str]] | None = None
        self._moving: set[str] = set()
        self._edges: dict[str, set[str]] | None = None
        self._importers: dict[str, set[str]] = {}
        self.answering: set[tuple[str, int]] = set()
        self._configures: dict[str, set[str]] = {}
        self.trees: dict[str, object] = {}
        self.settable: set[ast.expr] = set()
        self._literals: dict[str, dict[str, ast.expr]] = {}

    def literal(self, name: str, path: str) -> ast.expr | None:
        """What a full name, `.config.DET_SIZE` or `.config.settings.det_size`, means in the file at *path*; None: that cannot be
        told."""
        module, _, constant = name.rpartition(".")
        if module == DJANGO:
            return self._of_django(constant)
        found = self._of(module, constant, path)
        above, dot, owner = module.rpartition(".")
        return self._of(above or dot, f"{owner}.{constant}", path) if found is None and owner else found

    def is_set_elsewhere(self, owner: str, name: str, path: str) -> bool:
        """Whether a file other than that at *path* sets OWNER.NAME."""
        return bool(self._setters().get((owner, name), set()) - {path})

    def configured_in(self, key: str) -> set[str]:
        """The files that may set this key in the configuration of a web application."""
        self._setters()
        return self._configures.get(key, set()) | self._configures.get("", set())

    def is_imported(self, path: str) -> bool:
        """Whether one of the files imports that at *path*."""
        self._imports()
        return path in self._importers

    def changes_directory(self, path: str) -> bool:
        """Whether a file that may run together with that at *path* chooses the directory for both. A test or a tool in a
        folder of its own does where one imports the other, directly or not; of other files that is taken for granted,
        since those between may not have been fetched."""
        self._setters()
        if not self._moving:
            return False
        above = len(posixpath.commonpath(self._files))  # what is scanned may lie in a folder of any name
        if not all(ASIDE.search(file[above:]) for file in self._moving):
            return True
        return bool(self._moving & (reached(path, self._imports()) | reached(path, self._importers)))

    def _imports(self) -> dict[str, set[str]]:
        """File -> those of the files that it imports; *_importers* the other way round."""
        if self._edges is None:
            known = set(self._files)
            self._edges = {}
            for file in self._files:
                modules = [name for one in IMPORTS.findall(self.content_of(file) or b"") for name in modules_of(*one)]
                found = {one for module in modules for one in files_of(module, file)}
                self._edges[file] = (found & known) - {file}
                for one in self._edges[file]:
                    self._importers.setdefault(one, set()).add(file)
        return self._edges

    def _setters(self) -> dict[tuple[str, str], set[str]]:
        if self._sets is None:
            self._sets = {}
            for file in self._files:
                data = self.content_of(file) or b""
                if b"chdir(" in data:
                    self._moving.add(file)
                for owner, name in SETS.findall(data):
                    self._sets.setdefault(
                        (owner.decode("utf-8", "replace"), name.decode("utf-8", "replace")), set()
                    ).add(file)
                for _, key in CONFIGURES.findall(data):
                    self._configures.setdefault(key.decode("utf-8", "replace"), set()).add(file)
        return self._sets

    def given_to_all(self, module: str, path: str) -> list[str]:
        """What `from module import *` brings, of a file that was fetched: what it assigns and defines at its top."""
        for file in files_of(module, path):
            data = self.content_of(file)
            if data is not None and len(data) <= MOST_BYTES:
                root = parsed(data)
                return sorted(public(root)) if root is not None else []
        return []

    def _of(self, module: str, constant: str, path: str) -> ast.expr | None:
        known = (self._known(file) for file in files_of(module, path))
        return next((one.get(constant) for one in known if one is not None), None)

    def _of_django(self, constant: str) -> ast.expr | None:
        """What the one module of settings says that gives a name anything; of several nobody knows which is in use."""
        files = [one for one in self._files if DJANGO_SETTINGS.search(one)]
        given = [
            one for one in files if re.search(rb"(?m)^[ \t]*%s\b" % constant.encode(), self.content_of(one) or b"")
        ]
        known = self._known(given[0]) if len(given) == 1 else None
        return known.get(constant) if known is not None else None

    def _known(self, file: str) -> dict[str, ast.expr] | None:
        if file not in self._literals:
            data = self.content_of(file)
            if data is None or len(data) > MOST_BYTES:
                return None
            root = parsed(data)
            self._literals[file] = literals(root) | self._settings(root) if root is not None else {}
        return self._literals[file]

    def _settings(self, root: ast.Module) -> dict[str, ast.expr]:
        """`settings.det_size` and `Config.DET_SIZE`, of a module."""
        known = fields.classes(root)
        found: dict[str, ast.expr] = {}
        for name, one in (known | fields.made(root, known) | fields.instances(root, known)).items():
            said = {f"{name}.{word}": value for word, value in one.defaults.items() if is_literal(value)}
            if one.settable:
                given = {word: self.outside.variable(one.variable(word)) for word in one.defaults}
                said |= {f"{name}.{word}": value for word, value in given.items() if value is not None}
                self.settable.update(said.values())
            found |= said
        return found


def reached(start: str, edges: Mapping[str, Collection[str]]) -> set[str]:
    found, front = {start}, [start]
    while front:
        new = set(edges.get(front.pop(), ())) - found
        found |= new
        front += new
    return found


def modules_of(whence: bytes, names: bytes, plain: bytes) -> Iterator[str]:
    """The full names that a statement may import: `from .engine import app` may take a name of a module, or a module."""
    for one in re.findall(rb"[\w.]+", plain):
        yield one.decode("utf-8", "replace")
    if whence:
        first = whence.decode("utf-8", "replace")
        yield first
        yield from (
            f"{(first.rstrip('.') and first + '.') or first}{one.decode('utf-8', 'replace')}"
            for one in re.findall(rb"\w+", names)
        )


def files_of(module: str, path: str) -> Iterator[str]:
    """Where the source of a module may be, as the file at *path* names it."""
    folder = posixpath.dirname(path)
    bare = module.lstrip(".")
    level = len(module) - len(bare)
    places = [folder]
    for _ in range(level - 1 if level else ABOVE):
        places.append(posixpath.dirname(places[-1]))
    for place in places[-1:] if level else places:
        file = posixpath.join(place, *bare.split("."))
        yield from (
            (file + ".py", posixpath.join(file, "__init__.py")) if bare else (posixpath.join(place, "__init__.py"),)
        )


def parsed(data: bytes) -> ast.Module | None:
    """None: it is no Python."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(data.decode(encoding))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def public(root: ast.Module) -> set[str]:
    """The names that a module gives by `*`; where it lists them, those."""
    found: set[str] = set()
    for node in root.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {one.id for one in targets if isinstance(one, ast.Name)}
            if names == {"__all__"} and isinstance(node.value, ast.List | ast.Tuple):
                return {
                    one.value for one in node.value.elts if isinstance(one, ast.Constant) and isinstance(one.value, str)
                }
            found |= names
    return {name for name in found if not name.startswith("_")}


def literals(root: ast.Module) -> dict[str, ast.expr]:
    """The names of a module that are given a literal, once."""
    touched: Counter[str] = Counter()
    for node in ast.walk(root):
        held = node.value if isinstance(node, ast.Attribute | ast.Subscript) else node
        if isinstance(held, ast.Name) and not (held is node and isinstance(held.ctx, ast.Load)):
            touched[held.id] += 1  # PROVIDERS.append(…) changes it as well
    found: dict[str, ast.expr] = {}
    for node in root.body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if len(targets) == 1 and isinstance(targets[0], ast.Name) and value is not None and is_literal(value):
            found[targets[0].id] = value
    return {name: value for name, value in found.items() if touched[name] == 1}


def is_literal(node: ast.expr) -> bool:
    if isinstance(node, ast.Tuple | ast.List):
        return all(is_literal(one) for one in node.elts)
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.USub) and is_literal(node.operand)
    return isinstance(node, ast.Constant)
