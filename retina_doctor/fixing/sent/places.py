"""Where a path really leads, and whether nobody else could lead it elsewhere meanwhile; what is refused."""

from __future__ import annotations

import os
import stat
from typing import Any, Dict

STAGED = ".retina-doctor-"
"""Begins the name of what is built beside, and of the old state once it was exchanged."""
MOST_LINKS = 40  # as the kernel follows


class FixRefused(Exception):
    """Said to the operator in one line."""


class FixOvertaken(FixRefused):
    """Somebody else has changed the same meanwhile: what is there now is theirs."""

    def __init__(self, path: str) -> None:
        super().__init__("%s: was changed by somebody else meanwhile" % path)


def settled(path: str) -> str:
    """The path without links, where nobody but this user and root can lead it elsewhere meanwhile: of each folder and link on
    the way only they may be the owner, and nobody else may write to it (unless he can replace his own entries alone, as in
    /tmp). The last part need not be there."""
    waiting = [part for part in reversed(os.path.join(os.getcwd(), path).split("/")) if part]
    done, links = "/", 0
    while True:
        here = os.lstat(done)
        if here.st_uid not in (0, os.getuid()):
            raise FixRefused("%s: belongs to another user" % done)
        others = stat.S_IWOTH | (stat.S_IWGRP if os.getuid() == 0 and here.st_gid != 0 else 0)
        if stat.S_ISDIR(here.st_mode) and here.st_mode & others and not here.st_mode & stat.S_ISVTX and waiting:
            raise FixRefused("%s: others may write to it" % done)
        if stat.S_ISLNK(here.st_mode):
            links += 1
            if links > MOST_LINKS:
                raise FixRefused("%s: too many links" % path)
            to = os.readlink(done)
            waiting += [part for part in reversed(to.split("/")) if part]
            done = "/" if to.startswith("/") else os.path.dirname(done)
        elif not waiting:
            return done
        else:
            part = waiting.pop()
            done = os.path.dirname(done) if part == ".." else done if part == "." else os.path.join(done, part)
            if not waiting and not os.path.lexists(done):
                return done


def resolved(path: str) -> Dict[str, Any]:
    """Where it really is."""
    return {"path": settled(path)}


def place(path: str) -> str:
    """As `settled`, but a link that is the last part stays one."""
    folder, name = os.path.split(path)
    if name in ("", ".", ".."):
        raise FixRefused("%s: is no name of a file" % path)
    return os.path.join(settled(folder), name)


def own(folder: str) -> None:
    """Root works in nobody else's folder: whoever owns it could lay a link in the way."""
    if os.stat(folder).st_uid != os.getuid():
        raise FixRefused("%s: belongs to another user" % folder)
