"""One function over many things, on all processors, its results in their order and few of them in memory at a time."""

from __future__ import annotations

import contextlib
import gc
import marshal
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO, NoReturn, TypeVar, cast

from retina_doctor.ears import hear_nothing

T = TypeVar("T")
R = TypeVar("R")

FEWEST = 8  # things for each process: to start one takes as long as to judge some
ROOM = 1024 * 1024  # bytes that a process may be ahead with
GARBAGE = 256  # things after which a process looks for garbage: the doctor itself never does


def spread(work: Callable[[T], R], things: Sequence[T]) -> Iterator[R]:
    """`work` of each, in their order. Results are texts, numbers, tuples, lists and dicts of these.

    The processes are forked from this one, with all that it has imported. What one of them cannot do, because it died or
    because `work` raised, is done here. They end with this process, however it ends.
    """
    count = min(processors(), len(things) // FEWEST)
    if sys.platform == "win32" or count < 2 or not hasattr(os, "fork"):
        yield from map(work, things)
        return
    gc.freeze()
    workers: list[tuple[int, BinaryIO]] = []
    try:
        for number in range(count):
            workers.append(_started(work, things[number::count], [pipe for _, pipe in workers]))
        for place, thing in enumerate(things):
            frame = _read(workers[place % count][1])
            if frame is None:
                frame = marshal.dumps(cast("Any", work(thing)))  # a result of another kind is a bug, and is told here
            yield marshal.loads(frame)  # noqa: S302 - of our own process
    finally:
        for pid, pipe in workers:
            pipe.close()
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def processors() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _started(work: Callable[[T], R], things: Sequence[T], others: Sequence[BinaryIO]) -> tuple[int, BinaryIO]:
    """(process, where its results come from). *others*: of those that were started before, which it has no use for."""
    if sys.platform == "win32":
        raise NotImplementedError
    results, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        for pipe in others:
            os.close(pipe.fileno())
        os.close(results)
        _work(work, things, told)
    os.close(told)
    widen(results)
    return pid, os.fdopen(results, "rb")


def widen(pipe: int) -> None:
    """Let a pipe hold as much as Linux allows (fs.pipe-max-size): what is handed over in small pieces waits at each of them."""
    if sys.platform == "linux":
        with contextlib.suppress(ImportError, AttributeError, OSError):
            import fcntl

            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, ROOM)


def _work(work: Callable[[T], R], things: Sequence[T], told: int) -> NoReturn:
    """Ends at the first thing that cannot be done, or when nobody listens any more."""
    hear_nothing()
    try:
        for number, thing in enumerate(things):
            data = marshal.dumps(cast("Any", work(thing)))
            frame = memoryview(len(data).to_bytes(8, "big") + data)
            while frame:
                frame = frame[os.write(told, frame) :]
            if number % GARBAGE == GARBAGE - 1:
                gc.collect()
    finally:
        os._exit(0)


def _read(pipe: BinaryIO) -> Any:
    """Bytes of a result; None: there are no more."""
    size = pipe.read(8)
    data = pipe.read(int.from_bytes(size, "big")) if len(size) == 8 else b""
    return data if len(size) == 8 and len(data) == int.from_bytes(size, "big") else None
