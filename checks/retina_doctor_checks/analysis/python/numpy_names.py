"""Names of NumPy that newer releases of it do not have: which of them a file uses, and which it gives NumPy itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...facts.source import Sign
from ...numpy_names import GONE
from .lines import place
from .tree import Tree

WORDS = ("np.int", "np.float", "np.bool", "np.object", "np.Inf", "np.NaN", "numpy.int", "numpy.float", "numpy.bool")
"""For which alone a file is parsed."""
ASKS = ("hasattr", "getattr", "__version__", "NumpyVersion")


def told(tree: Tree) -> Iterator[Sign]:
    """Not what stands in a `try`, or below a question for the name or the version."""
    named = [
        node
        for node in tree.scope
        if isinstance(node, ast.Attribute) and node.attr in GONE and tree.full(node) == f"numpy.{node.attr}"
    ]
    asked = {inner for node in tree.scope if named and is_guard(node) for inner in ast.walk(node)}
    for node in named:
        if isinstance(node.ctx, ast.Store):
            yield Sign(at=place(tree, node), kind="numpy-given", what=node.attr)
        elif node not in asked:
            yield Sign(at=place(tree, node), kind="numpy-name", what=node.attr)


def is_guard(node: ast.AST) -> bool:
    if isinstance(node, (ast.Try, ast.TryStar)):
        return True
    test = node.test if isinstance(node, (ast.If, ast.IfExp)) else None
    return test is not None and any(
        (isinstance(one, ast.Name) and one.id in ASKS) or (isinstance(one, ast.Attribute) and one.attr in ASKS)
        for one in ast.walk(test)
    )
