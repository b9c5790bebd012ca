"""Places in a file, and lines as they should be."""

from __future__ import annotations

import ast

from ...facts.source import Cause, Hit, SourceLine
from ..text import corrected
from .tree import Tree

LONGEST = 1000  # characters of a line that is worth a correction


def hit(
    tree: Tree,
    cause: Cause,
    node: ast.expr,
    why: str,
    what: str,
    fixed: str | None = None,
    api: tuple[str, ...] = (),
) -> Hit:
    """*api*: the versions of insightface in which this is so; none: whatever is installed."""
    # A comment may stand behind the call's last line, as black writes it: an argument's is its call's.
    until = node.end_lineno if isinstance(node, ast.Call) else tree.closing.get(node, node.end_lineno)
    at = tree.text.at(node.lineno, node.col_offset + 1, until)
    return Hit(at=at, cause=cause, why=why, what=what, fixed=corrected(fixed), api=api)


def place(tree: Tree, node: ast.expr | ast.stmt) -> SourceLine:
    return tree.text.at(node.lineno, node.col_offset + 1)


def around(tree: Tree, node: ast.expr) -> tuple[str, str] | None:
    """What stands on the line before and after a node; None: it takes several lines, or one without end."""
    if node.lineno != node.end_lineno or node.lineno > len(tree.lines) or len(tree.lines[node.lineno - 1]) > LONGEST:
        return None
    line = tree.lines[node.lineno - 1].encode("utf-8", "surrogatepass")  # columns count its bytes
    before, after = line[: node.col_offset], line[node.end_col_offset :]
    return before.decode("utf-8", "replace"), after.decode("utf-8", "replace")


def instead(tree: Tree, node: ast.expr, text: str) -> str | None:
    """The line with *text* in place of the node."""
    sides = around(tree, node)
    return sides[0] + text + sides[1] if sides else None


def more(tree: Tree, call: ast.Call, text: str) -> str | None:
    """The line with one more argument at the end of the call."""
    sides = around(tree, call)
    if sides is None:
        return None
    if any(isinstance(one, ast.GeneratorExp) for one in call.args):
        return None  # alone it may stand without its brackets
    bare = text_of(tree, call)[:-1].rstrip()
    comma = "" if bare.endswith("(") else " " if bare.endswith(",") else ", "
    return sides[0] + bare + comma + text + ")" + sides[1]


def text_of(tree: Tree, node: ast.expr) -> str:
    """The source of a node that stands on one line, else ""."""
    sides = around(tree, node)
    if sides is None:
        return ""
    line = tree.lines[node.lineno - 1]
    return line[len(sides[0]) : len(line) - len(sides[1])]
