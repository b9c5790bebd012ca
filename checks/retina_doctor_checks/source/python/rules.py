"""All that is told of one Python file, topic by topic."""

from __future__ import annotations

from typing import Any

from retina_doctor_checks.source.python import detector, paths, pictures, serving, sessions
from retina_doctor_checks.source.python.tree import Tree

TOPICS = (sessions, detector, paths, pictures, serving)
PACKAGES = tuple(sorted({name for topic in TOPICS for name in topic.PACKAGES}))
"""A file that imports none of them has nothing to say."""
MARKS = {"http": "http.server"}
"""What must stand in a file that imports a package, where its name alone is a frequent word."""


def told(root: Any, lines: list[str]) -> dict[str, list[Any]]:
    """{"hits": [...], "figures": [...], "servers": [...]} of the tree of a file."""
    tree = Tree(root, lines)
    found: dict[str, list[Any]] = {"hits": [], "figures": [], "servers": []}
    for topic in TOPICS:
        if tree.imports(*topic.PACKAGES):
            for one in topic.told(tree):
                found["figures" if "kind" in one else "servers" if "by" in one else "hits"].append(one)
    return found
