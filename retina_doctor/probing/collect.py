"""Looks: runs the probes in parallel, each with its own deadline, and leaves no process behind."""

from __future__ import annotations

import os
import selectors
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from retina_doctor import own_checks
from retina_doctor.authoring import Probe, Side
from retina_doctor.codec import DoesNotFit, decode, encode, replace
from retina_doctor.errors import UsageError, described
from retina_doctor.model import Interpreter, Outcome, Place, Recorded, Target
from retina_doctor.probing.process import CHUNK, PROGRAM_END, Child, Look, Request, own_request
from retina_doctor.probing.reaper import RUN_VARIABLE, guarded
from retina_doctor.probing.sending import source_of
from retina_doctor.settings import Settings
from retina_doctor.standpoint import has_ended
from retina_doctor.target import OF_A_PROCESS, Surroundings

SERVICE_LIBRARY_PATH = "RETINA_DOCTOR_LIBRARY_PATH"
"""Set on the doctor's own side to the LD_LIBRARY_PATH of the service: the driver is to be found where the service finds it."""
BUFFERED = {"PYTHONUNBUFFERED": ""}  # set, as in most images, it makes Python read what is sent byte by byte
MORE_TIME = 2  # times the limit: for what a busy machine kept from answering
TICK = 0.05  # seconds between two looks at whether a child has ended
MOST_LEFT = 1024 * 1024  # bytes that a pipe can hold (fs.pipe-max-size): more is written by somebody who is still alive
NO_ENGINE = "docker daemon"
"""In what `docker exec` says when its engine does not answer, or may not be asked."""
MARKS_OF_PYTHON = ("Fatal Python error", "Traceback (most", "site-packages", "sitecustomize", "pyvenv", "libpython")

Progress = Callable[[Sequence[Child]], None]


class ProcessEnded(Exception):
    """The process that was to be looked at ended before it was."""


