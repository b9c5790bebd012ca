"""What an expression may be: followed through names, attributes of self, parameters, returns and the usual wrappers, within
one file. Nothing is computed that a reader would not see at a glance."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import TypeVar

from ..text import Unreadable
from .tree import Function, Scope, Tree, is_self, last_word

NAMES = (ast.Name, ast.Attribute)
DEEP = 12  # steps that are followed; a chain of names is short, a circle has no end
MOST = 20  # alternatives that are looked at
MOST_STEPS = 300000  # of one file
T = TypeVar("T")
UNKNOWN = object()
WRAPPERS = (
    "int",
    "str",
    "float",
    "list",
    "tuple",
    "os.fspath",
    "os.path.expanduser",
    "os.path.abspath",
    "os.path.realpath",
)
UNCHANGED = ("resolve", "absolute", "expanduser", "as_posix")
"""Methods that name the same path."""
PATHS = ("pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath")
ENVIRONMENT = ("os.environ.get", "os.getenv", "environ.get")


class Value:
    """*node*: what is not followed further; None: unknown. *at*: the argument or default by which it came here, where a
    parameter was followed. *sure*: no one can set it from outside: an environment variable or a flag may."""

    __slots__ = ("at", "node", "sure")

    def __init__(self, node: ast.expr | None, at: ast.expr | None = None, sure: bool = True) -> None:
        self.node = node
        self.at = at
        self.sure = sure

    def by(self, at: ast.expr) -> Value:
        return Value(self.node, self.at or at, self.sure)

    def unsure(self) -> Value:
        return Value(self.node, self.at, False)


def values(tree: Tree, node: ast.expr | None, deep: int = 0) -> list[Value]:
    """The alternatives that an expression may be. Raises ValueError where a file leads from one to the next without end."""
    tree.steps += 1
    if tree.steps > MOST_STEPS:
        raise Unreadable("its names lead to each other in too many ways")
    if node is None or deep > DEEP:
        return [Value(None)]
    if isinstance(node, NAMES) and tree.full(node) in tree.changed:
        return [Value(None)]
    if isinstance(node, ast.Name):
        return (_name(tree, node.id, tree.scope.get(node, tree.root), deep) or [Value(tree.imported(node))])[:MOST]
    if isinstance(node, ast.Attribute):
        if is_self(node.value):
            return _of_class(tree, node, deep)
        return _flag(tree, node, deep) or [Value(tree.imported(node) or node)]
    if isinstance(node, ast.IfExp):
        return values(tree, node.body, deep + 1) + values(tree, node.orelse, deep + 1)
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or) and from_outside(tree, node.values[0]):
        return [value.unsure() for value in values(tree, node.values[-1], deep + 1)]
    if isinstance(node, ast.Call):
        return _call(tree, node, deep)
    return [Value(node)]


def single(tree: Tree, node: ast.expr | None) -> ast.expr | None:
    """The one node that an expression stands for, None where there are several or none is known."""
    found = values(tree, node)
    return found[0].node if len(found) == 1 else None


def constants(tree: Tree, node: ast.expr) -> list[tuple[object, Value]]:
    """[(a constant, or a tuple of constants, or UNKNOWN; the Value that it is)]"""
    return [(constant(tree, value.node), value) for value in values(tree, node)]


def judged(found: Sequence[tuple[T, Value]], is_wrong: Callable[[T], bool]) -> list[tuple[T, Value]]:
    """Those of [(what it says, its Value)] that are wrong whichever way it goes: all that came by one argument, or by none,
    must be. Of several calls, the one whose argument is wrong is."""
    groups: dict[ast.expr | None, list[tuple[T, Value]]] = {}
    for one in found:
        groups.setdefault(one[1].at, []).append(one)
    return [group[0] for group in groups.values() if all(said is not UNKNOWN and is_wrong(said) for said, _ in group)]


def constant(tree: Tree, node: ast.expr | None, deep: int = 0) -> object:
    if deep > DEEP:
        return UNKNOWN
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Tuple | ast.List):
        parts = tuple(_only(tree, one, deep + 1) for one in node.elts)
        return UNKNOWN if UNKNOWN in parts else parts
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _only(tree, node.operand, deep + 1)
        return -inner if isinstance(inner, int | float) else UNKNOWN
    return UNKNOWN


def _only(tree: Tree, node: ast.expr, deep: int) -> object:
    found = values(tree, node)
    return constant(tree, found[0].node, deep) if len(found) == 1 else UNKNOWN


def from_outside(tree: Tree, node: ast.expr) -> bool:
    """Whether an environment variable says it."""
    if isinstance(node, ast.Call):
        return tree.full(node.func) in ENVIRONMENT
    return isinstance(node, ast.Subscript) and tree.full(node.value) in ("os.environ", "environ")


def argument(call: ast.Call, name: str, place: int | None = None) -> ast.expr | None:
    """The argument of that name, or at that place; None where it is not given. Raises KeyError where * or ** may hold it."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    if any(keyword.arg is None for keyword in call.keywords):
        raise KeyError(name)
    if place is None:
        return None
    if any(isinstance(one, ast.Starred) for one in call.args[: place + 1]):
        raise KeyError(name)
    return call.args[place] if len(call.args) > place else None


