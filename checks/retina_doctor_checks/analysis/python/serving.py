"""Where Python code makes a server listen. Defaults are those of flask 3.1.3, flask-socketio 5.7.0, uvicorn 0.54.0, waitress
3.0.2, aiohttp 3.14.5, bottle 0.13.4, sanic 25.12.1, werkzeug 3.1 and gradio 6.31.0, read off their signatures and sources."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ...facts.deployment import Server
from .arguments import argument
from .constants import constants, judged
from .lines import Line, instead, more, place, written_at
from .paths import path
from .tree import Assignment, Tree
from .value import Value
from .values import single, values

PACKAGES = (
    *("flask", "flask_socketio", "quart", "sanic", "bottle", "uvicorn", "waitress", "aiohttp", "werkzeug", "wsgiref"),
    *("http", "socketserver", "gevent", "gradio", "grpc"),
)
CONFIG = "gunicorn.conf.py"
"""Stands for the server that a configuration of gunicorn's is of."""
LOCAL, EVERYWHERE = "127.0.0.1", "0.0.0.0"  # noqa: S104 - what servers bind


@dataclass(frozen=True)
class Api:
    """How a server is told where to listen. *host*, *port*: places of positional arguments, None: by keyword alone; *default*:
    what holds without them."""

    host: int | None
    port: int | None
    default: tuple[str, int] | None
    names: tuple[str, str] = ("host", "port")
    none: str | None = None  # what a host of None means; None: the default


FUNCTIONS = {
    "uvicorn.run": Api(None, None, (LOCAL, 8000), none=EVERYWHERE),  # asyncio's create_server(host=None)
    "uvicorn.Config": Api(1, 2, (LOCAL, 8000), none=EVERYWHERE),
    "waitress.serve": Api(None, None, (EVERYWHERE, 8080)),
    "aiohttp.web.run_app": Api(None, None, (EVERYWHERE, 8080)),
    "bottle.run": Api(2, 3, (LOCAL, 8080)),
    "werkzeug.serving.run_simple": Api(0, 1, None, ("hostname", "port")),
    "werkzeug.run_simple": Api(0, 1, None, ("hostname", "port")),
    "wsgiref.simple_server.make_server": Api(0, 1, None),
}
RUN = {
    "flask.Flask": Api(0, 1, (LOCAL, 5000)),
    "quart.Quart": Api(0, 1, (LOCAL, 5000)),
    "flask_socketio.SocketIO": Api(1, 2, (LOCAL, 5000)),
    "sanic.Sanic": Api(0, 1, (LOCAL, 8000)),
    "bottle.Bottle": Api(None, None, (LOCAL, 8080)),
}
"""Class -> its method run."""
GRPC = ("add_insecure_port", "add_secure_port")
"""Methods of grpc's server: their first argument is "host:port"."""
LAUNCH = Api(None, None, (LOCAL, 7860), ("server_name", "server_port"))
"""What it is not told, it takes from the environment: GRADIO_SERVER_NAME."""
ADDRESSED = (
    *("http.server.HTTPServer", "http.server.ThreadingHTTPServer", "socketserver.TCPServer"),
    *("socketserver.ThreadingTCPServer", "gevent.pywsgi.WSGIServer"),
)
"""Their first argument is (host, port); gevent takes "host:port", too."""


def told(tree: Tree) -> Iterator[Server]:
    """Each server that is started from Python."""
    for call in tree.calls:
        name = tree.full(call.func)
        if name in FUNCTIONS:
            yield from server(tree, call, name.split(".")[0], FUNCTIONS[name])
        elif name in ADDRESSED:
            yield from addressed(tree, call, name.split(".")[0])
        elif isinstance(call.func, ast.Attribute) and call.func.attr == "run":
            made = single(tree, call.func.value)
            maker = tree.full(made.func) if isinstance(made, ast.Call) else ""
            if maker in RUN:
                yield from server(tree, call, maker.split(".")[0], RUN[maker])
            elif not maker and any(keyword.arg == "host" for keyword in call.keywords):
                yield from server(tree, call, "flask", RUN["flask.Flask"])  # an app that another file makes
        elif isinstance(call.func, ast.Attribute) and call.func.attr in GRPC and tree.imports("grpc"):
            yield from addressed(tree, call, "grpc")
        elif isinstance(call.func, ast.Attribute) and call.func.attr == "launch" and tree.imports("gradio"):
            yield from server(tree, call, "gradio", LAUNCH)


