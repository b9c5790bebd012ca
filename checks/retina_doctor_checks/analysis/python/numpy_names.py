"""Names of NumPy that newer releases of it do not have: which of them a file uses, and which it gives NumPy itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...facts.source import Sign
from ...numpy_names import GONE, INSTEAD
from .lines import place
from .tree import Tree, last_word

WORDS = ("np.int", "np.float", "np.bool", "np.object", "np.Inf", "np.NaN", "numpy.int", "numpy.float", "numpy.bool")
"""For which alone a file is parsed."""
ATTRIBUTES = ("hasattr", "getattr", "setattr")
ASKS = (*ATTRIBUTES, "__version__", "NumpyVersion")
VERSIONS = ("numpy.version", "numpy.__version__", "numpy.lib.NumpyVersion")


class AskedOfNumpy:
    """What a file asks about NumPy. *any*: anything; *names*: which of its names, by hasattr() and the like; *put*: those that
    setattr() gives it; *flags*: names that stand for an answer."""

    def __init__(self, tree: Tree) -> None:
        self.names: set[str] = set()
        self.put: dict[str, ast.Call] = {}
        self.flags: set[str] = set()
        asking = {node for node in tree.scope if self._asks(tree, node)}
        self.any = bool(asking)
        for node in tree.scope if asking else ():
            value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr, ast.Return)) else None
            if value is None or asking.isdisjoint(ast.walk(value)):
                continue
            scope = tree.scope[node]
            if isinstance(node, ast.Return):
                self.flags |= {scope.name} if isinstance(scope, (ast.FunctionDef, ast.AsyncFunctionDef)) else set()
            elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr)):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                self.flags |= {one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)}

    def _asks(self, tree: Tree, node: ast.AST) -> bool:
        if isinstance(node, (ast.Attribute, ast.Name)):
            return tree.full(node).startswith(VERSIONS)
        if not isinstance(node, ast.Call) or not node.args:
            return False
        first, called = node.args[0], last_word(node.func)
        if called == "version":  # of importlib.metadata
            return isinstance(first, ast.Constant) and first.value == "numpy"
        if called not in ATTRIBUTES or tree.full(first) != "numpy":
            return False
        given = node.args[1] if len(node.args) > 1 else None
        named = [given] if isinstance(given, ast.Constant) else tree.scope  # of a loop: any that the file writes down
        names = {one.value for one in named if isinstance(one, ast.Constant) and isinstance(one.value, str)}
        self.names |= names
        self.put.update(dict.fromkeys(GONE.keys() & names, node) if called == "setattr" else {})
        return True

    def guards(self, name: str) -> bool:
        """Also by the name that is there in its place."""
        return name in self.names or INSTEAD.get(name, name).rpartition(".")[2] in self.names


def told(tree: Tree) -> Iterator[Sign]:
    """Not what stands in a `try`, or below a question for the name or the version."""
    named = [
        node
        for node in tree.scope
        if isinstance(node, ast.Attribute) and node.attr in GONE and tree.full(node) == f"numpy.{node.attr}"
    ]
    asked = AskedOfNumpy(tree)
    for name, call in asked.put.items():
        yield Sign(at=place(tree, call), kind="numpy-given", what=name)
    guarded = {inner for node in tree.scope if named and is_guard(node, asked.flags) for inner in ast.walk(node)}
    for node in named:
        if isinstance(node.ctx, ast.Store):
            yield Sign(at=place(tree, node), kind="numpy-given", what=node.attr)
        elif node not in guarded and not asked.guards(node.attr):
            later = asked.any or is_later(tree, node)
            yield Sign(at=place(tree, node), kind="numpy-name-later" if later else "numpy-name", what=node.attr)


def is_later(tree: Tree, node: ast.AST) -> bool:
    """Whether it is reached when a function is called, if ever."""
    scope = tree.scope[node]
    while isinstance(scope, ast.ClassDef):
        scope = tree.parent[scope]
    return scope is not tree.root


def is_guard(node: ast.AST, flags: set[str]) -> bool:
    if isinstance(node, (ast.Try, ast.TryStar)):
        return True
    test = node.test if isinstance(node, (ast.If, ast.IfExp)) else node if isinstance(node, ast.BoolOp) else None
    return test is not None and any(
        (isinstance(one, ast.Name) and (one.id in ASKS or one.id in flags))
        or (isinstance(one, ast.Attribute) and one.attr in (*ASKS, "version"))
        for one in ast.walk(test)
    )
