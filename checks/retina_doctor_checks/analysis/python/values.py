"""What an expression may be: followed through names, attributes of self, parameters, returns and the usual wrappers, and
from file to file of the package. Nothing is computed that a reader would not see at a glance.

It is one function that calls itself for each kind of expression; what objects keep (held.py) is handed it.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from ..text import Unreadable
from .arguments import argument, default_in, plain_argument
from .each import Each, elements
from .filled import stays
from .held import assigned, held
from .modules import there
from .neighbours import is_literal
from .options import option
from .tree import Function, Scope, Tree, is_self, last_word
from .value import (
    DEEP,
    ENVIRONMENT,
    MOST,
    MOST_STEPS,
    NAMES,
    NUMBERS,
    PATHS,
    UNCHANGED,
    WRAPPERS,
    Value,
    as_number,
    from_outside,
    is_exchanged,
)


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
        return (_name(tree, node.id, tree.scope.get(node, tree.root), deep) or [_imported(tree, node, deep)])[:MOST]
    if isinstance(node, ast.Attribute):
        if is_self(node.value):
            return _of_class(tree, node, deep)
        known = held(values, tree, node, deep) or _flag(tree, node, deep) or _field(tree, node, deep)
        return known or [_imported(tree, node, deep)]
    if isinstance(node, ast.Subscript):
        said = _variable(tree, node.slice) if from_outside(tree, node) else None
        return (
            [Value(said, sure=False)]
            if said is not None
            else held(values, tree, node, deep) or _looked_up(tree, node, deep) or [_imported(tree, node, deep)]
        )
    if isinstance(node, ast.IfExp):
        return values(tree, node.body, deep + 1) + values(tree, node.orelse, deep + 1)
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or) and from_outside(tree, node.values[0]):
        return [value.unsure() for value in values(tree, node.values[-1], deep + 1)]
    if isinstance(node, ast.Call):
        return _call(tree, node, deep)
    return _of_loop(tree, node, deep) if isinstance(node, Each) else [Value(node)]


def _of_loop(tree: Tree, node: Each, deep: int) -> list[Value]:
    """Each element of a table that is written down and stays so, or what a comprehension makes."""
    tables = values(tree, node.table, deep + 1)
    table = tables[0].node if len(tables) == 1 else None
    if isinstance(table, ast.Dict) and not stays(tree, table, last_word(node.table)):
        return [Value(None)]
    found = [
        value.by(one) if tables[0].sure else value.unsure()
        for one in elements(table, node.part)
        for value in values(tree, one, deep + 1)
    ]
    return found[:MOST] or [Value(None)]


def single(tree: Tree, node: ast.expr | None) -> ast.expr | None:
    """The one node that an expression stands for, None where there are several or none is known."""
    found = values(tree, node)
    return found[0].node if len(found) == 1 else None


def _imported(tree: Tree, node: ast.Name | ast.Attribute | ast.Subscript, deep: int) -> Value:
    """What another file of the package gives, which the environment may exchange. Only what means the same in any file: the
    node itself stands for the rest."""
    place = there(tree, node)
    found = tree.imported(node) if not isinstance(node, ast.Subscript) else None
    if found is not None and place is None:
        return Value(found)  # django.conf.settings
    if place is None or is_exchanged(tree, node, place[0]):
        return Value(node if place is None else None)
    if found is not None:
        return Value(found, sure=found not in tree.neighbours.settable)
    others = values(*place, deep + 1)
    literal = others[0].node if len(others) == 1 else None
    known = literal is not None and is_literal(literal) and last_word(place[1]) not in place[0].filled
    return Value(literal, sure=others[0].sure) if known else Value(node)


def _field(tree: Tree, node: ast.Attribute, deep: int) -> list[Value]:
    """What a class of settings says: Config.size, or cfg.size of cfg = Config(size=...)."""
    if isinstance(node.value, ast.Name) and node.value.id in tree.fields:
        made, word = None, node.value.id
    else:
        near = node.value.value if isinstance(node.value, ast.Attribute) else node.value  # cfg.size, cfg.detector.size
        made = single(tree, node.value) if isinstance(near, ast.Name) else None
        word = made.func.id if isinstance(made, ast.Call) and isinstance(made.func, ast.Name) else ""
    fields = tree.fields.get(word)
    if fields is None and isinstance(made, ast.Call) and not made.args and not made.keywords:
        return _of_others(tree, made, node.attr)
    if fields is None or node.attr not in fields.defaults:
        return []
    if isinstance(made, ast.Call) and (made.args or any(one.arg is None for one in made.keywords)):
        return [Value(None)]
    given = plain_argument(made, node.attr) if isinstance(made, ast.Call) else None
    said = tree.neighbours.outside.variable(fields.variable(node.attr)) if fields.settable else None
    found = values(tree, given or said or fields.defaults[node.attr], deep + 1)
    return [one.unsure() for one in found] if fields.settable else found


def _of_others(tree: Tree, made: ast.Call, word: str) -> list[Value]:
    """Of settings = Settings(), or get_settings(), of another file."""
    name = tree.full(made.func)
    found = [tree.neighbours.literal(f"{name}{call}.{word}", tree.text.path) for call in ("", "()") if "." in name]
    return [Value(one, sure=one not in tree.neighbours.settable) for one in found if one is not None][:1]


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
            imported = scope is tree.root and name in tree.names  # try: from other import NAME, except: NAME = ...
            return [Value(None)] if imported else assigned(values, tree, given, deep)
        scope = tree.parent.get(scope)
        while isinstance(scope, ast.ClassDef):  # a method does not see the names of its class
            scope = tree.parent.get(scope)
    return []


def _looked_up(tree: Tree, node: ast.Subscript, deep: int) -> list[Value]:
    """What a table gives that is written down and never changed: PROVIDERS[device], for each device that can be told. Where
    a flag or the environment says which, it may be any row."""
    tables = values(tree, node.value, deep + 1)
    table = tables[0].node if len(tables) == 1 else None
    if not isinstance(table, ast.Dict) or not stays(tree, table, last_word(node.value)):
        return []
    keys = [one.value for one in table.keys if isinstance(one, ast.Constant)]
    if len(keys) < len(table.keys):
        return []
    written = dict(zip(keys, table.values, strict=True))
    found: list[Value] = []
    for key in values(tree, node.slice, deep + 1):
        if not isinstance(key.node, ast.Constant) or key.node.value not in written:
            return []
        for row in (written[key.node.value],) if key.sure else table.values:
            for value in values(tree, row, deep + 1):
                sure = value.sure and key.sure and tables[0].sure
                found.append(Value(value.node, value.at or key.at, sure))
    return found[:MOST]


def _of_class(tree: Tree, node: ast.Attribute, deep: int) -> list[Value]:
    owner = tree.class_of(tree.scope.get(node))
    given = tree.bound.get((owner, "self." + node.attr))
    return assigned(values, tree, given, deep) if given else [Value(None)]


def _parameter(tree: Tree, function: Function, name: str, deep: int) -> list[Value] | None:
    """What this file's calls give for a parameter; None: the function has none of that name."""
    taken = function.args
    places = [*taken.posonlyargs, *taken.args]
    names = [one.arg for one in places]
    others = [one.arg for one in taken.kwonlyargs] + [one.arg for one in (taken.vararg, taken.kwarg) if one]
    if name not in names + others:
        return None
    unknown = [Value(None)]
    owner = tree.parent.get(function)
    if isinstance(owner, ast.ClassDef) and name in names[:1]:
        return unknown  # self, which no call names
    if (function, name) in tree.following:
        return unknown  # round in a circle
    default = default_in(taken, names, name) if name in names + [one.arg for one in taken.kwonlyargs] else None
    if isinstance(default, ast.Call) and last_word(default.func) == "Depends" and len(default.args) == 1:
        return _returned(tree, default.args[0], deep) or unknown
    if isinstance(function, ast.Lambda) or name not in names + [a.arg for a in taken.kwonlyargs]:
        return unknown
    if function.decorator_list:  # which may call it with anything
        said = option(tree, function, name, default)
        return unknown if said is None else [value.by(said).unsure() for value in values(tree, said, deep + 1)]
    word = function.name
    if isinstance(owner, ast.ClassDef) and word == "__init__":
        word = owner.name
    elif len(tree.functions.get(word, ())) != 1:
        return unknown
    if word in tree.handed:
        return unknown
    place = names.index(name) - isinstance(owner, ast.ClassDef) if name in names else None
    tree.following.add((function, name))
    try:
        found = _given(tree, tree.called.get(word, ()), name, place, default, deep)
    finally:
        tree.following.discard((function, name))
    if not tree.called.get(word) and default is not None:
        return [value.by(default).unsure() for value in values(tree, default, deep + 1)]
    return found or unknown


