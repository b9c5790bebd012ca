"""Whether a value that an object keeps is the one that was put there."""

from __future__ import annotations

import ast

from .tree import Tree, last_word


def is_loaded(tree: Tree, config: ast.expr) -> bool:
    """app.config.from_prefixed_env(), app.config.update(...): other values may come from anywhere."""
    calls = (call.func for word, found in tree.called.items() if word.startswith("from_") for call in found)
    read = any(isinstance(one, ast.Attribute) and last_word(one.value) == "config" for one in calls)
    return read or tree.full(config) in tree.changed


def is_state(node: ast.expr) -> bool:
    """app.state.face, also of a request: what an application keeps for itself."""
    return isinstance(node, ast.Attribute) and last_word(node.value) == "state"


def is_straight(tree: Tree, target: ast.expr, node: ast.expr, made: ast.expr) -> bool:
    """Whether whoever makes the object puts the value there, whatever happens, and before it is read."""
    scope = tree.scope.get(made)
    before = tree.scope.get(node) is not scope or target.lineno <= node.lineno
    return target not in tree.loose and tree.scope.get(target) is scope and before
