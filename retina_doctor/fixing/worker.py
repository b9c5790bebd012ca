"""Sent to the Python of whoever owns the files: builds the new state beside the old one, and exchanges the two.

Runs as `python -I -S -c` this text, with a request in JSON on standard input, as the service's user and with no more than its
rights: so root never follows a link that a service's user has laid. Python 3.8 and its standard library alone; nothing of
site-packages is imported. What exists is never changed in place: a folder is copied (hard links), the copy is changed, and
one system call (renameat2) exchanges them. So a process that is killed leaves the old state or the new one.

It is long because it is sent as one text: several files would need an importer there, a second mechanism that runs with the
user's rights before anything is checked.
"""

from __future__ import annotations

import base64
import ctypes
import hashlib
import json
import os
import shutil
import stat
import struct
import sys
from typing import Any, Dict, Iterator, List, Optional, Tuple

STAGED = ".retina-doctor-"
"""Begins the name of what is built beside, and of the old state once it was exchanged."""
EXCHANGE, NOT_OVER = 2, 1  # <linux/fs.h>: RENAME_EXCHANGE, RENAME_NOREPLACE
MOST_LINKS = 40  # as the kernel follows
RENAMEAT2 = {"x86_64": 316, "aarch64": 276, "ppc64le": 357, "riscv64": 276}


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


def environment(prefix: str) -> Dict[str, Any]:
    """Whether a virtual environment is this user's own, to be changed as a whole. *foreign*: what in it is not."""
    real = settled(prefix)
    packages = folders_of_packages(real)
    whose = [real, *(os.path.join(real, name) for name in ("bin", "lib", "pyvenv.cfg"))]
    whose += [*map(os.path.dirname, packages), *packages]
    foreign = [path for path in whose if os.path.exists(path) and os.stat(path).st_uid != os.getuid()]
    entries = [entry for entry in os.scandir(real) if not entry.name.startswith(STAGED)]
    elsewhere = [
        entry.path
        for entry in entries
        if os.lstat(entry.path).st_dev != os.lstat(real).st_dev
        or (entry.is_symlink() and entry.name == "lib")
        or (entry.is_symlink() and entry.name == "lib64" and os.readlink(entry.path) != "lib")
    ]
    elsewhere += [path for path in folders_of_packages(real) if not os.path.realpath(path).startswith(real + "/")]
    return {
        "prefix": real,
        "virtual": os.path.isfile(os.path.join(real, "pyvenv.cfg")),
        "foreign": foreign,
        "elsewhere": elsewhere,
        "closed": [path for path in whose if os.path.isdir(path) and not os.access(path, os.W_OK | os.X_OK)],
    }


def folders_of_packages(prefix: str) -> List[str]:
    lib = os.path.join(prefix, "lib")
    names = [name for name in os.listdir(lib) if name.startswith("python")] if os.path.isdir(lib) else []
    return [os.path.join(lib, name, "site-packages") for name in names]


def stage(folder: str, into: str) -> Dict[str, Any]:
    """Copy *folder* to *into*: hard links to its files, but copies of what this user may not link. *was*: what was copied."""
    folder, into = settled(folder), place(into)
    own(folder)
    own(os.path.dirname(into))
    if os.path.lexists(into):
        shutil.rmtree(into)
    was = as_it_is(folder)
    os.mkdir(into, 0o700)
    copy(folder, into)
    as_before(into, os.stat(folder))
    return {"was": was}


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


def own(folder: str) -> None:
    """Root works in nobody else's folder: whoever owns it could lay a link in the way."""
    if os.stat(folder).st_uid != os.getuid():
        raise FixRefused("%s: belongs to another user" % folder)


def copy(folder: str, into: str) -> None:
    for entry in os.scandir(folder):
        target = os.path.join(into, entry.name)
        if entry.name.startswith(STAGED):
            continue
        if entry.is_symlink():
            os.symlink(os.readlink(entry.path), target)
        elif entry.is_dir():
            os.mkdir(target, 0o700)
            copy(entry.path, target)
            shutil.copystat(entry.path, target)
            as_before(target, entry.stat())
        elif entry.is_file():
            try:
                os.link(entry.path, target)
            except OSError:
                shutil.copy2(entry.path, target)
                as_before(target, entry.stat())
        else:
            raise FixRefused("%s: is no file, folder or link" % entry.path)


def settle(staged: str, prefix: str) -> Dict[str, Any]:
    """Scripts that were installed into the copy name its Python: they are to name the real one, and RECORD their new hash."""
    named, real = os.fsencode(staged), os.fsencode(prefix)
    changed = {}
    scripts = os.path.join(staged, "bin")
    for entry in os.scandir(scripts):
        if entry.is_file(follow_symlinks=False) and entry.stat().st_size < 1 << 20:
            with open(entry.path, "rb") as file:
                data = file.read()
            if named in data:
                changed[entry.name] = data.replace(named, real)
                replace(entry.path, changed[entry.name])
    for site in folders_of_packages(staged) if changed else []:
        for entry in os.scandir(site):
            record = os.path.join(entry.path, "RECORD")
            if entry.name.endswith(".dist-info") and os.path.isfile(record):
                record_again(record, changed)
    return {}


