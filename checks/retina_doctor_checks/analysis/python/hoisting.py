"""What to write so that a model is made once: before the function that makes it for each request, or below a decorator that
remembers it."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from typing import NamedTuple

from ...facts.source_lines import LineCorrection
from ..text import corrected_lines
from .guards import statement_of
from .tree import NAMED, Named, Tree, last_word, parameters

INDENT = "    "
CACHE = "cache_resource"


class Hoisted(NamedTuple):
    """What should stand in place of the line ("": it goes), and lines that change with it, from the last to the first."""

    fixed: str | None = None
    also: tuple[LineCorrection, ...] = ()


def hoisted(tree: Tree, call: ast.Call, script: bool) -> Hoisted:
    """*script*: Streamlit runs the file again and again."""
    scope = tree.scope.get(call)
    if scope is tree.root:
        return remembered(tree, call) if script else Hoisted()
    if not isinstance(scope, NAMED) or scope not in tree.root.body:
        return Hoisted()
    if hands_back(tree, scope, call):
        return decorated(tree, scope, script)
    statement = statement_of(tree, call)
    if isinstance(statement, ast.Assign) and statement.value is call and not script:
        return before(tree, scope, statement)
    return Hoisted()


def hands_back(tree: Tree, function: Named, call: ast.Call) -> bool:
    """Whether the function gives the model, and nothing else."""
    gives = [one for one in ast.walk(function) if isinstance(one, ast.Return | ast.Yield | ast.YieldFrom)]
    given = gives[0].value if len(gives) == 1 and gives[0] is function.body[-1] else None
    if isinstance(given, ast.Name):
        return tree.bound.get((function, given.id)) == [call]
    return given is call


def before(tree: Tree, function: Named, statement: ast.Assign) -> Hoisted:
    """The model of a handler, and its prepare(), in the module before that."""
    name = last_word(statement.targets[0])
    moved = block(function.body, statement, name)
    kept = [one for one in function.body if one not in moved and not is_text(one)]
    first = min([function.lineno, *(one.lineno for one in function.decorator_list)])
    used = [one for one in tree.scope if isinstance(one, ast.Name) and one.id == name]
    own = name and name not in tree.names and name not in tree.functions and name not in parameters(function)
    alone = all(tree.scope[one] is function for one in used) and len(tree.bound.get((function, name), ())) == 1
    if not (moved and kept and own and alone) or not all(is_known(tree, one, name, first) for one in moved):
        return Hoisted()
    lines = [tree.lines[one.lineno - 1].strip() for one in moved]
    return replaced(tree, moved, first, [*lines, "", "", tree.lines[first - 1]])


def remembered(tree: Tree, call: ast.Call) -> Hoisted:
    """The model of a script of Streamlit's, in a function below @st.cache_resource."""
    statement, decorator = statement_of(tree, call), tree.word_for("streamlit", CACHE)
    name = last_word(statement.targets[0]) if isinstance(statement, ast.Assign) else ""
    moved = block(tree.root.body, statement, name) if isinstance(statement, ast.Assign) else []
    function = f"load_{name}"
    if (
        not moved
        or decorator is None
        or function in {*tree.names, *tree.functions}
        or (tree.root, function) in tree.bound
    ):
        return Hoisted()
    lines = [INDENT + tree.lines[one.lineno - 1].strip() for one in moved]
    whole = [f"@{decorator}", f"def {function}():", *lines, f"{INDENT}return {name}", "", ""]
    fixed = corrected_lines(*whole, f"{name} = {function}()")
    return Hoisted(fixed, tuple(gone(tree, one) for one in reversed(moved[1:])) if fixed else ())


def decorated(tree: Tree, function: Named, script: bool) -> Hoisted:
    """A function that does no more than to make a model, below what remembers what it gave."""
    if function.decorator_list or parameters(function) or isinstance(function, ast.AsyncFunctionDef):
        return Hoisted()
    words, imports = (tree.word_for("streamlit", CACHE), ()) if script else cache(tree)
    text = corrected_lines(f"@{words}", tree.lines[function.lineno - 1]) if words is not None else None
    if text is None:
        return Hoisted()
    return Hoisted(None, (LineCorrection(at=tree.text.at(function.lineno), fixed=text), *imports))


def cache(tree: Tree) -> tuple[str | None, tuple[LineCorrection, ...]]:
    """(functools' decorator as this file names it, the line that imports it); None: it cannot be named."""
    own = tree.word_for("functools", "lru_cache")
    if own is not None:
        return f"{own}(maxsize=1)", ()
    first = next(
        (one for one in tree.root.body if isinstance(one, ast.Import | ast.ImportFrom) and not is_future(one)), None
    )
    taken = "lru_cache" in {*tree.functions, *tree.classes} or (tree.root, "lru_cache") in tree.bound
    if first is None or taken:
        return None, ()
    text = corrected_lines("from functools import lru_cache", tree.lines[first.lineno - 1])
    if text is None:
        return None, ()
    return "lru_cache(maxsize=1)", (LineCorrection(at=tree.text.at(first.lineno), fixed=text),)


def replaced(tree: Tree, moved: list[ast.stmt], first: int, lines: list[str]) -> Hoisted:
    text = corrected_lines(*lines)
    if text is None:
        return Hoisted()
    there = LineCorrection(at=tree.text.at(first), fixed=text)
    return Hoisted("", (*(gone(tree, one) for one in reversed(moved[1:])), there))


def gone(tree: Tree, statement: ast.stmt) -> LineCorrection:
    return LineCorrection(at=tree.text.at(statement.lineno), fixed="")


def block(body: list[ast.stmt], statement: ast.stmt, name: str) -> list[ast.stmt]:
    """The statement and NAME.prepare(...) behind it, each alone on a line of this body; none where others prepare it."""
    if statement not in body or not name or not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return []
    place = body.index(statement)
    found: list[ast.stmt] = [statement, *(one for one in body[place + 1 : place + 2] if is_prepared(one, name))]
    rest = [one for one in body if one not in found]
    if any(is_prepared(inner, name) for one in rest for inner in ast.walk(one) if isinstance(inner, ast.stmt)):
        return []
    return found if all(one.lineno == one.end_lineno for one in found) else []


def is_prepared(statement: ast.stmt, name: str) -> bool:
    call = statement.value if isinstance(statement, ast.Expr) else None
    method = call.func if isinstance(call, ast.Call) else None
    return isinstance(method, ast.Attribute) and method.attr == "prepare" and last_word(method.value) == name


def is_known(tree: Tree, statement: ast.stmt, name: str, line: int) -> bool:
    """Whether all that a statement names, but for what it makes itself, is there before a line of the module."""
    names = (one.id for one in ast.walk(statement) if isinstance(one, ast.Name) and one.id != name)
    there = {name for one in tree.root.body if one.lineno < line for name in defined(one)}
    return all(one in there or hasattr(builtins, one) for one in names)


def defined(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.Import | ast.ImportFrom):
        yield from (one.asname or one.name.split(".")[0] for one in statement.names)
    elif isinstance(statement, ast.Assign):
        yield from (one.id for one in statement.targets if isinstance(one, ast.Name))
    elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        yield statement.target.id
    elif isinstance(statement, ast.ClassDef | ast.FunctionDef):
        yield statement.name


def is_future(node: ast.Import | ast.ImportFrom) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
