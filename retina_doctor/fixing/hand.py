"""The hand that changes files: programs and the worker, started as the user whose files they are, without a shell."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, TypedDict

from retina_doctor.codec import Data, DoesNotFit, decode, from_json
from retina_doctor.masking.words import beginning
from retina_doctor.probing.reaper import RUN_VARIABLE, guarded
from retina_doctor.redaction import lines_shown
from retina_doctor.sending import one_text
from retina_doctor.standpoint.standpoint import Standpoint, limits_of

WORKER = "retina_doctor.fixing.sent.worker"
LONGEST = 3600.0  # seconds: pip may fetch gigabytes
MOST = 32 * 2**20  # bytes that a program may say
MOST_HEARD = 65536  # characters of it, from the end, in which what went wrong is looked for
LINE = 300  # characters of it that are told
ELSEWHERE = (
    *("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PIP_PYTHON", "PIP_DRY_RUN", "PIP_REPORT"),
    *("UV_TARGET", "UV_PREFIX", "UV_SYSTEM_PYTHON", "UV_PYTHON", "UV_DRY_RUN", "UV_PROJECT", "UV_WORKING_DIRECTORY"),
    *("PYTHONHOME", "PYTHONPATH", "PYTHONPLATLIBDIR", "VIRTUAL_ENV", "CONDA_PREFIX"),
)
"""Variables by which pip, uv or Python would install into another place than they are told."""


class EnvironmentTold(TypedDict):
    prefix: str
    virtual: bool
    foreign: list[str]
    elsewhere: list[str]
    closed: list[str]


class StageTold(TypedDict):
    was: dict[str, str]


class PathTold(TypedDict):
    path: str


class PairsTold(TypedDict):
    pairs: list[tuple[str, str, str, str]]


class StateTold(TypedDict):
    state: str


class DataTold(TypedDict):
    data: str


class PackagesTold(TypedDict):
    packages: list[str]


class MissingTold(TypedDict):
    missing: list[str]


class ModesTold(TypedDict):
    old: int
    new: int


class ChangedTold(TypedDict):
    changed: bool


ANSWERS: Mapping[str, Any] = {
    "environment": EnvironmentTold,
    "stage": StageTold,
    "resolved": PathTold,
    "differing": PairsTold,
    "whole": PairsTold,
    "state": StateTold,
    "read": DataTold,
    "packages": PackagesTold,
    "absent": MissingTold,
    "readable": ModesTold,
    "unlink": ChangedTold,
    "mode": ChangedTold,
}
"""What the worker's functions tell, by their names; the others tell nothing."""


class CannotFix(Exception):
    """A step that failed or was refused, in one line."""


class Overtaken(CannotFix):
    """Somebody else has changed the same meanwhile."""


class Whose(Data, frozen=True, kw_only=True):
    """Another user, as the kernel numbers him; what the journal remembers for `fix --undo`."""

    user: int
    group: int
    groups: tuple[int, ...]
    python: str
    """His interpreter, without links: it starts while the environment around it is exchanged."""


