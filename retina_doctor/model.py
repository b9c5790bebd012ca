"""The nouns: what was read, what was found, what was concluded. Plain data, no behaviour that touches the world."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Generic, Literal, TypeVar

from retina_doctor.codec import Data, Facts, Meta, field, varying
from retina_doctor.kinds import CommandLine, CommandWords, HostName, Name, Path, Serial, User, Version
from retina_doctor.settings import Settings

T = TypeVar("T")
Json = Any
"""A value that JSON can hold: null, bool, number, string, list, object."""


class Severity(StrEnum):
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """0 for a note, 1 for a warning, 2 for an error."""
        return _RANKS[self]

    def capped(self, at_most: Severity | None) -> Severity:
        """The lesser of the two; *at_most* None means no cap."""
        return self if at_most is None or self.rank <= at_most.rank else at_most


class Action(StrEnum):
    """What kind of action a finding asks for, in the order in which such steps are taken."""

    MACHINE = "machine"  # another machine or card
    PROVIDER = "provider"  # whoever starts the container or lends the machine
    ROOT = "root"
    REBOOT = "reboot"
    PIP = "pip"  # packages of the service's Python
    EDIT = "edit"  # the user's own files: source, settings, models, links
    LOOK = "look"  # only decides what the cause is
    RESTART = "restart"  # of the service


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class Outcome(StrEnum):
    """How a looking ended."""

    OK = "ok"
    FAILED = "failed"  # the probe raised
    CRASHED = "crashed"  # its process died, or ended before the probe was done
    TIMED_OUT = "timed_out"
    NOT_RUN = "not_run"


STARVED = 0.25
"""Share of the time that a process wanted a processor and had none, from which on a time-out says more of the machine."""


class Effort(Data, frozen=True, kw_only=True):
    """What a looking whose time ran out had done with its *seconds*: *computed*, and *waited* for a processor, in seconds of
    all its threads together. *load* and *processors*: of the machine at the end (getloadavg(3); those that may be used)."""

    seconds: Annotated[float, Meta(gt=0)]
    computed: float
    waited: float
    load: float
    processors: int

    @property
    def told(self) -> dict[str, Json]:
        """For a finding's evidence, and for what is unknown: a key of the engine's reasons and what fills it."""
        shares = {
            name: round(100 * part / self.seconds)
            for name, part in (("computed", self.computed), ("waited", self.waited))
        }
        return {"key": "effort", "values": {**shares, "load": f"{self.load:.1f}", "processors": self.processors}}

    @property
    def starved(self) -> bool:
        """It would have gone on, and the machine had no processor for it. One that hangs wants none, and one that burns a
        processor has it: of both a time-out says what it always said."""
        wanted = self.computed + self.waited
        return wanted > 0.5 * self.seconds and self.waited > STARVED * wanted


class Recorded(Data, frozen=True, kw_only=True):
    """What a probe told, exactly as it is kept in a snapshot.

    Facts told before a crash are kept. *seconds* is wall-clock time. *stage* is what the probe said it was doing last.
    *cpu_seconds*: of all processors, with the children that it waited for. *peak_memory*: most bytes that its process held
    until then. None where that was not seen. *effort*: of one whose time ran out; None: not told. *began*: how many seconds
    after the first of all; None: not told.
    """

    outcome: Outcome
    facts: Mapping[str, Json] = field(default_factory=dict)
    seconds: float = 0.0
    stage: str | None = None
    detail: str | None = None
    stderr_tail: tuple[str, ...] = ()
    cpu_seconds: float | None = None
    peak_memory: int | None = None
    effort: Effort | None = None
    began: float | None = None

    @property
    def starved(self) -> bool:
        """Its time ran out on a busy machine: nothing is known of what was looked at."""
        return self.outcome is Outcome.TIMED_OUT and self.effort is not None and self.effort.starved


class Reading(Data, Generic[T], frozen=True, kw_only=True):
    """A recorded looking with its facts as their own type: *value* is None unless the looking ended well."""

    probe: str
    value: T | None
    recorded: Recorded

    @property
    def outcome(self) -> Outcome:
        return self.recorded.outcome


class Place(Facts, frozen=True, kw_only=True):
    """Where a process runs. Two processes with equal places see the same hardware, files, processes and ports."""

    varies = varying(machine=None, namespaces=None)

    machine: Serial
    namespaces: Mapping[Name, Name]


class Interpreter(Facts, frozen=True, kw_only=True):
    """The Python that the target command starts, as it describes itself."""

    executable: Path
    version: tuple[int, int, int]
    prefix: Path
    base_prefix: Path
    implementation: Name
    platform: Name
    machine: Name
    libc: Version | None
    working_directory: Path
    working_directory_error: str | None
    user: User | None
    uid: int
    home: Path | None
    hostname: HostName
    has_pip: bool
    uv: Path | None
    made_by_uv: bool
    conda: bool
    externally_managed: bool
    container: Name | None
    place: Place


Chosen = Literal["flag", "service", "port", "found", "environment", "path", "own"]
NoPython = Literal["ended", "gone", "replaced", "no-python"]
"""Why the Python of a process cannot be looked at: the process ended; its interpreter's file is gone, or is another one by
now; or it is no Python."""


class Target(Data, frozen=True, kw_only=True):
    """The command that starts the service's Python, and why this one was chosen (a key of the words table).

    *command* (): it is the Python of a process that there is none of, as *problem* says; *called*: how it was called.
    """

    command: CommandWords
    chosen: Chosen
    chosen_by: Name = ""
    local: bool = True
    problem: NoPython | None = None
    called: Path | None = None

    @property
    def of_a_process(self) -> bool:
        """It is the Python of a running process, which *chosen_by* names."""
        return self.chosen in ("service", "port", "found")


Untaken = Literal["capabilities", "limits", "cgroup", "seccomp", "lsm"]
"""What a process has and what looks beside it has not: capabilities that its file or its starter gave it; higher limits; its
control group; its system call filter; its profile of a security module (AppArmor, SELinux)."""


class GroupLimits(Data, frozen=True, kw_only=True):
    """The least that a control group and those above it allow, None: no limit. *memory*: bytes; *processors*: processors'
    worth of time; *processes*: how many."""

    memory: int | None = None
    processors: float | None = None
    processes: int | None = None


class SeenFrom(Data, frozen=True, kw_only=True):
    """Whose view of the target a snapshot holds, as the doctor saw it from outside; the target's own words are Interpreter's.

    *whose*: the attached process's, the caller's (a Python that the doctor chose), or that of the command which was named, of
    which the rest is not known. *namespaces*: those that are not the doctor's, by kind. *limits*: soft and hard, by the names
    of setrlimit(2), None: unlimited. *group_limits*: of its control group, None: not known. *processors*: on which it may
    run, (): not known. *environment*: whose variables the target was given. *not_taken*: what the process has and the looking
    had not.
    """

    whose: Literal["process", "caller", "target"]
    pid: int | None = None
    user: User | None = None
    uid: int | None = None
    gid: int | None = None
    groups: tuple[int, ...] = ()
    capabilities: tuple[Name, ...] = ()
    namespaces: Mapping[Name, Name] = field(default_factory=dict)
    root: Path = "/"
    cgroup: Path | None = None
    group_limits: GroupLimits | None = None
    processors: tuple[int, ...] = ()
    limits: Mapping[Name, tuple[int | None, int | None]] = field(default_factory=dict)
    cwd: Path | None = None
    environment: Literal["process", "caller"] = "caller"
    not_taken: tuple[Untaken, ...] = ()


Against = Literal["several", "container", "user", "refused", "variable", "model", "folder"]
"""What spoke against looking at a service unasked: there is more than one; it is in a container; another user's, whom the
caller is not; a variable, a named model or the current folder speaks of another service."""


class PassedOver(Data, frozen=True, kw_only=True):
    """A running service that was seen and not looked at. *detail*: which variable, model or file speaks against it."""

    pid: int
    command: CommandLine
    user: User
    ports: tuple[int, ...]
    why: Against
    detail: Path = ""


class Snapshot(Data, frozen=True, kw_only=True):
    """Everything that was seen: the support file, the test fixture and the only input of a judgement."""

    created: Version
    doctor: Version
    settings: Settings
    target: Target
    readings: Mapping[str, Recorded]
    redacted: bool = False
    label: str = ""
    """What the operator calls this machine."""
    seen_from: SeenFrom | None = None
    passed_over: tuple[PassedOver, ...] = ()
    masked: Mapping[str, int] = field(default_factory=dict)
    """What was taken out: kind of mark -> how often it stands here. Empty: nothing, or not redacted."""
    origin: Mapping[str, Json] = field(default_factory=dict)


class Location(Data, frozen=True, kw_only=True):
    file: str
    line: int
    column: int = 1


class Problem(Data, frozen=True, kw_only=True):
    """What a check reports: on which subject ("gpu:1", "model:det_10g.onnx"), with which evidence. No prose.

    *variant*: which of the things that the check tells apart; its page has a section for each."""

    subject: str
    evidence: Mapping[str, Json] = field(default_factory=dict)
    at_most: Severity | None = None
    location: Location | None = None
    variant: str = ""


class Reason(Data, frozen=True):
    """A key of a pack's reasons table and what fills its placeholders."""

    key: str
    values: Mapping[str, Json] = field(default_factory=dict)


