"""How a looking ended and what it told, exactly as a snapshot keeps it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Generic, TypeVar

from retina_doctor.codec import Data, Facts, Meta, field, varying
from retina_doctor.kinds import HostName, Name, Path, Serial, User, Version

T = TypeVar("T")
Json = Any
"""A value that JSON can hold: null, bool, number, string, list, object."""


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
    all its threads together. *load* and *processors*: of the machine at the end (getloadavg(3); those that may be used).
    *waits_for*: the file that it asked for and that does not answer; None: none was seen. *waits_at_pipe*: it is a FIFO, at
    which nobody else is."""

    seconds: Annotated[float, Meta(gt=0)]
    computed: float
    waited: float
    load: float
    processors: int
    waits_for: Path | None = None
    waits_at_pipe: bool = False

    @property
    def told(self) -> dict[str, Json]:
        """For a finding's evidence, and for what is unknown: a key of the engine's reasons and what fills it."""
        shares = {
            name: round(100 * part / self.seconds)
            for name, part in (("computed", self.computed), ("waited", self.waited))
        }
        values = {**shares, "load": f"{self.load:.1f}", "processors": self.processors}
        if self.waits_for is not None:
            return {"key": "effort-waits", "values": {**values, "file": self.waits_for}}
        return {"key": "effort", "values": values}

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