def _name(tree: Tree, name: str, scope: Scope | None, deep: int) -> list[Value]:
    """What this file says of a name; nothing where it binds none of it."""
    while scope is not None:
        if name in tree.everywhere.get(scope, ()):
            scope = tree.root
        given = tree.bound.get((scope, name))
        if not isinstance(scope, ast.ClassDef | ast.Module):
            found = _parameter(tree, scope, name, deep)
            if found is not None:
                return found if given is None else [Value(None)]  # if host is None: host = ...
        if given is not None:
            return _assigned(tree, given, deep)
        scope = tree.parent.get(scope)
        while isinstance(scope, ast.ClassDef):  # a method does not see the names of its class
            scope = tree.parent.get(scope)
    return []


def _assigned(tree: Tree, given: Sequence[ast.expr | None], deep: int) -> list[Value]:
    """A name has a value that can be told where it is assigned once; that it was None at first changes nothing."""
    real = [one for one in given if not (isinstance(one, ast.Constant) and one.value is None)] or given[:1]
    makers = {tree.full(one.func) if isinstance(one, ast.Call) else "" for one in real}
    alike = len(makers) == 1 and "" not in makers  # in a try and in its except, say
    return values(tree, real[0], deep + 1) if len(real) == 1 or alike else [Value(None)]


def _of_class(tree: Tree, node: ast.Attribute, deep: int) -> list[Value]:
    owner = tree.class_of(tree.scope.get(node))
    given = tree.bound.get((owner, "self." + node.attr))
    return _assigned(tree, given, deep) if given else [Value(None)]


def _parameter(tree: Tree, function: Function, name: str, deep: int) -> list[Value] | None:
    """What this file's calls give for a parameter; None: the function has none of that name."""
    taken = function.args
    places = [*taken.posonlyargs, *taken.args]
    names = [one.arg for one in places]
    others = [one.arg for one in taken.kwonlyargs] + [one.arg for one in (taken.vararg, taken.kwarg) if one]
    if name not in names + others:
        return None
    unknown = [Value(None)]
    if (
        isinstance(function, ast.Lambda)
        or function.decorator_list
        or name not in names + [a.arg for a in taken.kwonlyargs]
    ):
        return unknown  # a decorator may call it with anything
    default = _default(taken, names, name)
    word = function.name
    owner = tree.parent.get(function)
    if isinstance(owner, ast.ClassDef) and word == "__init__":
        word = owner.name
    elif len(tree.functions.get(word, ())) != 1:
        return unknown
    if word in tree.handed:
        return unknown
    place = names.index(name) - isinstance(owner, ast.ClassDef) if name in names else None
    found: list[Value] = []
    for call in tree.called.get(word, ()):
        try:
            given = argument(call, name, place)
        except KeyError:
            return unknown
        if given is not None:
            found += [value.by(given) for value in values(tree, given, deep + 1)]
        elif default is not None:
            found += [value.by(default) for value in values(tree, default, deep + 1)]
        if len(found) > MOST:
            return unknown
    if not tree.called.get(word) and default is not None:
        return [value.by(default).unsure() for value in values(tree, default, deep + 1)]
    return found or unknown


def _default(taken: ast.arguments, names: list[str], name: str) -> ast.expr | None:
    if name in names:
        place = names.index(name) - (len(names) - len(taken.defaults))
        return taken.defaults[place] if place >= 0 else None
    place = [one.arg for one in taken.kwonlyargs].index(name)
    return taken.kw_defaults[place]


def _call(tree: Tree, node: ast.Call, deep: int) -> list[Value]:
    name = tree.full(node.func)
    if name in ENVIRONMENT:
        try:
            default = argument(node, "default", 1)
        except KeyError:
            default = None
        return [value.unsure() for value in values(tree, default, deep + 1)]
    if name in WRAPPERS + PATHS and len(node.args) == 1 and not node.keywords:
        return values(tree, node.args[0], deep + 1)
    if isinstance(node.func, ast.Attribute) and node.func.attr in UNCHANGED and not node.args:
        return values(tree, node.func.value, deep + 1)
    made = tree.functions.get(name, ())
    if isinstance(node.func, ast.Name) and len(made) == 1 and len(tree.returns.get(made[0], ())) == 1:
        return values(tree, tree.returns[made[0]][0], deep + 1)
    return [Value(node)]


def _flag(tree: Tree, node: ast.Attribute, deep: int) -> list[Value]:
    """The default of a command line's flag: args.host of parser.add_argument("--host", default=...)."""
    holder = single(tree, node.value) if isinstance(node.value, ast.Name) else None
    if not (
        isinstance(holder, ast.Call)
        and last_word(holder.func) == "parse_args"
        and isinstance(holder.func, ast.Attribute)
    ):
        return []
    for call in tree.called.get("add_argument", ()):
        flags = [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        if node.attr in [flag.lstrip("-").replace("-", "_") for flag in flags]:
            try:
                return [value.unsure() for value in values(tree, argument(call, "default"), deep + 1)]
            except KeyError:
                return []
    return []
