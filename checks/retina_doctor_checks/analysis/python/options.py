"""Flags of command lines that are written as decorators and parameters: click's and typer's."""

from __future__ import annotations

import ast

from .arguments import plain_argument
from .tree import Named, Tree, last_word

FLAGS = ("option", "argument")
COMMANDS = ("command", "callback")
TYPED = ("typer.Option", "typer.Argument")


def option(tree: Tree, function: Named, name: str, default: ast.expr | None) -> ast.expr | None:
    """The default of the flag that gives a parameter; *default*: the parameter's own. None: no flag with one does."""
    words = [last_word(one.func if isinstance(one, ast.Call) else one) for one in function.decorator_list]
    if tree.imports("click"):
        for one in function.decorator_list:
            if isinstance(one, ast.Call) and last_word(one.func) in FLAGS and name in names_of(one):
                return plain_argument(one, "default")
    if not tree.imports("typer") or not set(words) & set(COMMANDS):
        return None
    if isinstance(default, ast.Call) and tree.full(default.func) in TYPED:
        return plain_argument(default, "default", 0)
    return default


def names_of(flag: ast.Call) -> set[str]:
    """host, of @click.option("--host")"""
    flags = [one.value for one in flag.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    return {one.lstrip("-").replace("-", "_") for one in flags}
