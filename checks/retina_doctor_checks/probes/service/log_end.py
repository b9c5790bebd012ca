"""The end of a log, as it travels: of a file, or of what a program prints. Python 3.8, standard library alone."""

from __future__ import annotations

import base64
import collections
import os
import selectors
import signal
import stat
import subprocess
import time
import zlib

from retina_doctor.hints import Any
from retina_doctor_checks.probes.native import program

MOST = 2 * 2**20
"""Bytes of the end that are read."""
NOTHING: dict[str, Any] = {"problem": None, "words": None, "size": 0, "data": "", "fresh": False}


def packed(data: bytes) -> dict[str, Any]:
    data = data.replace(b"\0", b"")  # what a log that was cut short while it was open has in front: holes
    if not data.strip():
        return dict(NOTHING, problem="empty")
    return dict(NOTHING, size=len(data), data=base64.b64encode(zlib.compress(data, 1)).decode("ascii"))


def problem_of(error: OSError) -> str:
    return "not-permitted" if isinstance(error, PermissionError) else "unreadable"


def of_file(path: str) -> dict[str, Any]:
    """Of a regular file; nothing else is waited for, nor read."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))
    except OSError as error:
        return dict(NOTHING, problem=problem_of(error), words=error.strerror)
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            return dict(NOTHING, problem="no-file")
        if not about.st_size:  # or one of /proc, whose reading may wait for ever
            return dict(NOTHING, problem="empty")
        os.lseek(handle, max(0, about.st_size - MOST), os.SEEK_SET)
        data = b""
        while len(data) < MOST:
            block = os.read(handle, MOST - len(data))
            if not block:
                break
            data += block
        return packed(data)
    except OSError as error:
        return dict(NOTHING, problem=problem_of(error), words=error.strerror)
    finally:
        os.close(handle)


def of_program(words: list[str], seconds: float) -> dict[str, Any]:
    """Of what a program prints, both streams together; ended with its children when its time is up. Without output, its words."""
    pipe = subprocess.PIPE
    words = [program.absolute(words[0]), *words[1:]]
    try:
        child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, start_new_session=True)
    except OSError as error:
        return dict(NOTHING, problem="unreadable", words="%s: %s" % (words[0], error.strerror))
    assert child.stdout and child.stderr
    deadline, late = time.monotonic() + seconds, False
    kept: collections.deque[bytes] = collections.deque()
    size, complaints = 0, b""
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        selector.register(child.stderr, selectors.EVENT_READ)
        while selector.get_map() and not late:
            for key, _ in selector.select(max(0.0, deadline - time.monotonic())):
                block = os.read(key.fd, 65536)
                if not block:
                    selector.unregister(key.fileobj)
                if key.fileobj is child.stderr:
                    complaints = (complaints + block)[-4096:]
                kept.append(block)
                size += len(block)
                while size - len(kept[0]) > MOST:
                    size -= len(kept.popleft())
            late = time.monotonic() > deadline
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except OSError:
        pass  # it has ended, with all that it started
    try:
        code = child.wait(1)
    except subprocess.TimeoutExpired:
        code = -1
    child.stdout.close()
    child.stderr.close()
    said = complaints.decode("utf-8", "replace").strip().splitlines()
    if not late and code > 0:
        return dict(NOTHING, problem="unreadable", words="%s: %s" % (words[0], said[-1] if said else "exit %d" % code))
    if late and not size:
        return dict(NOTHING, problem="unreadable", words="%s: no answer in %g s" % (words[0], seconds))
    return packed(b"".join(kept)[-MOST:])
