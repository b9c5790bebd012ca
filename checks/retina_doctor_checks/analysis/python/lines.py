"""Places in a file, and lines as they should be."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from ...facts.source import Cause, Hit
from ...facts.source_lines import LineCorrection, SourceLine
from ..text import corrected
from .tree import Tree

LONGEST = 1000  # characters of a line that is worth a correction


class Line(str):
    """A line as it should be. *number*: that of the line that it was made from, and whose place alone it may take."""

    __slots__ = ("number",)
    number: int

    @classmethod
    def of(cls, number: int, text: str) -> Line:
        line = cls(text)
        line.number = number
        return line


def hit(
    tree: Tree,
    cause: Cause,
    node: ast.expr,
    why: str,
    what: str,
    fixed: Line | None = None,
    api: tuple[str, ...] = (),
    also: tuple[LineCorrection, ...] = (),
) -> Hit:
    """*fixed*: left out where it was made from another line. *api*: the versions of insightface in which this is so; none:
    whatever is installed."""
    # A comment may stand behind the call's last line, as black writes it: an argument's is its call's.
    until = node.end_lineno if isinstance(node, ast.Call) else tree.closing.get(node, node.end_lineno)
    at = tree.text.at(node.lineno, node.col_offset + 1, until)
    return Hit(at=at, cause=cause, why=why, what=what, fixed=written_at(at, fixed), api=api, also=also)


def written_at(at: SourceLine, fixed: Line | None) -> str | None:
    """A line as it should be, in place of the one that it was made from, and of no other."""
    return corrected(fixed) if fixed is not None and fixed.number == at.line else None


def place(tree: Tree, node: ast.expr | ast.stmt) -> SourceLine:
    return tree.text.at(node.lineno, node.col_offset + 1)


def around(tree: Tree, node: ast.expr) -> tuple[str, str] | None:
    """What stands on the line before and after a node; None: it takes several lines, or one without end."""
    if node.lineno != node.end_lineno or node.lineno > len(tree.lines) or len(tree.lines[node.lineno - 1]) > LONGEST:
        return None
    line = tree.lines[node.lineno - 1].encode("utf-8", "surrogatepass")  # columns count its bytes
    before, after = line[: node.col_offset], line[node.end_col_offset :]
    return before.decode("utf-8", "replace"), after.decode("utf-8", "replace")


def instead(tree: Tree, node: ast.expr, text: str) -> Line | None:
    """The line with *text* in place of the node."""
    sides = around(tree, node)
    return Line.of(node.lineno, sides[0] + text + sides[1]) if sides else None


def more(tree: Tree, call: ast.Call, text: str) -> Line | None:
    """The line with one more argument at the end of the call."""
    sides = around(tree, call)
    if sides is None:
        return None
    if any(isinstance(one, ast.GeneratorExp) for one in call.args):
        return None  # alone it may stand without its brackets
    bare = text_of(tree, call)[:-1].rstrip()
    comma = "" if bare.endswith("(") else " " if bare.endswith(",") else ", "
    return Line.of(call.lineno, sides[0] + bare + comma + text + ")" + sides[1])


def without(tree: Tree, call: ast.Call, keywords: Sequence[ast.keyword]) -> Line | None:
    """The line with the call but for these of its keywords; None where one stands in brackets of its own, or in no call (**)."""
    sides = around(tree, call)
    if sides is None or any(getattr(one, "col_offset", None) is None for one in keywords):
        return None
    text = text_of(tree, call).encode("utf-8", "surrogatepass")
    for one in sorted(keywords, key=lambda keyword: -keyword.col_offset):
        before = text[: one.col_offset - call.col_offset].rstrip()
        after = text[(one.value.end_col_offset or 0) - call.col_offset :].lstrip()
        if after.startswith(b","):
            text = text[: one.col_offset - call.col_offset] + after[1:].lstrip()
        else:
            text = before.removesuffix(b",") + after
    bare = text.decode("utf-8", "replace")
    try:
        ast.parse(bare, mode="eval")
    except (SyntaxError, ValueError):
        return None
    return Line.of(call.lineno, sides[0] + bare + sides[1])


def text_of(tree: Tree, node: ast.expr) -> str:
    """The source of a node that stands on one line, else ""."""
    sides = around(tree, node)
    if sides is None:
        return ""
    line = tree.lines[node.lineno - 1]
    return line[len(sides[0]) : len(line) - len(sides[1])]
