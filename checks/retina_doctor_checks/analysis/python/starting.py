"""What Python code says of its own start: a model that is loaded with its module, a server that loads it twice, routes that need
another package when they are declared (fastapi 0.12x, flask 3.1, uvicorn 0.5x)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Literal

from ...facts.source import Sign
from ..text import corrected
from . import forking, sessions
from .arguments import argument, plain_argument
from .constants import constants
from .lines import instead, place
from .makers import DETECTORS, FACE_ANALYSIS
from .packs import PACKS, nearest
from .tree import NAMED, Tree
from .values import single, values

PACKAGES = ("onnxruntime", "insightface", "cv2", "fastapi", "flask", "uvicorn", "quart", "torch", "multiprocessing")
LOADS = ("onnxruntime.InferenceSession", *FACE_ANALYSIS, *DETECTORS)
FORMS = (
    "fastapi.UploadFile",
    "fastapi.File",
    "fastapi.Form",
    "fastapi.param_functions.File",
    "fastapi.param_functions.Form",
)
TWICE = {"flask.Flask": ("debug", "use_reloader"), "quart.Quart": ("debug", "use_reloader"), "uvicorn": ("reload",)}


def told(tree: Tree) -> Iterator[Sign]:
    """What is no fault by itself, and one beside another: kinds of `Sign`."""
    for call in tree.calls:
        name = tree.full(call.func)
        if is_loaded(tree, call):
            on_cpu = sessions.is_for_cpu(tree, call)
            yield Sign(at=place(tree, call), kind="cpu-session" if on_cpu else "session", what=name.rpartition(".")[2])
        if name == "uvicorn.run":
            yield from twice(tree, call, TWICE["uvicorn"])
        elif isinstance(call.func, ast.Attribute) and call.func.attr == "run":
            made = single(tree, call.func.value)
            maker = tree.full(made.func) if isinstance(made, ast.Call) else ""
            if maker in TWICE:
                yield from twice(tree, call, TWICE[maker])
        if name in LOADERS and any(number > 0 for number in workers(tree, call)):
            yield Sign(at=place(tree, call), kind="loader", what=name.rpartition(".")[2])
        if name in FACE_ANALYSIS and (where := pack_of(tree, call)) is not None:
            yield Sign(at=place(tree, call), kind="pack", what=where)
        if name in NAMING:
            yield from names(tree, call)
        if name in LOADS and (asked := asks_for_tensorrt(tree, call)) is not None:
            yield Sign(at=place(tree, asked), kind="tensorrt", what=TENSORRT)
    loads = [call for call in tree.calls if is_loaded(tree, call) and not sessions.is_for_cpu(tree, call)]
    yield from forking.told(tree, loads)
    yield from forking.chosen(tree)
    for call in tree.called.get("prepare", ())[:1]:
        yield Sign(at=place(tree, call), kind="prepared", what="prepare")
    if tree.imports("fastapi"):
        yield from forms(tree)
    if tree.imports("onnxruntime"):
        yield from caches(tree)
    yield from routes(tree)


def is_loaded(tree: Tree, call: ast.Call) -> bool:
    """Whether it loads a model when the module is loaded: in the module itself, or in a class of it."""
    scope = tree.scope[call]
    own = scope is tree.root or (isinstance(scope, ast.ClassDef) and tree.parent.get(scope) is tree.root)
    return tree.full(call.func) in LOADS and own and not below_main(tree, call)


LOADERS = ("torch.utils.data.DataLoader", "torch.utils.data.dataloader.DataLoader")
CACHES = {"trt_engine_cache_path": "trt_engine_cache_enable", "trt_timing_cache_path": "trt_timing_cache_enable"}
"""Options of onnxruntime's TensorRT provider: where it writes, and what lets it (docs/execution-providers/TensorRT). Without a
path that is the working directory."""


def workers(tree: Tree, call: ast.Call) -> list[int]:
    """Numbers that num_workers may be; more than none hand what they load on through shared memory."""
    given = plain_argument(call, "num_workers", 5)
    found = [value for value, _ in constants(tree, given)] if given is not None else []
    return [value for value in found if type(value) is int]


def caches(tree: Tree) -> Iterator[Sign]:
    """Folders into which engines are written that took minutes to build."""
    for node in tree.scope:
        if isinstance(node, ast.Dict):
            options = {
                key.value: value
                for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant)
            }
            for path, switch in CACHES.items():
                if switch in options and [value for value, _ in constants(tree, options[switch])] in (
                    [True],
                    [1],
                    ["1"],
                    ["True"],
                ):
                    where = [value for value, _ in constants(tree, options[path])] if path in options else ["."]
                    if len(where) == 1 and isinstance(where[0], str):
                        yield Sign(at=place(tree, options[switch]), kind="cache", what=where[0])


HOME = "~/.insightface"


def pack_of(tree: Tree, call: ast.Call) -> str | None:
    """The folder into which insightface unpacks its models where they are not there; None: it cannot be told."""
    try:
        given = argument(call, "root", 1)
    except KeyError:
        return None
    if given is None:
        return HOME
    found = constants(tree, given)
    return str(found[0][0]) if len(found) == 1 and isinstance(found[0][0], str) else None


NAMING = (*FACE_ANALYSIS, *(one for one in DETECTORS if one.endswith("get_model")))
NAME = re.compile(r"[A-Za-z][\w-]*")
"""A model's own; what holds a dot or a slash is a file or a folder."""


