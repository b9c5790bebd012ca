"""Whether a value that an object keeps is the one that was put there."""

from __future__ import annotations

import ast

from .tree import Tree, last_word

OBJECTS = "from_object"


def loads(tree: Tree) -> list[ast.Call]:
    """app.config.from_prefixed_env(), app.config.from_object(Config): by each, other values come in."""
    calls = [call for word, found in tree.called.items() if word.startswith("from_") for call in found]
    return [one for one in calls if isinstance(one.func, ast.Attribute) and last_word(one.func.value) == "config"]


def settings_object(load: ast.Call) -> ast.expr | None:
    """Config, of app.config.from_object(Config)."""
    return load.args[0] if last_word(load.func) == OBJECTS and len(load.args) == 1 and not load.keywords else None


def configuration(tree: Tree) -> ast.expr | None:
    """The one application's configuration that a file fills, `app.config`; None: it fills none, or several."""
    filled = [one.value for targets in tree.puts.values() for one in targets if isinstance(one, ast.Subscript)]
    filled += [one.func.value for one in loads(tree) if isinstance(one.func, ast.Attribute)]
    found = [one for one in filled if isinstance(one, ast.Attribute) and one.attr == "config"]
    return found[0] if len({ast.unparse(one) for one in found}) == 1 else None


def is_state(node: ast.expr) -> bool:
    """app.state.face, also of a request: what an application keeps for itself."""
    return isinstance(node, ast.Attribute) and last_word(node.value) == "state"


def is_straight(tree: Tree, target: ast.expr, node: ast.expr, made: ast.expr) -> bool:
    """Whether whoever makes the object puts the value there, whatever happens, and before it is read."""
    scope = tree.scope.get(made)
    before = tree.scope.get(node) is not scope or target.lineno <= node.lineno
    return target not in tree.loose and tree.scope.get(target) is scope and before
