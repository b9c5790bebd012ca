"""Nodes behind gateways: ClusterShell's tree propagation, as its topology.conf says.

What runs there is what would run here (`ssh NODE python3 -`), on the gateway nearest to the node. A gateway hands on whole lines
and keeps what is no line yet, however much that is: so what a node may say is cut off there.
"""

from __future__ import annotations

import contextlib
import io
import logging
import math
import os
import pickle
import shlex
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ClusterShell import Communication, Task
from ClusterShell.Engine.Engine import EngineException
from ClusterShell.Event import EventHandler
from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet
from ClusterShell.Propagation import PropagationChannel, RouteResolvingError
from ClusterShell.Task import TimeoutError as Overdue
from ClusterShell.Task import task_self
from ClusterShell.Topology import TopologyError
from ClusterShell.Worker.Tree import TreeWorker

from retina_doctor.errors import UsageError
from retina_doctor.fleet.engine import CUT_OFF, ENDING, NO_ANSWER, NodeHearing
from retina_doctor.fleet.sending import MOST_NOISE, last_words
from retina_doctor.fleet.ways import Way
from retina_doctor.probing.process import exit_words

MOST_THROUGH = 16 * 2**20
"""Bytes of a node that a gateway hands on, of each stream."""
PYTHON = "CLUSTERSHELL_GW_PYTHON_EXECUTABLE"
"""ClusterShell's own variable: which Python a gateway is started with."""


def load(file: str) -> None:
    """The routes that ask takes. Raises UsageError."""
    try:
        Path(file).read_text(encoding="utf-8")  # what cannot be read is to ClusterShell an empty file
        task_self().load_topology(file)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    except TopologyError as error:
        raise UsageError(f"{file}: no topology from {os.uname().nodename}: {error}") from None


def ask(
    nodes: Sequence[str],
    way: Way,
    answer: Callable[[], NodeHearing],
    program: Callable[[float], bytes],
    ended: Callable[[str, Any, str], None],
) -> None:
    """As `engine.ask`, through the gateways of the topology that was loaded."""
    os.environ.setdefault(PYTHON, "python3")
    logging.getLogger("ClusterShell").addHandler(logging.NullHandler())  # what went wrong is told of each node
    task = task_self()
    task.set_info("fanout", way.fanout)
    for stream in ("stdout", "stderr"):
        task.set_default(f"{stream}_msgtree", False)  # else all that is said is kept twice
    limit = math.ceil(len(nodes) / way.fanout) * way.seconds + ENDING  # a gateway itself may hang
    hearing = _Hearing({node: answer() for node in nodes}, ended, way.seconds, time.monotonic() + limit)
    named = NodeSet.fromlist(list(nodes), resolver=RESOLVER_NOGROUP)
    worker = _Worker(named, hearing, way.seconds, command=command(way), remote=False, stderr=True)
    hearing.program = program(way.seconds)
    worker.write(hearing.program)
    worker.set_write_eof()
    with _distrusted():
        task.schedule(worker)
        try:
            task.resume(timeout=limit)
        except Overdue:
            task.abort(kill=True)
        except BaseException:
            for node in hearing.answers:
                hearing.tell(node, "interrupted")
            with contextlib.suppress(Exception):
                task.abort(kill=True)
            raise
    for node in hearing.answers:
        hearing.tell(node, hearing.gone.get(node, hearing.overdue))


def command(way: Way) -> str:
    """For a shell on the gateway; ClusterShell puts the node's name where %h stands."""
    words = shlex.join([*way.via, "-"]).replace("%", "%%").replace("{node}", "%h")
    cut = f"head -c {MOST_THROUGH}"
    return f"{{ {{ {words}; }} 2>&1 >&3 | {cut} >&2; }} 3>&1 | {cut}"


