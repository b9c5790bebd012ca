"""One file's syntax tree, asked: what a name stands for, where it is bound, which calls there are, and who calls whom."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from ..text import SourceText
from .neighbours import Neighbours

Named = ast.FunctionDef | ast.AsyncFunctionDef
Function = Named | ast.Lambda
Scope = Function | ast.ClassDef | ast.Module
Assignment = ast.Assign | ast.AnnAssign

CHANGES = ("append", "insert", "extend", "remove", "pop", "clear", "reverse", "update", "setdefault")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
NAMED = (ast.FunctionDef, ast.AsyncFunctionDef)
SCOPES = (*FUNCTIONS, ast.ClassDef)
IMPORTS = (ast.Import, ast.ImportFrom)
CHANGED = (ast.AugAssign, ast.For, ast.AsyncFor, ast.comprehension)
"""What binds a name to something that cannot be told."""
MARKS = (ast.expr_context, ast.operator, ast.boolop, ast.unaryop, ast.cmpop)


class Tree:
    """*names*: imported name -> full name. *scope*: node -> the function, class or module around it. *bound*: (scope, name) ->
    what is assigned to it there, None where that is no plain value; names of "self" are bound in their class as "self.NAME".
    *called*: last word of what is called -> its calls; *handed*: names of functions that are given away instead; *changed*: names
    of lists and the like that are changed in place; *closing*: argument -> last line of its call; *asking*: function -> what
    flow.asked_about() says of it; *steps*: how many were followed so far."""

    def __init__(self, root: ast.Module, text: SourceText, neighbours: Neighbours) -> None:
        self.root = root
        self.text = text
        self._neighbours = neighbours
        self.names: dict[str, str] = {}
        self.calls: list[ast.Call] = []
        self.assignments: list[Assignment] = []
        self.scope: dict[ast.AST, Scope] = {}
        self.parent: dict[Scope, Scope] = {}
        self.bound: dict[tuple[Scope | None, str], list[ast.expr | None]] = {}
        self.functions: dict[str, list[Named]] = {}
        self.called: dict[str, list[ast.Call]] = {}
        self.handed: set[str] = set()
        self.changed: set[str] = set()
        self.closing: dict[ast.expr, int | None] = {}
        self.returns: dict[Scope, list[ast.expr | None]] = {}
        self.everywhere: dict[Scope, set[str]] = {}
        self.asking: dict[Named, set[str]] = {}
        self.steps = 0
        self._visit()

    @property
    def lines(self) -> Sequence[str]:
        return self.text.lines

    def full(self, node: ast.AST | None) -> str:
        """The dotted name of what a node names, as far as imports tell; else its words as they stand."""
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return ""
        parts.append(self.names.get(node.id, node.id))
        return ".".join(reversed(parts))

    def class_of(self, scope: Scope | None) -> ast.ClassDef | None:
        """The class whose method *scope* is, or a function in such a method; None: of no class."""
        while scope is not None and not isinstance(scope, ast.ClassDef):
            scope = self.parent.get(scope)
        return scope

    def imports(self, *packages: str) -> bool:
        return any(full.split(".")[0] in packages for full in self.names.values())

    def imported(self, node: ast.Name | ast.Attribute) -> ast.expr | None:
        """The literal in another file of the package that a name stands for here; None: it stands for none."""
        name = self.full(node)
        return self._neighbours.literal(name, self.text.path) if "." in name else None

    def _visit(self) -> None:
        todo: list[tuple[ast.AST, Scope]] = [(self.root, self.root)]
        callees: set[ast.expr] = set()
        loads: list[tuple[str, ast.expr]] = []
        while todo:
            node, scope = todo.pop()
            for child in ast.iter_child_nodes(node):
                if isinstance(child, MARKS):
                    continue
                self.scope[child] = scope
                inner = scope
                if isinstance(child, ast.Call):
                    callees.add(child.func)
                    self._call(child)
                elif isinstance(child, ast.Name):
                    if isinstance(child.ctx, ast.Load):
                        loads.append((child.id, child))
                elif isinstance(child, ast.Attribute):
                    if isinstance(child.ctx, ast.Load):
                        loads.append((child.attr, child))
                elif isinstance(child, SCOPES):
                    self.parent[child] = scope
                    inner = child
                    if isinstance(child, NAMED):
                        self.functions.setdefault(child.name, []).append(child)
                else:
                    self._bind(child, scope)
                todo.append((child, inner))
        self.handed = {name for name, node in loads if node not in callees}
        self.calls.sort(key=lambda call: (call.lineno, call.col_offset))

    def _call(self, call: ast.Call) -> None:
        self.calls.append(call)
        for one in arguments(call):
            self.closing[one] = call.end_lineno
        word = last_word(call.func)
        if word:
            self.called.setdefault(word, []).append(call)
        if word in CHANGES and isinstance(call.func, ast.Attribute):
            self.changed.add(self.full(call.func.value))

    def _bind(self, node: ast.AST, scope: Scope) -> None:
        if isinstance(node, IMPORTS):
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
        elif isinstance(node, CHANGED):
            self._to(node.target, None, scope)
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            self._to(node.optional_vars, None, scope)
        elif isinstance(node, ast.Global):
            self.everywhere.setdefault(scope, set()).update(node.names)
        elif isinstance(node, ast.Return):
            self.returns.setdefault(scope, []).append(node.value)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if isinstance(node, ast.Import):
                first = alias.name.split(".")[0]
                self.names[alias.asname or first] = alias.name if alias.asname else first
            else:
                whence = "." * node.level + (node.module + "." if node.module else "")
                self.names[alias.asname or alias.name] = whence + alias.name

    def _to(self, target: ast.expr, value: ast.expr | None, scope: Scope) -> None:
        if isinstance(target, ast.Name):
            where = self.root if target.id in self.everywhere.get(scope, ()) else scope
            self.bound.setdefault((where, target.id), []).append(value)
            if isinstance(scope, ast.ClassDef):
                self.bound.setdefault((scope, "self." + target.id), []).append(value)
        elif isinstance(target, ast.Attribute) and is_self(target.value):
            self.bound.setdefault((self.class_of(scope), "self." + target.attr), []).append(value)
        elif isinstance(target, ast.Tuple | ast.List):
            for one in target.elts:
                self._to(one, None, scope)
        elif isinstance(target, ast.Starred):
            self._to(target.value, None, scope)


def is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def last_word(node: ast.AST) -> str:
    """The last of the words of a name: run of app.run; "" of what is no name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def arguments(call: ast.Call) -> list[ast.expr]:
    """What a call is given, by place and then by name."""
    return [*call.args, *(keyword.value for keyword in call.keywords)]
