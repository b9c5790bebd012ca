"""The processes of one run: who is late is ended, who waits for another goes on elsewhere, and what has come of them."""

from __future__ import annotations

import selectors
from collections.abc import Iterable, Sequence
from typing import Any

from retina_doctor.authoring import Probe, Side
from retina_doctor.codec import DoesNotFit, decode, replace
from retina_doctor.errors import described
from retina_doctor.model import Interpreter, Outcome, Place, Recorded
from retina_doctor.probing.asking import Looking
from retina_doctor.probing.interpreter import interpreter_probe
from retina_doctor.probing.process import CHUNK, Child
from retina_doctor.probing.request import Request

MORE_TIME = 2  # times the limit: for what a busy machine kept from answering
TICK = 0.05  # seconds between two looks at whether a child has ended
MOST_LEFT = 1024 * 1024  # bytes that a pipe can hold (fs.pipe-max-size): more is written by somebody who is still alive


class ProbeRun:
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
        self._fetched: dict[str, tuple[Recorded, Child]] = {}
        """What was fetched for local parts, with the process of each."""
        self._running: dict[Child, Side] = {}
        self._selector = selectors.DefaultSelector()
        self._interpreter: Recorded | None = None

    def __enter__(self) -> ProbeRun:
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

    def _begin(self, request: Request, side: Side) -> Child:
        child = self.looking.begin(request)
        self._running[child] = side
        _register(self._selector, child)
        return child

    def _side(self, probe: Probe[Any]) -> Side:
        moved = self.elsewhere or probe.name in self._as_the_service
        return Side.TARGET if moved and probe.side is Side.OWN else probe.side

    def so_far(self) -> dict[str, Recorded]:
        """What has been told by now. Another thread may ask."""
        told = {name: child.told(name) for child in list(self._running) for name in list(child.seen)}
        return dict(self.readings) | {name: reading for name, reading in told.items() if reading is not None}

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
            self._fetched.pop(probe.name, None)
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

    def understood(self, probe: Probe[Any], fetched: Recorded) -> Recorded:
        """What the local part of one probe makes of what was fetched elsewhere."""
        self.probes[probe.name] = probe
        self._interpreter = Recorded(outcome=fetched.outcome)
        self._begin(self.looking.understanding(probe, fetched), Side.CALLER)
        self.go_on()
        return self.readings[probe.name]

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
        side = self._running[child]
        self._end(child)
        readings = {name: _fitting(name, reading) for name, reading in child.recorded(seconds).items()}
        if side is Side.CALLER:
            readings = {name: self._with_what_was_fetched(name, reading) for name, reading in readings.items()}
        self.readings |= readings
        if side is Side.TARGET:
            self._understand(readings)
        for name, reading in readings.items():
            if reading.outcome is Outcome.TIMED_OUT and not reading.starved:
                for other in [c for c in self._running if name in self.probes[c.current].hangs_with]:
                    if other in self._running:
                        other.hangs_with = name
                        self._finish(other)

    def _understand(self, names: Iterable[str]) -> None:
        """What local parts make of what was fetched in the target takes its place, while others are still looking."""
        for name in names:
            probe, reading = self.probes.get(name), self.readings[name]
            if probe is not None and probe.local and reading.facts and not self._is_due_again(name):
                child = self._begin(self.looking.understanding(probe, reading), Side.CALLER)
                self._fetched[name] = reading, child

    def _with_what_was_fetched(self, name: str, made: Recorded) -> Recorded:
        return made_of(self._fetched[name][0], made) if name in self._fetched else made

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
        name = interpreter_probe.name
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
            if probe.side is side and name in self.readings and probe is not interpreter_probe:
                del self.readings[name]
                fetched = self._fetched.pop(name, None)
                if fetched is not None and fetched[1] in self._running:
                    self._end(fetched[1])


def _fitting(name: str, reading: Recorded) -> Recorded:
    """What the target says of itself, where it is of no use, is a failed looking."""
    if name == interpreter_probe.name and reading.outcome is Outcome.OK:
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
    assert child.process.stdout and child.process.stderr
    selector.register(child.process.stdout, selectors.EVENT_READ, child.read_facts)
    selector.register(child.process.stderr, selectors.EVENT_READ, child.read_errors)
    if not child.write_program() and child.process.stdin:
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