class Hand:
    """Starts programs with a user's rights. *whose* None: the doctor's own."""

    def __init__(self, whose: Whose | None, environment: Mapping[str, str]) -> None:
        self.whose = whose
        self.environment = {name: value for name, value in environment.items() if name not in ELSEWHERE}

    def do(self, what: str, **arguments: Any) -> dict[str, Any]:
        """What the worker's function of that name tells. Raises CannotFix."""
        python = self.whose.python if self.whose else sys.executable
        words = [python, "-I", "-S", "-c", one_text(WORKER)]
        done = self._run(words, json.dumps({"do": what, **arguments}))
        try:
            told = from_json(done.stdout)
            if isinstance(told, dict) and "refused" in told:
                raise (Overtaken if told.get("overtaken") is True else CannotFix)(str(told["refused"])[:LINE])
            # It ran in another user's Python, which may say anything.
            decode(told, ANSWERS.get(what, dict[str, Any]))
        except DoesNotFit:
            raise CannotFix(f"{python}: {_last_line(done)}") from None
        answer: dict[str, Any] = told
        return answer

    def run(self, words: Sequence[str]) -> str:
        """What a program says on standard output. Raises CannotFix where it fails."""
        done = self._run(words, "")
        if done.returncode != 0:
            raise CannotFix(f"{Path(words[0]).name} failed (exit status {done.returncode}): {_last_line(done)}")
        return done.stdout

    def _run(self, words: Sequence[str], given: str) -> subprocess.CompletedProcess[str]:
        token = secrets.token_hex(16)
        # A doctor that is killed leaves no pip behind that goes on.
        with guarded(token), self._dropping() as drop:
            try:
                process = subprocess.Popen(
                    list(words),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env={**self.environment, **QUIET, RUN_VARIABLE: token},
                    cwd=None if drop else "/",
                    preexec_fn=drop,
                    start_new_session=True,
                )
            except (OSError, subprocess.SubprocessError) as error:
                raise CannotFix(f"{words[0]}: cannot be started: {getattr(error, 'strerror', None) or error}") from None
            with process:
                try:
                    return _heard(process, given.encode(), words)
                except BaseException:
                    with contextlib.suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGKILL)
                    raise

    @contextlib.contextmanager
    def _dropping(self) -> Iterator[Callable[[], None] | None]:
        if self.whose is None:
            yield None
            return
        from retina_doctor.probing.drop import drop_to

        one = self.whose
        standpoint = Standpoint(
            pid=os.getpid(), started=0, user=one.user, group=one.group, groups=one.groups,
            user_inside=one.user, group_inside=one.group, capabilities=0, namespaces={}, limits=limits_of("self"),
        )  # fmt: skip
        with drop_to(standpoint, "/") as drop:
            yield drop


QUIET = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PIP_NO_COLOR": "1", "NO_COLOR": "1"}


def _heard(process: subprocess.Popen[bytes], given: bytes, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """What it says until it ends. Raises CannotFix where that takes too long, or is too much to keep."""
    assert process.stdin and process.stdout and process.stderr
    threading.Thread(target=_say, args=(process.stdin, given), daemon=True).start()
    heard = {pipe.fileno(): bytearray() for pipe in (process.stdout, process.stderr)}
    until = time.monotonic() + LONGEST
    with selectors.DefaultSelector() as selector:
        for number in heard:
            selector.register(number, selectors.EVENT_READ)
        while selector.get_map() and (left := until - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                data = os.read(key.fd, 65536)
                heard[key.fd] += data
                if not data:
                    selector.unregister(key.fd)
            if sum(map(len, heard.values())) > MOST:
                raise CannotFix(f"{words[0]}: says too much")
    try:
        code = process.wait(max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise CannotFix(f"{words[0]}: not done within {LONGEST:.0f} s") from None
    out, errors = (bytes(one).decode("utf-8", "replace") for one in heard.values())
    return subprocess.CompletedProcess(list(words), code, out, errors)


def _say(pipe: IO[bytes], given: bytes) -> None:
    """Beside the hearing: whoever does not listen keeps nobody waiting."""
    with contextlib.suppress(OSError, ValueError), pipe:
        pipe.write(given)


CAUSES = ("caused by:", "╰─▶", "cause:")


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    """What went wrong, in the program's own words: the last line that names an error, or the last, and the cause; no secrets."""
    lines = [
        line
        for text in (done.stderr, done.stdout)
        for line in lines_shown(text[-MOST_HEARD:], cut=len(text) > MOST_HEARD)
    ]
    errors = [line for line in lines if line.lower().startswith("error")]
    causes = [line for line in lines if line.lower().startswith(CAUSES)]  # uv's
    return beginning(": ".join([*(errors or lines or ["it said nothing"])[-1:], *causes[-1:]]), LINE)
