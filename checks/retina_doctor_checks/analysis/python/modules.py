"""Other files of the package as trees, and expressions as they read in the file that a name comes from."""

from __future__ import annotations

import ast
import contextlib
import io
import tokenize
import warnings

from ..text import SourceText
from .neighbours import MOST_BYTES, Neighbours, files_of
from .tree import Tree


def parsed(data: bytes, path: str, neighbours: Neighbours) -> Tree:
    """Raises SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError."""
    encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    content = io.TextIOWrapper(io.BytesIO(data), encoding).read()  # as the file itself declares, line ends made alike
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        root = ast.parse(content, path)
    lines = content.split("\n")
    text = SourceText(path, lines, remarks(data, lines) if b"retina-doctor:" in data else None)
    return Tree(root, text, neighbours)


def remarks(data: bytes, lines: list[str]) -> list[str]:
    """Of each line its comment: a text may look like one. Raises SyntaxError, tokenize.TokenError."""
    found = [""] * len(lines)
    for token in tokenize.tokenize(io.BytesIO(data).readline):
        if token.type == tokenize.COMMENT and token.start[0] <= len(found):
            before = token.line[: token.start[1]].strip()
            found[token.start[0] - 1] = "..." * bool(before) + token.string  # alone on its line, or behind something
    return found


def tree_of(tree: Tree, module: str) -> Tree | None:
    """The module of that name, as this file names it; None: it is none of the package, or cannot be read."""
    near = tree.neighbours
    for file in files_of(module, tree.text.path):
        if file in near.trees or near.content_of(file) is not None:
            return tree_at(near, file)
    return None


def tree_at(near: Neighbours, file: str) -> Tree | None:
    """The file at that path; None: it is no Python, or too large to be followed into."""
    if file not in near.trees:
        near.trees[file] = None  # while it is read, and if it is no Python
        data = near.content_of(file)
        if data is not None and len(data) <= MOST_BYTES:
            with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
                near.trees[file] = parsed(data, file, near)
    found = near.trees[file]
    return found if isinstance(found, Tree) else None


def there(tree: Tree, node: ast.expr) -> tuple[Tree, ast.expr] | None:
    """(the file that an imported name comes from, the expression as that file would write it): settings.MODELS / "a" names
    settings.MODELS here and MODELS there. None: it starts with no import, or the file is none of the package."""
    chain: list[ast.Attribute | ast.Subscript] = []
    first = node
    while isinstance(first, ast.Attribute | ast.Subscript):
        chain.append(first)
        first = first.value
    if not isinstance(first, ast.Name) or first.id not in tree.names or (tree.root, first.id) in tree.bound:
        return None
    return place_of(tree, tree.names[first.id], chain)


def place_of(tree: Tree, full: str, chain: list[ast.Attribute | ast.Subscript]) -> tuple[Tree, ast.expr] | None:
    """Likewise of a full name, and what is taken of it: the last in the chain first."""
    words, level = parts(full)
    while chain and isinstance(last := chain[-1], ast.Attribute):
        words.append(last.attr)
        chain.pop()
    for count in range(len(words) - 1, -1 if level else 0, -1):
        other = tree_of(tree, level + ".".join(words[:count]))
        if other is not None and other is not tree:
            return other, written(words[count:], chain)
    return None


def parts(full: str) -> tuple[list[str], str]:
    """(its words, the dots before them)"""
    bare = full.lstrip(".")
    return bare.split("."), full[: len(full) - len(bare)]


def written(words: list[str], chain: list[ast.Attribute | ast.Subscript]) -> ast.expr:
    """settings.config["T"] of its words and what follows them, which the file itself has nowhere."""
    found: ast.expr = ast.Name(words[0], ast.Load())
    for word in words[1:]:
        found = ast.Attribute(found, word, ast.Load())
    for one in reversed(chain):
        if isinstance(one, ast.Attribute):
            found = ast.Attribute(found, one.attr, ast.Load())
        else:
            found = ast.Subscript(found, one.slice, ast.Load())
    return found
