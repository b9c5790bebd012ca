"""Whether a table that is written down stays as it is: by none of its names is an entry set, or the whole given to what may."""

from __future__ import annotations

import ast
import builtins

from .tree import Tree, arguments, last_word


def stays(tree: Tree, table: ast.Dict, name: str) -> bool:
    """*name*: one by which it is looked up."""
    known = names_of(tree, table, name)
    if known & tree.filled or any(one.rpartition(".")[2] in known for one in tree.changed):
        return False
    return not any(last_word(one) in known for call in tree.calls if not is_builtin(call) for one in given(call))


def names_of(tree: Tree, table: ast.Dict, name: str) -> set[str]:
    """cfg = DEFAULTS = {...}: by all these names it is the same."""
    known, before = {name}, 0
    while len(known) > before:
        before = len(known)
        for (_, bound), values in tree.bound.items():
            word = bound.rpartition(".")[2]
            others = {last_word(one) for one in values if isinstance(one, ast.Name | ast.Attribute)}
            if table in values or others & known:
                known.add(word)
            if word in known:
                known |= others
    return known


def is_builtin(call: ast.Call) -> bool:
    """len(), sorted(), print(): they only look."""
    return isinstance(call.func, ast.Name) and hasattr(builtins, call.func.id)


def given(call: ast.Call) -> list[ast.expr]:
    """Of **options the function is given a copy."""
    spread = [keyword.value for keyword in call.keywords if keyword.arg is None]
    return [one for one in arguments(call) if one not in spread]
