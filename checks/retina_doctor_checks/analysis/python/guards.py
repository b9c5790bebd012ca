"""What to write before a line that takes for granted that there is something: the question, and what is done where there is
nothing.

What is right there is known of a route, and of a function whose annotation says what it may return. Elsewhere it is a draft: a
caller may count on an answer for each picture.
"""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

from ...facts.source_lines import LineCorrection
from ..text import MOST_LINE, corrected_lines
from . import annotated
from .lines import text_of
from .tree import FUNCTIONS, NAMED, Named, Tree, last_word

BEFORE = (ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.For, ast.With, ast.If, ast.Raise)
"""Statements before which another can stand, and that are come to once."""
LATER = (
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda, ast.IfExp, ast.BoolOp, ast.NamedExpr),
    *(ast.For, ast.With, ast.If, ast.Await),
)
"""In these a part is not computed first, and once: it cannot be taken out."""
ROUTE = ("get", "post", "put", "patch", "delete", "route", "api_route")


class Guarded(NamedTuple):
    """What should stand in place of the line, or could; *also*: lines that change with it. None: it cannot be written."""

    fixed: str | None = None
    draft: str | None = None
    also: tuple[LineCorrection, ...] = ()


class Leaving(NamedTuple):
    """What is done where there is nothing; *sure*: it is right here."""

    words: str
    sure: bool
    also: tuple[LineCorrection, ...] = ()


def without_face(tree: Tree, used: ast.expr) -> Guarded:
    """Before the first face is taken. *used*: the name of the faces, or the call that finds them."""
    return guarded(tree, used, "if not {name}:", "faces", no_face(tree, used))


def without_picture(tree: Tree, used: ast.expr) -> Guarded:
    """Before the first use of a picture. *used*: its name, or the call that reads it."""
    return guarded(tree, used, "if {name} is None:", "img", no_picture(tree, used))


def guarded(tree: Tree, used: ast.expr, question: str, fresh: str, leaving: Leaving | None) -> Guarded:
    """The line that uses what may be missing, after the *question*. *fresh*: a name for a value that has none."""
    statement = statement_of(tree, used)
    if statement is None or leaving is None:
        return Guarded()
    line = tree.lines[statement.lineno - 1]
    indent = line[: len(line) - len(line.lstrip())]
    step = "\t" if "\t" in indent else "    "
    name, first = used.id if isinstance(used, ast.Name) else fresh, []
    if not isinstance(used, ast.Name):
        call = text_of(tree, used)
        if not call or line.count(call) != 1 or not can_be_taken_out(statement, used) or is_taken(tree, used, fresh):
            return Guarded()
        first, line = [f"{indent}{fresh} = {call}"], line.replace(call, fresh)
    lines = corrected_lines(*first, indent + question.format(name=name), indent + step + leaving.words, line)
    return Guarded(lines, None, leaving.also) if leaving.sure else Guarded(None, lines)


def statement_of(tree: Tree, node: ast.expr) -> ast.stmt | None:
    """The statement that a node stands in, where it begins on the node's line and stands alone there."""
    around = [one for one in tree.scope if isinstance(one, ast.stmt) and holds(one, node)]
    one = max(around, key=lambda stmt: (stmt.lineno, stmt.col_offset), default=None)
    if not isinstance(one, BEFORE) or one.lineno != node.lineno:
        return None
    line = tree.lines[one.lineno - 1]
    before = line[: len(line) - len(line.lstrip())]
    alone = len(before) == one.col_offset and not re.match(r"(?:elif|else|except|finally|case)\b", line.lstrip())
    last = tree.lines[(one.end_lineno or one.lineno) - 1].encode("utf-8", "surrogatepass")[one.end_col_offset :]
    return one if alone and not last.lstrip().startswith(b";") else None


def holds(statement: ast.stmt, node: ast.expr) -> bool:
    return (statement.lineno, statement.col_offset) <= (node.lineno, node.col_offset) and (
        node.end_lineno or node.lineno,
        node.end_col_offset or 0,
    ) <= (statement.end_lineno or statement.lineno, statement.end_col_offset or 0)


def can_be_taken_out(statement: ast.stmt, node: ast.expr) -> bool:
    return not any(
        isinstance(one, LATER) and any(inner is node for inner in ast.walk(one)) for one in ast.walk(statement)
    )


def is_taken(tree: Tree, node: ast.expr, name: str) -> bool:
    """Whether a name stands for something already where a node stands."""
    named = (one for one in tree.scope if isinstance(one, ast.Name) and one.id == name)
    here = tree.scope.get(node)
    return any(tree.scope[one] is here for one in named) or (tree.root, name) in tree.bound or name in tree.names


def function_of(tree: Tree, node: ast.expr) -> Named | None:
    scope = tree.scope.get(node)
    return scope if isinstance(scope, NAMED) else None


