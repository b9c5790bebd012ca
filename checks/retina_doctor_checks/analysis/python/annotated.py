"""What a parameter or a result is said to be, by its annotation."""

from __future__ import annotations

import ast

from .tree import last_word


def alternatives(node: ast.expr | None) -> list[ast.expr]:
    """The types that a value may be of, None among them: written as text or not, with |, Optional, Union or Annotated. What is
    within the brackets of other types says nothing of the value itself."""
    if node is None:
        return []
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return alternatives(parsed(node.value))
    if isinstance(node, ast.BinOp):
        return [*alternatives(node.left), *alternatives(node.right)]
    if not isinstance(node, ast.Subscript):
        return [node]
    word = last_word(node.value)
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if word == "Optional":
        return [ast.Constant(None), *alternatives(node.slice)]
    if word == "Union":
        return [one for part in parts for one in alternatives(part)]
    return alternatives(parts[0]) if word == "Annotated" and parts else [node.value]


def is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def outermost(node: ast.expr | None) -> set[str]:
    """The last words of the types that a value may be of, "None" among them."""
    return {"None" if is_none(one) else last_word(one) or "?" for one in alternatives(node)}


def parsed(text: str) -> ast.expr:
    """An annotation that is written as text; an unknown name where it is none."""
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Name(id="?", ctx=ast.Load())
