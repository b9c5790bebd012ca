"""All that is told of one Python file."""

from __future__ import annotations

from typing import Any

from retina_doctor_checks.source.python import detector, sessions
from retina_doctor_checks.source.python.tree import Tree

PACKAGES = ("onnxruntime", "insightface", "retinaface", "torch")
"""A file that names none of them has nothing to say."""


def told(root: Any, lines: list[str]) -> dict[str, list[Any]]:
    """{"hits": [...], "figures": [...]} of the tree of a file."""
    tree = Tree(root, lines)
    found: dict[str, list[Any]] = {"hits": [], "figures": []}
    if tree.imports(*PACKAGES):
        for topic in (sessions, detector):
            for one in topic.told(tree):
                found["figures" if "kind" in one else "hits"].append(one)
    return found
