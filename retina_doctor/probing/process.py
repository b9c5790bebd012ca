"""One other interpreter: listen to it, end it. Nothing here knows what is being looked at."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

from retina_doctor.codec import replace
from retina_doctor.model import Effort, Outcome, Recorded
from retina_doctor.probing import effort
from retina_doctor.probing.forked import Forked, can_be_forked, fork
from retina_doctor.probing.messages import message_of, used_of
from retina_doctor.probing.request import Request
from retina_doctor.probing.starting import start_process
from retina_doctor.probing.tail import Tail

MOST_FACTS = 16 * 1024 * 1024  # bytes: a probe that tells more is broken
PATIENCE = 1 / 12  # of its time that a looking gets before those that wait for it in the same process go on in another
DYING = 0.1  # seconds to wait for a killed process; it takes longer in an uninterruptible system call: a hung driver
CHUNK = 65536  # bytes read from a pipe at once


class ProcessSeen:
    """What has come of one looking so far. *limit*: seconds that it has."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.facts: dict[str, Any] = {}
        self.stage: str | None = None
        self.failed: str | None = None
        self.started: float | None = None
        """Seconds since the process was; likewise *ended*."""
        self.ended: float | None = None
        self.used: tuple[float | None, int | None] = (None, None)
        """CPU seconds and most memory of the process by its own word, at the end of this looking."""


