"""One file's syntax tree, asked: what a name stands for, where it is bound, which calls there are, and who calls whom."""

from __future__ import annotations

import ast
from typing import Any

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
CHANGES = ("append", "insert", "extend", "remove", "pop", "clear", "reverse", "update", "setdefault")
MARKS = (ast.expr_context, ast.operator, ast.boolop, ast.unaryop, ast.cmpop)


class Tree(object):
    """*names*: imported name -> full name. *scope*: node -> the function, class or module around it. *bound*: (scope, name) ->
    what is assigned to it there, None where that is no plain value; names of "self" are bound in their class as "self.NAME".
    *called*: last word of what is called -> its calls; *handed*: names of functions that are given away instead; *changed*: names
    of lists and the like that are changed in place; *asking*: function -> what flow.asked_about() says of it; *steps*: how many
    were followed so far."""

    def __init__(self, root: Any, lines: list[str]) -> None:
        self.root = root
        self.lines = lines
        self.names: dict[str, str] = {}
        self.calls: list[Any] = []
        self.assignments: list[Any] = []
        self.scope: dict[Any, Any] = {}
        self.parent: dict[Any, Any] = {}
        self.bound: dict[tuple[Any, str], list[Any]] = {}
        self.functions: dict[str, list[Any]] = {}
        self.classes: dict[str, Any] = {}
        self.called: dict[str, list[Any]] = {}
        self.handed: set[str] = set()
        self.changed: set[str] = set()
        self.returns: dict[Any, list[Any]] = {}
        self.everywhere: dict[Any, set[str]] = {}
        self.asking: dict[Any, set[str]] = {}
        self.steps = 0
        self._visit()

    def full(self, node: Any) -> str:
        """The dotted name of what a node names, as far as imports tell; else its words as they stand."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        parts.append(self.names.get(node.id, node.id))
        return ".".join(reversed(parts))

    def class_of(self, scope: Any) -> Any:
        """The class whose method *scope* is, or a function in such a method; None: of no class."""
        while scope is not None and not isinstance(scope, ast.ClassDef):
            scope = self.parent.get(scope)
        return scope

    def imports(self, *packages: str) -> bool:
        return any(full.split(".")[0] in packages for full in self.names.values())

    def _visit(self) -> None:
        todo: list[tuple[Any, Any]] = [(self.root, self.root)]
        callees = set()
        loads: list[tuple[str, Any]] = []
        while todo:
            node, scope = todo.pop()
            for child in ast.iter_child_nodes(node):
                if isinstance(child, MARKS):
                    continue
                self.scope[child] = scope
                inner = scope
                if isinstance(child, ast.Call):
                    self.calls.append(child)
                    callees.add(child.func)
                    given: list[Any] = [*child.args, *(keyword.value for keyword in child.keywords)]
                    for one in given:
                        one.closing = child.end_lineno
                    word = getattr(child.func, "attr", None) or getattr(child.func, "id", None)
                    if word:
                        self.called.setdefault(word, []).append(child)
                    if word in CHANGES and isinstance(child.func, ast.Attribute):
                        self.changed.add(self.full(child.func.value))
                elif isinstance(child, (ast.Name, ast.Attribute)) and isinstance(child.ctx, ast.Load):
                    loads.append((child.id if isinstance(child, ast.Name) else child.attr, child))
                elif isinstance(child, (*FUNCTIONS, ast.ClassDef)):
                    self.parent[child] = scope
                    inner = child
                    self._define(child)
                else:
                    self._bind(child, scope)
                todo.append((child, inner))
        self.handed = {name for name, node in loads if node not in callees}
        self.calls.sort(key=lambda call: (call.lineno, call.col_offset))

    def _define(self, node: Any) -> None:
        if isinstance(node, ast.ClassDef):
            self.classes[node.name] = node
        elif not isinstance(node, ast.Lambda):
            self.functions.setdefault(node.name, []).append(node)

    def _bind(self, node: Any, scope: Any) -> None:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            self._import(node)
        elif isinstance(node, ast.Assign):
            self.assignments.append(node)
            for target in node.targets:
                self._to(target, node.value, scope)
        elif isinstance(node, ast.AnnAssign):
            if node.value:
                self.assignments.append(node)
                self._to(node.target, node.value, scope)
        elif isinstance(node, ast.NamedExpr):
            self._to(node.target, node.value, scope)
        elif isinstance(node, (ast.AugAssign, ast.For, ast.AsyncFor, ast.comprehension)):
            self._to(node.target, None, scope)
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            self._to(node.optional_vars, None, scope)
        elif isinstance(node, ast.Global):
            self.everywhere.setdefault(scope, set()).update(node.names)
        elif isinstance(node, ast.Return):
            self.returns.setdefault(scope, []).append(node.value)

    def _import(self, node: Any) -> None:
        for alias in node.names:
            if isinstance(node, ast.Import):
                first = alias.name.split(".")[0]
                self.names[alias.asname or first] = alias.name if alias.asname else first
            elif node.module and not node.level:
                self.names[alias.asname or alias.name] = node.module + "." + alias.name

    def _to(self, target: Any, value: Any, scope: Any) -> None:
        if isinstance(target, ast.Name):
            where = self.root if target.id in self.everywhere.get(scope, ()) else scope
            self.bound.setdefault((where, target.id), []).append(value)
            if isinstance(scope, ast.ClassDef):
                self.bound.setdefault((scope, "self." + target.id), []).append(value)
        elif isinstance(target, ast.Attribute) and is_self(target.value):
            self.bound.setdefault((self.class_of(scope), "self." + target.attr), []).append(value)
        elif isinstance(target, (ast.Tuple, ast.List)):
            for one in target.elts:
                self._to(one, None, scope)
        elif isinstance(target, ast.Starred):
            self._to(target.value, None, scope)


def is_self(node: Any) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")
