"""Finds files as a process finds them: below its own root, whose links are never followed on the doctor's own disk."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Callable, Iterator
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

    Raises PermissionError where this user may not go that way.
    """
    with opened_within(root, path) as step:
        return None if step is None else os.fstat(step)


def names_within(root: int, path: str, may: Callable[[os.stat_result, int], bool], most: int) -> list[str] | None:
    """What is in a folder of the process, sorted; None: no folder, one that its user may not list, as *may* says of each step
    and a right of chmod(2), or one with more in it than *most*. Raises PermissionError where this user may not."""
    with opened_within(root, path, lambda step: may(step, stat.S_IXOTH)) as step:
        if step is None or not stat.S_ISDIR(os.fstat(step).st_mode) or not may(os.fstat(step), stat.S_IROTH):
            return None
        folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=step)
        try:
            with os.scandir(folder) as entries:
                names = [entry.name for entry in itertools.islice(entries, most + 1)]
        finally:
            os.close(folder)
        return sorted(names) if len(names) <= most else None


@contextmanager
def opened_within(root: int, path: str, passed: Callable[[os.stat_result], bool] | None = None) -> Iterator[int | None]:
    """A descriptor that says no more than where it is (O_PATH). *passed*: whether one goes through a folder.

    Every step is opened from the one before, so what is exchanged meanwhile, by whoever owns the folder, leads nowhere else.
    """
    held: list[int] = [os.dup(root)]
    try:
        try:
            there = path.startswith("/") and _reached(held, path, passed)
        except (FileNotFoundError, NotADirectoryError, ValueError):
            there = False
        yield held[-1] if there else None
    finally:
        for descriptor in held:
            os.close(descriptor)


def _reached(held: list[int], path: str, passed: Callable[[os.stat_result], bool] | None) -> bool:
    """Whether there is a way; *held* gets a descriptor of each step."""
    left = list(reversed(PurePosixPath(path).parts[1:]))
    links = 0
    while left:
        name = left.pop()
        if passed is not None and not passed(os.fstat(held[-1])):
            return False
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
            return False  # ELOOP
        goal = PurePosixPath(os.readlink("", dir_fd=step))
        os.close(held.pop())
        if goal.is_absolute():
            while len(held) > 1:
                os.close(held.pop())
        left += reversed(goal.parts[1:] if goal.is_absolute() else goal.parts)
    return True
