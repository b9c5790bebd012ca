"""Finds files as a process finds them: below its own root, whose links are never followed on the doctor's own disk."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath

MOST_LINKS = 40  # path_resolution(7)
Identity = tuple[int, int]
"""Device and inode: two paths with the same are the same file."""


def identity(seen: os.stat_result) -> Identity:
    return seen.st_dev, seen.st_ino


@contextmanager
def root_of(pid: int | str) -> Iterator[int]:
    """The root folder of a process, as a descriptor. Raises OSError."""
    descriptor = os.open(f"/proc/{pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def found_within(root: int, path: str) -> os.stat_result | None:
    """What an absolute *path* leads to for a process whose root folder *root* is; None: nothing, or no absolute path.

    Every step is opened from the one before, so what is exchanged meanwhile, by whoever owns the folder, leads nowhere else.
    Raises PermissionError where this user may not go that way.
    """
    if not path.startswith("/"):
        return None  # whose folder it would start from nobody has said
    held: list[int] = [os.dup(root)]
    left = list(reversed(PurePosixPath(path).parts[1:]))
    links = 0
    try:
        while left:
            name = left.pop()
            if name == "..":
                if len(held) > 1:
                    os.close(held.pop())
                continue
            step = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=held[-1])
            held.append(step)
            if not stat.S_ISLNK(os.fstat(step).st_mode):
                continue
            links += 1
            if links > MOST_LINKS:
                return None  # ELOOP
            goal = PurePosixPath(os.readlink("", dir_fd=step))
            os.close(held.pop())
            if goal.is_absolute():
                while len(held) > 1:
                    os.close(held.pop())
            left += reversed(goal.parts[1:] if goal.is_absolute() else goal.parts)
        return os.fstat(held[-1])
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    finally:
        for descriptor in held:
            os.close(descriptor)
