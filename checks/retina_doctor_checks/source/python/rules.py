"""All that is told of one Python file, topic by topic."""

from __future__ import annotations

from typing import Any

from retina_doctor_checks.source.python import detector, paths, pictures, serving, sessions
from retina_doctor_checks.source.python.tree import Tree

TOPICS = (sessions, detector, paths, pictures, serving)
PACKAGES = tuple(sorted({name for topic in TOPICS for name in topic.PACKAGES}))
"""A file that imports none of them has nothing to say."""
GPU = "CUDAExecutionProvider"
"""Who names it means to use the GPU."""
MARKS = {"http": "http.server"}
"""What must stand in a file that imports a package, where its name alone is a frequent word."""


def told(root: Any, lines: list[str], config: bool) -> dict[str, list[Any]]:
    """{"hits": [...], "figures": [...], "servers": [...], "meant": [...]} of the tree of a file. *config*: it is gunicorn's."""
    tree = Tree(root, lines)
    found: dict[str, list[Any]] = {"hits": [], "figures": [], "servers": [], "meant": []}
    if config:
        found["servers"] += serving.configured(tree)
    named = next((number for number, line in enumerate(lines, 1) if GPU in line), None)
    if named is not None:
        found["meant"].append({"line": named, "column": 1})
    seen = set()  # a default comes here by every call that leaves it
    for topic in TOPICS:
        if tree.imports(*topic.PACKAGES):
            for one in topic.told(tree):
                kind = "figures" if "kind" in one else "servers" if "by" in one else "hits"
                if repr(one) not in seen:
                    seen.add(repr(one))
                    found[kind].append(one)
    return found
