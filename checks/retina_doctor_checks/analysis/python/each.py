"""What a loop or a comprehension gives its names: an element of what it goes through."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import cast

VIEWS = {"keys": 0, "values": 1}
PAIRS = "items"


class Each(ast.expr):
    """Any one element of *table*; of its pairs the *part*: 0 a key, 1 a value. It stands in no file."""

    _fields = ("table",)

    def __init__(self, table: ast.expr, part: int | None = None) -> None:
        super().__init__()
        self.table = table
        self.part = part


def bound_by(loop: ast.For | ast.AsyncFor | ast.comprehension) -> Iterator[tuple[ast.expr, ast.expr]]:
    """(target, what it is given)."""
    call = loop.iter if isinstance(loop.iter, ast.Call) and not loop.iter.args and not loop.iter.keywords else None
    word = call.func.attr if call is not None and isinstance(call.func, ast.Attribute) else ""
    table = cast(ast.Attribute, call.func).value if call is not None and word else loop.iter
    if word == PAIRS and isinstance(loop.target, ast.Tuple) and len(loop.target.elts) == 2:
        yield from ((one, Each(table, part)) for part, one in enumerate(loop.target.elts))
    elif word in VIEWS:
        yield loop.target, Each(table, VIEWS[word])
    else:
        yield loop.target, Each(loop.iter)


def elements(table: ast.expr | None, part: int | None) -> list[ast.expr]:
    """Those of a table that is written down, or the one that a comprehension makes; none of anything else."""
    if isinstance(table, ast.Dict):
        return [one for one in (table.values if part == 1 else table.keys) if one is not None]
    if isinstance(table, ast.DictComp):
        return [table.value if part == 1 else table.key]
    if part is not None:
        return []
    if isinstance(table, ast.ListComp | ast.SetComp | ast.GeneratorExp):
        return [table.elt]
    return list(table.elts) if isinstance(table, ast.List | ast.Tuple | ast.Set) else []