def _given(
    tree: Tree, calls: Sequence[ast.Call], name: str, place: int | None, default: ast.expr | None, deep: int
) -> list[Value]:
    """What these calls give for a parameter; nothing where that cannot be told."""
    found: list[Value] = []
    for call in calls:
        try:
            given = argument(call, name, place) or default
        except KeyError:
            return []
        if given is not None:
            found += [value.by(given) for value in values(tree, given, deep + 1)]
        if len(found) > MOST:
            return []
    return found


def _call(tree: Tree, node: ast.Call, deep: int) -> list[Value]:
    name = tree.full(node.func)
    if name in ENVIRONMENT:
        said = _variable(tree, node.args[0]) if node.args else None
        if said is not None:
            return [Value(said, sure=False)]
        return [value.unsure() for value in values(tree, plain_argument(node, "default", 1), deep + 1)]
    if name in WRAPPERS + PATHS and len(node.args) == 1 and not node.keywords:
        found = values(tree, node.args[0], deep + 1)
        return [Value(as_number(one.node), one.at, one.sure) for one in found] if name in NUMBERS else found
    if isinstance(node.func, ast.Attribute) and node.func.attr in UNCHANGED and not node.args:
        return values(tree, node.func.value, deep + 1)
    if isinstance(node.func, ast.Attribute) and node.func.attr == "get" and last_word(node.func.value) == "config":
        kept = values(tree, ast.Subscript(node.func.value, node.args[0], ast.Load()), deep + 1) if node.args else []
        return kept if len(kept) == 1 and kept[0].node is not None and is_literal(kept[0].node) else [Value(node)]
    return _returned(tree, node.func, deep) or [Value(node)]


def _variable(tree: Tree, name: ast.expr) -> ast.expr | None:
    """The number that the environment is known to give."""
    word = name.value if isinstance(name, ast.Constant) else None
    return tree.neighbours.outside.variable(word) if isinstance(word, str) else None


def _returned(tree: Tree, function: ast.expr, deep: int) -> list[Value]:
    """What a function of this file gives; nothing where that cannot be told."""
    made = tree.functions.get(function.id, ()) if isinstance(function, ast.Name) else ()
    if len(made) != 1 or len(tree.returns.get(made[0], ())) != 1:
        return []
    return values(tree, tree.returns[made[0]][0], deep + 1)


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
