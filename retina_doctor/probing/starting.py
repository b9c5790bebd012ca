"""Starts the process of a request: with whose rights, where, on which processors, within which limits."""

from __future__ import annotations

import contextlib
import errno
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from retina_doctor.probing.request import Request
from retina_doctor.spread import widen
from retina_doctor.standpoint.standpoint import rank


def start_process(request: Request, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Raises OSError when the command cannot be started."""
    with _dropping(request) as drop:
        process = subprocess.Popen(
            list(request.command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environment),
            start_new_session=True,
            cwd=None if drop else _directory(request),
            preexec_fn=drop,
        )
    _limit(process.pid, request.limits)
    if request.processors:
        with contextlib.suppress(OSError):
            os.sched_setaffinity(process.pid, request.processors)
    assert process.stdin
    widen(process.stdin.fileno())  # for the whole program
    return process


@contextlib.contextmanager
def _dropping(request: Request) -> Iterator[Callable[[], None] | None]:
    """What the child does before it becomes the command. Raises OSError where that fails."""
    if request.standpoint is None:
        yield None
        return
    from retina_doctor.probing.drop import drop_to

    with drop_to(request.standpoint, request.workdir) as drop:
        try:
            yield drop
        except subprocess.SubprocessError:  # Python tells no more of what failed in the child
            refused = f"the rights of process {request.standpoint.pid} cannot be taken on"
            raise PermissionError(errno.EPERM, refused) from None


def _limit(pid: int, limits: Mapping[int, tuple[int, int]]) -> None:
    """Before it is told what to do. Without privileges no limit is raised above the doctor's own."""
    import resource

    for number, (soft, hard) in limits.items():
        _, most = resource.getrlimit(number)
        below = (min(soft, most, key=rank), min(hard, most, key=rank))
        for pair in ((soft, hard), below):
            with contextlib.suppress(PermissionError, ProcessLookupError):
                resource.prlimit(pid, number, pair)
                break


def _directory(request: Request) -> str | None:
    """The service's directory, where an interpreter that is started here can be started in it: relative entries of its
    PYTHONPATH are made absolute at its start. A command with a relative path means a file of the doctor's directory."""
    relative = os.sep in request.command[0] and not Path(request.command[0]).is_absolute()
    there = request.workdir is not None and Path(request.workdir).is_dir()
    return request.workdir if there and not relative else None
