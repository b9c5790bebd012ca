"""What an expression may be, one alternative of it; and who may exchange it from outside."""

from __future__ import annotations

import ast

from .outside import NUMBER
from .tree import Tree, last_word

NAMES = (ast.Name, ast.Attribute)
DEEP = 12  # steps that are followed; a chain of names is short, a circle has no end
MOST = 20  # alternatives that are looked at
MOST_STEPS = 300000  # of one file
WRAPPERS = (
    "int",
    "str",
    "float",
    "list",
    "tuple",
    "os.fspath",
    "os.path.expanduser",
    "os.path.abspath",
    "os.path.realpath",
)
NUMBERS = ("int", "float")
UNCHANGED = ("resolve", "absolute", "expanduser", "as_posix")
"""Methods that name the same path."""
PATHS = ("pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath")
OWNERS = (
    *("dict", "types.SimpleNamespace", "fastapi.FastAPI", "starlette.applications.Starlette", "flask.Flask"),
    *("quart.Quart", "sanic.Sanic", "aiohttp.web.Application"),
)
"""What makes an object that keeps what it is given."""
CURRENT = ("flask.current_app.config", "quart.current_app.config")
ENVIRONMENT = ("os.environ.get", "os.getenv", "environ.get")


class Value:
    """*node*: what is not followed further; None: unknown. *at*: the argument or default by which it came here, where a
    parameter was followed. *sure*: no one can set it from outside: an environment variable or a flag may."""

    __slots__ = ("at", "node", "sure")

    def __init__(self, node: ast.expr | None, at: ast.expr | None = None, sure: bool = True) -> None:
        self.node = node
        self.at = at
        self.sure = sure

    def by(self, at: ast.expr) -> Value:
        return Value(self.node, self.at or at, self.sure)

    def unsure(self) -> Value:
        return Value(self.node, self.at, False)


def as_number(node: ast.expr | None) -> ast.expr | None:
    """Of the text that a variable is by default: float(os.getenv("THRESHOLD", "0.6"))."""
    said = node.value if isinstance(node, ast.Constant) else None
    if node is None or not (isinstance(said, str) and NUMBER.fullmatch(said.strip())):
        return node
    return ast.copy_location(ast.Constant(float(said) if "." in said else int(said)), node)


def from_outside(tree: Tree, node: ast.expr) -> bool:
    """Whether an environment variable says it."""
    if isinstance(node, ast.Call):
        return tree.full(node.func) in ENVIRONMENT
    return isinstance(node, ast.Subscript) and tree.full(node.value) in ("os.environ", "environ")


def is_exchanged(tree: Tree, node: ast.expr, other: Tree) -> bool:
    """Whether some file sets the name in the module that *other* is, from outside."""
    name = last_word(node)
    owners = {other.text.path.removesuffix(".py").removesuffix("/__init__").rpartition("/")[2]}
    if isinstance(node, ast.Attribute):
        owners.add(last_word(node.value))
    return bool(name) and any(tree.neighbours.is_set_elsewhere(one, name, other.text.path) for one in owners)
