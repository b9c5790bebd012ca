"""A private place for compiled files, where the looked-at Python has none and may write none: read-only images, and those with
PYTHONDONTWRITEBYTECODE. Without it every process compiles all that it imports.

Sent, and run before anything is imported: Python 3.8, with `os` and `sys` alone. It runs as the user that the target runs as.
What lies there is executed, so nobody but that user and root may be able to put anything into it, or into a folder above it.
"""

from __future__ import annotations

import os
import stat
import sys

OURS = ("retina-doctor", "bytecode")
INSTALLERS = ("pip", "setuptools", "pkg_resources", "wheel", "_distutils_hack")
"""Packages that an image has compiled by themselves, and that no probe imports."""
MOST = 4  # environments whose compiled files are kept
OTHERS = stat.S_IRWXG | stat.S_IRWXO
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def keep(workdir: str | None) -> None:
    """Keep compiled files of this process's imports, if only so they can be. *workdir*: of the service."""
    try:
        sites = _sites()
        if _is_needed(sites):
            folder = _folder(workdir, sites)
            if folder is not None:
                sys.pycache_prefix = folder
                sys.dont_write_bytecode = False
    except OSError:
        pass  # no disk, no rights, no home: as without


def _sites() -> list[str]:
    """Where packages are installed: the folders of sys.path that tell of one. A service's own changes with each log in it."""
    folders = [path for path in dict.fromkeys(sys.path) if os.path.isabs(path) and os.path.isdir(path)]
    return [path for path in folders if any(name.endswith((".dist-info", ".egg-info")) for name in os.listdir(path))]


def _is_needed(sites: list[str]) -> bool:
    """No package has a compiled file, and Python writes none. One compiled package is enough: a damaged file is to be found,
    and a place of our own would hide all of theirs."""
    if sys.pycache_prefix is not None and not sys.dont_write_bytecode:
        return False
    sources = []
    for site in sites:
        with os.scandir(site) as entries:
            for entry in filter(_counts, entries):
                file = os.path.join(entry.path, "__init__.py")
                if os.path.isfile(file):
                    if _is_compiled(file):
                        return False
                    sources.append(file)
    return bool(sources) and (
        sys.dont_write_bytecode or not any(os.access(os.path.dirname(file), os.W_OK) for file in sources)
    )


def _counts(entry: os.DirEntry[str]) -> bool:
    return entry.name not in INSTALLERS and "." not in entry.name


def _is_compiled(source: str) -> bool:
    import _frozen_importlib_external as external  # the finder's own rule; importlib.util would have to be compiled first

    try:
        return os.path.exists(external.cache_from_source(source))
    except NotImplementedError:  # this Python keeps no compiled files at all
        return True


def _folder(workdir: str | None, sites: list[str]) -> str | None:
    """Made where it is missing; None where it would not be private. Another one for each state of the installed packages: a
    file of the size and time of the one that it replaced, as reproducible builds make them, would be taken for that."""
    home = os.path.realpath(os.environ.get("HOME") or os.sep)
    if home == os.sep or not _is_out_of_reach(home):
        return None
    cache = os.path.join(home, ".cache")
    if _is_the_services(os.path.join(cache, OURS[0]), workdir) or not _is_made(cache, (os.geteuid(), 0), OTHERS_WRITE):
        return None
    prefix, states = os.stat(sys.prefix), map(os.stat, sites)
    environment = "%x-%x" % (prefix.st_dev, prefix.st_ino)
    state = "_".join("%x-%x-%x" % (s.st_dev, s.st_ino, s.st_ctime_ns) for s in states)
    folder = cache
    for name in OURS:
        folder = os.path.join(folder, name)
        if not _is_made(folder, (os.geteuid(),), OTHERS):
            return None
    for name, most in ((environment, MOST), (state, 1)):
        if not os.path.exists(os.path.join(folder, name)):
            _thin_out(folder, most - 1)
        folder = os.path.join(folder, name)
        if not _is_made(folder, (os.geteuid(),), 0):  # the mode of those above is what counts
            return None
    return folder


def _is_the_services(folder: str, workdir: str | None) -> bool:
    theirs = [sys.prefix, sys.base_prefix, *filter(os.path.isabs, sys.path), *([workdir] if workdir else [])]
    return any(one != os.sep and folder.startswith(one + os.sep) for one in map(os.path.realpath, theirs))


def _is_made(folder: str, owners: tuple[int, ...], forbidden: int) -> bool:
    """It is a folder of one of *owners* without the rights *forbidden*: made so, or found so."""
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        pass
    return _is_folder(folder, owners, forbidden)


def _is_folder(path: str, owners: tuple[int, ...], forbidden: int) -> bool:
    found = os.lstat(path)
    return stat.S_ISDIR(found.st_mode) and found.st_uid in owners and not found.st_mode & forbidden


def _is_out_of_reach(folder: str) -> bool:
    """Nobody but this user and root can put another folder in the place of this one, or of one above it."""
    if not _is_folder(folder, (os.geteuid(), 0), OTHERS_WRITE):
        return False
    while folder != os.sep:
        folder = os.path.dirname(folder)
        sticky = os.lstat(folder).st_mode & stat.S_ISVTX  # there everybody moves only what is their own
        if not _is_folder(folder, (os.geteuid(), 0), 0 if sticky else OTHERS_WRITE):
            return False
    return True


def _thin_out(folder: str, most: int) -> None:
    """Keep the *most* newest of what lies there."""
    for one in sorted(os.scandir(folder), key=lambda one: -one.stat().st_mtime)[most:]:
        import shutil

        shutil.rmtree(one.path, ignore_errors=True)
