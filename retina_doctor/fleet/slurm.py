"""Nodes of Slurm: one `srun` step looks at all that are free, its output told apart by task; the others have a job each.

A step starts on all of its nodes or on none, and one that cannot start a task may end it for all. So what the step left
unanswered, other than by its time, is asked again by jobs of one task, in the time that is left.
"""

from __future__ import annotations

import math
import re
import shlex
import tempfile
import time
from collections.abc import Callable, Sequence

from retina_doctor.codec import Data, replace
from retina_doctor.errors import UsageError
from retina_doctor.fleet import engine
from retina_doctor.fleet.engine import Ended
from retina_doctor.fleet.judging import Missing
from retina_doctor.fleet.node_sets import named
from retina_doctor.fleet.sending import NodeAnswer
from retina_doctor.fleet.sources import plain, said
from retina_doctor.fleet.ways import Way, way_of
from retina_doctor.redaction import shown

USABLE = frozenset({"idle", "mix", "mixed", "alloc", "allocated", "comp", "completing"})
"""States of a node in which a job may run on it, short and long (sinfo(1))."""
FREE = frozenset({"idle", "mix", "mixed"})
"""Those in which one may begin at once."""
PIECE = 900
"""Bytes of a line. srun puts the task's number before each line, and ends those of more than 1024 bytes wherever they are."""
AT_ONCE = 5
"""Seconds that the step may wait for its nodes."""
REFUSING = 2
"""Seconds before its deadline at which a job that waits is given up, so that srun still says why."""
LEAST = 3.0
"""Seconds that must be left for a second asking."""
LABEL = re.compile(rb"^ *(\d{1,7}): ?(.*\n?)", re.MULTILINE)
"""What srun puts before a line of a task, and the line."""
LONGEST = 65536
"""Bytes of a line that srun never writes."""


class SlurmNodes(Data, frozen=True, kw_only=True):
    """*nodes*: those that can run a job; *free*: at once; *missing*: the others, with their state. *refused*: what was no node
    set."""

    nodes: tuple[str, ...]
    free: frozenset[str]
    missing: tuple[Missing, ...]
    refused: tuple[str, ...]


def nodes_of(partition: str, wanted: Sequence[str]) -> SlurmNodes:
    """Nodes of a partition, or those *wanted* of it. Raises UsageError."""
    where = ["-p", partition] if partition else []
    states: dict[str, str] = {}
    for line in said(["sinfo", "-h", "-N", *where, "-o", "%N|%t|%E"]).splitlines():
        name, _, state = line.strip().partition("|")
        if name:
            states[name] = state
    if not states:
        raise UsageError(f"sinfo names no node{f' of partition {partition}' if partition else ''}")
    found = named(wanted)
    chosen = dict.fromkeys(found.nodes or states)
    nodes = [name for name in states if name in chosen and _short(states[name]) in USABLE]
    missing = [Missing(label=name, why="Slurm knows no such node", asked=True) for name in chosen if name not in states]
    for name, state in states.items():
        if name in chosen and name not in nodes:
            reason = state.partition("|")[2]
            why = f"Slurm: {_short(state)}" + (f" ({shown(reason)})" if reason not in ("", "none") else "")
            missing.append(Missing(label=name, why=why, asked=True))
    free = frozenset(name for name in nodes if _short(states[name]) in FREE)
    return SlurmNodes(nodes=tuple(plain(nodes, "sinfo")), free=free, missing=tuple(missing), refused=found.refused)


def _short(state: str) -> str:
    """Without the signs that tell more (sinfo(1), NODE STATE CODES): "idle~" is idle and powered down, "down*" does not answer;
    one that does not answer is none to wait for."""
    word = state.partition("|")[0]
    return word if word.endswith("*") else word.rstrip("~#!%$@^-+")


