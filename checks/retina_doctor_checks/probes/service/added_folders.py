"""Which folders a file adds to sys.path, where that can be read off it: beside itself, as `os.path.dirname(__file__)` has it.
Sent to targets: Python 3.8, standard library."""

from __future__ import annotations

import ast
import os

from retina_doctor.hints import Any
from retina_doctor_checks.probes.service import module_files

IN_PATH = ("os.path.", "path.", "osp.", "")
SAME = {f"{of}{name}" for of in (*IN_PATH, "os.") for name in ("fspath", "expanduser")} | {
    "str",
    "Path",
    "pathlib.Path",
}
PLAIN = {f"{of}{name}" for of in IN_PATH for name in ("abspath", "normpath")}
"""Only these take away `..` by its letters: where a folder is a link, as `current` of a release is, the system goes up from where
it leads."""
REAL = {f"{of}realpath" for of in IN_PATH}
ABOVE = {f"{of}dirname" for of in IN_PATH}
JOINED = {f"{of}join" for of in IN_PATH}


def of(tree: ast.Module, file: str) -> list[str] | None:
    """In no order. None: it changes where modules are found in another way, or under a condition."""
    reading = _Reading(tree, file)
    added: list[str] = []
    rest = []
    for node in tree.body:
        call = node.value if isinstance(node, ast.Expr) else None
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or call.keywords:
            rest.append(node)
            continue
        put = (call.func.attr, len(call.args)) in (("insert", 2), ("append", 1))
        if not module_files.is_of(call.func.value, "sys", "path") or not put:
            rest.append(node)
            continue
        folder = reading.text(call.args[-1])
        if folder is None or not os.path.isabs(folder):  # a relative one is of the working directory when it is used
            return None
        added.append(folder)
    return None if module_files.changes_path(ast.Module(body=rest, type_ignores=[])) else added


class _Reading:
    """What expressions of a file give that name a place from its own."""

    def __init__(self, tree: ast.Module, file: str) -> None:
        self.file = os.path.abspath(file)
        self.values: dict[str, ast.expr | None] = {}
        for node in ast.walk(tree):
            named = getattr(node, "name", None) if not isinstance(node, ast.alias) else None
            if isinstance(named, str):
                self.values[named] = None  # its own, by whatever name
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                self.values[node.id] = None
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                self.values.update(dict.fromkeys(_of_others(node)))
        for one in tree.body:
            target = one.targets[0] if isinstance(one, ast.Assign) and len(one.targets) == 1 else None
            if isinstance(one, ast.Assign) and isinstance(target, ast.Name) and _stored_once(tree, target.id):
                self.values[target.id] = one.value

    def text(self, node: Any, deep: int = 20) -> str | None:
        """The path that it gives; None: that is not known."""
        if deep == 0:
            return None
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.Name):
            if node.id == "__file__":
                return self.file
            return self.text(self.values.get(node.id), deep - 1)
        if isinstance(node, ast.Call):
            return self._called(node, deep - 1)
        if isinstance(node, ast.Attribute) and node.attr == "parent":
            return self._above(node.value, 1, deep)
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) and node.value.attr == "parents":
            index = getattr(node.slice, "value", None)
            index = getattr(index, "value", index)  # Python 3.8 has an ast.Index between
            return self._above(node.value.value, index + 1, deep) if isinstance(index, int) and index >= 0 else None
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Div, ast.Add)):
            left, right = self.text(node.left, deep - 1), self.text(node.right, deep - 1)
            if left is None or right is None:
                return None
            return os.path.join(left, right) if isinstance(node.op, ast.Div) else left + right
        return None

    def _above(self, node: ast.expr, steps: int, deep: int) -> str | None:
        text = self.text(node, deep - 1)
        for _ in range(steps if text is not None else 0):
            text = os.path.dirname((text or "").rstrip("/"))
        return text

    def _called(self, node: ast.Call, deep: int) -> str | None:
        name = _dotted(node.func)
        known = name is not None and name.split(".")[0] not in self.values
        args = [self.text(one, deep) for one in node.args]
        if node.keywords or None in args:
            return None
        given = [one for one in args if one is not None]
        if known and len(given) == 1 and name in (SAME | PLAIN | REAL | ABOVE):
            [path] = given
            if name in PLAIN:
                return os.path.normpath(path)
            return os.path.realpath(path) if name in REAL else os.path.dirname(path) if name in ABOVE else path
        if known and given and name in JOINED:
            return os.path.join(*given)
        of_path = node.func if isinstance(node.func, ast.Attribute) else None
        start = self.text(of_path.value, deep) if of_path is not None else None
        if of_path is None or start is None:
            return None
        if of_path.attr in ("resolve", "absolute", "as_posix") and not given:
            return os.path.realpath(start) if of_path.attr == "resolve" else start
        return os.path.join(start, *given) if of_path.attr == "joinpath" else None


def _of_others(node: Any) -> list[str]:
    """Names that an import binds to what is none of Python's own modules for paths."""
    module = getattr(node, "module", None)
    return [
        one.asname or one.name.split(".")[0]
        for one in node.names
        if (module or one.name).split(".")[0] not in ("os", "posixpath", "pathlib", "sys")
    ]


def _stored_once(tree: ast.Module, name: str) -> bool:
    stored = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Store)]
    return len(stored) == 1


def _dotted(node: Any) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    above = _dotted(node.value) if isinstance(node, ast.Attribute) else None
    return None if above is None else "%s.%s" % (above, node.attr)
