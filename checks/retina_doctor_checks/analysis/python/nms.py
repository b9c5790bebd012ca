"""cv2.dnn.NMSBoxes() in code about faces: an overlap that costs faces, and what it gives where it keeps none.

Then it gives the empty tuple, in place of an array (opencv 4.5.4 to 5.0): `.flatten()` of that is an AttributeError.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from retina_doctor.codec import replace

from ...facts.source import Hit
from . import guards
from .flow import asked_about, kept, own_nodes
from .lines import hit
from .tree import Scope, Tree

NAMES = ("cv2.dnn.NMSBoxes", "cv2.dnn_NMSBoxes")
OF_ARRAYS = ("flatten", "ravel", "reshape", "squeeze", "astype", "tolist", "shape", "size")
CAUGHT = ("AttributeError", "Exception", "BaseException")


def is_nms(tree: Tree, call: ast.Call) -> bool:
    return tree.full(call.func) in NAMES and is_about_faces(tree)


def is_about_faces(tree: Tree) -> bool:
    return "face" in tree.text.path.lower() or any("face" in line.lower() for line in tree.lines)


def told(tree: Tree) -> Iterator[Hit]:
    scopes: dict[Scope, set[ast.expr]] = {}
    for call in tree.calls:
        if is_nms(tree, call):
            scopes.setdefault(tree.scope[call], set()).add(call)
    for scope, calls in scopes.items():
        yield from flattened(tree, scope, calls)


def flattened(tree: Tree, scope: Scope, calls: set[ast.expr]) -> Iterator[Hit]:
    """What is asked of an array where there may be the empty tuple, and nobody asked whether there is anything."""
    own = own_nodes(scope, CAUGHT)
    asked = asked_about([one for one in own if not isinstance(one[0], ast.For | ast.AsyncFor | ast.comprehension)])
    found = {name: node for name, node in kept(own, calls) if name not in asked}
    for node, tried in own:
        if tried or not isinstance(node, ast.Attribute) or node.attr not in OF_ARRAYS:
            continue
        if isinstance(node.value, ast.Name) and node.value.id in found and node.lineno >= found[node.value.id].lineno:
            leaving = guards.no_face(tree, node.value)
            written = guards.guarded(tree, node.value, "if len({name}) == 0:", "kept", leaving)
            one = hit(tree, "no-face-not-handled", node, "no-box", node.value.id, also=written.also)
            yield replace(one, fixed=written.fixed, draft=written.draft)
        elif node.value in calls:
            yield hit(tree, "no-face-not-handled", node, "no-box", "NMSBoxes(...)")