def record_again(record: str, changed: Dict[str, bytes]) -> None:
    with open(record, encoding="utf-8", newline="") as file:
        lines = file.read().splitlines(keepends=True)
    again = []
    for line in lines:
        path = line.split(",")[0]
        data = changed.get(os.path.basename(path)) if path.startswith("../../../bin/") else None
        if data is not None:
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            end = line[len(line.rstrip("\r\n")) :]
            line = "%s,sha256=%s,%d%s" % (path, digest, len(data), end)
        again.append(line)
    if again != lines:
        replace(record, "".join(again).encode())


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


def up(staged: str, inner: str, ending: str) -> Dict[str, Any]:
    """In the copy: move the files with that ending from the folder *inner* up into it."""
    nested = os.path.join(staged, inner)
    names = [name for name in sorted(os.listdir(nested)) if name.endswith(ending)]
    if not names:
        raise FixRefused("%s: holds no *%s any more" % (nested, ending))
    for name in names:
        if os.path.lexists(os.path.join(staged, name)):
            raise FixRefused("%s: is there already" % name)
        os.rename(os.path.join(nested, name), os.path.join(staged, name))
    return {"names": names}


def read(path: str) -> Dict[str, Any]:
    """A file of this user's own. Never a link: it may lead anywhere."""
    path = place(path)
    if not os.path.lexists(path):
        raise FixOvertaken(path)
    state = os.lstat(path)
    if stat.S_ISLNK(state.st_mode):
        raise FixRefused("%s: is a link; name the folder of the file that it leads to" % path)
    if not stat.S_ISREG(state.st_mode) or state.st_size > 1 << 22:
        raise FixRefused("%s: is no regular file of at most 4 MiB" % path)
    if state.st_uid != os.getuid():
        raise FixRefused("%s: belongs to another user" % path)
    own(os.path.dirname(path))
    with open(path, "rb") as file:
        return {"data": base64.b64encode(file.read()).decode()}


def write(path: str, expected: List[str], data: str) -> Dict[str, Any]:
    """Replace a file whole, if it is what was *expected* (SHA-256); nothing is done where it is what is to be written."""
    new = base64.b64decode(data)
    path = place(path)
    now = digest_of(path)
    if now == hashlib.sha256(new).hexdigest():
        return {}
    if now not in expected:
        raise FixOvertaken(path)
    replace(path, new)
    return {}


def replace(path: str, data: bytes) -> None:
    old = os.lstat(path)
    beside = "%s/%s%s" % (os.path.dirname(path), STAGED, os.path.basename(path))
    if os.path.lexists(beside):
        os.unlink(beside)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)
        as_before(descriptor, old)
        attributes(path, descriptor)
    os.rename(beside, path)


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


def discard(path: str) -> Dict[str, Any]:
    """Remove a copy: only what bears our mark in its name."""
    if not os.path.basename(path).startswith(STAGED):
        raise FixRefused("%s: is none of the doctor's copies" % path)
    if os.path.lexists(path):
        own(os.path.dirname(place(path)))
        let_remove(path)
        shutil.rmtree(path)
    return {}


def let_remove(folder: str) -> None:
    """What was copied with its modes may be closed to its own user."""
    os.chmod(folder, 0o700)
    for entry in os.scandir(folder):
        if entry.is_dir(follow_symlinks=False):
            let_remove(entry.path)


def absent(path: str) -> Dict[str, Any]:
    """Which folders above *path* are missing, the highest first. Refuses where it is there, or its folder is not this user's."""
    if os.path.lexists(path):
        raise FixRefused("%s: is there already" % path)
    above = os.path.dirname(path)
    missing: List[str] = []
    while not os.path.lexists(above):
        missing.insert(0, above)
        above = os.path.dirname(above)
    own(settled(above))
    return {"missing": missing}


def link(path: str, to: str, missing: List[str]) -> Dict[str, Any]:
    for folder in missing:
        if not os.path.isdir(folder):
            os.mkdir(folder)
    os.symlink(to, place(path))
    return {}


def unlink(path: str, to: str, missing: List[str]) -> Dict[str, Any]:
    """Take away the link that `link` made, and the folders where nothing else lies in them. *changed*: there was one."""
    there = os.path.lexists(path)
    if there:
        if not os.path.islink(path) or os.readlink(path) != to:
            raise FixOvertaken(path)
        os.unlink(place(path))
    for folder in reversed(missing):
        try:
            os.rmdir(folder)
            there = True
        except OSError:
            pass
    return {"changed": there}


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


def packages(prefix: str) -> Dict[str, Any]:
    """`name==version` of what is installed, by the names of its folders: also where pip itself is what is broken."""
    found = set()
    for site in folders_of_packages(prefix):
        for name in os.listdir(site) if os.path.isdir(site) else []:
            if name.endswith(".dist-info") and "-" in name:
                found.add("==".join(name[: -len(".dist-info")].rsplit("-", 1)))
    return {"packages": sorted(found, key=str.lower)}


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


DOINGS = {
    one.__name__: one
    for one in (
        environment, resolved, stage, settle, differing, whole, state, become, up, read, write, discard, packages, hashes,
        absent, link, unlink, readable, mode
    )
}  # fmt: skip


def main() -> None:
    request = json.loads(sys.stdin.read())
    try:
        told = DOINGS[request.pop("do")](**request)
    except FixRefused as refused:
        told = {"refused": str(refused), "overtaken": isinstance(refused, FixOvertaken)}
    except OSError as error:
        told = {"refused": "%s: %s" % (error.filename or "", error.strerror)}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
