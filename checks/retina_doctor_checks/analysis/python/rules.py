"""All that is told of one Python file, topic by topic."""

from __future__ import annotations

import ast

from ...facts.source import Figure, Hit
from ..found import Found
from ..text import SourceText
from . import detector, environment, paths, pictures, serving, sessions, starting
from .neighbours import Neighbours
from .tree import Tree

TOPICS = (sessions, detector, paths, pictures, environment)
PACKAGES = frozenset((*(name for topic in TOPICS for name in topic.PACKAGES), *serving.PACKAGES, *starting.PACKAGES))
"""A file that imports none of them has nothing to say."""
GPU = "CUDAExecutionProvider"
"""Who names it means to use the GPU."""


def told(root: ast.Module, text: SourceText, neighbours: Neighbours, is_config: bool) -> Found:
    """*is_config*: it is a configuration of gunicorn's."""
    tree = Tree(root, text, neighbours)
    found = Found()
    named = next((number for number, line in enumerate(text.lines, 1) if GPU in line), None)
    if named is not None:
        found.meant.append(text.at(named))
    if is_config:
        found.servers += serving.configured(tree)
        found.signs += starting.preloads(tree)
    if tree.imports(*serving.PACKAGES):
        found.servers += dict.fromkeys(serving.told(tree))  # a default comes here by every call that leaves it
    if tree.imports(*starting.PACKAGES):
        found.signs += starting.told(tree)
    told: dict[Hit | Figure, None] = {}
    for topic in TOPICS:
        if tree.imports(*topic.PACKAGES):
            told |= dict.fromkeys(topic.told(tree))
    found.hits += [one for one in told if isinstance(one, Hit)]
    found.figures += [one for one in told if isinstance(one, Figure)]
    return found
