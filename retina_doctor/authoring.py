"""The public API of a pack of checks: probes look, checks judge, causes connect, pages speak.

A check is a function whose parameter types say what it needs::

    @check("RD401", "det-threshold-too-high", Severity.WARNING, pitfall=4, scope=threshold_named)
    def too_high(detection: DetectionSettings, seen: DetectorFacts | None) -> Answer:
        ...

``Facts``: required, without them the verdict is *unknown*. ``Facts | None``: if there. ``Reading[Facts]``: the looking
itself; that check speaks for the probe's failure. Facts are classes derived from `Facts`. A table of settings (a class
derived from `Table`), ``Settings`` (all tables), ``Target`` and ``Interpreter`` come with every snapshot, ``SeenFrom |
None`` with new ones. A class derived from `Gathered` stands for all its fields at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Generic, TypeVar

from retina_doctor.codec import Data, Facts, Meta, field, replace, varying
from retina_doctor.figures import Figure, Measure
from retina_doctor.model import (
    Action,
    Against,
    Chosen,
    Finding,
    Inapplicable,
    Interpreter,
    Json,
    Location,
    Outcome,
    Passed,
    Problem,
    Reading,
    Reason,
    Recorded,
    Severity,
    Unknown,
)
from retina_doctor.sending import sent_for
from retina_doctor.settings import Setting, Settings, Table

# All that a pack needs, so that it imports from here alone.
__all__ = [
    "ANY", "EVERYWHERE", "Action", "Answer", "Cause", "Check", "Data", "Domain", "Facts", "Figure", "Finding", "Gathered",
    "Inapplicable", "Interpreter", "Json", "Location", "Measure", "Meta", "Outcome", "Pack", "Passed", "Probe",
    "Problem", "Reading", "Reason", "Recorded", "Row", "RunningService", "Scope", "Setting", "Settings", "Severity",
    "Side", "Table", "Unknown", "check", "evidence_of", "field", "replace", "varying",
]  # fmt: skip

T = TypeVar("T")

Answer = Iterable[Problem] | Problem | Passed | Inapplicable | Unknown | None
"""What a check says: problems (none: passed), or why there is no judgement."""


class Gathered(Data, frozen=True):
    """Base of what many checks need together. Its fields are typed as the parameters of a check are; it is built of them.

    Where a field is required and not there, each check that asks for the whole is *unknown*.
    """


class Side(StrEnum):
    """From where a probe looks. Where the target is another machine or container, OWN runs in TARGET as well."""

    OWN = "own"
    """At the machine, its hardware and its driver: in the doctor's own interpreter, with the caller's rights."""
    TARGET = "target"
    """With the service's eyes: in its interpreter, as its user, with its variables, limits and working directory."""
    CALLER = "caller"
    """In the doctor's own interpreter wherever the target is: what is looked at is on the disk of whoever calls."""


class Probe(Data, Generic[T], frozen=True, kw_only=True):
    """A looking: the module that is sent to an interpreter, and the type of the facts that it tells.

    *module* defines ``look(probe, arguments)``; it and what it imports of its own package are sent, and must run on
    Python 3.8 with the standard library alone. *carries*: packages of others, pure Python, that are sent along as far as
    they are imported. *heavy* probes import or start something slow and are left out by --quick. Those that *share* read
    files and import nothing foreign: all of one side are run in one process, one after the other, for speed. *again* says of
    all readings whether what the doctor's own side did not find is to be looked for from the service's standpoint, with its
    user's rights; that reading then takes the place of the first.

    Probes of one *group* import the same libraries, at what most of them costs: they are run in one process, too, one after the
    other, in the order of the catalogue. What one has loaded the next finds loaded.

    *long* ones have all of --timeout, others the short time of drivers and files; None: those that are heavy.
    *hangs_with*: names of probes; where one of them hangs this one waits for the same thing in vain, and is ended with it.

    *wanted*: whether the settings leave it anything to look at; else it is not run, and what it would tell is not there.

    *since*: the version of the doctor that brought it, "0.3"; of snapshots that are older nothing is said to be missing.

    *local*: a module that is never sent. Its ``look(probe, arguments)`` makes the facts of what *module* has fetched, which is
    ``arguments["told"]`` and goes no further: in a process of the doctor's own, with all that is installed there.
    """

    name: str
    facts: type[T]
    module: str
    side: Side
    carries: tuple[str, ...] = ()
    heavy: bool = False
    share: bool = False
    group: str | None = None
    long: bool | None = None
    hangs_with: tuple[str, ...] = ()
    local: str | None = None
    arguments: Callable[[Settings], Mapping[str, Json]] = lambda _settings: {}
    again: Callable[[Mapping[str, Recorded]], bool] = lambda _readings: False
    since: str = ""
    wanted: Callable[[Settings], bool] = lambda _settings: True

    def sent(self, side: Side) -> tuple[str, ...]:
        """Names of the modules that are sent to run it. On the doctor's own side what it carries is installed."""
        own = {"retina_doctor", self.module.split(".")[0]}
        return sent_for(self.module, frozenset(own.union(self.carries) if side is Side.TARGET else own))

    def seconds(self, settings: Settings) -> float:
        """How long it may take; also told to `look`, as ``arguments["seconds"]``."""
        return settings.gate.seconds(long=self.heavy if self.long is None else self.long)


class Scope(Data, frozen=True, kw_only=True):
    """What settings say of a check before any fact is known: not applicable, or no graver than *at_most*."""

    inapplicable: Reason | None = None
    at_most: Severity | None = None


