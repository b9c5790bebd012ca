"""From single nodes to what a fleet has: roots × nodes, one plan, what differs from the majority, who lags. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from retina_doctor.codec import replace
from retina_doctor.errors import UsageError
from retina_doctor.fleet.bits import numbers, union
from retina_doctor.fleet.differences import drift, stragglers
from retina_doctor.fleet.judging import Chunk, Missing, Node, NodeTodo, Root
from retina_doctor.fleet.node_sets import in_order
from retina_doctor.fleet.traits import Traits
from retina_doctor.fleet.whole import Fleet, FleetStep, NodeGroup, Unjudged
from retina_doctor.model import Action
from retina_doctor.running.run import worst

MOST_WORDINGS = 1000
"""Of one root or step that are kept apart; what is beyond is counted to the first."""
SHARE = re.compile(r"(?P<share>[0-9]+(?:\.[0-9]*)?|\.[0-9]+) *%|(?P<number>[0-9]*)")
K = TypeVar("K")


@dataclass
class _Bits(Generic[K]):
    """Sets of nodes, each as the bits of one integer; of MOST_WORDINGS keys at most, the first of which stands for the rest."""

    of: dict[K, int] = field(default_factory=dict)

    def add(self, key: K, node: int) -> None:
        if len(self.of) >= MOST_WORDINGS and key not in self.of:
            key = next(iter(self.of))
        self.of[key] = self.of.get(key, 0) | 1 << node


@dataclass
class FleetSum:
    """Takes pieces as they come, and keeps of each node what is told of it alone."""

    nodes: list[Node] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    """Lines for standard error."""
    traits: Traits = field(default_factory=Traits)
    _roots: dict[tuple[str, str], _Bits[Root]] = field(default_factory=dict)
    _todos: dict[tuple[Action, tuple[str, ...]], _Bits[NodeTodo]] = field(default_factory=dict)
    _at: dict[str, int] = field(default_factory=dict)
    """By label: the number of the node's newest snapshot."""
    _alive: int = 0
    """Bits of those."""

    def take(self, chunk: Chunk, traits: Traits) -> list[Node]:
        """Its nodes, by the names that the fleet has for them."""
        self.traits.merge(traits, len(self.nodes))
        nodes = [self._take(node) for node in chunk.nodes]
        self.lack(chunk.missing)
        self.complaints += [f"{file}: passed over: no snapshot" for file in chunk.passed_over]
        return nodes

    def lack(self, missing: Iterable[Missing]) -> None:
        for one in missing:
            self.missing.append(one)
            if not one.asked:
                self.complaints.append(one.why)

    def _take(self, node: Node) -> Node:
        number = len(self.nodes)
        if not node.named and node.label in self._at:  # files of one name in two folders: no two snapshots of one node
            node = replace(node, label=node.file)
        earlier = self._at.get(node.label)
        if earlier is None or node.created > self.nodes[earlier].created:
            self._at[node.label] = number
        if earlier is not None:
            kept = self._at[node.label]
            left = earlier if kept == number else number
            files = [node.file if one == number else self.nodes[one].file for one in (kept, left)]
            self.complaints.append(f"{node.label}: two snapshots; {files[0]} is taken, {files[1]} is left out")
        for root in node.roots:
            self._roots.setdefault((root.code, root.name), _Bits()).add(root, number)
        for todo in node.todos:
            self._todos.setdefault((todo.kind, todo.fixes), _Bits()).add(todo, number)
        # What all have in common is kept once above, and not in each of ten thousand nodes.
        self.nodes.append(replace(node, todos=(), content=b""))
        return node

    def fleet(self, names: Mapping[str, str], tolerate: str = "") -> Fleet:
        """*names*: of checks, by code. *tolerate*: "2%" or "3": so many nodes that are not healthy change no exit
        code. Raises UsageError."""
        self._alive = union(1 << number for number in self._at.values())
        nodes = [self.nodes[number] for number in self._at.values()]
        by_label = {node.label: node for node in nodes}
        missing = self._still_missing(by_label)
        codes = [node.exit_code for node in nodes] + [3 if one.asked else 2 for one in missing]
        exit_code = worst(codes) if codes else 3
        sick = sum(code != 0 for code in codes)
        tolerated = bool(nodes) and 0 < sick <= allowed(tolerate, len(codes))
        return Fleet(
            nodes=tuple(by_label[label] for label in in_order(by_label)),
            groups=self._groups(),
            plan=self._plan(),
            unjudged=self._unjudged(nodes, names),
            drift=drift(self.traits, self._alive, self._labels),
            stragglers=stragglers(self.traits, self._alive, [node.label for node in self.nodes]),
            missing=tuple(missing),
            exit_code=0 if tolerated else exit_code,
            tolerated=tolerated,
        )

    def _still_missing(self, judged: Mapping[str, Node]) -> list[Missing]:
        """Each once; what was not reached in one run, and told in another, is there."""
        told: dict[tuple[str, str], Missing] = {}
        for one in self.missing:
            if not (one.asked and one.label in judged):
                told.setdefault((one.label, one.why), one)
        order = {label: place for place, label in enumerate(in_order({one.label for one in told.values()}))}
        return sorted(told.values(), key=lambda one: (not one.asked, order[one.label]))

    def _labels(self, bits: int) -> tuple[str, ...]:
        return tuple(in_order(self.nodes[number].label for number in numbers(bits & self._alive)))

    def _groups(self) -> tuple[NodeGroup, ...]:
        groups = []
        for (code, name), wordings in self._roots.items():
            alive = {root: bits & self._alive for root, bits in wordings.of.items() if bits & self._alive}
            if not alive:
                continue
            common = max(alive, key=lambda root: alive[root].bit_count())
            labels = self._labels(union(alive.values()))
            titles = len({root.title for root in alive})
            gravest = max((root.severity for root in alive), key=lambda one: one.rank)
            groups.append(
                NodeGroup(code=code, name=name, severity=gravest, title=common.title, titles=titles, labels=labels)
            )
        return tuple(sorted(groups, key=lambda one: (-one.severity.rank, -len(one.labels), one.code)))

    def _plan(self) -> tuple[FleetStep, ...]:
        kinds = {kind: place for place, kind in enumerate(Action)}
        steps = [
            FleetStep(
                kind=kind, text=todo.text, commands=todo.commands, fixes=fixes, labels=self._labels(bits & self._alive)
            )
            for (kind, fixes), variants in self._todos.items()
            for todo, bits in variants.of.items()
            if bits & self._alive
        ]
        return tuple(sorted(steps, key=lambda one: (kinds[one.kind], -len(one.labels), one.fixes, one.commands)))

    def _unjudged(self, nodes: Iterable[Node], names: Mapping[str, str]) -> tuple[Unjudged, ...]:
        by_code: dict[str, list[str]] = {}
        for node in nodes:
            for code, state in node.states.items():
                if state in ("unknown", "broken"):
                    by_code.setdefault(code, []).append(node.label)
        told = (
            Unjudged(code=code, name=names.get(code, code), labels=tuple(in_order(labels)))
            for code, labels in by_code.items()
        )
        return tuple(sorted(told, key=lambda one: (-len(one.labels), one.code)))


def allowed(tolerate: str, nodes: int) -> float:
    """How many nodes "2%" or "3" are. Raises UsageError."""
    told = SHARE.fullmatch(tolerate.strip())
    if told is None or (told["share"] and float(told["share"]) > 100):
        raise UsageError(f"--tolerate {tolerate}: a share such as 2%, or a number of nodes")
    return nodes * float(told["share"]) / 100 if told["share"] else float(told["number"] or 0)
