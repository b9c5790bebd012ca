"""What every format of a fleet's report is made of."""

from __future__ import annotations

from collections.abc import Mapping

from retina_doctor.codec import Data
from retina_doctor.fleet.judging import Missing, Node
from retina_doctor.model import Action, Severity


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
