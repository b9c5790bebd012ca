"""YAML as nodes with line numbers. Nothing is constructed of a tag, and an alias stays one node however often it is named, so
that neither a hostile tag nor a document that multiplies itself does anything."""

from __future__ import annotations

from typing import Any

from ..text import Unreadable


class YamlNode:
    """A node, asked for what is below it; of another kind than it is asked for, it is empty."""

    __slots__ = ("_node",)

    def __init__(self, node: Any) -> None:
        self._node = node

    @property
    def place(self) -> tuple[int, int]:
        """(line, column), from 1."""
        mark = self._node.start_mark if self._node is not None else None
        return (int(mark.line) + 1, int(mark.column) + 1) if mark is not None else (1, 1)

    def __bool__(self) -> bool:
        return self._node is not None

    @property
    def text(self) -> str | None:
        """A scalar as it is written; None for others, and for null."""
        node = self._node
        if node is None or node.id != "scalar" or (node.tag.endswith(":null") and not node.style):
            return None
        return str(node.value)

    @property
    def items(self) -> list[YamlNode]:
        """Of a sequence."""
        return (
            [YamlNode(one) for one in self._node.value]
            if self._node is not None and self._node.id == "sequence"
            else []
        )

    @property
    def pairs(self) -> list[tuple[str, YamlNode]]:
        """Of a mapping, with what it merges in (<<: *defaults) behind its own."""
        return [(str(key.value), YamlNode(value)) for key, value in _pairs(self._node, 0)]

    @property
    def entries(self) -> list[tuple[YamlNode, YamlNode]]:
        """The same with the keys as nodes."""
        return [(YamlNode(key), YamlNode(value)) for key, value in _pairs(self._node, 0)]

    def __getitem__(self, key: str) -> YamlNode:
        return next((node for name, node in self.pairs if name == key), YamlNode(None))

    def get(self, *keys: str) -> YamlNode:
        found = self
        for key in keys:
            found = found[key]
        return found

    @property
    def own(self) -> list[tuple[YamlNode, YamlNode]]:
        """The entries that stand in this mapping, without what it merges in."""
        node = self._node
        found = node.value if node is not None and node.id == "mapping" else []
        return [(YamlNode(key), YamlNode(value)) for key, value in found]

    @property
    def in_brackets(self) -> bool:
        """Written as {a: 1} or [a, b]."""
        return bool(getattr(self._node, "flow_style", False))

    @property
    def words(self) -> list[str]:
        """The texts of a sequence of scalars."""
        return [one.text for one in self.items if one.text is not None]


def _pairs(node: Any, deep: int) -> list[tuple[Any, Any]]:
    if node is None or node.id != "mapping" or deep > 8:
        return []
    own: list[tuple[Any, Any]] = []
    merged: list[tuple[Any, Any]] = []
    for key, value in node.value:
        if key.id == "scalar" and key.value == "<<":
            for one in {"mapping": [value], "sequence": value.value}.get(value.id, []):
                if len(merged) < 1000:
                    merged += _pairs(one, deep + 1)
        elif key.id == "scalar":
            own.append((key, value))
    return own + merged


def documents(text: str) -> list[YamlNode]:
    """Raises ValueError where it is no YAML."""
    import yaml  # as slow to import as many a tree is to read

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return [YamlNode(node) for node in yaml.compose_all(text, Loader=loader) if node is not None]
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
        where = f"line {mark.line + 1}: " if mark is not None else ""
        raise Unreadable(f"no YAML: {where}{problem or ' '.join(str(error).split())[:200]}") from None
