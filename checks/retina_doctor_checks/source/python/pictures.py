"""Pictures that OpenCV could not read: it gives None, and says nothing."""

from __future__ import annotations

import ast
import builtins
from typing import Any

from retina_doctor_checks.source.python.flow import asked_about, asks, own_nodes
from retina_doctor_checks.source.python.lines import hit
from retina_doctor_checks.source.python.tree import Tree
from retina_doctor_checks.source.python.values import single

PACKAGES = ("cv2",)
READERS = ("cv2.imread", "cv2.imdecode")
CAUGHT = ("error", "AttributeError", "TypeError", "Exception", "BaseException")
HARMLESS = ("print", "str", "repr", "type", "isinstance", "id", "bool", "append", "put", "add")
"""What takes a None without harm, or only keeps it."""
LOGS = ("debug", "info", "warning", "error", "exception", "log")
KNOWN = ("cv2.", "numpy.")
"""What checks nothing for others."""


def told(tree: Tree) -> Any:
    scopes: dict[Any, set[Any]] = {}
    for call in tree.calls:
        if tree.full(call.func) in READERS:
            scopes.setdefault(tree.scope[call], set()).add(call)
    for scope, calls in scopes.items():
        yield from unasked(tree, scope, calls)


def unasked(tree: Tree, scope: Any, calls: set[Any]) -> Any:
    """The first use of each picture of which nobody in the scope asks whether there is one."""
    own = own_nodes(scope, CAUGHT)
    asked = asked_about(own) | handed_over(tree, own)
    kept: dict[str, Any] = {}
    for node, _ in own:
        if isinstance(node, ast.Assign) and node.value in calls and len(node.targets) == 1:
            if isinstance(node.targets[0], ast.Name) and node.targets[0].id not in asked:
                kept.setdefault(node.targets[0].id, node)
    first: dict[Any, Any] = {}
    for node, tried in own:
        for used in () if tried else uses(tree, node):
            call = used if used in calls else None
            if call is None and isinstance(used, ast.Name) and used.id in kept and used.lineno > kept[used.id].lineno:
                call = kept[used.id].value
            if call is not None and (call not in first or used.lineno < first[call].lineno):
                first[call] = used
    for call, used in first.items():
        yield hit(
            "image-not-read", used, form(tree, call), used.id if isinstance(used, ast.Name) else tree.full(call.func)
        )


def handed_over(tree: Tree, nodes: list[tuple[Any, bool]]) -> set[str]:
    """Names that stand alone in front of somebody else's function, whose answer nobody takes: check_image(img)."""
    calls = [node.value for node, _ in nodes if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)]
    others = [call for call in calls if is_elsewhere(tree, call.func)]
    return {one.id for call in others for one in call.args if isinstance(one, ast.Name)}


def is_elsewhere(tree: Tree, function: Any) -> bool:
    name = tree.full(function)
    word = name.rpartition(".")[2]
    known = name.startswith(KNOWN) or word in HARMLESS + LOGS or word in tree.functions or hasattr(builtins, word)
    return bool(name) and not known


def uses(tree: Tree, node: Any) -> list[Any]:
    """What a node uses as a picture: img.shape, img[0], resize(img)."""
    if isinstance(node, (ast.Attribute, ast.Subscript)):
        return [node.value]
    if not isinstance(node, ast.Call):
        return []
    word = getattr(node.func, "attr", getattr(node.func, "id", ""))
    if word in HARMLESS:
        return []
    given = [*node.args, *(keyword.value for keyword in node.keywords)]
    return [one for place, one in enumerate(given) if not asks(tree, word, place, node, CAUGHT)]


def form(tree: Tree, call: Any) -> str:
    """A file that comes along with the service is there; what a caller sends, or a path of his, need not be a picture."""
    if tree.full(call.func) == "cv2.imdecode":
        return "decoded"
    path = single(tree, call.args[0]) if call.args else None
    return "from-disk" if isinstance(path, ast.Constant) else "file"
