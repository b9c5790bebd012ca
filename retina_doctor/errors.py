"""What ends a run before its end, or leaves a pack out. A file of its own, so that `--help` need not import what settings
are made of."""

from __future__ import annotations

import os


class UsageError(Exception):
    """Wrong usage or settings: one clear line for the operator, exit code 2."""


class Interrupted(BaseException):
    """A signal asked us to end; its number is the argument. No KeyboardInterrupt, which Typer would turn into its own exit."""


class PackError(ValueError):
    """A pack contradicts itself or another; the message says how, and in which file and line where that can be told.

    *lacks*: what is wrong is that another pack is not there.
    """

    def __init__(self, message: str, *, lacks: bool = False) -> None:
        super().__init__(message)
        self.lacks = lacks


def described(error: BaseException) -> str:
    """An error of a pack's code in one line: its kind, its words, and where it was raised, unless that was in the engine.

    A PackError has the words already.
    """
    if isinstance(error, PackError):
        return str(error)
    words = f"{type(error).__name__}: {' '.join(str(error).split())}"
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None or isinstance(error, SyntaxError):  # whose own words name the place
        return words
    file = trace.tb_frame.f_code.co_filename
    if file.startswith(("<", os.path.dirname(__file__) + os.sep)):  # noqa: PTH120 - pathlib would cost every --help
        return words
    return f"{words} ({file}:{trace.tb_lineno})"
