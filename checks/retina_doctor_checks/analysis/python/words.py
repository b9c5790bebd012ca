"""The words of names."""

from __future__ import annotations

import ast


def last_word(node: ast.AST) -> str:
    """The last of the words of a name: run of app.run; "" of what is no name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
