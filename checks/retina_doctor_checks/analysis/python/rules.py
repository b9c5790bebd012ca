"""All that is told of one Python file, topic by topic."""

from __future__ import annotations

import ast
import re

from ...facts.source import Figure, Hit
from ..found import Found
from . import branches, detector, environment, forms, numpy_names, paths, pictures, remade, serving, sessions, starting
from .tree import Tree, last_word

TOPICS = (sessions, detector, paths, pictures, environment, remade, forms, branches)
PACKAGES = frozenset(
    (*(name for topic in TOPICS for name in topic.PACKAGES), *serving.PACKAGES, *starting.PACKAGES, *numpy_names.WORDS)
)
"""A file that has none of them has nothing to say."""
GPU = "CUDAExecutionProvider"
"""Who names it means to use the GPU; a table of all names, {"cuda": "CUDAExecutionProvider", ...}, means none of them."""
OF_PROVIDERS = re.compile(r"\s*\w+ExecutionProvider(?:\s*[,;:|]\s*\w+ExecutionProvider)*\s*")
"""A text that names providers and says nothing of them, as a log line or a docstring does."""


def told(tree: Tree, is_config: bool) -> Found:
    """*is_config*: it is a configuration of gunicorn's."""
    found = Found()
    catalogue = listed(tree)
    named = [
        node.lineno
        for node in tree.scope
        if isinstance(node, ast.Constant) and node not in catalogue and names_gpu(node.value)
    ]
    if named:
        found.meant.append(tree.text.at(min(named)))
    if is_config:
        found.servers += serving.configured(tree)
        found.signs += starting.preloads(tree)
    if tree.imports(*serving.PACKAGES):
        found.servers += dict.fromkeys(serving.told(tree))  # a default comes here by every call that leaves it
    if tree.imports(*starting.PACKAGES):
        found.signs += starting.told(tree)
    if tree.imports("numpy"):
        found.signs += numpy_names.told(tree)
    told: dict[Hit | Figure, None] = {}
    for topic in TOPICS:
        if tree.imports(*topic.PACKAGES):
            told |= dict.fromkeys(topic.told(tree))
    found.hits += [one for one in told if isinstance(one, Hit)]
    found.figures += [one for one in told if isinstance(one, Figure)]
    return found


def listed(tree: Tree) -> set[ast.AST | None]:
    """What stands in a table, {"cuda": "CUDAExecutionProvider"}, or in a type, Literal["CUDAExecutionProvider"]."""
    found: set[ast.AST | None] = set()
    for node in tree.scope:
        if isinstance(node, ast.Dict):
            found |= {*node.keys, *node.values}
        elif isinstance(node, ast.Subscript) and last_word(node.value) == "Literal":
            found |= {*ast.walk(node.slice)}
    return found


def names_gpu(value: object) -> bool:
    return isinstance(value, str) and GPU in value and OF_PROVIDERS.fullmatch(value) is not None
