"""Old state and new, exchanged in one step of the kernel's each, in either direction."""

from __future__ import annotations

import ctypes
import os
import struct
from typing import Any, Dict, List

from retina_doctor.fixing.sent.contents import as_it_is, same
from retina_doctor.fixing.sent.places import STAGED, FixOvertaken, FixRefused

EXCHANGE, NOT_OVER = 2, 1  # <linux/fs.h>: RENAME_EXCHANGE, RENAME_NOREPLACE
RENAMEAT2 = {"x86_64": 316, "aarch64": 276, "ppc64le": 357, "riscv64": 276}


def differing(folder: str, staged: str, was: Dict[str, str]) -> Dict[str, Any]:
    """Entries of an environment that are other in the copy: pairs of paths, and the identities of both ("": none). Refuses where
    they are not what they were when they were copied (*was*). What is as it was in the copy is left alone."""
    now, then = as_it_is(folder), as_it_is(staged)
    names = {entry.name for place in (folder, staged) for entry in os.scandir(place)}
    pairs = []
    # What is imported last: before it is there, no script is of use.
    for name in sorted(names, key=lambda one: (one == "lib", one)):
        old, new = os.path.join(folder, name), os.path.join(staged, name)
        if not name.startswith(STAGED) and then.get(name) != was.get(name) and not same(old, new):
            if now.get(name) != was.get(name):
                raise FixOvertaken(old)
            pairs.append([old, new, identity(old), identity(new)])
    return {"pairs": pairs}


def whole(folder: str, staged: str, was: Dict[str, str]) -> Dict[str, Any]:
    """As `differing`, for a folder that is exchanged in one piece."""
    if as_it_is(folder) != was:
        raise FixOvertaken(folder)
    return {"pairs": [[folder, staged, identity(folder), identity(staged)]]}


def identity(path: str) -> str:
    """Its inode and when that was born: what is removed leaves its number to what is made next. "" where nothing is there."""
    try:
        number = os.lstat(path).st_ino
    except FileNotFoundError:
        return ""
    return "%d %s" % (number, birth(path))


def birth(path: str) -> str:
    """By statx(2); "" where the C library or the file system does not tell it."""
    at, no_follow, born = -100, 0x100, 0x800  # AT_FDCWD, AT_SYMLINK_NOFOLLOW, STATX_BTIME
    told = ctypes.create_string_buffer(256)  # struct statx: the mask is the first field, stx_btime is at 80
    ask = getattr(ctypes.CDLL(None), "statx", None)
    if ask is None or ask(at, ctypes.c_char_p(os.fsencode(path)), no_follow, ctypes.c_uint(born), told) != 0:
        return ""
    mask, seconds, nanoseconds = (
        struct.unpack_from(how, told, place)[0] for how, place in (("I", 0), ("q", 80), ("I", 88))
    )
    return "%d.%09d" % (seconds, nanoseconds) if mask & born else ""


def state(pairs: List[List[Any]]) -> Dict[str, Any]:
    """ "old", "new", "between", or "other" where somebody else has changed a path since."""
    found = set()
    for live, _, old, new in pairs:
        now = identity(live)
        found.add("old" if now == old else "new" if now == new else "other")
    return {"state": found.pop() if len(found) == 1 else "other" if "other" in found else "between"}


def become(pairs: List[List[Any]], wanted: str) -> Dict[str, Any]:
    """Each path *wanted* ("old" or "new"), those that are so already left alone: to be repeated after any interruption.

    On the way back, what was overtaken stays, and is said when all else is back."""
    overtaken = None
    for live, beside, old, new in pairs if wanted == "new" else reversed(pairs):
        right, wrong = (new, old) if wanted == "new" else (old, new)
        if identity(live) == right:
            continue
        if identity(live) == wrong and identity(beside) == right:
            swap(live, beside)
        elif wanted == "new":
            raise FixOvertaken(live)
        else:
            overtaken = overtaken or live
    if overtaken is not None:
        raise FixOvertaken(overtaken)
    return {}


def swap(live: str, beside: str) -> None:
    """Exchange two paths, of which one may not be there."""
    if not os.path.lexists(live) or not os.path.lexists(beside):
        here, there = (live, beside) if os.path.lexists(live) else (beside, live)
        rename(here, there, NOT_OVER)
    else:
        rename(live, beside, EXCHANGE)


def rename(one: str, other: str, how: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    at = -100  # AT_FDCWD
    names = (ctypes.c_char_p(os.fsencode(one)), ctypes.c_int(at), ctypes.c_char_p(os.fsencode(other)))
    number = RENAMEAT2.get(os.uname().machine)
    if hasattr(libc, "renameat2"):
        done = libc.renameat2(at, names[0], at, names[2], ctypes.c_uint(how))
    elif number is not None:
        done = libc.syscall(ctypes.c_long(number), ctypes.c_long(at), names[0], ctypes.c_long(at), names[2], how)
    else:
        raise FixRefused("this machine cannot exchange two folders in one step (renameat2)")
    if done != 0:
        error = ctypes.get_errno()
        raise FixRefused("%s: cannot be exchanged with its copy in one step: %s" % (one, os.strerror(error)))