class Passed(Data, frozen=True):
    """Nothing wrong, and something worth showing."""

    reason: Reason


class Inapplicable(Data, frozen=True):
    """Something in the settings or facts says that the question does not arise."""

    reason: Reason


class Unknown(Data, frozen=True):
    """The facts were there, but what the judgement rests on was not among them."""

    missing: tuple[str, ...]


class Verdict(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    INAPPLICABLE = "inapplicable"
    IGNORED = "ignored"
    ERROR = "error"


class FindingKey(Data, frozen=True, kw_only=True):
    code: str
    name: str
    subject: str


class Finding(Data, frozen=True, kw_only=True):
    code: str
    name: str
    severity: Severity
    subject: str
    evidence: Mapping[str, Json]
    root: FindingKey | None
    location: Location | None
    pitfall: int | None
    action: Action | None = None
    variant: str = ""

    @property
    def key(self) -> FindingKey:
        return FindingKey(code=self.code, name=self.name, subject=self.subject)


class Judgement(Data, frozen=True, kw_only=True):
    """The verdict of one check. *reason* is a Reason, or plain text where the operator or an exception gave it."""

    code: str
    name: str
    domain: str
    verdict: Verdict
    missing: tuple[str, ...] = ()
    reason: Reason | str | None = None


class Diagnosis(Data, frozen=True, kw_only=True):
    """What was concluded from a snapshot. *findings*: roots first, the gravest first, echoes after their root.

    *ignored*: what the operator accepts. It counts nowhere, but still explains its echoes, which are findings.
    """

    snapshot: Snapshot
    judgements: tuple[Judgement, ...]
    findings: tuple[Finding, ...]
    ignored: tuple[Finding, ...] = ()

    @property
    def roots(self) -> tuple[Finding, ...]:
        """Findings that no other one explains; what an ignored finding explains stands for itself."""
        accepted = {f.key for f in self.ignored}
        return tuple(f for f in self.findings if f.root is None or f.root in accepted)

    def echoes(self, root: Finding) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.root == root.key)

    def gravest(self, root: Finding) -> Severity:
        """Of a root and all that it explains: an error under a warning is an error."""
        return max((one.severity for one in (root, *self.echoes(root))), key=lambda severity: severity.rank)

    def with_verdict(self, verdict: Verdict) -> tuple[Judgement, ...]:
        return tuple(j for j in self.judgements if j.verdict is verdict)

    @property
    def verdict(self) -> Literal["healthy", "findings", "unknown", "broken"]:
        if any(f.severity is not Severity.NOTE for f in self.findings):
            return "findings"
        if self.with_verdict(Verdict.ERROR):
            return "broken"
        return "unknown" if self.with_verdict(Verdict.UNKNOWN) else "healthy"

    def exit_code(self, fail_on: Severity | None) -> Literal[0, 1, 3]:
        """1: findings at or above *fail_on* (None: never); 3: none, but something is unknown or broke; 0: else."""
        if fail_on is not None and any(f.severity.rank >= fail_on.rank for f in self.findings):
            return 1
        return 3 if self.with_verdict(Verdict.ERROR) or self.with_verdict(Verdict.UNKNOWN) else 0