EVERYWHERE = Scope()


class Check(Data, frozen=True, kw_only=True):
    code: str
    name: str
    severity: Severity
    judge: Callable[..., Answer]
    pitfall: int | None
    scope: Callable[[Settings], Scope]
    action: Action | None = None

    @property
    def place(self) -> str:
        """ "FILE:LINE" of the judging function."""
        code = getattr(self.judge, "__code__", None)
        return f"{code.co_filename}:{code.co_firstlineno}" if code else repr(self.judge)


def check(
    code: str,
    name: str,
    severity: Severity,
    *,
    pitfall: int | None = None,
    scope: Callable[[Settings], Scope] = lambda _settings: EVERYWHERE,
    action: Action | None = None,
) -> Callable[[Callable[..., Answer]], Check]:
    """Attach a code, a name and a severity to a judging function. Registers nothing: list it in a Domain.

    *action*: what kind of action its page asks for; also of the page's commands that say no other (```sh look).
    """

    def attach(judge: Callable[..., Answer]) -> Check:
        return Check(code=code, name=name, severity=severity, judge=judge, pitfall=pitfall, scope=scope, action=action)

    return attach


def evidence_of(reading: Reading[Any]) -> dict[str, object]:
    """How a looking ended, for a finding about that: outcome, last stage, detail, last lines of stderr."""
    recorded = reading.recorded
    return {
        "probe": reading.probe,
        "outcome": recorded.outcome.value,
        "stage": recorded.stage,
        "detail": recorded.detail,
        "seconds": recorded.seconds,
        "stderr": list(recorded.stderr_tail[-5:]),
        "effort": recorded.effort.told if recorded.effort is not None else None,
    }


class Domain(Data, frozen=True, kw_only=True):
    """A folder of the pack: its probes, its checks, and the folder of its pages (NAME.en.md, NAME.zh.md)."""

    name: str
    probes: tuple[Probe[Any], ...] = ()
    checks: tuple[Check, ...] = ()
    pages: Path


def always(_root: Finding, _echo: Finding) -> bool:
    """The condition of a cause that explains whatever the two findings say."""
    return True


ANY = "*"
"""As the root of a cause: any other finding, of which its condition speaks."""


class Cause(Data, frozen=True):
    """ "*root* explains these": findings that would not be there without it, by name of check; ANY with a condition.

    *when*: judges the two findings, root first (a driver too old for torch says nothing of onnxruntime).
    """

    root: str
    explains: tuple[str, ...]
    when: Callable[[Finding, Finding], bool] = always


class RunningService(Data, frozen=True, kw_only=True):
    """A process that may be the service to look at. *ports*: TCP ports that it listens on.

    *settings*: what the process says of itself, by table and key; it holds where the operator says nothing else. *how*: by
    which of his words it was found. *readable* False: it may be the service, and this user may not look into it.
    """

    pid: int
    command: str
    user: str | None
    ports: tuple[int, ...]
    settings: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
    how: Chosen = "found"
    named: bool = False
    readable: bool = True
    doubts: tuple[tuple[Against, str], ...] = ()
    """What here speaks of another service, and where it says so."""


class Row(Data, frozen=True, kw_only=True):
    """A line of the first screen: what is told at a glance of one matter.

    *label*: a key of the pack's reasons. Findings of *pitfall*, and of the domains *domains*, speak for it; where there are
    none, what the first of the checks *tells* (codes) says that passed, or why it could not be judged.
    """

    label: str
    pitfall: int | None = None
    domains: tuple[str, ...] = ()
    tells: tuple[str, ...]


class Pack(Data, frozen=True, kw_only=True):
    """What an entry point of the group ``retina_doctor.checks`` names. *reasons*: a TOML file of reason texts.

    *services*: finds the running services on this machine that the settings may mean: the named process, whatever it is;
    else what looks like a service, where the settings do not say that it is elsewhere. *python*: words of the command that
    starts the service's Python, where the settings tell how the service is started. *rows*: of the first screen. *head*:
    its first lines, each of several parts; a function whose parameters are typed as a check's. *figures*: what a report can
    draw; functions typed likewise. *measures*: figures that are compared with an earlier report's. *knowledge*: the month
    (YYYY-MM) of the pack's tables of versions. *examples*: findings of recorded machines, for `explain`
    (`explaining.examples`). *restarted*: words of the doctor's command that no longer hold when the service was started
    again, and those to take instead; typed likewise. Of the reasons, "domain-NAME" and "probe-NAME" are what people call a
    domain and a probe, and "looks-NAME" a sentence on what the probe looks at.
    """

    name: str
    domains: tuple[Domain, ...]
    causes: tuple[Cause, ...] = ()
    reasons: Path | None = None
    services: Callable[[Settings], tuple[RunningService, ...]] | None = None
    python: Callable[[Settings], tuple[str, ...] | None] | None = None
    started: Callable[[Settings], Mapping[str, Mapping[str, object]]] | None = None
    rows: tuple[Row, ...] = ()
    head: Callable[..., Iterable[Iterable[Reason]]] | None = None
    restarted: Callable[..., Iterable[tuple[tuple[str, ...], tuple[str, ...]]]] | None = None
    figures: tuple[Callable[..., Iterable[Figure]], ...] = ()
    measures: tuple[Measure, ...] = ()
    knowledge: str | None = None
    examples: Path | None = None
