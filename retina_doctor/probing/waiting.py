"""Which file a process waits for: what its system call names, where that does not answer the doctor either."""

from __future__ import annotations

import contextlib
import functools
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from retina_doctor.apart import apart
from retina_doctor.probing.effort import group_of

PATIENCE = 0.3  # seconds for each step: a disk that works answers in a hundredth
MOST = 4096  # bytes: PATH_MAX
FEW = 16  # system calls that are looked at: a program of a thousand threads must not hold up the report


class Awaited(NamedTuple):
    """*pipe*: a FIFO, which answers whoever asks about it, and lets whoever opens it wait for another."""

    path: str
    pipe: bool


def awaited(leader: int) -> Awaited | None:
    """The path for which a process of that group waits: a FIFO without a writer, or on a disk that hangs. None: none is seen.

    The kernel tells the arguments of a system call (/proc/PID/syscall), of which one points to the path. That memory may lie
    on a disk that hangs as well, which the process chooses, so another process reads it, and tries the path. It is opened
    here: where Yama restricts ptrace, that is for an ancestor alone, and to open it touches none of it.
    """
    with contextlib.ExitStack() as opened:
        asked = list(_asked(leader, opened))
        try:
            named = apart(functools.partial(_named, asked), PATIENCE)
        except TimeoutError:
            return None
    tried = ((path, _does_not_answer(pid, path)) for pid, path in named)
    return next((Awaited(path, pipe=why == "pipe") for path, why in tried if why), None)


class Called(NamedTuple):
    """A system call of a process, and the memory in which its arguments lie."""

    pid: int
    places: tuple[int, ...]
    memory: IO[bytes]


def _asked(leader: int, opened: contextlib.ExitStack) -> Iterator[Called]:
    calls = [call for folder, _ in group_of(leader) for call in sorted(folder.glob("task/*/syscall"))]
    for call in calls[:FEW]:
        with contextlib.suppress(OSError, ValueError):
            # stat, open, access and execve have it first, the likes of openat second
            places = tuple(int(word, 16) for word in call.read_text(encoding="ascii").split()[1:3])
            if places:
                yield Called(int(call.parts[2]), places, opened.enter_context((call.parent / "mem").open("rb", 0)))


def _named(asked: Sequence[Called]) -> list[tuple[int, str]]:
    """(process, path) of each system call that names one."""
    return list(dict.fromkeys(found for one in asked for found in _paths(one)))


def _paths(asked: Called) -> Iterator[tuple[int, str]]:
    for place in asked.places:
        with contextlib.suppress(OSError, ValueError, OverflowError):
            asked.memory.seek(place)
            text = asked.memory.read(MOST).partition(b"\0")[0]
            if text.startswith(b"/"):
                yield asked.pid, text.decode()


def _does_not_answer(pid: int, path: str) -> str | None:
    """Why: "pipe" or "disk", seen from the root of the process; None: it does."""
    try:
        return "pipe" if apart(functools.partial(_is_fifo, f"/proc/{pid}/root{path}"), PATIENCE) else None
    except TimeoutError:
        return "disk" if _is_answered() else None


def _is_answered() -> bool:
    """By a disk that works: on a machine that is very busy no answer says nothing."""
    try:
        apart(functools.partial(_is_fifo, "/"), PATIENCE)
    except TimeoutError:
        return False
    return True


def _is_fifo(path: str) -> bool:
    try:
        return stat.S_ISFIFO(Path(path).stat().st_mode)
    except OSError:
        return False
