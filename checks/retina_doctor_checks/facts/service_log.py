"""What the service's own log complains of: symptoms by the names of the tables of triage, each with the lines that show it."""

from typing import Literal

from retina_doctor.authoring import Facts, varying
from retina_doctor.kinds import Name, Path


class ShownLog(Facts, frozen=True, kw_only=True):
    """A place of the log that shows a *symptom* (a name of triage/symptoms). *lines*: a few, without secrets.

    *moment*: not written before this time, in seconds of the epoch: by a date on the line, or on one before it; None: not dated.
    *dated*: the date is on the line itself, so it is its time.
    """

    varies = varying(moment=None)

    symptom: Name
    lines: tuple[str, ...]
    moment: float | None = None
    dated: bool = False


class LastException(Facts, frozen=True, kw_only=True):
    """An exception that ended a program: its last line, without secrets, and the place of the service's own that it came from.
    *module*: that it did not find."""

    said: str
    file: Path
    line: int
    module: Name | None = None


class Log(Facts, frozen=True, kw_only=True):
    """One log. *kind*: output, a file behind the process's standard output or error; file, named by the operator; unit, the
    journal of a systemd unit; container, of docker, podman or kubectl. *name*: the path, the unit or the container.

    *problem*: why nothing was read; *words*: what was said then. *size*: bytes that were read, of the end. *fresh*: the file was
    begun for this process, so that nothing in it is older. *holds*: names of circumstances of triage that its text holds.
    """

    varies = varying(size=None)

    kind: Literal["output", "file", "unit", "container"]
    name: Path
    problem: Literal["no-file", "empty", "not-permitted", "unreadable"] | None = None
    words: str | None = None
    size: int = 0
    fresh: bool = False
    shown: tuple[ShownLog, ...] = ()
    holds: tuple[Name, ...] = ()
    fell_back: tuple[str, ...] = ()
    """Lines by which onnxruntime says that it went on without CUDA."""
    raised: LastException | None = None
    """At its end."""


class Exit(Facts, frozen=True, kw_only=True):
    """How the unit or the container stands. *running* False: it has ended, by *code* or by *signal* (a number).

    *killed_for_memory*: by the kernel, for want of host memory. *started*: of the last run, seconds of the epoch. *restarts*: how
    often it was started again; None: not told.
    """

    varies = varying(started=None, restarts=None)

    running: bool
    code: int | None = None
    signal: int | None = None
    killed_for_memory: bool = False
    started: float | None = None
    restarts: int | None = None


class OwnLog(Facts, frozen=True, kw_only=True):
    """Of the process that was named or found. *started*: seconds of the epoch; None: not told, or it is gone."""

    varies = varying(started=None)

    started: float | None
    logs: tuple[Log, ...]


class NamedLog(Facts, frozen=True, kw_only=True):
    """Of what --log, the process's unit or container, or the target's words name. *exit* None: nobody knows."""

    logs: tuple[Log, ...]
    exit: Exit | None = None
