"""What a name was given last before a place, where that is plain to see: in the same function, by what stands before it."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from .tree import SCOPES, Scope, Tree

LOOPS = (ast.For, ast.AsyncFor, ast.While)
LEAVING = (ast.Return, ast.Raise, ast.Continue, ast.Break)
Given = ast.expr | ast.AugAssign | None
"""The value, what changes it in place, or None: that cannot be told."""
MOST = 8  # ways by which a name comes to its value


def last_given(tree: Tree, name: ast.Name) -> list[Given]:
    """What the name was given last, by each way that leads to it; nothing where it is given nothing here."""
    scope = tree.scope.get(name)
    found: list[Given] = []
    for owner, block, place in blocks(scope, name) if scope is not None else ():
        if isinstance(owner, LOOPS) and any(binds(one, name.id) for one in block[place:]):
            return [None]  # the next time round
        ways, always = given_in(block[:place], name.id)
        found += ways
        if always or len(found) > MOST:
            return found
        if isinstance(owner, ast.With | ast.AsyncWith) and (opens := opened(owner, name.id)) is not None:
            return [*found, opens]
        if binds_itself(owner, name.id):
            return [None]
    return [*found, None] if found else []


def only_given(tree: Tree, name: ast.Name) -> Given:
    """Where there is one way alone."""
    found = last_given(tree, name)
    return found[0] if len(found) == 1 else None


def blocks(scope: Scope, node: ast.expr) -> list[tuple[ast.AST, Sequence[ast.stmt], int]]:
    """[(owner, its statements, which of them holds the node)] from the innermost to those of the scope; nothing where the node
    stands in no statement of it."""
    found: list[tuple[ast.AST, Sequence[ast.stmt], int]] = []
    owner: ast.AST = scope
    while True:
        inner = within(owner, node)
        if inner is None:
            return found[::-1]
        found.append((owner, *inner))
        owner = inner[0][inner[1]]
        if isinstance(owner, SCOPES):
            return []


def within(owner: ast.AST, node: ast.expr) -> tuple[Sequence[ast.stmt], int] | None:
    """The list of statements below *owner* in which the node is, and the place of the one that holds it."""
    for block in lists_of(owner):
        for place, one in enumerate(block):
            if spans(one, node):
                return block, place
    return None


def lists_of(owner: ast.AST) -> list[list[ast.stmt]]:
    inner = [*getattr(owner, "handlers", ()), *getattr(owner, "cases", ())]
    named = [getattr(owner, name, None) for name in ("body", "orelse", "finalbody")]
    return [one for one in named if isinstance(one, list)] + [one.body for one in inner]


def spans(one: ast.stmt, node: ast.expr) -> bool:
    begin, end = (one.lineno, one.col_offset), (one.end_lineno or one.lineno, one.end_col_offset or 0)
    return begin <= (node.lineno, node.col_offset) and (node.end_lineno or 0, node.end_col_offset or 0) <= end


def binds(statement: ast.AST, name: str) -> bool:
    return any(
        isinstance(one, ast.Name) and one.id == name and not isinstance(one.ctx, ast.Load)
        for one in ast.walk(statement)
    )


def given_in(block: Sequence[ast.stmt], name: str) -> tuple[list[Given], bool]:
    """(what it gives the name last, by each way through it; whether each gives it something)"""
    found: list[Given] = []
    for one in reversed(block):
        if binds(one, name):
            ways, always = given_by(one, name)
            found += ways
            if always or len(found) > MOST:
                return found, True
    return found, False


def given_by(statement: ast.stmt, name: str) -> tuple[list[Given], bool]:
    if isinstance(statement, ast.Assign) and all(isinstance(one, ast.Name) for one in statement.targets):
        return [statement.value], True
    if isinstance(statement, ast.Assign) and is_frame(statement, name):
        return [statement.value], True
    if isinstance(statement, ast.AnnAssign | ast.AugAssign) and isinstance(statement.target, ast.Name):
        return [statement if isinstance(statement, ast.AugAssign) else statement.value], True
    if isinstance(statement, ast.With | ast.AsyncWith):
        ways, always = given_in(statement.body, name)
        opens = opened(statement, name)
        return (ways, True) if always else ([*ways, opens], True) if opens is not None else (ways, False)
    if isinstance(statement, ast.If) and not binds(statement.test, name):
        parts = [part for part in (statement.body, statement.orelse) if not leaves(part)]
        each = [given_in(part, name) for part in parts]
        return [way for ways, _ in each for way in ways], all(always for _, always in each)
    if isinstance(statement, ast.Try) and all(leaves(one.body) for one in statement.handlers):
        return given_in([*statement.body, *statement.orelse, *statement.finalbody], name)
    return [None], True


def is_frame(statement: ast.Assign, name: str) -> bool:
    """read, frame = camera.read()"""
    target, value = statement.targets[0], statement.value
    pair = target.elts if isinstance(target, ast.Tuple) and len(target.elts) == 2 else [target]
    read = isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "read"
    return read and len(pair) == 2 and isinstance(pair[1], ast.Name) and pair[1].id == name


def leaves(block: Sequence[ast.stmt]) -> bool:
    return bool(block) and isinstance(block[-1], LEAVING)


def binds_itself(owner: ast.AST, name: str) -> bool:
    """Whether what a block stands in gives the name something: for name in ..., with ... as name."""
    targets = [getattr(owner, "target", None), *(item.optional_vars for item in getattr(owner, "items", ()))]
    return any(part is not None and binds(part, name) for part in targets)


def opened(owner: ast.With | ast.AsyncWith, name: str) -> ast.expr | None:
    """with Image.open(path) as img"""
    return next(
        (
            item.context_expr
            for item in owner.items
            if isinstance(item.optional_vars, ast.Name) and item.optional_vars.id == name
        ),
        None,
    )
