"""Looks: runs the probes in parallel, each with its own deadline, and leaves no process behind."""

from __future__ import annotations

import os
import re
import selectors
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from retina_doctor import own_checks
from retina_doctor.authoring import Probe, Side
from retina_doctor.codec import DoesNotFit, decode, encode, replace
from retina_doctor.errors import UsageError, described
from retina_doctor.model import Interpreter, Outcome, Place, Recorded, Target
from retina_doctor.probing.process import CHUNK, PROGRAM_END, Child, LookRequest, Request, own_request
from retina_doctor.probing.reaper import RUN_VARIABLE, guarded
from retina_doctor.probing.sending import source_of
from retina_doctor.settings import Settings
from retina_doctor.standpoint import has_ended
from retina_doctor.target import Surroundings

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
                readings = self._look(wanted)
            except ProcessEnded:
                self.target = replace(self.target, command=(), problem="ended")
                return self.target, self._without_target(wanted)
            if self.has_ended:
                # What was in a container dies with the process that had made it: that is no finding of its own.
                self.target = replace(self.target, problem="ended")
                cut = Recorded(outcome=Outcome.NOT_RUN, detail="the service's process ended meanwhile")
                readings |= {name: cut for name, one in readings.items() if one.outcome is Outcome.CRASHED}
        return self.target, readings

    def _look(self, probes: Sequence[Probe[Any]]) -> dict[str, Recorded]:
        """Readings by probe name. Raises UsageError, ProcessEnded."""
        with _Run(self) as run:
            run.start(probes)
            self.meanwhile()
            run.go_on()
            run.ask_the_starved_again()
            run.look_as_the_service()
            run.ask_the_starved_again()
            run.understand()
        if run.elsewhere:
            self.target = replace(self.target, local=False)
        unasked = Recorded(outcome=Outcome.NOT_RUN, detail="the target's Python does not start")
        return {probe.name: run.readings.get(probe.name, unasked) for probe in probes}

    def _without_target(self, wanted: Sequence[Probe[Any]]) -> dict[str, Recorded]:
        """Where the service has no Python to look at: nothing is asked of another one in its place."""
        standpoint = self.surroundings.standpoint
        elsewhere = standpoint is not None and standpoint.contained  # of which the doctor's own side says nothing
        sides = (Side.CALLER,) if elsewhere else (Side.CALLER, Side.OWN)
        own = [probe for probe in wanted if probe.side in sides]
        unasked = Recorded(outcome=Outcome.NOT_RUN, detail="the service's Python cannot be looked at")
        return {probe.name: unasked for probe in wanted if probe not in own} | self._look(own)

    @property
    def has_ended(self) -> bool:
        """Whether the process whose Python is looked at is gone."""
        return self.target.of_a_process and has_ended(int(self.target.chosen_by))

    def request(
        self, probes: Sequence[Probe[Any]], side: Side, unsent: dict[str, Recorded], times: float = 1
    ) -> Request | None:
        """One process for *probes*, each with so many *times* its limit. *unsent* takes the readings of those that cannot be
        sent, a fault of their pack's."""
        modules: dict[str, str] = {}
        looks: list[LookRequest] = []
        for probe in probes:
            try:
                arguments = encode(probe.arguments(self.settings))
                then = None if side is Side.TARGET else probe.local
                # What runs in one process with its local part is imported as that is: from where it is installed.
                sources = {} if then else {name: source_of(name) for name in probe.sent(side)}
            except Exception as error:
                unsent[probe.name] = Recorded(outcome=Outcome.FAILED, detail=described(error))
            else:
                seconds = probe.seconds(self.settings) * times
                looks.append(
                    LookRequest(probe=probe.name, run=probe.module, then=then, arguments=arguments, seconds=seconds)
                )
                modules |= sources
        if not looks:
            return None
        if side is not Side.TARGET:
            return own_request(modules, looks)
        standpoint = self.surroundings.standpoint
        return Request(
            command=self.target.command if standpoint is None else self.target.command[-1:],
            modules=modules,
            looks=looks,
            workdir=self.surroundings.workdir,
            standpoint=standpoint,
            limits=self.surroundings.limits,
            processors=self.surroundings.processors,
        )

    def understanding(self, probe: Probe[Any], fetched: Recorded) -> Request:
        """The local part of *probe*, told what was fetched in the target."""
        assert probe.local
        arguments = {**encode(probe.arguments(self.settings)), "told": fetched.facts}
        seconds = probe.seconds(self.settings)
        return own_request({}, [LookRequest(probe=probe.name, run=probe.local, arguments=arguments, seconds=seconds)])

    def begin(self, request: Request) -> Child:
        """Raises UsageError where the target's command cannot be started, ProcessEnded where that is why."""
        mark = {RUN_VARIABLE: self.token.strip()}
        try:
            return Child.start(request, self.token, {**self._environment(request), **mark, **BUFFERED})
        except OSError as error:
            if request.path is None and self.has_ended:
                raise ProcessEnded from None
            self._refuse_command(request, error)

    def _environment(self, request: Request) -> dict[str, str]:
        """The doctor's own side is told its path, and may not be led astray by the service's variables. It loads what it
        finds with the doctor's rights, so no path of another user's is told."""
        if request.path is None:
            return dict(self.surroundings.environment)
        own = self.surroundings.standpoint is None
        path = self.surroundings.environment.get("LD_LIBRARY_PATH", "") if own else ""
        return {**os.environ, SERVICE_LIBRARY_PATH: _absolute(path, self.surroundings.workdir)}

    def _refuse_command(self, request: Request, error: OSError) -> NoReturn:
        named = (
            f"--target {' '.join(request.command)}" if request.command == self.target.command else request.command[0]
        )
        raise UsageError(f"{named}: cannot be started: {error.strerror}{self._hint}") from None

    @property
    def _hint(self) -> str:
        """For an operator who did not choose the target himself."""
        by = f" by {self.target.chosen_by}" if self.target.chosen_by else ""
        return "" if self.target.chosen == "flag" else f" (it was chosen{by}; name the service's Python with --target)"

    def refuse_what_is_no_python(self, reading: Recorded) -> None:
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


