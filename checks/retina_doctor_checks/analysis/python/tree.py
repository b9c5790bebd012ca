"""One file's syntax tree, asked: what a name stands for, where it is bound, which calls there are, and who calls whom."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from ..text import SourceText
from .each import bound_by
from .fields import Fields, classes
from .neighbours import Neighbours
from .words import last_word as last_word

Named = ast.FunctionDef | ast.AsyncFunctionDef
Function = Named | ast.Lambda
Scope = Function | ast.ClassDef | ast.Module
Assignment = ast.Assign | ast.AnnAssign

CHANGES = ("append", "insert", "extend", "remove", "pop", "clear", "reverse", "update", "setdefault")
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
NAMED = (ast.FunctionDef, ast.AsyncFunctionDef)
SCOPES = (*FUNCTIONS, ast.ClassDef)
IMPORTS = (ast.Import, ast.ImportFrom)
LOOSE = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.TryStar, ast.Match)
"""What stands in them may not be run."""
LOOPED = (ast.For, ast.AsyncFor, ast.comprehension)
"""What binds a name to something that cannot be told."""
MARKS = (ast.expr_context, ast.operator, ast.boolop, ast.unaryop, ast.cmpop)


class Tree:
    """*neighbours*: the modules around its file. *names*: imported name -> full name.
    *scope*: node -> the function, class or module around it. *bound*: (scope, name) ->
    what is assigned to it there, None where that is no plain value; names of "self" are bound in their class as "self.NAME",
    and what another object keeps in no scope (held_at).
    *puts*: place of held_at() -> the targets that are assigned there; *loose*: those of them that may be passed over.
    *called*: last word of what is called -> its calls; *classes*: names of those that it defines; *handed*: names of
    functions that are given away instead; *changed*: names of lists and the like that are changed in place; *filled*: those
    of which an entry is set;
    *closing*: argument -> last line of its call; *asking*: function -> what flow.asked_about() says of it;
    *fields*: class of settings -> what it begins with; *forms*: picture -> what forms.py says of it;
    *following*: parameters that are being followed to their callers; *steps*: how many were followed so far."""

    def __init__(self, root: ast.Module, text: SourceText, neighbours: Neighbours) -> None:
        self.root = root
        self.text = text
        self.neighbours = neighbours
        self.names: dict[str, str] = {}
        self.calls: list[ast.Call] = []
        self.assignments: list[Assignment] = []
        self.scope: dict[ast.AST, Scope] = {}
        self.parent: dict[Scope, Scope] = {}
        self.bound: dict[tuple[Scope | None, str], list[ast.expr | None]] = {}
        self.puts: dict[str, list[ast.expr]] = {}
        self.loose: set[ast.AST] = set()
        self.functions: dict[str, list[Named]] = {}
        self.classes: set[str] = set()
        self.called: dict[str, list[ast.Call]] = {}
        self.handed: set[str] = set()
        self.changed: set[str] = set()
        self.filled: set[str] = set()
        self.closing: dict[ast.expr, int | None] = {}
        self.returns: dict[Scope, list[ast.expr | None]] = {}
        self.everywhere: dict[Scope, set[str]] = {}
        self.asking: dict[Named, set[str]] = {}
        self.following: set[tuple[Scope, str]] = set()
        self.forms: dict[ast.expr, str | None] = {}
        self.steps = 0
        self.fields: dict[str, Fields] = classes(root)
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

    def word_for(self, module: str, name: str) -> str | None:
        """What this file calls MODULE.NAME, by an import of either; None: it imports neither."""
        called = {full: word for word, full in reversed(self.names.items())}
        whole = called.get(module)
        return called.get(f"{module}.{name}") or (f"{whole}.{name}" if whole else None)

    def imported(self, node: ast.Name | ast.Attribute) -> ast.expr | None:
        """The literal in another file of the package that a name stands for here; None: it stands for none."""
        name = self.full(node)
        return self.neighbours.literal(name, self.text.path) if "." in name else None

    def _visit(self) -> None:
        todo: list[tuple[ast.AST, Scope, bool]] = [(self.root, self.root, False)]
        callees: set[ast.expr] = set()
        loads: list[tuple[str, ast.expr]] = []
        while todo:
            node, scope, loose = todo.pop()
            loose = loose or isinstance(node, LOOSE)
            for child in ast.iter_child_nodes(node):
                if isinstance(child, MARKS):
                    continue
                self.scope[child] = scope
                inner = scope
                if isinstance(child, ast.Call):
                    callees.add(child.func)
                    self._call(child, scope, loose)
                elif isinstance(child, ast.Name):
                    if isinstance(child.ctx, ast.Load):
                        loads.append((child.id, child))
                elif isinstance(child, ast.Subscript) and not isinstance(child.ctx, ast.Load):
                    self.filled.add(last_word(child.value))
                elif isinstance(child, ast.Attribute) and isinstance(child.ctx, ast.Load):
                    loads.append((child.attr, child))
                elif isinstance(child, SCOPES):
                    self.parent[child] = scope
                    inner = child
                    self._define(child)
                else:
                    self._bind(child, scope)
                if loose:
                    self.loose.add(child)
                todo.append((child, inner, loose))
        self.handed = {name for name, node in loads if node not in callees}
        self._spread()
        self.calls.sort(key=lambda call: (call.lineno, call.col_offset))

    def _define(self, scope: Scope) -> None:
        if isinstance(scope, NAMED):
            self.functions.setdefault(scope.name, []).append(scope)
        elif isinstance(scope, ast.ClassDef):
            self.classes.add(scope.name)

    def _call(self, call: ast.Call, scope: Scope, loose: bool) -> None:
        self.calls.append(call)
        for one in arguments(call):
            self.closing[one] = call.end_lineno
        word = last_word(call.func)
        if word:
            self.called.setdefault(word, []).append(call)
        updated = entries(call) if word == "update" else None
        if updated is not None:
            for target, value in updated:
                self.scope[target] = scope
                self._to(target, value, scope)
                if loose:
                    self.loose.add(target)
        elif word in CHANGES and isinstance(call.func, ast.Attribute):
            self.changed.add(self.full(call.func.value))
            if isinstance(call.func.value, ast.Subscript):
                self.filled.add(last_word(call.func.value.value))  # PROVIDERS["cpu"].insert(...)

    def _spread(self) -> None:
        """f(**OPTIONS) is given what the one literal says that OPTIONS is. Such a keyword stands nowhere in the call."""
        for call in self.calls:
            for one in [keyword for keyword in call.keywords if keyword.arg is None]:
                named = self._literals(one.value, call)
                if named is not None:
                    call.keywords.remove(one)
                    call.keywords += [ast.keyword(arg=name, value=value) for name, value in named]

    def _given(self, name: str, scope: Scope | None) -> list[ast.expr | None]:
        """What a name is assigned in the scope that has it; nothing where that takes it as a parameter."""
        while scope is not None:
            if name in parameters(scope):
                return []
            if name in self.everywhere.get(scope, ()):
                scope = self.root
            if (found := self.bound.get((scope, name))) is not None:
                return found
            scope = self.parent.get(scope)
        return []

    def _literals(self, node: ast.expr, call: ast.Call) -> list[tuple[str, ast.expr]] | None:
        """[(name, value)] of a dict that is written down, and never changed."""
        if isinstance(node, ast.Name):
            given = self._given(node.id, self.scope.get(call))
            changed = node.id in self.changed or any(
                isinstance(one, ast.Subscript) and last_word(one.value) == node.id and isinstance(one.ctx, ast.Store)
                for one in self.scope
            )
            if len(given) != 1 or changed or given[0] is None:
                return None
            node = given[0]
        if isinstance(node, ast.Call) and self.full(node.func) == "dict" and not node.args:
            pairs = [(one.arg, one.value) for one in node.keywords]
        elif isinstance(node, ast.Dict):
            keys = (one.value if isinstance(one, ast.Constant) else None for one in node.keys)
            pairs = [
                (key if isinstance(key, str) else None, value) for key, value in zip(keys, node.values, strict=True)
            ]
        else:
            return None
        return [(name, value) for name, value in pairs if name is not None] if all(name for name, _ in pairs) else None

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
        elif isinstance(node, LOOPED):
            for target, value in bound_by(node):
                self._to(target, value, scope)
        elif isinstance(node, ast.AugAssign):
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
                if alias.name == "*":
                    for name in self.neighbours.given_to_all(whence.rstrip(".") or whence, self.text.path):
                        self.names.setdefault(name, whence + name)

    def _to(self, target: ast.expr, value: ast.expr | None, scope: Scope) -> None:
        if isinstance(target, ast.Name):
            where = self.root if target.id in self.everywhere.get(scope, ()) else scope
            self.bound.setdefault((where, target.id), []).append(value)
            if isinstance(scope, ast.ClassDef):
                self.bound.setdefault((scope, "self." + target.id), []).append(value)
        elif isinstance(target, ast.Attribute) and is_self(target.value):
            self.bound.setdefault((self.class_of(scope), "self." + target.attr), []).append(value)
        elif (place := held_at(target)) is not None:
            self.bound.setdefault((None, place), []).append(value)
            self.puts.setdefault(place, []).append(target)
        elif isinstance(target, ast.Tuple | ast.List):
            for one in target.elts:
                self._to(one, None, scope)
        elif isinstance(target, ast.Starred):
            self._to(target.value, None, scope)


def parameters(scope: Scope) -> set[str]:
    if not isinstance(scope, FUNCTIONS):
        return set()
    taken = scope.args
    others = (one for one in (taken.vararg, taken.kwarg) if one is not None)
    return {one.arg for one in (*taken.posonlyargs, *taken.args, *taken.kwonlyargs, *others)}


def held_at(node: ast.AST) -> str | None:
    """By what a value is found again that is kept in an object: app.state.face (of a request, too), app.face, models["face"].
    None: it is kept otherwise, or may be set from outside."""
    if isinstance(node, ast.Attribute) and not is_self(node.value):
        owner = last_word(node.value)
        plain = isinstance(node.value, ast.Name) or owner == "state"
        return f"{owner}.{node.attr}" if owner and plain else None
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
        owner = last_word(node.value)
        return f"{owner}[{node.slice.value!r}]" if owner not in ("", "environ") else None
    return None


def entries(call: ast.Call) -> list[tuple[ast.expr, ast.expr]] | None:
    """app.config.update(SIZE=640) sets app.config["SIZE"]. None: it is no configuration's, or may set more than is written."""
    config = call.func.value if isinstance(call.func, ast.Attribute) else None
    if config is None or not isinstance(config, ast.Attribute) or config.attr != "config":
        return None
    named: list[tuple[ast.expr | None, ast.expr]] = []
    for keyword in call.keywords:
        named.append((ast.Constant(keyword.arg) if keyword.arg else None, keyword.value))
    for one in call.args:
        named += zip(one.keys, one.values, strict=True) if isinstance(one, ast.Dict) else [(None, one)]
    found: list[tuple[ast.expr, ast.expr]] = []
    for key, value in named:
        if not (isinstance(key, ast.Constant) and isinstance(key.value, str)):
            return None
        found.append((ast.copy_location(ast.Subscript(config, key, ast.Store()), call), value))
    return found


def is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def arguments(call: ast.Call) -> list[ast.expr]:
    """What a call is given, by place and then by name."""
    return [*call.args, *(keyword.value for keyword in call.keywords)]
