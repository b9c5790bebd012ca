"""Which functions are run for each request: routes of web frameworks, methods of classes that serve, what they depend on."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .arguments import plain_argument
from .elsewhere import Defined, imported, method, resolved
from .tree import NAMED, Named, Tree, last_word

SERVERS = (
    *("fastapi", "starlette", "flask", "flask_restful", "flask_restx", "quart", "sanic", "aiohttp", "bottle", "django"),
    *("rest_framework", "tornado", "litestar", "grpc", "litserve", "gradio", "ray", "bentoml", "http", "celery"),
    *("rq", "django_rq", "dramatiq", "huey"),
)
ROUTES = ("get", "post", "put", "patch", "delete", "route", "api_route", "websocket")
ALWAYS = {
    **dict.fromkeys(("before_request", "middleware", "api_view"), SERVERS),
    **dict.fromkeys(("shared_task", "task"), ("celery", "huey")),
    "actor": ("dramatiq",),
    "job": ("rq", "django_rq"),
}
"""Decorators that need no path -> whose they are: a scheduler has a job, too."""
QUEUED = ("enqueue", "enqueue_call")
"""Methods of RQ's queues, whose first argument is what a worker runs for each job."""
ADDED = {"add_url_rule": ("view_func", 2), "add_api_route": ("endpoint", 1), "add_route": ("endpoint", 1)} | {
    f"add_{one}": ("handler", 1) for one in ("get", "post", "put", "patch", "delete")
}
"""Methods of applications that are given a path and who answers it."""
DJANGO = ("django.urls.path", "django.urls.re_path", "django.conf.urls.url")
PLACED = ("aiohttp.web.get", "aiohttp.web.post", "aiohttp.web.put", "starlette.routing.Route", *DJANGO)
SHOWN = (
    *(
        "Interface",
        "ChatInterface",
        "click",
        "submit",
        "change",
        "upload",
        "input",
        "select",
        "release",
        "edit",
        "clear",
    ),
    *("stream", "then", "success", "tick", "load", "on"),
)
"""Gradio's: what is given them is run each time."""
VERBS = ("get", "post", "put", "patch", "delete", "do_GET", "do_POST", "do_PUT", "dispatch", "dispatch_request")
ANSWERS = {
    **dict.fromkeys(("MethodView", "View", "Resource", "APIView", "HTTPEndpoint", "RequestHandler"), VERBS),
    **dict.fromkeys(("BaseHTTPRequestHandler", "SimpleHTTPRequestHandler", "HTTPMethodView"), VERBS),
    "LitAPI": ("decode_request", "batch", "predict", "unbatch", "encode_response"),
}
"""A class that serves -> those of its methods that answer."""


def handlers(tree: Tree) -> Iterator[Defined]:
    """The functions that are run for each request, as this file says: its own, and those of others to which it gives a path."""
    for node in tree.scope:
        if isinstance(node, NAMED) and (is_routed(tree, node) or answers(tree, node)):
            yield Defined(tree, node)
    for call in tree.calls:
        yield from answering(tree, given_to_answer(tree, call))


def answering(tree: Tree, given: ast.expr | None) -> Iterator[Defined]:
    """The functions that run where an expression is to answer: views.detect, csrf_exempt(detect), Detect.as_view(), and the
    path of a view as old versions of Django take it; of a lambda those that it calls."""
    if isinstance(given, ast.Lambda):
        for inner in (one for one in ast.walk(given.body) if isinstance(one, ast.Call)):
            yield from answering(tree, inner.func)
        return
    if isinstance(given, ast.Call):
        if isinstance(given.func, ast.Attribute) and given.func.attr == "as_view":
            yield from methods_of(resolved(tree, given.func.value))
        elif len(given.args) == 1 and isinstance(given.args[0], ast.Name | ast.Attribute | ast.Call):
            yield from answering(tree, given.args[0])
        return
    path = given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else None
    one = imported(tree, path) if path is not None else resolved(tree, given)
    if one is not None and isinstance(one.node, NAMED):
        yield one


def methods_of(one: Defined | None) -> Iterator[Defined]:
    if one is not None and isinstance(one.node, ast.ClassDef):
        yield from (found for word in VERBS if (found := method(one, word)) is not None)


def is_routed(tree: Tree, function: Named) -> bool:
    for one in function.decorator_list:
        word = last_word(one.func if isinstance(one, ast.Call) else one)
        if word in ALWAYS and tree.imports(*ALWAYS[word]):
            return True
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and word in ROUTES and is_path(one):
            return True
        if isinstance(one, ast.Attribute | ast.Call) and word == "api" and tree.imports("bentoml"):
            return True
    return False


def is_path(call: ast.Call) -> bool:
    """@web.post("/detect"), whereas @cache.get("key") is none."""
    given = plain_argument(call, "path", 0) or plain_argument(call, "rule", 0)
    return isinstance(given, ast.Constant) and isinstance(given.value, str) and given.value[:1] in ("/", "")


def answers(tree: Tree, function: Named) -> bool:
    """Whether it is a method by which a class answers."""
    owner = tree.parent.get(function)
    if not isinstance(owner, ast.ClassDef):
        return False
    if owner.name == "TritonPythonModel":
        return function.name == "execute"
    if any("deployment" in (last_word(one), last_word(getattr(one, "func", one))) for one in owner.decorator_list):
        return function.name == "__call__" and tree.imports("ray")
    words = [last_word(base) for base in owner.bases]
    if any(word.endswith("Servicer") for word in words):
        return not function.name.startswith("_")
    return any(function.name in ANSWERS.get(word, ()) for word in words)


def given_to_answer(tree: Tree, call: ast.Call) -> ast.expr | None:
    """Who is to answer: app.router.add_post("/detect", detect), gradio.Interface(fn=detect)."""
    word = last_word(call.func)
    if word in ADDED and isinstance(call.func, ast.Attribute):
        return plain_argument(call, *ADDED[word])
    if word in QUEUED and tree.imports("rq", "django_rq"):
        return plain_argument(call, "func" if word == "enqueue_call" else "f", 0)
    if tree.full(call.func) in PLACED:
        return plain_argument(call, "view" if tree.full(call.func) in DJANGO else "handler", 1)
    if word in SHOWN and tree.imports("gradio"):
        return plain_argument(call, "fn", 1 if word == "on" else 0)
    return None


def depended(function: Named) -> Iterator[tuple[ast.Call, ast.expr]]:
    """(Depends(...), what it runs for each request) of a function's parameters, and of its own decorators."""
    taken = function.args
    said = [one.annotation for one in (*taken.posonlyargs, *taken.args, *taken.kwonlyargs)]
    given = [*taken.defaults, *taken.kw_defaults, *said, *function.decorator_list]
    for part in given:
        for call in ast.walk(part) if part is not None else ():
            if isinstance(call, ast.Call) and last_word(call.func) == "Depends" and call.args:
                yield call, call.args[0]
