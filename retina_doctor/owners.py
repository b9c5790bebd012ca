"""Who may change what a path leads to: itself, and each folder and link on the way. Also sent to targets: Python 3.8, standard
library alone."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator

MOST_LINKS = 40  # path_resolution(7)


def passed(path: str) -> Iterator[str]:
    """Each folder, link and file on the way, as the kernel goes it. Raises OSError."""
    here, left, links = os.sep, os.path.join(os.getcwd(), path).split(os.sep), 0
    yield here
    while left:
        step = left.pop(0)
        if step == os.pardir:
            here = os.path.dirname(here)
        elif step not in ("", os.curdir):
            there = os.path.join(here, step)
            yield there
            if not os.path.islink(there):
                here = there
                continue
            links += 1
            if links > MOST_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
            target = os.readlink(there)
            here = os.sep if target.startswith(os.sep) else here
            left = target.split(os.sep) + left


def others_write(state: os.stat_result, add: bool = False) -> bool:
    """Others than the owner may change it, or put another thing in place of what lies in it. In a sticky folder they replace
    nothing; *add*: what they add counts, too."""
    sticky = bool(state.st_mode & stat.S_ISVTX) and not add
    return bool(state.st_mode & 0o022) and not sticky and not stat.S_ISLNK(state.st_mode)
