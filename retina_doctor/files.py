"""Files of others are read within bounds; our own are written whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile  # at the top: some processes that write have lost sight of Python's library
from collections.abc import Iterable
from pathlib import Path

from retina_doctor.errors import UsageError

AS_IT_IS = sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))
"""Without waiting, for us alone, byte by byte: whichever of these the system knows."""


def refusal(path: str | Path) -> OSError | None:
    """With what the system does not tell what is at *path*: nothing is there, or a folder above is closed, or the name is none.

    `Path.exists` and its like tell of some of these and raise others."""
    try:
        os.stat(path)  # noqa: PTH116 - a name that begins with ~ may be one of a user that is not there
    except OSError as error:
        return error
    return None


def is_folder(path: str | Path) -> bool:
    """Whatever cannot be told is none: who reads it hears why."""
    return os.path.isdir(path)  # noqa: PTH112 - Path.is_dir raises where a folder above is closed


def check_readable(paths: Iterable[str]) -> None:
    """Of files and folders that an operator names. Raises UsageError."""
    for path in paths:
        place = os.path.expanduser(path)  # noqa: PTH111 - Path.expanduser raises where there is no such user
        error = refusal(place)
        if error is not None:
            told = "no such file or folder" if error.errno == errno.ENOENT else f"cannot be read: {error.strerror}"
            raise UsageError(f"{path}: {told}")
        if not (os.path.isfile(place) or is_folder(place)):  # noqa: PTH113
            raise UsageError(f"{path}: no regular file and no folder")
        if not os.access(place, os.R_OK | (os.X_OK if is_folder(place) else 0)):
            raise UsageError(f"{path}: cannot be read: {os.strerror(errno.EACCES)}")


def read_regular(file: Path, most: int) -> bytes:
    """The bytes of a regular file of at most *most* bytes. Never waits for a FIFO or an endless device. Raises OSError."""
    descriptor = os.open(file, os.O_RDONLY | AS_IT_IS)
    with os.fdopen(descriptor, "rb") as opened:
        state = os.fstat(descriptor)
        if stat.S_ISDIR(state.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(state.st_mode):
            raise OSError(errno.EINVAL, "is no regular file")
        data = opened.read(most + 1)  # /proc and others that say 0 bytes are read as well
    if len(data) > most:
        raise OSError(errno.EFBIG, f"is larger than {most // 2**20} MiB")
    return data


def replace_file(file: Path, text: str | Iterable[str], *, private: bool) -> None:
    """Write *text*, or its parts: to a new file beside, which then takes the name, so that a full disk leaves the old one whole.

    *private*: mode 0600. A link at *file* is replaced, never followed: somebody else may have put it there. Where the folder
    admits no new file, an existing one of our own is written in place. Raises OSError.
    """
    old = _state(file)
    if old is not None and stat.S_ISLNK(old.st_mode) and not private and _is_device(file):
        old = file.stat()  # /dev/stdout is a link
    if old is not None and not (stat.S_ISREG(old.st_mode) or stat.S_ISLNK(old.st_mode)):
        if private or stat.S_ISDIR(old.st_mode):
            raise OSError(errno.EINVAL, "is no regular file")
        _write_to(os.open(file, os.O_WRONLY | AS_IT_IS), text)
        return
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{file.name[:100]}.", dir=file.parent)
    except PermissionError:
        if old is None or not stat.S_ISREG(old.st_mode) or not _is_ours(old):
            raise
        descriptor = os.open(file, os.O_WRONLY | os.O_TRUNC | AS_IT_IS | getattr(os, "O_NOFOLLOW", 0))
        if private:
            _set_mode(descriptor, 0o600)
        _write_to(descriptor, text)
        return
    try:
        if not private:
            _set_mode(descriptor, stat.S_IMODE(old.st_mode) if old and stat.S_ISREG(old.st_mode) else 0o666 & ~_umask())
        _write_to(descriptor, text)
        Path(name).replace(file)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def make_file(file: Path, text: str) -> None:
    """Write a new file, never over one that is there; whole, or it is not there. Raises OSError."""
    opened = file.open("x", encoding="utf-8")
    try:
        with opened:
            opened.write(text)
    except BaseException:
        with contextlib.suppress(OSError):
            file.unlink()
        raise


def _state(file: Path) -> os.stat_result | None:
    with contextlib.suppress(FileNotFoundError):
        return file.lstat()
    return None


def _is_device(file: Path) -> bool:
    with contextlib.suppress(OSError):
        return not stat.S_ISREG(file.stat().st_mode) and str(file).startswith("/dev/")
    return False


def _write_to(descriptor: int, text: str | Iterable[str]) -> None:
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as opened:
        opened.writelines([text] if isinstance(text, str) else text)
        opened.flush()
        with contextlib.suppress(OSError):  # a pipe has no disk
            os.fsync(descriptor)


def _is_ours(state: os.stat_result) -> bool:
    return not hasattr(os, "geteuid") or state.st_uid == os.geteuid()


def _set_mode(descriptor: int, mode: int) -> None:
    if hasattr(os, "fchmod"):  # on Windows a folder's access list holds for what is made in it
        os.fchmod(descriptor, mode)


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
