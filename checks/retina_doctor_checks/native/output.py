"""Catches what libraries write to standard output and error, from C++ too. Sent to targets: Python 3.8, standard library."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
from typing import Any

ANSI = re.compile(r"\x1b\[[0-9;]*m")
MOST_LINES = 40


@contextlib.contextmanager
def captured() -> Any:
    """Within: what is written to file descriptors 1 and 2 goes to a list of lines that is filled at the end."""
    lines: list[str] = []
    try:
        file = tempfile.TemporaryFile()
    except OSError:  # no writable disk: the lines go where they would have gone
        yield lines
        return
    _flush()
    saved = os.dup(1), os.dup(2)
    os.dup2(file.fileno(), 1)
    os.dup2(file.fileno(), 2)
    try:
        yield lines
    finally:
        _flush()  # what Python's own print still holds: onnxruntime tells so that it falls back to the CPU
        os.dup2(saved[0], 1)
        os.dup2(saved[1], 2)
        for descriptor in saved:
            os.close(descriptor)
        file.seek(0)
        text = ANSI.sub("", file.read(65536).decode("utf-8", "replace"))
        lines.extend([line for line in text.splitlines() if line.strip()][:MOST_LINES])
        file.close()
        os.write(2, text.encode("utf-8", "replace"))  # and so stays in the tail of a looking that dies later


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
