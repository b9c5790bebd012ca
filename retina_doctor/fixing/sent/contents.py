"""What is in a folder, to be compared: with what it was, with its copy."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import Any, Dict, Iterator, Optional, Tuple

from retina_doctor.fixing.sent.places import STAGED


def as_it_is(folder: str) -> Dict[str, str]:
    """Of each entry, which files are in it: what is put there, replaced or removed meanwhile would be lost with the old state. A
    file that is written in place is the same in both."""
    found = {}
    for entry in os.scandir(folder):
        if not entry.name.startswith(STAGED):
            whole = hashlib.sha256()
            for path in sorted(ways(entry)):
                here = os.lstat(path)
                # Folders and links are others in a copy.
                what = (
                    os.readlink(path)
                    if stat.S_ISLNK(here.st_mode)
                    else here.st_ino
                    if stat.S_ISREG(here.st_mode)
                    else ""
                )
                told = "%s %o %s\n" % (os.path.relpath(path, folder), here.st_mode, what)
                whole.update(told.encode("utf-8", "surrogateescape"))
            found[entry.name] = whole.hexdigest()
    return found


def ways(entry: "os.DirEntry[str]") -> Iterator[str]:
    """The entry and all in it, but compiled files."""
    yield entry.path
    if entry.is_dir(follow_symlinks=False):
        for one in os.scandir(entry.path):
            if one.name != "__pycache__":
                yield from ways(one)


def same(one: str, other: str) -> bool:
    try:
        a, b = os.lstat(one), os.lstat(other)
    except OSError:
        return False
    if stat.S_IFMT(a.st_mode) != stat.S_IFMT(b.st_mode):
        return False
    if stat.S_ISLNK(a.st_mode):
        return os.readlink(one) == os.readlink(other)
    if stat.S_ISDIR(a.st_mode):
        names = os.listdir(one)
        return sorted(names) == sorted(os.listdir(other)) and all(
            same(os.path.join(one, name), os.path.join(other, name)) for name in names
        )
    return a.st_ino == b.st_ino or (a.st_size == b.st_size and digest_of(one) == digest_of(other))


def hashes(folder: str) -> Dict[str, Any]:
    """One digest over names, modes and contents of all in a folder but `__pycache__` and our copies."""
    whole = hashlib.sha256()
    for path, told in sorted(listed(folder)):
        whole.update(("%s %s\n" % (path, told)).encode("utf-8", "surrogateescape"))
    return {"digest": whole.hexdigest()}


def listed(folder: str) -> Iterator[Tuple[str, str]]:
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__" and not name.startswith(STAGED)]
        for name in files + [name for name in folders if os.path.islink(os.path.join(place, name))]:
            path = os.path.join(place, name)
            state = os.lstat(path)
            link = stat.S_ISLNK(state.st_mode)
            yield (
                os.path.relpath(path, folder),
                "%o %s" % (state.st_mode, os.readlink(path) if link else digest_of(path)),
            )


def digest_of(path: str) -> Optional[str]:
    found = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            found.update(block)
    return found.hexdigest()