class _Hearing(EventHandler):  # type: ignore[misc]
    """What nodes say. *words*: of gateways that are no nodes themselves. *gone*: nodes whose gateway ended before them, and why;
    ClusterShell ends them all by itself when it is interrupted."""

    def __init__(
        self, answers: Mapping[str, NodeHearing], ended: Callable[[str, Any, str], None], seconds: float, until: float
    ) -> None:
        """*seconds*: that each node has; *until*: when all is over."""
        self.answers = answers
        self.ended = ended
        self.overdue = f"{NO_ANSWER} {seconds:g} s"
        self.until = until
        self.told: set[str] = set()
        self.said: Counter[tuple[str, str]] = Counter()
        self.noise: dict[str, bytearray] = {}
        """What gateways say that is no message, from the end."""
        self.program = b""
        self.gone: dict[str, str] = {}

    def ev_read(self, worker: _Worker, node: str, sname: str, msg: bytes) -> None:
        heard = self.answers.get(node)
        if heard is None:
            noise = self.noise.setdefault(node, bytearray())
            noise += msg[-MOST_NOISE:] + b"\n"
            del noise[:-MOST_NOISE]
            return
        self.said[node, sname] += len(msg) + 1
        (heard.hear if sname == worker.SNAME_STDOUT else heard.complain)(msg + b"\n")
        if heard.complete:
            self.tell(node, "")
        if len(self.told) == len(self.answers):
            task_self().abort()  # a login may leave behind what holds the way open

    def last_words(self, gateway: str) -> str:
        return last_words(self.noise.get(gateway, b""))

    def ev_hup(self, worker: _Worker, node: str, rc: int) -> None:
        heard = self.answers[node]
        if heard.flooded or any(self.said[node, stream] >= MOST_THROUGH for stream in ("stdout", "stderr")):
            self.tell(node, CUT_OFF)
        elif rc == os.EX_PROTOCOL and not heard.last_words:
            self.gone[node] = self.overdue if time.monotonic() >= self.until else worker.lost(node)
        else:
            self.tell(node, ": ".join(filter(None, (heard.last_words, exit_words(rc)))))

    def tell(self, node: str, why: str) -> None:
        if node not in self.told:
            self.told.add(node)
            self.ended(node, self.answers[node], why)


class _Worker(TreeWorker):  # type: ignore[misc]
    """*behind*: the nodes that a gateway was to ask."""

    def __init__(self, *told: Any, **more: Any) -> None:
        self.behind: dict[str, set[str]] = {}
        super().__init__(*told, **more)

    def _execute_remote(self, cmd: str, targets: NodeSet, gateway: NodeSet, timeout: float) -> None:
        self.behind.setdefault(str(gateway), set()).update(targets)
        super()._execute_remote(cmd, targets, gateway, timeout)
        if (
            self._started
        ):  # through another gateway: what was written to the first is lost, and ClusterShell keeps no copy
            channel = self.task._pchannel(gateway, self)
            channel.write(targets, self.eh.program, self)
            channel.set_write_eof(targets, self)

    def _relaunch(self, previous_gateway: str) -> None:
        """Through another gateway; where there is none, only these nodes are lost and not all."""
        targets = list(self.gwtargets[previous_gateway])
        try:
            super()._relaunch(previous_gateway)
        except RouteResolvingError:
            for node in targets:
                self.eh.tell(node, self.lost(node))
            self._check_fini()

    def lost(self, node: str) -> str:
        """Why a node that is behind a gateway was not asked, or not to the end."""
        gateway = next((name for name, nodes in self.behind.items() if node in nodes), "")
        return f"gateway {gateway}: {self.eh.last_words(gateway) or 'gone'}"


class _Channel(PropagationChannel):  # type: ignore[misc]
    """What a gateway says: of its own nodes alone, and what it says wrongly costs no others."""

    def recv(self, msg: Communication.Message) -> None:
        gateway = str(self.gateway)
        try:
            worker = self.workers.get(getattr(msg, "srcid", None))
            own = worker.behind[gateway] if worker else {gateway}  # of no worker it speaks of itself
            if not set(NodeSet(getattr(msg, "nodes", ""))) <= own:
                raise Communication.MessageProcessingError("not its nodes")
            super().recv(msg)
        except EngineException:  # by which ClusterShell ends its own loop
            raise
        except Exception as error:
            for worker in self.workers.values():
                worker.eh.noise[gateway] = bytearray(f"says what is no message: {error}".encode())
            self._close(abort=True)


class _Bytes(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name}")


@contextlib.contextmanager
def _distrusted() -> Iterator[None]:
    """ClusterShell unpickles what gateways send, by which whoever rules one of them would rule this machine, too. All that they
    have to send is bytes."""
    trusting = Communication.cPickle, Task.PropagationChannel
    Communication.cPickle = SimpleNamespace(
        dumps=pickle.dumps,
        loads=lambda data: _Bytes(io.BytesIO(data)).load(),
        UnpicklingError=pickle.UnpicklingError,
    )
    Task.PropagationChannel = _Channel
    try:
        yield
    finally:
        Communication.cPickle, Task.PropagationChannel = trusting
