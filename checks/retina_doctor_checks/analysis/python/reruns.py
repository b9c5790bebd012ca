"""Scripts of Streamlit's, which runs a whole script again for each thing that a user does, and the modules that it imports
once."""

from __future__ import annotations

import ast

from .tree import Tree

CACHES = ("cache", "experimental_")
"""Decorators: with them a script may be told what it is to remember, and show nothing."""


def is_rerun(tree: Tree) -> bool:
    """Whether the file is such a script: it shows something itself, and no other file imports it."""
    if not tree.imports("streamlit") or tree.neighbours.is_imported(tree.text.path):
        return False
    shows = any(tree.scope.get(call) is tree.root and is_shown(tree, call) for call in tree.calls)
    return shows or any(isinstance(one, ast.If) and "__name__" in ast.dump(one.test) for one in tree.root.body)


def is_shown(tree: Tree, call: ast.Call) -> bool:
    package, _, word = tree.full(call.func).partition(".")
    return package == "streamlit" and not word.startswith(CACHES)
