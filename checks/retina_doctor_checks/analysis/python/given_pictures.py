"""Which expressions are the pictures that insightface is given, and which functions hand on to it what they are given."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .arguments import plain_argument
from .elsewhere import Defined
from .givers import THREADS
from .makers import is_app, is_detector
from .tree import NAMED, Named, Tree, last_word, parameters

SHOWING = ("gradio.Interface",)
IMAGES = ("gradio.Image", "gradio.components.Image", "gradio.inputs.Image")


def picture_of(tree: Tree, call: ast.Call) -> ast.expr | None:
    """app.get(img), detector.detect(img=img), asyncio.to_thread(app.get, img)"""
    if takes_picture(tree, call.func):
        given = plain_argument(call, "img", 0)
        return given if not isinstance(given, ast.Starred) else None
    if last_word(call.func) in THREADS:
        for place, one in enumerate(call.args[:2]):
            if takes_picture(tree, one) and place + 1 < len(call.args):
                return call.args[place + 1]
    return None


def takes_picture(tree: Tree, function: ast.expr) -> bool:
    if not isinstance(function, ast.Attribute):
        return False
    owner, word = function.value, function.attr
    return (word == "get" and is_app(tree, owner)) or (word == "detect" and is_detector(tree, owner))


def handed_on(found: Defined | None) -> dict[str, int]:
    """The parameters that a function gives insightface as they are, and their places."""
    if found is None or not isinstance(found.node, NAMED):
        return {}
    tree, function = found.tree, found.node
    taken = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
    if isinstance(tree.parent.get(function), ast.ClassDef) and not is_static(function):
        taken = taken[1:]
    given = [picture_of(tree, call) for call in tree.calls if tree.scope.get(call) is function]
    names = {one.id for one in given if isinstance(one, ast.Name) and (function, one.id) not in tree.bound}
    return {name: place for place, name in enumerate(taken) if name in names}


def is_static(function: Named) -> bool:
    return any(last_word(one) == "staticmethod" for one in function.decorator_list)


def shown(tree: Tree, name: ast.Name) -> ast.Call | None:
    """The gradio.Image() that fills a parameter: gradio.Interface(fn=swap, inputs=[gradio.Image(), ...])."""
    function = tree.scope.get(name)
    if not isinstance(function, NAMED) or name.id not in parameters(function) or not tree.imports("gradio"):
        return None
    place = [one.arg for one in function.args.args].index(name.id) if name.id in names_of(function) else None
    for given in inputs_of(tree, function.name):
        each = given.elts if isinstance(given, ast.List | ast.Tuple) else [given]
        one = each[place] if place is not None and place < len(each) else None
        return one if isinstance(one, ast.Call) and tree.full(one.func) in IMAGES else None
    return None


def names_of(function: Named) -> list[str]:
    return [one.arg for one in function.args.args]


def inputs_of(tree: Tree, name: str) -> Iterator[ast.expr]:
    for call in tree.calls:
        answers = plain_argument(call, "fn", 0) if tree.full(call.func) in SHOWING else None
        given = plain_argument(call, "inputs", 1) if isinstance(answers, ast.Name) and answers.id == name else None
        if given is not None:
            yield given
