"""Names of nodes as cluster people write them: ``gpu-[01-12,20-24]`` (ClusterShell's NodeSet, the extra ``fleet``)."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from retina_doctor.codec import Data
from retina_doctor.errors import UsageError
from retina_doctor.running.output import complain

INSTALL = "pip install 'retina-doctor[fleet]'"
NODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}")
"""A name that stands for itself in a node set, on a command line and as the name of a file."""
MOST_NODES = 100_000
"""``gpu-[1-99999999]`` is a slip of the keyboard."""


def in_order(names: Iterable[str]) -> list[str]:
    """gpu-2 before gpu-10."""
    return sorted(names, key=lambda name: [(len(part), part) if part.isdigit() else (0, part) for part in _parts(name)])


def _parts(name: str) -> list[str]:
    return re.split(r"(\d+)", name)


def can_fold() -> bool:
    return importlib.util.find_spec("ClusterShell") is not None


def folded(names: Sequence[str]) -> str:
    """One text for all of them; without ClusterShell, and of names that would mean something else in a node set, a list."""
    plain = [name for name in names if NODE.fullmatch(name)]
    others = in_order(name for name in names if not NODE.fullmatch(name))
    if not plain or not can_fold():
        return ",".join([*in_order(plain), *others])
    from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet

    found = NodeSet.fromlist(plain, resolver=RESOLVER_NOGROUP)
    found.fold_axis = (-1,)  # along several axes it takes the square of the number of nodes
    return ",".join([str(found), *others])


class NodesNamed(Data, frozen=True, kw_only=True):
    """*refused*: why a text names none, a line each."""

    nodes: tuple[str, ...]
    refused: tuple[str, ...] = ()


class NodeNaming:
    """Takes names from one source after the other; a source that names none costs no other, but one line."""

    def __init__(self) -> None:
        self.found: dict[str, None] = {}
        self.twice: dict[str, None] = {}
        self.refused: list[str] = []

    def asked(self, source: Callable[[], Iterable[str]]) -> list[str]:
        """What *source* says; nothing, and a line for that, where it raises UsageError."""
        try:
            return list(source())
        except UsageError as error:
            self.refused.append(str(error))
            return []

    def take(self, source: Callable[[], Iterable[str]]) -> None:
        names = self.asked(source)
        self.twice |= dict.fromkeys(name for name in names if name in self.found)
        self.found |= dict.fromkeys(names)

    def named(self) -> NodesNamed:
        """Each node once. Raises UsageError where no source names one, and one was refused."""
        if self.refused and not self.found:
            raise UsageError(self.refused[0])
        for line in self.refused:
            complain(line)
        if self.twice:
            complain(f"named twice, asked once: {folded([*self.twice])}")
        return NodesNamed(nodes=tuple(self.found), refused=tuple(self.refused))


def named(texts: Iterable[str]) -> NodesNamed:
    """The nodes of all node sets. Raises UsageError where none of them names one."""
    naming = NodeNaming()
    for text in texts:
        naming.take(partial(expanded, text))
    return naming.named()


def expanded(text: str, groups: bool = False) -> list[str]:
    """The names of a node set, each once. *groups*: ``@gpu`` is looked up as ClusterShell is configured. Raises UsageError."""
    NodeSet, parse_error = _node_set()
    from ClusterShell.NodeSet import RESOLVER_NOGROUP

    if "@" in text and not groups:
        raise UsageError(f"{text}: no node set")
    if _at_most(text) > MOST_NODES:
        raise UsageError(f"{text}: more than {MOST_NODES} nodes")
    try:
        found = NodeSet(text, resolver=None if groups else RESOLVER_NOGROUP)
    except parse_error as error:
        raise UsageError(f"{text}: no node set: {error}") from None
    if not found:
        raise UsageError(f"{text or 'the node set'}: names no node")
    names = [str(name) for name in found]
    for name in names:
        if not NODE.fullmatch(name):
            raise UsageError(f"{name!r}: no name of a node")
    return names


def _at_most(text: str) -> int:
    """How many names a node set can stand for: they are not made before that is known."""
    whole = 0
    for part in re.split(r",(?![^\[]*\])", text):
        names = 1
        for inside in re.findall(r"\[([^\]]*)\]", part):
            ranges = re.findall(r"(\d+)-(\d+)", inside)
            names *= sum(max(0, int(last) - int(first)) for first, last in ranges) + inside.count(",") + 1
        whole += names
    return whole


def need() -> None:
    """Raises UsageError where the extra is not installed."""
    if not can_fold():
        raise UsageError(f"this needs ClusterShell: {INSTALL}")


def _node_set() -> tuple[Any, type[Exception]]:
    need()
    from ClusterShell.NodeSet import NodeSet, NodeSetException

    return NodeSet, NodeSetException