class Looking:
    """Which probes to ask, in which interpreter. Holds what all requests of one run share."""

    def __init__(
        self,
        settings: Settings,
        target: Target,
        surroundings: Surroundings,
        progress: Progress | None = None,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> None:
        """*meanwhile* is called when probes have been started; it must return at once."""
        self.settings = settings
        self.target = target
        self.surroundings = surroundings
        self.progress = progress
        self.meanwhile = meanwhile
        self.token = f"retina-doctor-{os.urandom(8).hex()} "

    def collect(self, probes: Iterable[Probe[Any]]) -> tuple[Target, dict[str, Recorded]]:
        """Readings by probe name, the engine's own `interpreter` among them, and the target with what was learnt of it.

        Where the target turns out to be another machine or namespace, probes meant for the doctor's own side are
        looked at again in the target: what the doctor sees of its own side says nothing of it.
        Raises UsageError when the target's command is no Python.
        """
        wanted = [own_checks.interpreter_probe, *(p for p in probes if p is not own_checks.interpreter_probe)]
        with guarded(self.token):
            if self.target.problem is not None:
                return self.target, self._without_target(wanted)
            try:
                readings = self._look_all(wanted)
            except ProcessEnded:
                self.target = replace(self.target, command=(), problem="ended")
                return self.target, self._without_target(wanted)
            if self._ended:
                # What was in a container dies with the process that had made it: that is no finding of its own.
                self.target = replace(self.target, problem="ended")
                cut = Recorded(outcome=Outcome.NOT_RUN, detail="the service's process ended meanwhile")
                readings |= {name: cut for name, one in readings.items() if one.outcome is Outcome.CRASHED}
        return self.target, readings

    def _look_all(self, wanted: Sequence[Probe[Any]]) -> dict[str, Recorded]:
        readings = self._look(wanted)
        readings |= _fitting(readings[own_checks.interpreter_probe.name])
        interpreter = readings[own_checks.interpreter_probe.name]
        if interpreter.outcome is not Outcome.OK:
            if not self._ended:
                self._refuse_what_is_no_python(interpreter)
            unasked = Recorded(outcome=Outcome.NOT_RUN, detail="the target's Python does not start")
            return readings | {probe.name: unasked for probe in wanted[1:] if probe.side is Side.TARGET}
        if decode(interpreter.facts, Interpreter).place != own_place():
            readings |= self._look([p for p in wanted if p.side is Side.OWN], Side.TARGET)
            self.target = replace(self.target, local=False)
            return readings
        again = [probe for probe in wanted if probe.side is Side.OWN and _is_due_again(probe, readings)]
        return readings | self._look(again, Side.TARGET) if again else readings

    def _without_target(self, wanted: Sequence[Probe[Any]]) -> dict[str, Recorded]:
        """Where the service has no Python to look at: nothing is asked of another one in its place."""
        standpoint = self.surroundings.standpoint
        elsewhere = standpoint is not None and standpoint.contained  # of which the doctor's own side says nothing
        sides = (Side.CALLER,) if elsewhere else (Side.CALLER, Side.OWN)
        own = [probe for probe in wanted if probe.side in sides]
        unasked = Recorded(outcome=Outcome.NOT_RUN, detail="the service's Python cannot be looked at")
        return {probe.name: unasked for probe in wanted if probe not in own} | self._look(own)

    @property
    def _ended(self) -> bool:
        """Whether the process whose Python is looked at is gone."""
        return self.target.chosen in OF_A_PROCESS and has_ended(int(self.target.chosen_by))

    def _look(self, probes: Sequence[Probe[Any]], side: Side | None = None) -> dict[str, Recorded]:
        """Readings by probe name. *side*: where all of them are run; None: each on its own.

        What a shared process that died or hung had not come to is looked at again, each in a process of its own.
        """
        groups: list[list[Probe[Any]]] = []
        shared: dict[Side, list[Probe[Any]]] = {}
        for probe in probes:
            place = side or probe.side
            if not probe.share or probe.local:
                groups.append([probe])
            elif place in shared:
                shared[place].append(probe)
            else:
                shared[place] = [probe]
                groups.append(shared[place])
        groups.sort(key=lambda group: not group[0].heavy)  # the slowest start first: the run ends when they do
        unsent: dict[str, Recorded] = {}
        readings = self._run(self._requests(groups, unsent, side)) | unsent
        # What a busy machine kept from answering is asked once more, one after the other, and given more time.
        for probe in [probe for probe in probes if probe.name in readings and readings[probe.name].starved]:
            readings |= self._run(self._requests([[probe]], unsent, side, MORE_TIME))
        python = readings.get(own_checks.interpreter_probe.name)
        if python is None or python.outcome is Outcome.OK:
            left = [probe for probe in probes if probe.name not in readings]
            if left:
                readings |= self._run(self._requests(([probe] for probe in left), unsent, side))
        readings |= self._understood([p for p in probes if p.local and (side or p.side) is Side.TARGET], readings)
        return {probe.name: readings[probe.name] for probe in probes if probe.name in readings}

    def _understood(self, probes: Sequence[Probe[Any]], fetched: Mapping[str, Recorded]) -> dict[str, Recorded]:
        """The readings of these probes, with the facts that their local parts make of what they fetched elsewhere."""
        requests = []
        for probe in probes:
            if probe.local and probe.name in fetched and fetched[probe.name].facts:
                arguments = {**probe.arguments(self.settings), "told": fetched[probe.name].facts}
                look = Look(probe=probe.name, run=probe.local, arguments=arguments)
                requests.append(own_request({}, [look], self.settings.gate.timeout))
        return {name: made_of(fetched[name], made) for name, made in self._run(requests).items()} if requests else {}

    def _requests(
        self,
        groups: Iterable[Sequence[Probe[Any]]],
        unsent: dict[str, Recorded],
        side: Side | None = None,
        times: float = 1,
    ) -> Iterator[Request]:
        """One a group, with so many *times* the limit of the settings. *unsent* takes the readings of probes that cannot be sent,
        which is a fault of their pack's."""
        for group in groups:
            place = side or group[0].side
            modules: dict[str, str] = {}
            looks: list[Look] = []
            for probe in group:
                try:
                    arguments = encode(probe.arguments(self.settings))
                    then = None if place is Side.TARGET else probe.local
                    # What runs in one process with its local part is imported as that is: from where it is installed.
                    sources = {} if then else {name: source_of(name) for name in probe.sent(place)}
                except Exception as error:
                    unsent[probe.name] = Recorded(outcome=Outcome.FAILED, detail=described(error))
                else:
                    looks.append(Look(probe=probe.name, run=probe.module, arguments=arguments, then=then))
                    modules |= sources
            if looks:
                yield self._request(looks, modules, place, self.settings.gate.timeout * times)

    def _request(self, looks: Sequence[Look], modules: Mapping[str, str], side: Side, seconds: float) -> Request:
        if side is not Side.TARGET:
            return own_request(modules, looks, seconds)
        standpoint = self.surroundings.standpoint
        return Request(
            command=self.target.command if standpoint is None else self.target.command[-1:],
            modules=modules,
            looks=looks,
            seconds=seconds,
            workdir=self.surroundings.workdir,
            standpoint=standpoint,
            limits=self.surroundings.limits,
        )

    def _run(self, requests: Iterable[Request]) -> dict[str, Recorded]:
        """Each is started before the next is made."""
        mark = {RUN_VARIABLE: self.token.strip()}
        readings: dict[str, Recorded] = {}
        running: list[Child] = []
        try:
            for request in requests:
                try:
                    running.append(Child.start(request, self.token, {**self._environment(request), **mark, **BUFFERED}))
                except OSError as error:
                    if request.path is None and self._ended:
                        raise ProcessEnded from None
                    self._refuse_command(request, error)
            self.meanwhile()
            with selectors.DefaultSelector() as selector:
                for child in running:
                    _register(selector, child)
                while running:
                    for key, _ in selector.select(TICK):
                        if not key.data():
                            selector.unregister(key.fileobj)
                    if self.progress:
                        self.progress(running)
                    for child in [c for c in running if self._is_over(c)]:
                        running.remove(child)
                        _drain(selector, child)
                        seconds = child.seconds
                        child.end()
                        readings |= child.recorded(seconds)
        finally:
            for child in running:
                child.end()
        return readings

    def _environment(self, request: Request) -> dict[str, str]:
        """The doctor's own side is told its path, and may not be led astray by the service's variables. It loads what it
        finds with the doctor's rights, so no path of another user's is told."""
        if request.path is None:
            return dict(self.surroundings.environment)
        own = self.surroundings.standpoint is None
        path = self.surroundings.environment.get("LD_LIBRARY_PATH", "") if own else ""
        return {**os.environ, SERVICE_LIBRARY_PATH: path}

    def _is_over(self, child: Child) -> bool:
        child.overdue = not child.complete and child.seconds > child.request.seconds
        return child.complete or child.overdue or child.process.poll() is not None

    def _refuse_command(self, request: Request, error: OSError) -> None:
        named = (
            f"--target {' '.join(request.command)}" if request.command == self.target.command else request.command[0]
        )
        raise UsageError(f"{named}: cannot be started: {error.strerror}{self._hint}") from None

    @property
    def _hint(self) -> str:
        """For an operator who did not choose the target himself."""
        by = f" by {self.target.chosen_by}" if self.target.chosen_by else ""
        return "" if self.target.chosen == "flag" else f" (it was chosen{by}; name the service's Python with --target)"

    def _refuse_what_is_no_python(self, reading: Recorded) -> None:
        """Wrong usage ends the run here; a Python that dies at its start is the patient's trouble, and goes on."""
        words = f"--target {' '.join(self.target.command)}"
        if any("is too old" in line and line.startswith("retina-doctor:") for line in reading.stderr_tail):
            raise UsageError(f"{words}: {reading.stderr_tail[-1].removeprefix('retina-doctor: ')}{self._hint}")
        greeted = bool(reading.facts) or reading.stage is not None
        died = "killed by" in (reading.detail or "")
        called = any("python" in Path(word).name for word in self.target.command)
        told = " ".join(reading.stderr_tail)
        if NO_ENGINE in told.lower():
            return  # which may be what is wrong, and is a pack's to say
        python = any(mark in told for mark in MARKS_OF_PYTHON) or (reading.outcome is Outcome.TIMED_OUT and called)
        if not (greeted or died or python) or "can't open file" in told or PROGRAM_END in told:
            said = f"; it said: {reading.stderr_tail[-1].strip()[:120]}" if reading.stderr_tail else ""
            raise UsageError(f"{words}: is not a Python: {reading.detail}{said}{self._hint}")


def _is_due_again(probe: Probe[Any], readings: Mapping[str, Recorded]) -> bool:
    """A pack whose question breaks costs no more than the answer."""
    try:
        return probe.again(readings)
    except Exception:
        return False


def _fitting(reading: Recorded) -> dict[str, Recorded]:
    """What the target says of itself, by probe; where it is of no use, that is a failed looking."""
    if reading.outcome is Outcome.OK:
        try:
            decode(reading.facts, Interpreter)
        except DoesNotFit as error:
            reading = replace(reading, outcome=Outcome.FAILED, detail=f"told what does not fit: {error}")
    return {own_checks.interpreter_probe.name: reading}


def own_place() -> Place:
    """Where the doctor itself runs."""
    from retina_doctor.probing.place import place

    return decode(place(), Place)


def _register(selector: selectors.BaseSelector, child: Child) -> None:
    assert child.process.stdin and child.process.stdout and child.process.stderr
    selector.register(child.process.stdout, selectors.EVENT_READ, child.read_facts)
    selector.register(child.process.stderr, selectors.EVENT_READ, child.read_errors)
    if not child.write_program():
        selector.register(child.process.stdin, selectors.EVENT_WRITE, lambda: not child.write_program())


def made_of(fetched: Recorded, made: Recorded) -> Recorded:
    """One reading of two steps: it ended as the first that did not go well. What was fetched is in none."""
    ended = made if fetched.outcome is Outcome.OK else fetched
    return replace(ended, facts=made.facts, seconds=round(fetched.seconds + made.seconds, 3))


def _drain(selector: selectors.BaseSelector, child: Child) -> None:
    """Read what a child has left in its pipes, without waiting for a grandchild that still holds them open."""
    for pipe, read in ((child.process.stdout, child.read_facts), (child.process.stderr, child.read_errors)):
        assert pipe
        if any(key.fileobj is pipe for key in selector.get_map().values()):
            selector.unregister(pipe)
            for _ in range(MOST_LEFT // CHUNK):
                if not _ready(pipe.fileno()) or not read():
                    break
    stdin = child.process.stdin
    if stdin and any(key.fileobj is stdin for key in selector.get_map().values()):
        selector.unregister(stdin)


def _ready(descriptor: int) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        return bool(selector.select(0))
