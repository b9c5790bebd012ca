"""Runs a program that may hang or flood, and leaves nothing of it behind. Sent to targets: Python 3.8, standard library."""

from __future__ import annotations

import os
import selectors
import subprocess
import time

from retina_doctor.hints import Any

MOST = 65536  # bytes kept of each stream; who writes much more is ended


class Ended:
    """*code*: its exit status, or None where it was *stopped* ("no answer in 5 s") or did not start (*stopped* says why)."""

    def __init__(self, code: int | None, output: bytes, errors: bytes, stopped: str | None) -> None:
        self.code = code
        self.output = output
        self.errors = errors
        self.stopped = stopped


def absolute(name: str) -> str:
    """The program, from the absolute folders of PATH alone: a relative one is in the working directory, where nothing is run."""
    if os.path.isabs(name):
        return name
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(folder, os.path.basename(name))
        if os.path.isabs(folder) and os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    return os.path.join("/usr/bin", os.path.basename(name))


def run(words: list[str], seconds: float, environment: Any = None) -> Ended:
    pipe = subprocess.PIPE
    words = [absolute(words[0]), *words[1:]]
    try:
        child = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, env=environment)
    except OSError as error:
        return Ended(None, b"", b"", error.strerror or str(error))
    assert child.stdout and child.stderr
    kept = {child.stdout: b"", child.stderr: b""}
    deadline, stopped = time.monotonic() + seconds, None
    with selectors.DefaultSelector() as selector:
        for stream in kept:
            selector.register(stream, selectors.EVENT_READ)
        while selector.get_map() and not stopped:
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            for key, _ in ready:
                block = os.read(key.fd, MOST)
                kept[key.fileobj] += block  # type: ignore[index]
                if not block:
                    selector.unregister(key.fileobj)
                elif len(kept[key.fileobj]) > MOST * 16:  # type: ignore[index]
                    stopped = "it wrote more than %d bytes" % (MOST * 16)
            if not ready:
                stopped = "no answer in %g s" % seconds
    try:
        child.wait(0 if stopped else max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        stopped = stopped or "no answer in %g s" % seconds
        child.kill()
        try:
            child.wait(1)
        except subprocess.TimeoutExpired:
            pass  # in an uninterruptible system call: a hung driver
    child.stdout.close()
    child.stderr.close()
    output, errors = kept[child.stdout][:MOST], kept[child.stderr][:MOST]
    return Ended(None if stopped else child.returncode, output, errors, stopped)
