"""What an object keeps that a file makes: app.state.detector, app.config["SIZE"].

What the parts of an expression may be is asked of *read* (`values.values`), which asks here.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from .keeping import configuration, is_state, is_straight, loads, settings_object
from .modules import place_of, tree_at
from .neighbours import is_literal
from .tree import Tree, held_at, last_word
from .value import CURRENT, OWNERS, PATHS, WRAPPERS, Value

Read = Callable[[Tree, ast.expr | None, int], list[Value]]
"""(tree, expression, how many steps led to it) -> the alternatives that it may be."""


def held(read: Read, tree: Tree, node: ast.expr, deep: int) -> list[Value]:
    """What an object keeps, where this file makes it and puts it there. A setting is known only where nothing decides whether
    it is put there; a thing that is made (FaceAnalysis()) may also be put there by a function, of a lifespan say."""
    if isinstance(node, ast.Subscript) and last_word(node.value) == "config" and held_at(node) is not None:
        return _configured(read, tree, node, deep)
    return _put(read, tree, node, deep)


def _configured(read: Read, tree: Tree, node: ast.Subscript, deep: int) -> list[Value]:
    """What app.config["SIZE"] is, where one file alone may say it: set there, or of the one object that it is read from."""
    key = node.slice.value if isinstance(node.slice, ast.Constant) else ""
    files = tree.neighbours.configured_in(str(key))
    current = tree.full(node.value) in CURRENT
    if (current and len(files) != 1) or len(files) > 1:
        return [Value(None)]
    if current:
        other = tree_at(tree.neighbours, *files)
        config = configuration(other) if other is not None else None
        if other is None or config is None:
            return [Value(None)]
        found = _configured(read, other, ast.Subscript(config, node.slice, ast.Load()), deep + 1)
        return found if other is tree else [one for one in found if one.node is not None and is_literal(one.node)]
    if files and tree.text.path not in files:
        return []  # of an application that another file makes
    loaded = loads(tree)
    if tree.full(node.value) in tree.changed or len(loaded) > 1:
        return [Value(None)]
    return _read_from(read, tree, node, str(key), loaded[0], deep) if loaded else _put(read, tree, node, deep)


def _read_from(read: Read, tree: Tree, node: ast.Subscript, key: str, load: ast.Call, deep: int) -> list[Value]:
    """Of app.config.from_object(Config), which takes names in capitals alone (flask/config.py)."""
    given, made = settings_object(load), _owner(read, tree, node, deep)
    alone = not tree.bound.get((None, held_at(node) or ""))
    if given is None or made is None or not alone or not key.isupper():
        return [Value(None)]
    if _owner(read, tree, load.func, deep) is not made or not is_straight(tree, load, node, made):
        return [Value(None)]
    if not (isinstance(given, ast.Constant) and isinstance(given.value, str)):
        return read(tree, ast.Attribute(given, key, ast.Load()), deep + 1)
    place = place_of(tree, f"{given.value}.{key}", [])
    return read(*place, deep + 1) if place is not None else [Value(None)]


def _put(read: Read, tree: Tree, node: ast.expr, deep: int) -> list[Value]:
    place = held_at(node)
    given = tree.bound.get((None, place)) if place is not None else None
    if not given or place is None:
        return []
    targets = tree.puts[place]
    mades = [_owner(read, tree, one, deep) for one in (node, *targets)]
    shared = is_state(node) and all(is_state(one) for one in targets)
    if not shared and (mades[0] is None or any(made is not mades[0] for made in mades)):
        return [Value(None)]
    found = assigned(read, tree, given, deep)
    if mades[0] is not None and all(is_straight(tree, one, node, mades[0]) for one in targets):
        return found
    return [value.unsure() if isinstance(value.node, ast.Call) else Value(None) for value in found]


def _owner(read: Read, tree: Tree, node: ast.expr, deep: int) -> ast.expr | None:
    """What makes the object that keeps a value, where that is plain to see: {}, FastAPI(), a class of this file."""
    kept = node.value if isinstance(node, ast.Attribute | ast.Subscript) else None
    within = isinstance(kept, ast.Attribute) and (is_state(node) or kept.attr == "config")
    found = read(tree, kept.value if within and isinstance(kept, ast.Attribute) else kept, deep + 1)
    made = found[0].node if len(found) == 1 else None
    if isinstance(made, ast.Call):
        return made if tree.full(made.func) in OWNERS or last_word(made.func) in tree.classes else None
    return made if isinstance(made, ast.Dict) else None


def assigned(read: Read, tree: Tree, given: Sequence[ast.expr | None], deep: int) -> list[Value]:
    """A name has a value that can be told where it is assigned once; that it was None at first changes nothing."""
    real = [one for one in given if not (isinstance(one, ast.Constant) and one.value is None)] or given[:1]
    makers = {tree.full(one.func) if isinstance(one, ast.Call) else "" for one in real}
    alike = len(makers) == 1 and not makers & {"", *WRAPPERS, *PATHS}  # in a try and in its except, say
    return read(tree, real[0], deep + 1) if len(real) == 1 or alike else [Value(None)]