class SlurmWay(Data, frozen=True, kw_only=True):
    """How srun is called. *python*: the words that start a Python; *seconds*: that each node has in all."""

    partition: str
    options: str
    python: str
    seconds: float
    fanout: int

    @property
    def way(self) -> Way:
        """A job of one task on the node. Raises UsageError."""
        via = f"{self._srun(max(1, int(self.seconds) - REFUSING))} -w {{node}} -N1 -n1 {self.options} {self.python}"
        made = way_of(via, self.python, self.seconds, self.fanout)
        return replace(made, python=tuple(shlex.split(self.python)), cancels=True)

    def step(self, file: str, number: int) -> Way:
        """A step of a task on each node that *file* names, in its order (srun(1), SLURM_HOSTFILE)."""
        labelled = f"--label -m arbitrary -w {shlex.quote(file)} -N{number} -n{number}"
        whole = "--no-kill --kill-on-bad-exit=0 --wait=0"  # one task that ends badly ends no other
        via = f"{self._srun(AT_ONCE)} {labelled} {whole} {self.options} {self.python}"
        return replace(self.way, via=tuple(shlex.split(via)))

    def _srun(self, immediate: int) -> str:
        """It does not wait in the queue for longer than that."""
        where = f" -p {shlex.quote(self.partition)}" if self.partition else ""
        limits = f"--immediate={immediate} --time={math.ceil(self.seconds / 60) + 1}"
        return f"srun{where} --job-name=retina-doctor --quiet {limits}"


class StepAnswer:
    """What all tasks of a step say: to the engine one node. *nodes*: by the number of their task."""

    def __init__(self, nodes: Sequence[str], answer: Callable[[], NodeAnswer], ended: Ended) -> None:
        self.nodes = nodes
        self.answers = {node: answer() for node in nodes}
        self.ended = ended
        self.told: set[str] = set()
        self.complete = False
        self.flooded = False
        self.last_words = ""
        self._pending = {"hear": b"", "complain": b""}

    def hear(self, data: bytes) -> None:
        for node, lines in self._lines("hear", data):
            answer = self.answers[node]
            answer.hear(lines)
            if answer.complete and node not in self.told:
                self.told.add(node)
                self.ended(node, answer, "")
            self.flooded = self.flooded or answer.flooded
        self.complete = len(self.told) == len(self.nodes)

    def complain(self, data: bytes) -> None:
        for node, lines in self._lines("complain", data):
            self.answers[node].complain(lines)
            self.flooded = self.flooded or self.answers[node].flooded

    def _lines(self, stream: str, data: bytes) -> list[tuple[str, bytes]]:
        """Of each node its whole lines; what srun itself says has no number."""
        whole, end, rest = (self._pending[stream] + data).rpartition(b"\n")
        self._pending[stream] = rest[-LONGEST:]
        found: dict[int, list[bytes]] = {}
        for number, line in LABEL.findall(whole + end):
            found.setdefault(int(number), []).append(line)
        return [(self.nodes[task], b"".join(lines)) for task, lines in found.items() if task < len(self.nodes)]


def ask(
    slurm: SlurmWay,
    free: frozenset[str],
    nodes: Sequence[str],
    _way: Way,
    answer: Callable[[], NodeAnswer],
    program: Callable[[float], bytes],
    ended: Ended,
) -> None:
    """As `engine.ask`: the *free* ones in one step, the others, and those that the step did not bring to speak, by a job each."""
    begun = time.monotonic()
    together = [node for node in nodes if node in free]
    left = list(nodes)
    if len(together) > 1:
        step = StepAnswer(together, answer, ended)
        overdue = False

        def over(_name: str, _answer: object, why: str) -> None:
            nonlocal overdue
            overdue = why.startswith(engine.NO_ANSWER)

        try:
            with tempfile.NamedTemporaryFile("w", prefix="retina-doctor-nodes-", encoding="ascii") as file:
                file.write("".join(f"{node}\n" for node in together))
                file.flush()
                engine.ask(["step"], slurm.step(file.name, len(together)), lambda: step, program, over)
        except BaseException:
            _give_up(step, "interrupted")
            raise
        left = [node for node in nodes if node not in step.told]
        flooding = [node for node in left if node in step.answers and step.answers[node].flooded]
        for node in flooding:
            ended(node, step.answers[node], engine.CUT_OFF)
        left = [node for node in left if node not in flooding]
        seconds = slurm.seconds - (time.monotonic() - begun)
        if overdue or seconds < LEAST:
            step.told.update(flooding)
            _give_up(step, f"{engine.NO_ANSWER} {slurm.seconds:g} s")
            left = [node for node in left if node not in step.answers]
        slurm = replace(slurm, seconds=max(LEAST, float(int(seconds))))
    if left:
        engine.ask(left, slurm.way, answer, program, ended)


def _give_up(step: StepAnswer, why: str) -> None:
    for node in step.nodes:
        if node not in step.told:
            step.ended(node, step.answers[node], why)
