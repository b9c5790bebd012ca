"""Pictures that OpenCV could not read: it gives None, and says nothing."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from retina_doctor.codec import replace

from ...facts.source import Hit
from . import guards
from .flow import Given, Nodes, asked_about, asks, kept, own_nodes
from .lines import hit
from .readers import CAUGHT, READERS, Readers
from .tree import Scope, Tree, arguments, last_word
from .values import single

SERVERS = (
    "fastapi",
    "starlette",
    "flask",
    "quart",
    "sanic",
    "aiohttp",
    "bottle",
    "django",
    "tornado",
    "gradio",
    "ray",
    "grpc",
)
PACKAGES = ("cv2", "insightface", "retinaface", "onnxruntime", *SERVERS)
"""cv2 itself, or what is given pictures: another file of the package may read them."""
HARMLESS = ("print", "str", "repr", "type", "isinstance", "id", "bool", "append", "put", "put_nowait", "add", "cast")
"""What takes a None without harm, or only keeps it."""
HOLDING = (
    "map",
    "imap",
    "starmap",
    "filter",
    "zip",
    "enumerate",
    "list",
    "tuple",
    "set",
    "deque",
    "iter",
    "extend",
    "send",
)
"""What is handed a list, and does not look itself at what is in it."""
LOGS = ("debug", "info", "warning", "error", "exception", "log")
KNOWN = ("cv2.", "numpy.")
"""What checks nothing for others."""


def told(tree: Tree) -> Iterator[Hit]:
    scopes: dict[Scope, dict[ast.expr, str]] = {}
    readers = Readers(tree)
    for call in tree.calls:
        word = readers.word(call)
        if word in READERS and not is_made_here(tree, call):
            scopes.setdefault(tree.scope[call], {})[call] = word
    for scope, calls in scopes.items():
        yield from unasked(tree, scope, calls)


def is_made_here(tree: Tree, call: ast.Call) -> bool:
    """What the same function has encoded can be decoded: _, data = cv2.imencode(".jpg", img)."""
    given = call.args[0] if call.args else None
    makers = [one for one in tree.called.get("imencode", ()) if tree.scope[one] is tree.scope[call]]
    named = (node for node in tree.assignments if isinstance(node, ast.Assign) and node.value in makers)
    parts = (part for node in named for target in node.targets for part in ast.walk(target))
    return isinstance(given, ast.Name) and any(isinstance(one, ast.Name) and one.id == given.id for one in parts)


def unasked(tree: Tree, scope: Scope, calls: dict[ast.expr, str]) -> Iterator[Hit]:
    """The first use of each picture of which nobody in the scope asks whether there is one. *calls*: with what each reads."""
    own = own_nodes(scope, CAUGHT)
    asked = asked_about(own) | handed_over(tree, own)
    given: dict[str, Given] = {}
    for name, node in kept(own, set(calls)):
        if name not in asked:
            given.setdefault(name, node)
    first: dict[ast.expr, ast.expr] = {}
    for at, tried in own:
        for used in () if tried else uses(tree, at):
            call = used if used in calls else None
            if call is None and isinstance(used, ast.Name) and used.id in given and used.lineno > given[used.id].lineno:
                call = given[used.id].value
            if call is not None and (call not in first or used.lineno < first[call].lineno):
                first[call] = used
    for call, used in first.items():
        assert isinstance(call, ast.Call)
        word = used.id if isinstance(used, ast.Name) else f"{tree.full(call.func)}(...)"
        written = guards.without_picture(tree, used)
        one = hit(tree, "image-not-read", used, form(tree, call, calls[call]), word, also=written.also)
        yield replace(one, fixed=written.fixed, draft=written.draft)


def handed_over(tree: Tree, nodes: Nodes) -> set[str]:
    """Names that stand alone in front of somebody else's function, whose answer nobody takes: check_image(img)."""
    calls = [node.value for node, _ in nodes if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)]
    others = [call for call in calls if is_elsewhere(tree, call.func)]
    return {one.id for call in others for one in call.args if isinstance(one, ast.Name)}


def is_elsewhere(tree: Tree, function: ast.expr) -> bool:
    name = tree.full(function)
    word = name.rpartition(".")[2]
    known = name.startswith(KNOWN) or word in HARMLESS + LOGS or word in tree.functions or hasattr(builtins, word)
    return bool(name) and not known


def uses(tree: Tree, node: ast.AST) -> list[ast.expr]:
    """What a node uses as a picture: img.shape, img[0], resize(img)."""
    if isinstance(node, ast.Attribute | ast.Subscript):
        return [node.value]
    if not isinstance(node, ast.Call):
        return []
    word = last_word(node.func)
    if word in HARMLESS or (word in LOGS and not tree.full(node.func).startswith(KNOWN)):
        return []
    given = [one for place, one in enumerate(arguments(node)) if not asks(tree, word, place, node, CAUGHT)]
    return [part for one in given for part in parts(one, word)]


def parts(given: ast.expr, word: str) -> list[ast.expr]:
    if not isinstance(given, ast.List | ast.Tuple):
        return [given]
    return [] if word in HOLDING else given.elts


def form(tree: Tree, call: ast.Call, reader: str) -> str:
    """What a caller sends, or a path of his, need not be a picture; a file that comes along is there, and whoever names one to a
    tool sees what happens."""
    if reader == "cv2.imdecode":
        return "decoded"
    path = single(tree, call.args[0]) if call.args else None
    served = tree.imports(*SERVERS)
    return "file" if served and not isinstance(path, ast.Constant) else "from-disk"
