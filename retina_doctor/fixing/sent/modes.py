"""Who may read: the same in a new state as in the old, or everybody."""

from __future__ import annotations

import os
import stat
from typing import Any, Dict

from retina_doctor.fixing.sent.places import FixOvertaken, FixRefused, own, place


def as_before(path: Any, was: os.stat_result) -> None:
    """The group first: changing it takes away what a mode may give it. Who reads by the group must not lose his way."""
    if os.stat(path).st_gid != was.st_gid:
        try:
            os.chown(path, -1, was.st_gid)
        except OSError:
            by_group = was.st_mode >> 3 & 7 != was.st_mode & 7 or was.st_mode & stat.S_ISGID
            if by_group:
                text = "group %d: this user may give nothing to it: a copy would not be the same"
                raise FixRefused(text % was.st_gid) from None
    os.chmod(path, stat.S_IMODE(was.st_mode))


def attributes(old: str, new: int) -> None:
    """Extended ones, as lists of who may read it (ACL) are: who reads by them must not lose his way."""
    try:
        names = os.listxattr(old)
    except OSError:  # a file system without any
        return
    for name in names:
        try:
            os.setxattr(new, name, os.getxattr(old, name))
        except OSError:
            if name.startswith("system.posix_acl"):
                raise FixRefused("%s: its access list cannot be given to its new state" % old) from None


def readable(path: str) -> Dict[str, Any]:
    """Its mode, and the one with which everybody reads it. Refuses what is not this user's own file or folder."""
    here = os.lstat(place(path))
    own(path)
    more = 0o555 if stat.S_ISDIR(here.st_mode) else 0o444
    if not stat.S_ISREG(here.st_mode) and not stat.S_ISDIR(here.st_mode):
        raise FixRefused("%s: is no file or folder" % path)
    return {"old": stat.S_IMODE(here.st_mode), "new": stat.S_IMODE(here.st_mode) | more}


def mode(path: str, expected: int, wanted: int) -> Dict[str, Any]:
    """Nothing is done where the mode is so already. *changed*: it was not."""
    path = place(path)
    here = os.lstat(path)
    now = stat.S_IMODE(here.st_mode)
    if now == wanted:
        return {"changed": False}
    if now != expected or stat.S_ISLNK(here.st_mode):
        raise FixOvertaken(path)
    os.chmod(path, wanted)
    return {"changed": True}
