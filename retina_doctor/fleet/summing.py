"""From single nodes to what a fleet has: roots × nodes, one plan, what differs from the majority, who lags. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from retina_doctor.codec import Data, replace
from retina_doctor.errors import UsageError
from retina_doctor.fleet.judging import Chunk, Missing, Node, NodeTodo, Root
from retina_doctor.fleet.node_sets import in_order
from retina_doctor.fleet.traits import MOST_VALUES, Traits, Value
from retina_doctor.kinds import Kind
from retina_doctor.model import Action, Severity
from retina_doctor.run import worst

MOST_WORDINGS = 1000
"""Of one root or step that are kept apart; what is beyond is counted to the most frequent."""
ENOUGH = 5
"""Nodes that must have a measure before one of them lags behind."""
FAR = 5 * 1.4826
"""Median absolute deviations that are five standard deviations of a normal distribution."""
USUAL = 2
"""Times the share by which a measure usually varies that it may be off besides."""
RANKS = {Kind.VERSION: 0, Kind.SERIAL: 1, Kind.VARIABLE: 2, Kind.NAME: 3, Kind.KEY: 3}
"""What is told first: versions, hashes, environment, names; then numbers and yes or no."""

K = TypeVar("K")


class NodeGroup(Data, frozen=True, kw_only=True):
    """A root and its nodes. *severity*: the gravest; *title*: the most frequent of so many *titles*."""

    code: str
    name: str
    severity: Severity
    title: str
    titles: int
    labels: tuple[str, ...]


class FleetStep(Data, frozen=True, kw_only=True):
    """What to do on these nodes."""

    kind: Action
    text: str
    commands: tuple[str, ...]
    fixes: tuple[str, ...]
    labels: tuple[str, ...]


class Unjudged(Data, frozen=True, kw_only=True):
    """A check that is unknown, or broke, on these nodes."""

    code: str
    name: str
    labels: tuple[str, ...]


class Drift(Data, frozen=True, kw_only=True):
    """A trait that most nodes share. *others*: the other values, and whose they are, the most frequent first. *alike*: further
    traits in which the same nodes differ."""

    what: str
    majority: str
    count: int
    others: Mapping[str, tuple[str, ...]]
    alike: tuple[str, ...] = ()


class Straggler(Data, frozen=True, kw_only=True):
    """A measure in which single nodes are far from all others; *nodes*: label -> its value, the farthest first."""

    what: str
    median: float
    nodes: Mapping[str, float]


class Fleet(Data, frozen=True, kw_only=True):
    """What every format is made of. *nodes*: in the order of their names. *tolerated*: some are not healthy, few enough."""

    nodes: tuple[Node, ...]
    groups: tuple[NodeGroup, ...]
    plan: tuple[FleetStep, ...]
    unjudged: tuple[Unjudged, ...]
    drift: tuple[Drift, ...]
    stragglers: tuple[Straggler, ...]
    missing: tuple[Missing, ...]
    exit_code: int
    tolerated: bool

    @property
    def healthy(self) -> tuple[str, ...]:
        return self.with_verdict("healthy")

    def with_verdict(self, verdict: str) -> tuple[str, ...]:
        return tuple(one.label for one in self.nodes if one.verdict == verdict)


@dataclass
class _Bits(Generic[K]):
    """Sets of nodes, each as the bits of one integer."""

    of: dict[K, int] = field(default_factory=dict)

    def add(self, key: K, node: int) -> None:
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
        if (
            not node.named and node.label in self._at
        ):  # files of one name in two folders are no two snapshots of one node
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
            wordings = self._roots.setdefault((root.code, root.name), _Bits())
            wordings.add(
                root if root in wordings.of or len(wordings.of) < MOST_WORDINGS else next(iter(wordings.of)), number
            )
        for todo in node.todos:
            variants = self._todos.setdefault((todo.kind, todo.fixes), _Bits())
            variants.add(
                todo if todo in variants.of or len(variants.of) < MOST_WORDINGS else next(iter(variants.of)), number
            )
        # What all have in common is kept once above, and not in each of ten thousand nodes.
        self.nodes.append(replace(node, todos=(), content=b""))
        return node

    def fleet(self, names: Mapping[str, str], tolerate: str = "") -> Fleet:
        """*names*: of checks, by code. *tolerate*: "2%" or "3": so many nodes that are not healthy change no exit
        code. Raises UsageError."""
        self._alive = _union(1 << number for number in self._at.values())
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
            drift=self._drift(),
            stragglers=self._stragglers(),
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
        return tuple(in_order(self.nodes[number].label for number in _numbers(bits & self._alive)))

    def _groups(self) -> tuple[NodeGroup, ...]:
        groups = []
        for (code, name), wordings in self._roots.items():
            alive = {root: bits & self._alive for root, bits in wordings.of.items() if bits & self._alive}
            if not alive:
                continue
            common = max(alive, key=lambda root: alive[root].bit_count())
            labels = self._labels(_union(alive.values()))
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

    def _drift(self) -> tuple[Drift, ...]:
        found: list[tuple[tuple[object, ...], tuple[object, ...], Drift]] = []
        for what, values in self.traits.values.items():
            if len(values) > MOST_VALUES:
                continue
            alive = {value: bits & self._alive for value, bits in values.items() if bits & self._alive}
            if what in self.traits.entries:
                looked = self.traits.looked.get(what.partition(".")[0], 0) & self._alive
                absent = looked & ~_union(alive.values())
                alive |= {"absent": absent} if absent else {}
            if len(alive) < 2:
                continue
            majority = max(alive, key=lambda value: alive[value].bit_count())
            count, total = alive[majority].bit_count(), sum(bits.bit_count() for bits in alive.values())
            if 2 * count <= total:
                continue
            others = sorted(
                ((shown(value), bits) for value, bits in alive.items() if value != majority or value is not majority),
                key=lambda one: (-one[1].bit_count(), one[0]),
            )
            merged: dict[str, int] = {}
            for value, bits in others:  # "true", true and a value that was cut may look alike
                merged[value] = merged.get(value, 0) | bits
            drift = Drift(
                what=what,
                majority=shown(majority),
                count=count,
                others={value: self._labels(bits) for value, bits in merged.items()},
            )
            partition = (what.partition(".")[0], *(bits for _, bits in others))
            kind = self.traits.kinds[what]
            found.append(((RANKS.get(kind, 4) if kind else 4, "[" in what, len(what), what), partition, drift))
        return _collapsed(found)

    def _stragglers(self) -> tuple[Straggler, ...]:
        told = []
        for what, (spread, measured) in self.traits.measures.items():
            alive = [(node, value) for node, value in measured if self._alive >> node & 1]
            if len(alive) < ENOUGH:
                continue
            median = statistics.median(value for _, value in alive)
            deviation = statistics.median(abs(value - median) for _, value in alive)
            bound = max(USUAL * spread * abs(median), FAR * deviation)
            far = sorted((pair for pair in alive if abs(pair[1] - median) > bound), key=lambda p: -abs(p[1] - median))
            if far:
                nodes = {self.nodes[node].label: value for node, value in far}
                told.append(Straggler(what=what, median=median, nodes=nodes))
        return tuple(sorted(told, key=lambda one: one.what))


def _collapsed(found: list[tuple[tuple[object, ...], tuple[object, ...], Drift]]) -> tuple[Drift, ...]:
    """Of traits of one probe in which the very same nodes differ in the same way the first stands for all."""
    kept: dict[tuple[object, ...], tuple[Drift, list[str]]] = {}
    for _, partition, drift in sorted(found, key=lambda one: one[0]):
        if partition in kept:
            kept[partition][1].append(drift.what)
        else:
            kept[partition] = (drift, [])
    return tuple(
        Drift(what=one.what, majority=one.majority, count=one.count, others=one.others, alike=tuple(alike))
        for one, alike in kept.values()
    )


def allowed(tolerate: str, nodes: int) -> float:
    """How many nodes "2%" or "3" are. Raises UsageError."""
    text = tolerate.strip()
    try:
        number = float(text.removesuffix("%") or 0)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf") or (text.endswith("%") and number > 100):
        raise UsageError(f"--tolerate {tolerate}: a share such as 2%, or a number of nodes")
    return nodes * number / 100 if text.endswith("%") else number


def shown(value: Value) -> str:
    """A value of a trait as text."""
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _union(sets: Iterable[int]) -> int:
    whole = 0
    for bits in sets:
        whole |= bits
    return whole


def _numbers(bits: int) -> Iterable[int]:
    text = bin(bits)[:1:-1]
    place = text.find("1")
    while place >= 0:
        yield place
        place = text.find("1", place + 1)
