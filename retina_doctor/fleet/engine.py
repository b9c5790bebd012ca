"""One command per node, many at a time, by ClusterShell: its fan-out and timers, our own reading of what nodes say.

ClusterShell hands on whole lines and keeps what is no line yet, however much that is; here bytes are taken as they come, and
a node that sends too many is cut off.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from subprocess import PIPE, Popen, TimeoutExpired
from typing import Any, Protocol

from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet
from ClusterShell.Task import task_self
from ClusterShell.Worker.Exec import ExecClient, ExecWorker

from retina_doctor.fleet.sending import NodeAnswer
from retina_doctor.fleet.ways import Way
from retina_doctor.probing.process import exit_words

logging.getLogger("ClusterShell").addHandler(
    logging.NullHandler()
)  # what becomes of a node is told once, and in our words
Ended = Callable[[str, NodeAnswer, str], None]
"""Told of each node when it is done: its name, its answer, why it is not whole ("": it is)."""


class NodeHearing(Protocol):
    """Whatever takes what is said."""

    complete: bool
    flooded: bool

    @property
    def last_words(self) -> str: ...
    def hear(self, data: bytes) -> None: ...
    def complain(self, data: bytes) -> None: ...


NO_ANSWER = "no answer in"
CUT_OFF = "sent too much: cut off"
ENDING = 5.0
"""Seconds for what was told to end, before it is killed."""


class _Client(ExecClient):  # type: ignore[misc]
    """The way to one node: a process of ours, in a group of its own."""

    worker: _Worker
    problem = ""

    def _start(self) -> _Client:
        words = self.worker.words(self.key)
        try:
            self.popen = Popen(words, bufsize=0, stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True)
        except OSError as error:
            self.problem = f"{words[0]}: {error.strerror}"
            self.popen = Popen(["false"], bufsize=0, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        assert self.popen.stdin and self.popen.stdout and self.popen.stderr
        for pipe in (self.popen.stdin, self.popen.stdout, self.popen.stderr):
            os.set_blocking(pipe.fileno(), False)
        self.streams.set_reader(self.worker.SNAME_STDERR, self.popen.stderr)
        self.streams.set_reader(self.worker.SNAME_STDOUT, self.popen.stdout)
        self.streams.set_writer(self.worker.SNAME_STDIN, self.popen.stdin, retain=False)
        self._on_nodeset_start(self.key)
        return self

    def _handle_read(self, sname: str) -> None:
        answer = self.worker.answers[self.key]
        data = self._read(sname)
        if sname == self.worker.SNAME_STDOUT:
            answer.hear(data)
        else:
            answer.complain(data)
        # What cancels what it started ends by itself soon after; else it may be held open by what a login left behind.
        if answer.flooded or (answer.complete and not self.worker.way.cancels):
            self.abort()

    def _close(self, abort: bool, timeout: bool) -> None:
        gently = not abort or self.worker.way.cancels
        with contextlib.suppress(OSError):
            os.killpg(self.popen.pid, signal.SIGTERM if gently else signal.SIGKILL)
        code = 0
        if abort and gently:
            self.worker.ending.append(self.popen)  # nobody waits for it
        else:
            code = self.popen.wait()
        super()._close(abort, timeout)
        self.worker.end(self.key, self.problem or ("interrupted" if abort else ""), timeout, code)


class _Worker(ExecWorker):  # type: ignore[misc]
    SHELL_CLASS = _Client

    def __init__(
        self, nodes: Any, way: Way, answers: Mapping[str, NodeHearing], ended: Callable[[str, Any, str], None]
    ) -> None:
        self.way = way
        self.answers = answers
        self.ended = ended
        self.ending: list[Popen[bytes]] = []
        super().__init__(nodes, handler=None, timeout=way.seconds, command="-", stderr=True)

    def words(self, node: str) -> list[str]:
        return [*(word.replace("{node}", node) for word in self.way.via), "-"]

    def end(self, node: str, problem: str, timeout: bool, code: int) -> None:
        answer = self.answers[node]
        if answer.complete:
            why = ""
        elif answer.flooded:
            why = CUT_OFF
        elif timeout:
            why = f"{NO_ANSWER} {self.way.seconds:g} s"
        else:
            why = problem or ": ".join(filter(None, (answer.last_words, exit_words(code))))
        self.ended(node, answer, why)


Asker = Callable[
    [Sequence[str], Way, Callable[[], NodeAnswer], Callable[[float], bytes], Ended],
    None,
]
"""`ask`, or what asks in another way."""


def ask(
    nodes: Sequence[str],
    way: Way,
    answer: Callable[[], NodeHearing],
    program: Callable[[float], bytes],
    ended: Callable[[str, Any, str], None],
) -> None:
    """Write the program for so many seconds to a Python on each of the *nodes*, and hear what it says."""
    task = task_self()
    task.set_info("fanout", way.fanout)
    named = NodeSet.fromlist(list(nodes), resolver=RESOLVER_NOGROUP)
    worker = _Worker(named, way, {node: answer() for node in nodes}, ended)
    worker.write(program(way.seconds))
    worker.set_write_eof()
    task.schedule(worker)
    try:
        task.run()
    except BaseException:
        with contextlib.suppress(Exception):
            task.abort(kill=True)
        raise
    finally:
        until = time.monotonic() + ENDING
        for process in worker.ending:
            try:
                process.wait(max(0.0, until - time.monotonic()))
            except TimeoutExpired:
                with contextlib.suppress(OSError):
                    os.killpg(process.pid, signal.SIGKILL)