def no_face(tree: Tree, node: ast.expr) -> Leaving | None:
    """How a function may be left where there is no face; None: nobody can tell."""
    function = function_of(tree, node)
    if function is None:
        return outside(tree, node, "no face in the picture")
    if gives(function):
        return Leaving("return", sure=False)
    said = annotated.outermost(function.returns)
    if is_route(function):
        modelled = any(word.arg == "response_model" for one in routes_of(function) for word in one.keywords)
        plain = not modelled and said <= {"dict", "Dict", "Any"} and answers_with_faces(tree, function)
        return Leaving('return {"faces": []}', sure=plain and tree.imports("fastapi", "flask", "quart"))
    if "None" in said:
        return Leaving("return None", sure=True)
    if said & {"list", "List", "Sequence"}:
        return Leaving("return []", sure=True)
    return Leaving("continue" if in_loop(function, node) else "return None", sure=False)


def answers_with_faces(tree: Tree, function: Named) -> bool:
    """Whether each of a route's answers is a list of faces and no more, so that an empty one is of their kind."""
    given = [one.value for one in ast.walk(function) if isinstance(one, ast.Return) and tree.scope.get(one) is function]
    return bool(given) and all(
        isinstance(one, ast.Dict)
        and [key.value for key in one.keys if isinstance(key, ast.Constant)] == ["faces"]
        and len(one.keys) == 1
        and isinstance(one.values[0], ast.List | ast.ListComp)
        for one in given
    )


def no_picture(tree: Tree, node: ast.expr) -> Leaving | None:
    function = function_of(tree, node)
    if function is None:
        return outside(tree, node, "the image cannot be read")
    if is_route(function) and tree.imports("flask", "quart") and not gives(function):
        return Leaving('return {"error": "not an image"}, 400', sure=True)
    if is_route(function) and tree.imports("fastapi"):
        return of_fastapi(tree)
    return Leaving('raise ValueError("the image cannot be read")', sure=True)


def of_fastapi(tree: Tree) -> Leaving:
    refuse = 'raise {}(400, "not an image")'
    name = tree.word_for("fastapi", "HTTPException")
    if name is not None:
        return Leaving(refuse.format(name), sure=True)
    also = importing(tree, "fastapi", "HTTPException")
    return Leaving(refuse.format("HTTPException"), sure=also is not None, also=(also,) if also is not None else ())


def importing(tree: Tree, module: str, name: str) -> LineCorrection | None:
    """The line of the module's import with one more name; None where it goes over several lines, or the name stands for
    something else somewhere in the file."""
    defined = {one.name for one in ast.walk(tree.root) if isinstance(one, ast.ClassDef)} | set(tree.functions)
    if name in tree.names or name in defined or any(bound == name for _, bound in tree.bound):
        return None
    for node in tree.root.body:
        if not isinstance(node, ast.ImportFrom) or node.module != module or node.level or node.names[0].name == "*":
            continue
        if node.lineno == node.end_lineno and len(tree.lines[node.lineno - 1]) <= MOST_LINE:
            line = tree.lines[node.lineno - 1].encode("utf-8", "surrogatepass")
            end = node.names[-1].end_col_offset or 0
            text = (line[:end] + f", {name}".encode() + line[end:]).decode("utf-8", "surrogatepass")
            return LineCorrection(at=tree.text.at(node.lineno), fixed=text.strip())
    return None


def outside(tree: Tree, node: ast.expr, words: str) -> Leaving | None:
    """In no function: a script ends, and says why; what lies in a class or a lambda is left."""
    if isinstance(tree.scope.get(node), ast.ClassDef | ast.Lambda):
        return None
    if in_loop(tree.root, node):
        return Leaving("continue", sure=False)
    return Leaving(f'raise SystemExit("{words}")', sure=True)


def in_loop(scope: ast.AST, node: ast.expr) -> bool:
    """Whether it is in the body of a loop of this scope."""
    todo = list(ast.iter_child_nodes(scope))
    while todo:
        one = todo.pop()
        body = one.body if isinstance(one, ast.For | ast.AsyncFor | ast.While) else ()
        if any(inner is node for part in body for inner in ast.walk(part)):
            return True
        if not isinstance(one, FUNCTIONS):
            todo += ast.iter_child_nodes(one)
    return False


def gives(function: Named) -> bool:
    """Whether it is a generator."""
    return any(isinstance(one, ast.Yield | ast.YieldFrom) for one in ast.walk(function))


def routes_of(function: Named) -> list[ast.Call]:
    return [one for one in function.decorator_list if isinstance(one, ast.Call) and last_word(one.func) in ROUTE]


def is_route(function: Named) -> bool:
    return bool(routes_of(function))