def server(tree: Tree, call: ast.Call, by: str, api: Api) -> Iterator[Server]:
    """The server that a call starts by host and port; none where it listens on a socket of another kind."""
    try:
        host = argument(call, api.names[0], api.host)
        port = argument(call, api.names[1], api.port)
        elsewhere = [
            argument(call, word) for word in ("listen", "sockets", "sock", "uds", "fd", "unix_socket", "path", "share")
        ]
    except KeyError:
        return
    if any(elsewhere):
        return  # a socket of another kind, or gradio's own way out
    default_host, default_port = api.default or (None, None)
    number = default_port
    if port is not None:
        ports = constants(tree, port)
        number = whole(ports[0][0]) if len(ports) == 1 and ports[0][1].sure else None
    if host is None:
        if default_host is not None:
            fixed = more(tree, call, f'{api.names[0]}="0.0.0.0"')
            yield listens(tree, call, by, default_host, number, "default", api is not LAUNCH, fixed)
        return
    for word, value in alike(constants(tree, host), api.none or default_host):
        yield named(tree, host, by, word, number, value)


def addressed(tree: Tree, call: ast.Call, by: str) -> Iterator[Server]:
    """Servers that are given (host, port), or "host:port", as their first argument."""
    if not call.args or isinstance(call.args[0], ast.Starred):
        return
    for value in values(tree, call.args[0]):
        if isinstance(value.node, ast.Tuple) and len(value.node.elts) == 2:
            host, port = value.node.elts
            where = host if host in tree.scope else call.args[0]  # else it stands in another file
            number = whole(constants(tree, port)[0][0])
            for word, inner in alike(constants(tree, host), EVERYWHERE):
                if number != 0:  # any free port: a test
                    yield named(tree, where, by, word or EVERYWHERE, number, inner)
        elif isinstance(value.node, ast.Constant) and isinstance(value.node.value, str) and ":" in value.node.value:
            if value.node.value.startswith(("unix:", "unix-abstract:")):
                continue  # a socket of this machine alone
            name, _, ending = value.node.value.rpartition(":")
            if whole(ending) != 0:  # any free port: a test
                yield listens(tree, value.at or call, by, name or EVERYWHERE, whole(ending), "named", value.sure, None)


def alike(found: Sequence[tuple[object, Value]], default: str | None) -> Iterator[tuple[str, Value]]:
    """The hosts that can be told: by each way that leads here one, if it leads to one kind only."""
    told = [(default if word is None else word, value) for word, value in found]
    for is_kind in (is_local, is_remote):
        for word, value in judged(told, is_kind):
            yield str(word), value


def is_local(host: object) -> bool:
    return isinstance(host, str) and (host.startswith("127.") or host in ("localhost", "::1", "[::1]"))


def is_remote(host: object) -> bool:
    return isinstance(host, str) and not is_local(host)


def named(tree: Tree, given: ast.expr, by: str, word: str, port: int | None, value: Value) -> Server:
    where = value.at or given
    fixed = instead(tree, where, '"0.0.0.0"') if isinstance(where, ast.Constant) else None
    return listens(tree, where, by, word, port, "named", value.sure, fixed)


def listens(
    tree: Tree,
    node: ast.expr | ast.stmt,
    by: str,
    host: str | None,
    port: int | None,
    why: Literal["named", "default"],
    sure: bool,
    fixed: Line | None,
) -> Server:
    at = place(tree, node)
    return Server(
        at=at,
        by=by,
        host=host,
        port=port,
        why=why,
        sure=sure,
        fixed=written_at(at, fixed),
        runs=None,
        config=None,
    )


def whole(value: object) -> int | None:
    """A port, as a number or as text."""
    if isinstance(value, bool):
        return None
    return int(value) if isinstance(value, int) or (isinstance(value, str) and value.isdecimal()) else None


def configured(tree: Tree) -> Iterator[Server]:
    """The bind of a gunicorn.conf.py; of no host where that cannot be told."""
    binds = [(node, node.value) for node in tree.assignments if node.value is not None and is_bind(tree, node)]
    for node, given in binds[:1]:
        found = values(tree, given) if len(binds) == 1 else []
        value = found[0] if len(found) == 1 else Value(None)
        one = value.node.elts[0] if isinstance(value.node, ast.List) and value.node.elts else value.node
        word = path(tree, Value(one))
        if word is None or word.startswith(("unix:", "fd:", "*")):
            yield listens(tree, node, CONFIG, None, None, "named", False, None)
            continue
        host, _, port = word.rpartition(":")
        plain = isinstance(given, ast.Constant) and node.lineno == node.end_lineno
        fixed = instead(tree, given, f'"0.0.0.0:{port}"') if plain else None
        yield listens(tree, node, CONFIG, host or EVERYWHERE, whole(port), "named", value.sure, fixed)


def is_bind(tree: Tree, node: Assignment) -> bool:
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    return isinstance(target, ast.Name) and target.id == "bind" and tree.scope.get(node) is tree.root