class Child:
    """A running request. Feed it with `read_facts` and `read_errors` until `ended`, then take `recorded`."""

    def __init__(
        self, request: Request, token: str, process: subprocess.Popen[bytes] | Forked, program: bytes = b""
    ) -> None:
        """*program*: what is still to be written to it."""
        self.request = request
        self.token = token
        self.process = process
        self.started = time.monotonic()
        self.seen = {look.probe: ProcessSeen(look.seconds) for look in request.looks}
        self.current = request.looks[0].probe
        self.done = self.overdue = self.flooded = False
        self.hangs_with: str | None = None
        self.usage: Any = None
        self.effort: Effort | None = None
        self.errors = Tail()
        self._pending = bytearray()
        self._told = 0
        self._unsent = memoryview(program)

    @classmethod
    def start(cls, request: Request, token: str, environment: Mapping[str, str]) -> Child:
        """Raises OSError when the command cannot be started."""
        forked = request.light and request.path is not None and can_be_forked()
        process = fork(request.told(token), environment) if forked else start_process(request, environment)
        for pipe in filter(None, (process.stdin, process.stdout, process.stderr)):
            os.set_blocking(pipe.fileno(), False)
        child = cls(request, token, process, b"" if forked else request.program(token))
        child.write_program()  # it begins at once, and not when all others have been started, too
        return child

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started

    @property
    def stage(self) -> str | None:
        return self.seen[self.current].stage

    @property
    def complete(self) -> bool:
        """It has said its last word; what its process or its children still do is of no interest."""
        return self.done or self.flooded or all(seen.ended is not None for seen in self.seen.values())

    @property
    def busy(self) -> float:
        """Seconds since the current looking began, or the process, if none has."""
        return self.seconds - (self.seen[self.current].started or 0.0)

    @property
    def late(self) -> bool:
        """The current looking has used up its time."""
        return not self.complete and self.busy > self.seen[self.current].limit

    @property
    def stuck(self) -> bool:
        """The current looking takes long, if it ends at all; others wait for it."""
        seen = self.seen[self.current]
        return bool(self.waiting) and seen.started is not None and self.busy > seen.limit * PATIENCE

    @property
    def waiting(self) -> tuple[str, ...]:
        """Lookings that have not begun. The first is not among them: that the interpreter does not start is its reading."""
        return tuple(name for name, seen in list(self.seen.items())[1:] if seen.started is None)

    def give_up_waiting(self) -> tuple[str, ...]:
        """Those that wait are not to be done in this process any more."""
        waiting = self.waiting
        for name in waiting:
            del self.seen[name]
        return waiting

    @property
    def has_ended(self) -> bool:
        """The process has; it is reaped then, and what it used is known."""
        if self.process.returncode is None:
            try:
                pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
            except ChildProcessError:  # who started us has SIGCHLD ignored
                return self.process.poll() is not None
            if pid:
                self.process.returncode, self.usage = os.waitstatus_to_exitcode(status), usage
        return self.process.returncode is not None

    def write_program(self) -> bool:
        """Send as much of the program as the pipe takes; True when all is sent, or nobody listens."""
        if self.process.stdin is None:
            return True
        with contextlib.suppress(BlockingIOError):
            try:
                while self._unsent:
                    self._unsent = self._unsent[os.write(self.process.stdin.fileno(), self._unsent[:CHUNK]) :]
            except BrokenPipeError:
                self._unsent = memoryview(b"")
        if self._unsent:
            return False
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        return True

    def read_facts(self) -> bool:
        """Take what is there; False at the end of the stream."""
        assert self.process.stdout
        chunk = _read(self.process.stdout.fileno())
        if not chunk:
            return chunk is None
        self._told += len(chunk)
        if self._told > MOST_FACTS:
            self.flooded = True
            return False
        self._pending += chunk
        if b"\n" not in chunk:
            return True
        whole, _, rest = bytes(self._pending).rpartition(b"\n")
        self._pending = bytearray(rest)
        if self.token.encode() not in whole:  # noise, however many lines: a flood must not cost more than its bytes
            self.errors.add(whole + b"\n")
            return True
        for line in whole.split(b"\n"):
            self._take(line)
        return True

    def _take(self, line: bytes) -> None:
        mark = self.token.encode()
        message = message_of(line[len(mark) :]) if line.startswith(mark) else None
        if message is None:  # printed by something else before the private stream was set up, or none of ours
            self.errors.add(line + b"\n")
            return
        if self.complete:  # it goes on with what others do by now
            return
        begun = message.get("begin", self.current)
        if begun in self.seen:
            self.current = begun
        seen = self.seen[self.current]
        if "begin" in message:
            seen.started = self.seconds
        seen.facts.update(message.get("tell") or {})
        seen.stage = message.get("stage", seen.stage)
        if "end" in message:
            seen.ended, seen.failed = self.seconds, message.get("failed")
            seen.used = used_of(message.get("used"))
        self.done = self.done or "done" in message

    def read_errors(self) -> bool:
        assert self.process.stderr
        chunk = _read(self.process.stderr.fileno())
        if not chunk:
            return chunk is None
        self.errors.add(chunk)
        return True

    def end(self) -> None:
        """Kill the whole process group and reap the child. Harmless when it is gone already."""
        if self.overdue and self.effort is None:
            self.effort = effort.of_group(self.process.pid, self.seconds)
            if self.effort is not None and not self.effort.starved:
                from retina_doctor.probing.waiting import awaited  # only here: most runs end nothing

                file = awaited(self.process.pid)
                if file is not None:
                    self.effort = replace(self.effort, waits_for=file.path, waits_at_pipe=file.pipe)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        until = time.monotonic() + DYING
        while not self.has_ended and time.monotonic() < until:
            time.sleep(0.001)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()

    def told(self, name: str) -> Recorded | None:
        """The reading of a looking that has ended while others of its process go on."""
        seen = self.seen.get(name)
        return None if seen is None or seen.ended is None else self._recorded(seen, seen.ended, *seen.used)

    def recorded(self, seconds: float) -> dict[str, Recorded]:
        """What came of each looking; call after `end`. Those that were not begun are left out, but for the first."""
        readings = {}
        before = 0.0  # CPU seconds of the process until then
        for number, (name, seen) in enumerate(self.seen.items()):
            if seen.started is not None or number == 0:
                cpu, peak = seen.used if seen.ended is not None else self._used_in_all
                readings[name] = self._recorded(seen, seconds, None if cpu is None else max(0.0, cpu - before), peak)
                before = cpu or before
        return readings

    @property
    def _used_in_all(self) -> tuple[float | None, int | None]:
        """By the system's word, which counts the memory of what it was forked from, too."""
        if self.usage is None:
            return None, None
        unit = 1 if sys.platform == "darwin" else 1024
        return self.usage.ru_utime + self.usage.ru_stime, self.usage.ru_maxrss * unit

    def _recorded(self, seen: ProcessSeen, seconds: float, cpu: float | None, peak: int | None) -> Recorded:
        detail: str | None = None
        if seen.ended is not None:
            outcome, detail = (Outcome.OK, None) if seen.failed is None else (Outcome.FAILED, seen.failed)
        elif self.flooded:
            outcome, detail = Outcome.FAILED, f"told more than {MOST_FACTS} bytes"
        elif self.hangs_with is not None:
            outcome, detail = Outcome.TIMED_OUT, f"no answer in {seconds:.0f} s, nor from {self.hangs_with}"
        elif self.overdue or self._rang(seen):
            outcome, detail = Outcome.TIMED_OUT, f"no answer in {seen.limit:g} s"
        elif self.done:  # and then it was us who killed it, or it was quicker
            outcome, detail = Outcome.FAILED, "said that it was done, and had not ended this"
        else:
            outcome, detail = Outcome.CRASHED, exit_words(self.process.returncode)
        began = self.started
        if len(self.request.looks) > 1 and seen.started is not None:  # else starting the interpreter counts as well
            began += seen.started
            seconds = (seconds if seen.ended is None else seen.ended) - seen.started
        return Recorded(
            outcome=outcome,
            facts=dict(seen.facts),
            seconds=round(seconds, 3),
            stage=seen.stage,
            detail=detail,
            stderr_tail=() if outcome is Outcome.OK else self.errors.lines,
            cpu_seconds=None if cpu is None else round(cpu, 3),
            peak_memory=peak,
            effort=self._effort(seen) if outcome is Outcome.TIMED_OUT else None,
            began=began,
        )

    def _rang(self, seen: ProcessSeen) -> bool:
        """Its own alarm has ended it."""
        return self.process.returncode == -signal.SIGALRM and self.seconds > seen.limit

    def _effort(self, seen: ProcessSeen) -> Effort | None:
        return effort.of_alarm(self.seconds, self._used_in_all[0] or 0.0) if self._rang(seen) else self.effort


def exit_words(code: int | None) -> str:
    """An exit status in a person's words: "killed by SIGABRT", "exit status 1"."""
    if code is None:
        return "does not end, even when killed"
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"killed by {signal.Signals(-code).name}"
    return f"exit status {code}"


def _read(descriptor: int) -> bytes | None:
    """Bytes that are there; None: none yet; b"": end of the stream."""
    try:
        return os.read(descriptor, CHUNK)
    except BlockingIOError:
        return None
    except OSError:
        return b""
