"""Whose Python is looked at, why that one, and from where."""

from collections.abc import Mapping
from typing import Literal

from retina_doctor.codec import Data, field
from retina_doctor.kinds import CommandLine, CommandWords, Name, Path, User

Chosen = Literal["flag", "service", "port", "found", "environment", "folder", "path", "own"]
NoPython = Literal["ended", "gone", "replaced", "no-python", "several", "no-answer", "not-permitted"]
"""Why the Python of a process cannot be looked at: the process ended; its interpreter's file is gone, or is another one by
now; it is no Python; there are several services, and none was chosen; the disk on which it lies does not answer; or what
listens at the port that was named is another user's, into which this one may not look."""


class Target(Data, frozen=True, kw_only=True):
    """The command that starts the service's Python, and why this one was chosen (a key of the words table).

    *command* (): it is the Python of a process that there is none of, as *problem* says; *called*: how it was called.
    *roots_own*: the process is another user's, and nobody but root can change its Python and packages, as the doctor itself saw.
    *brought*: where the packages are that the process's program brings along (a pex, shiv): no pip of its Python changes them.
    """

    command: CommandWords
    chosen: Chosen
    chosen_by: Name = ""
    local: bool = True
    problem: NoPython | None = None
    called: Path | None = None
    roots_own: bool = False
    brought: Path | None = None

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
