"""prctl(2): what Linux lets a process say of itself. Its numbers are those of <linux/prctl.h>."""

from __future__ import annotations

import ctypes
import functools
import os

DIES_WITH_ITS_PARENT = 1  # PR_SET_PDEATHSIG
IS_SEEN_INTO = 4  # PR_SET_DUMPABLE
ADOPTS_ORPHANS = 36  # PR_SET_CHILD_SUBREAPER
GAINS_NO_RIGHTS = 38  # PR_SET_NO_NEW_PRIVS
LENDS_CAPABILITIES, TO_NOBODY = 47, 4  # PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL


def prctl(option: int, argument: int) -> None:
    """Raises OSError."""
    checked(_library().prctl(option, argument, 0, 0, 0))


@functools.cache
def _library() -> ctypes.CDLL:
    """Opened once: a child that has taken on a limit of memory can open nothing more."""
    return ctypes.CDLL(None, use_errno=True)


def checked(result: int) -> None:
    """Of a function of the C library that was opened with its errno. Raises OSError where it failed."""
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
