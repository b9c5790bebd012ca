"""Catches what libraries write to standard output and error, from C++ too. Sent to targets: Python 3.8, standard library."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import sys

from retina_doctor.hints import Any
from retina_doctor.masking.words import beginning, masked

ANSI = re.compile(r"\x1b\[[0-9;]*m")
MOST_LINES = 40
MOST_BYTES = 65536
PATIENCE = 1.0  # seconds for the last words; a daemon that was left with the pipe does not hold us longer


def cut(text: str, most: int) -> str:
    """*text*, or its beginning and its end in *most* characters: a loader names the cause last."""
    text = masked(text)
    if len(text) <= most:
        return text
    front, end = beginning(text, most // 3), text[len(text) - (most - most // 3 - 3) :]
    return front + " … " + (end.partition(" ")[2] or end)  # no half a word: it could be half a secret


@contextlib.contextmanager
def captured() -> Any:
    """Within: what is written to file descriptors 1 and 2 goes to a list of lines that is filled at the end.

    It goes to standard error as well, and at once, by a process of its own: last words of who aborts are not lost.
    """
    lines: list[str] = []
    try:
        tee = _Tee()
    except OSError:  # no more processes or descriptors: the lines go where they would have gone
        yield lines
        return
    _flush()
    saved = os.dup(1), os.dup(2)
    os.dup2(tee.write, 1)
    os.dup2(tee.write, 2)
    try:
        yield lines
    finally:
        _flush()  # what Python's own print still holds: onnxruntime tells so that it falls back to the CPU
        os.dup2(saved[0], 1)
        os.dup2(saved[1], 2)
        for descriptor in saved:
            os.close(descriptor)
        text = ANSI.sub("", tee.end().decode("utf-8", "replace"))
        lines.extend([line for line in text.splitlines() if line.strip()][:MOST_LINES])


class _Enough(BaseException):
    """No more is waited for."""


class _Tee:
    """A process that hands what comes through a pipe on to standard error, and at the end gives its beginning back."""

    def __init__(self) -> None:
        read, self.write = os.pipe()
        self._back, back = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                os.close(self.write)
                os.close(self._back)
                _copy(read, back)
            finally:
                os._exit(0)
        os.close(read)
        os.close(back)

    def end(self) -> bytes:
        os.close(self.write)
        data = b""
        for _ in range(2):
            while is_ready(self._back, PATIENCE):
                block = os.read(self._back, MOST_BYTES)
                if not block:
                    break
                data += block
            else:
                os.kill(self._pid, signal.SIGTERM)
                continue
            break
        os.close(self._back)
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        return data


def _copy(read: int, back: int) -> None:
    kept = b""
    with contextlib.suppress(_Enough):
        signal.signal(signal.SIGTERM, _enough)
        while True:
            block = os.read(read, MOST_BYTES)
            if not block:
                break
            kept += block[: MOST_BYTES - len(kept)]
            while block:
                block = block[os.write(2, block) :]
    while kept:
        kept = kept[os.write(back, kept) :]


def _enough(_number: int, _frame: Any) -> None:
    raise _Enough


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


def is_ready(descriptor: int, seconds: float) -> bool:
    """By poll(2): select(2) knows no descriptor above 1023, and a library may have opened as many."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