class _Run:
    """The processes of one run, and what has come of them: who is late is ended, who waits for another goes on elsewhere."""

    def __init__(self, looking: Looking) -> None:
        self.looking = looking
        self.probes: dict[str, Probe[Any]] = {}
        self.readings: dict[str, Recorded] = {}
        self.elsewhere = False
        """The target is another machine or namespace."""
        self._as_the_service: set[str] = set()
        """Probes of the doctor's own side that look in the target as well."""
        self._asked_again: set[str] = set()
        self._running: dict[Child, Side] = {}
        self._selector = selectors.DefaultSelector()
        self._interpreter: Recorded | None = None

    def __enter__(self) -> _Run:
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._running:
            child.end()
        self._selector.close()

    def start(self, probes: Sequence[Probe[Any]], times: float = 1) -> None:
        """Each process is started before the next request is made. *times*: of their limits. Raises UsageError, ProcessEnded."""
        self.probes |= {probe.name: probe for probe in probes}
        groups: list[list[Probe[Any]]] = []
        shared: dict[tuple[Side, str | None], list[Probe[Any]]] = {}
        for probe in probes:
            side = self._side(probe)
            key = (side, probe.group)
            if not (probe.share or probe.group) or probe.local:
                groups.append([probe])
            elif key in shared:
                shared[key].append(probe)
            else:
                shared[key] = [probe]
                groups.append(shared[key])
        groups.sort(key=lambda group: not group[0].heavy)  # the slowest start first: the run ends when they do
        for group in groups:
            side = self._side(group[0])
            request = self.looking.request(group, side, self.readings, times)
            if request is not None:
                self._begin(request, side)

    def _begin(self, request: Request, side: Side) -> None:
        child = self.looking.begin(request)
        self._running[child] = side
        _register(self._selector, child)

    def _side(self, probe: Probe[Any]) -> Side:
        moved = self.elsewhere or probe.name in self._as_the_service
        return Side.TARGET if moved and probe.side is Side.OWN else probe.side

    def go_on(self) -> None:
        """Until all that is of use has been seen. Raises UsageError, ProcessEnded."""
        while self._running:
            for key, _ in self._selector.select(TICK):
                if not key.data():
                    self._selector.unregister(key.fileobj)
            if self.looking.progress:
                self.looking.progress(list(self._running))
            for child in list(self._running):
                self._attend(child)
            self._learn()

    def ask_the_starved_again(self) -> None:
        """What a busy machine kept from answering: once more, one after the other, and given more time."""
        while True:
            starved = (probe for name, probe in self.probes.items() if self._is_due_again(name))
            probe = next(starved, None)
            if probe is None:
                return
            self._asked_again.add(probe.name)
            del self.readings[probe.name]
            self.start([probe], MORE_TIME)
            self.go_on()

    def _is_due_again(self, name: str) -> bool:
        return name not in self._asked_again and name in self.readings and self.readings[name].starved

    def look_as_the_service(self) -> None:
        """For what the doctor's own side did not find."""
        if self.elsewhere or self._interpreter is None or self._interpreter.outcome is not Outcome.OK:
            return
        due = [probe for probe in self.probes.values() if probe.side is Side.OWN and self._is_due_there(probe)]
        names = {probe.name for probe in due}
        self._as_the_service |= names
        self._asked_again -= names
        self.start(due)
        self.go_on()

    def understand(self) -> None:
        """What local parts make of what was fetched in the target takes its place."""
        fetched = {}
        for name, probe in self.probes.items():
            reading = self.readings.get(name)
            if probe.local and self._side(probe) is Side.TARGET and reading is not None and reading.facts:
                fetched[name] = reading
                self._begin(self.looking.understanding(probe, reading), Side.CALLER)
        self.go_on()
        self.readings |= {name: made_of(reading, self.readings[name]) for name, reading in fetched.items()}

    def _is_due_there(self, probe: Probe[Any]) -> bool:
        """A pack whose question breaks has not looked: what the doctor's own side saw is no last word."""
        try:
            return probe.again(self.readings)
        except Exception as error:
            self.readings[probe.name] = Recorded(outcome=Outcome.FAILED, detail=f"again: {described(error)}")
            return False

    def _attend(self, child: Child) -> None:
        if child not in self._running:
            return
        child.overdue = child.late
        if child.complete or child.overdue or child.has_ended:
            self._finish(child)
            self._learn()
            self._continue(child.waiting)
        elif child.stuck:
            self._continue(child.give_up_waiting())

    def _finish(self, child: Child) -> None:
        seconds = child.seconds
        self._end(child)
        readings = {name: _fitting(name, reading) for name, reading in child.recorded(seconds).items()}
        self.readings |= readings
        for name, reading in readings.items():
            if reading.outcome is Outcome.TIMED_OUT and not reading.starved:
                for other in [c for c in self._running if name in self.probes[c.current].hangs_with]:
                    if other in self._running:
                        other.hangs_with = name
                        self._finish(other)

    def _end(self, child: Child) -> None:
        del self._running[child]
        _drain(self._selector, child)
        child.end()

    def _continue(self, names: Iterable[str]) -> None:
        """What a process that died, hangs or takes long had not come to goes on in another."""
        broken = self._interpreter is not None and self._interpreter.outcome is not Outcome.OK
        begun = {name for child in self._running for name in child.seen}  # anew, in the target that is elsewhere
        probes = [self.probes[name] for name in names if name not in begun]
        self.start([probe for probe in probes if not broken or self._side(probe) is not Side.TARGET])

    def _learn(self) -> None:
        """As soon as the target's Python has said where it runs, or cannot, some of what runs is of no use any more."""
        if self._interpreter is not None:
            return
        name = own_checks.interpreter_probe.name
        found = self.readings.get(name)
        if found is None:
            found = next((told for child in self._running if (told := child.told(name))), None)
        if found is None or self._is_due_again(name):
            return
        self._interpreter = self.readings[name] = found = _fitting(name, found)
        if found.outcome is not Outcome.OK:
            if not self.looking.has_ended:
                self.looking.refuse_what_is_no_python(found)
            self._drop(Side.TARGET)
        elif decode(found.facts, Interpreter).place != own_place():
            self.elsewhere = True
            lost = [probe for probe in self.probes.values() if probe.side is Side.OWN]
            self._drop(Side.OWN)
            self.start(lost)

    def _drop(self, side: Side) -> None:
        """What is looked at on that side tells nothing of the target; neither does what has been."""
        for child in [child for child, where in self._running.items() if where is side]:
            self._end(child)
        for name, probe in self.probes.items():
            if probe.side is side and name in self.readings and probe is not own_checks.interpreter_probe:
                del self.readings[name]


def _absolute(path: str, workdir: str | None) -> str:
    """A library path as the service means it: what is relative in it, or empty, starts from its working directory (ld.so(8)).

    Where that is not known it is left out: the doctor's own is nobody's to load from.
    """
    folders = re.split("[:;]", path) if path else []
    kept = (folder if folder.startswith("/") else workdir and str(Path(workdir, folder)) for folder in folders)
    return ":".join(folder for folder in kept if folder)


def _fitting(name: str, reading: Recorded) -> Recorded:
    """What the target says of itself, where it is of no use, is a failed looking."""
    if name == own_checks.interpreter_probe.name and reading.outcome is Outcome.OK:
        try:
            decode(reading.facts, Interpreter)
        except DoesNotFit as error:
            return replace(reading, outcome=Outcome.FAILED, detail=f"told what does not fit: {error}")
    return reading


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
    seconds = round(fetched.seconds + made.seconds, 3)
    return replace(ended, facts=made.facts, seconds=seconds, began=fetched.began)


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
