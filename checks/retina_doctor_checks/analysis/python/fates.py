"""What becomes of a thing that a function makes: it is used and let go, handed back, or kept beyond the call."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Literal

from .tree import SCOPES, Named, Tree, is_self, last_word, parameters

Fate = Literal["let go", "handed back", "handed back within", "kept"]
"""Within: in a list or a dict that the function makes."""
RANK: tuple[Fate, ...] = ("kept", "handed back within", "handed back", "let go")
CONTAINERS = (ast.Dict, ast.List, ast.Set, ast.Tuple)
MAKING = ("dict", "list", "set", "defaultdict", "OrderedDict")
KEEPING = (
    *("append", "appendleft", "add", "insert", "extend", "update", "setdefault", "set", "put", "put_nowait", "setattr"),
    *("register", "store", "cache", "push", "save", "remember", "add_instance", "to_instance", "send", "set_result"),
)
"""Methods that may keep what they are given."""
OF_A_REQUEST = ("flask.g", "quart.g")
UNKNOWN_WAYS = (ast.IfExp, ast.BoolOp, ast.DictComp, ast.NamedExpr, ast.Lambda, ast.AugAssign)
"""known or made(): whether it is made each time cannot be told, or where it goes."""
PLAIN = (
    *("staticmethod", "classmethod", "no_grad", "inference_mode", "override", "wraps"),
    *("contextmanager", "asynccontextmanager"),
)
MOST = 3  # names by which one thing is handed on


class Body:
    """A function's own nodes, and what each stands in. *inner*: names that functions within it use; *outer*: those that are
    not its own; *fates*: (name, whether it is a container's) -> what becomes of it."""

    def __init__(self, function: Named | ast.Module) -> None:
        self.function = function
        self.above: dict[ast.AST, ast.AST] = {}
        self.inner: set[str] = set()
        self.outer: set[str] = set()
        self.fates: dict[tuple[str, bool], Fate] = {}
        todo: list[ast.AST] = list(function.body)
        while todo:
            node = todo.pop()
            if isinstance(node, SCOPES):
                names = (one.id for one in ast.walk(node) if isinstance(one, ast.Name))
                self.inner |= set(names) if isinstance(function, SCOPES) else set()  # of a script, with it they go
                continue
            if isinstance(node, ast.Global | ast.Nonlocal):
                self.outer |= set(node.names)
            for child in ast.iter_child_nodes(node):
                self.above[child] = node
                todo.append(child)
        self.nodes = [*function.body, *self.above]

    def calls(self) -> Iterator[ast.Call]:
        found = [one for one in self.nodes if isinstance(one, ast.Call) and not isinstance(one, SCOPES)]
        yield from sorted(found, key=lambda call: (call.lineno, call.col_offset))

    def loads(self, name: str) -> list[ast.Name]:
        named = (one for one in self.nodes if isinstance(one, ast.Name) and one.id == name)
        return [one for one in named if isinstance(one.ctx, ast.Load)]

    def is_within(self, node: ast.AST, kinds: tuple[type[ast.AST], ...]) -> bool:
        while (above := self.above.get(node)) is not None:
            if isinstance(above, kinds):
                return True
            node = above
        return False

    def is_straight(self, node: ast.AST) -> bool:
        """Whether each call comes there: below no condition, and behind no way out."""
        if self.is_within(node, (ast.If, ast.For, ast.While, ast.Try, ast.Match)):
            return False
        line = getattr(node, "lineno", 0)
        return not any(isinstance(one, ast.Return) and one.lineno < line for one in self.nodes)


def fate(tree: Tree, body: Body, node: ast.expr, far: int = 0, within: bool = False) -> Fate:
    """Of what an expression of the body makes or names. *within*: in a container that it makes or names."""
    child: ast.AST = node
    while (above := body.above.get(child)) is not None:
        if isinstance(above, ast.Attribute | ast.Subscript) and child is above.value:
            if not within:
                return "let go"  # it is used: model.get(img)
            if isinstance(above, ast.Attribute):
                return "let go" if above.attr in KEEPING else "kept"  # models.append(), models.items()
            if not isinstance(above.ctx, ast.Load):
                return "let go"
            within = False
        elif (found := of_use(tree, body, above, child, far, within)) is not None:
            return found
        within = within or (isinstance(above, CONTAINERS) and isinstance(child, ast.expr))
        child = above
    return "let go"


def of_use(tree: Tree, body: Body, above: ast.AST, child: ast.AST, far: int, within: bool) -> Fate | None:
    """Of what stands in *above*; None: whatever becomes of that."""
    if isinstance(above, UNKNOWN_WAYS) and not (isinstance(above, ast.IfExp) and is_made_either_way(above, child)):
        return "kept"
    if isinstance(above, ast.Call) and child is not above.func and last_word(above.func) in KEEPING:
        owner = above.func.value if isinstance(above.func, ast.Attribute) else None
        return into(tree, body, owner, far)
    if isinstance(above, ast.Return | ast.Yield | ast.YieldFrom):
        return "handed back within" if within else "handed back"
    if isinstance(above, ast.Assign | ast.AnnAssign):
        return assigned(tree, body, above, far, within)
    if isinstance(above, ast.comprehension | ast.For | ast.AsyncFor) and within:
        return "kept"  # one of them may be
    return "let go" if isinstance(above, ast.stmt) else None


def is_made_either_way(choice: ast.IfExp, child: ast.AST) -> bool:
    """FaceAnalysis("buffalo_l") if wanted else FaceAnalysis("buffalo_s")"""
    one, other = choice.body, choice.orelse
    if not isinstance(one, ast.Call) or not isinstance(other, ast.Call) or child is choice.test:
        return False
    return ast.dump(one.func) == ast.dump(other.func)


def gravest(found: set[Fate]) -> Fate:
    return next((one for one in RANK if one in found), "let go")


def into(tree: Tree, body: Body, container: ast.expr | None, far: int) -> Fate:
    """Of what is put into a container: where the function itself makes that, the container's own."""
    name = container.id if isinstance(container, ast.Name) else ""
    given = tree.bound.get((body.function, name), ())
    fresh = len(given) == 1 and (
        isinstance(given[0], ast.Dict | ast.List | ast.Set)
        or (isinstance(given[0], ast.Call) and last_word(given[0].func) in MAKING)
    )
    return of_name(tree, body, name, far, True) if fresh else "kept"


def assigned(tree: Tree, body: Body, node: ast.Assign | ast.AnnAssign, far: int, within: bool) -> Fate:
    """By each of the names that it is given."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return gravest({of_target(tree, body, one, far, within) for one in targets})


def of_target(tree: Tree, body: Body, target: ast.expr, far: int, within: bool) -> Fate:
    if isinstance(target, ast.Attribute):
        if getattr(body.function, "name", "") == "__init__" and is_self(target.value):
            return "handed back" if body.is_straight(target) else "kept"
        return "let go" if tree.full(target.value) in OF_A_REQUEST or is_request(body, target.value) else "kept"
    if isinstance(target, ast.Subscript):
        return into(tree, body, target.value, far)
    if isinstance(target, ast.Tuple | ast.List):
        return "let go" if all(isinstance(one, ast.Name) for one in target.elts) else "kept"
    return of_name(tree, body, target.id, far, within) if isinstance(target, ast.Name) else "kept"


def is_request(body: Body, node: ast.expr) -> bool:
    """request.state, of a parameter `request: Request`: each has its own."""
    if not (isinstance(node, ast.Attribute) and node.attr == "state" and isinstance(node.value, ast.Name)):
        return False
    taken = getattr(body.function, "args", None)
    said = {one.arg: one.annotation for one in (*taken.posonlyargs, *taken.args)} if taken is not None else {}
    return last_word(said.get(node.value.id) or node) == "Request"


def of_name(tree: Tree, body: Body, name: str, far: int, within: bool) -> Fate:
    if far >= MOST:
        return "kept"
    if name in body.outer or name in body.inner or name in parameters(body.function):
        return "kept"
    given = [one for one in tree.bound.get((body.function, name), ()) if not is_nothing(one)]
    if len(given) > 1 and not all(isinstance(one, ast.Call) for one in given):
        return "kept"  # it may be another
    known = (name, within)
    if known not in body.fates:
        body.fates[known] = "let go"  # while its uses lead to it again
        body.fates[known] = gravest({fate(tree, body, one, far + 1, within) for one in body.loads(name)})
    return body.fates[known]


def is_nothing(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def is_plain(function: Named) -> bool:
    """Whether nothing stands between a call and the function: no decorator that may remember what it gave."""
    words = [last_word(one.func if isinstance(one, ast.Call) else one) for one in function.decorator_list]
    return all(word in PLAIN for word in words)