def names(tree: Tree, call: ast.Call) -> Iterator[Sign]:
    """The names by which insightface looks for models in its folder: "own-name" in one that the code chooses."""
    given = plain_argument(call, "name", 0)
    in_home = plain_argument(call, "root", 1 if tree.full(call.func) in FACE_ANALYSIS else None) is None and not any(
        one.arg is None for one in call.keywords
    )
    if given is None:
        return
    for value, by in constants(tree, given):
        if isinstance(value, str) and NAME.fullmatch(value) and value not in PACKS:
            where = by.at or (by.node if by.node is not None and tree.scope.get(by.node) is not None else given)
            kind: Literal["name", "own-name"] = "name" if in_home else "own-name"
            yield Sign(at=place(tree, where), kind=kind, what=value, near=nearest(value))


TENSORRT = "TensorrtExecutionProvider"


def asks_for_tensorrt(tree: Tree, call: ast.Call) -> ast.expr | None:
    """Where its providers name TensorRT's whichever way the program goes."""
    own = tree.full(call.func) == "onnxruntime.InferenceSession"
    given = plain_argument(call, "providers", 2 if own else None)
    found = values(tree, given) if given is not None else []
    named = [one for one in found if TENSORRT in sessions.names(tree, one.node)]
    return (named[0].at or given) if named and len(named) == len(found) else None


METHODS = ("get", "post", "put", "patch", "delete", "head", "options")
ROUTES = ("flask.Flask", "fastapi.FastAPI", "quart.Quart", "sanic.Sanic")
ELSEWHERE = ("include_router", "register_blueprint", "mount", "add_url_rule", "add_api_route", "add_route", "blueprint")


def routes(tree: Tree) -> Iterator[Sign]:
    """The paths that its applications serve; "* *" where there are more than stand here."""
    made = any(tree.full(call.func) in ROUTES for call in tree.calls)
    if not made:
        return
    for node in tree.scope:
        if isinstance(node, NAMED):
            for one in node.decorator_list:
                if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute):
                    yield from route(tree, one, one.func.attr)
    for call in tree.calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr in ELSEWHERE:
            yield Sign(at=place(tree, call), kind="route", what="* *")


def route(tree: Tree, call: ast.Call, word: str) -> Iterator[Sign]:
    """The path that a decorator serves, once for each method; "* *": one that cannot be told."""
    if word not in (*METHODS, "route", "api_route"):
        return
    try:
        path = argument(call, "path", 0) or argument(call, "rule", 0)
        given = argument(call, "methods")
    except KeyError:
        path = given = None
    found = constants(tree, path) if path is not None else []
    methods: object = (word.upper(),) if word in METHODS else ("GET",)
    if word in ("route", "api_route") and given is not None:
        told = constants(tree, given)
        methods = told[0][0] if len(told) == 1 else None
    known = len(found) == 1 and isinstance(found[0][0], str) and isinstance(methods, tuple)
    for method in methods if known and isinstance(methods, tuple) else ("*",):
        what = f"{str(method).upper()} {found[0][0]}" if known else "* *"
        yield Sign(at=place(tree, call), kind="route", what=what)


def below_main(tree: Tree, call: ast.Call) -> bool:
    """if __name__ == "__main__": whoever imports the module does not come there."""
    blocks = [node for node in tree.root.body if isinstance(node, ast.If) and "__name__" in ast.unparse(node.test)]
    return any(node.lineno <= call.lineno <= (node.end_lineno or node.lineno) for node in blocks)


def twice(tree: Tree, call: ast.Call, words: tuple[str, ...]) -> Iterator[Sign]:
    for keyword in call.keywords:
        if keyword.arg in words and [value for value, _ in constants(tree, keyword.value)] == [True]:
            plain = isinstance(keyword.value, ast.Constant)
            fixed = corrected(instead(tree, keyword.value, "False")) if plain else None
            yield Sign(at=place(tree, keyword.value), kind="debug", what=f"{keyword.arg}=True", fixed=fixed)
            return


def forms(tree: Tree) -> Iterator[Sign]:
    """The first route that takes a form: fastapi asks for python-multipart when it is declared."""
    routes = [node for node in tree.scope if isinstance(node, NAMED) and node.decorator_list]
    for route in sorted(routes, key=lambda node: node.lineno):
        for node in ast.walk(route.args):
            if isinstance(node, ast.Name | ast.Attribute) and tree.full(node) in FORMS:
                yield Sign(at=place(tree, route), kind="multipart", what=tree.full(node).rpartition(".")[2])
                return


def preloads(tree: Tree) -> Iterator[Sign]:
    """Of a configuration of gunicorn's: preload_app = True."""
    for node in tree.assignments:
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        named = isinstance(target, ast.Name) and target.id == "preload_app" and tree.scope.get(node) is tree.root
        if named and node.value is not None and [value for value, _ in constants(tree, node.value)] == [True]:
            fixed = instead(tree, node.value, "False") if isinstance(node.value, ast.Constant) else None
            yield Sign(at=place(tree, node), kind="preload", what="preload_app = True", fixed=corrected(fixed))
