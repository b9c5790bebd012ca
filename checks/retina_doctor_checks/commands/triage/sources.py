"""Where pasted text comes from: files, standard input, and what archives hold; read in chunks, within limits."""

from __future__ import annotations

import codecs
import gzip
import io
import os
import stat
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, cast

from retina_doctor.codec import Data
from retina_doctor.errors import UsageError
from retina_doctor.files import is_folder

CHUNK = 1 << 20
_CONTROLS = bytes([*range(9), *range(14, 27), *range(28, 32)])
MOST_MEMBERS = 500
"""Files of one archive that are read."""
MOST_BYTES = 4 << 30
"""Bytes of one source, unpacked, that are read: an archive may be made to have no end."""
_BINARY = (b"\x7fELF", b"MZ\x90", b"\x89PNG", b"\xff\xd8\xff", b"%PDF", b"\x89HDF", b"BM6", b"7z\xbc\xaf", b"Rar!")


class Stream(Data, frozen=True):
    """One text: its name for people, and its bytes in chunks."""

    name: str
    chunks: Iterator[bytes]


def streams(names: list[str], note: Callable[[str], None]) -> Iterator[Stream]:
    """The texts of all sources in order, those of archives each by itself. *note* gets what was left out, one line each.

    Raises UsageError: missing, a directory, not text, empty, not readable.
    """
    for name in names:
        if name == "-":
            if sys.stdin is None:
                raise UsageError("standard input is closed")
            yield from _opened("standard input", sys.stdin.buffer, note)
            continue
        try:
            with open(name, "rb", opener=_without_waiting) as file:
                if stat.S_ISCHR(os.fstat(file.fileno()).st_mode):
                    raise UsageError(f"{name}: is a device")
                yield from _opened(name, file, note)
        except IsADirectoryError:
            raise UsageError(f"{name}: is a directory; name the files in it") from None
        except PermissionError as error:
            kind = "is a directory; name the files in it" if is_folder(name) else f"cannot be read: {error.strerror}"
            raise UsageError(f"{name}: {kind}") from None
        except FileNotFoundError:
            raise UsageError(f"{name}: no such file") from None
        except ValueError as error:  # a NUL in the name
            raise UsageError(f"{name}: {error}") from None
        except OSError as error:
            raise UsageError(f"{name}: cannot be read: {error.strerror or error}") from None


def _without_waiting(name: str, flags: int) -> int:
    """A pipe that nobody writes into is empty; one that somebody does (`<(kubectl logs …)`) is read to its end."""
    descriptor = os.open(name, flags | getattr(os, "O_NONBLOCK", 0))
    if hasattr(os, "set_blocking"):
        os.set_blocking(descriptor, True)
    return descriptor


def _opened(name: str, file: IO[bytes], note: Callable[[str], None]) -> Iterator[Stream]:
    head = _head(file)
    if not head:
        raise UsageError(f"{name}: is empty")
    whole = cast(IO[bytes], _Joined(head, file))
    kind = _kind(head)
    if kind == "zip":
        yield from _zip(name, head, file, note)
    elif kind == "gzip":
        yield from _gzip(name, whole, note)
    elif kind == "tar":
        yield from _tar(name, whole, note)
    elif kind == "binary":
        raise UsageError(f"{name}: is not text")
    else:
        yield Stream(name, _limited(name, whole, head, note))


def _kind(head: bytes) -> str:
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if head[257:262] == b"ustar":
        return "tar"
    return "binary" if head.startswith(_BINARY) or (_wide(head) is None and _is_binary(head)) else "text"


def _is_binary(head: bytes) -> bool:
    """A log may hold some NULs: onnxruntime on Windows writes UTF-16 into the middle of another program's output."""
    bare = head.replace(b"\0", b"")
    return len(bare) < 0.45 * len(head) or len(bare.translate(None, _CONTROLS)) < 0.95 * len(bare)


def _wide(head: bytes) -> str | None:
    """UTF-16, as PowerShell writes what is sent to a file."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    even, odd = head[:400:2], head[1:400:2]
    if len(odd) > 8 and odd.count(0) > 0.8 * len(odd) and even.count(0) < 0.1 * len(even):
        return "utf-16-le"
    return None


def _head(file: IO[bytes]) -> bytes:
    head = b""
    while len(head) < 4096:
        more = file.read(4096 - len(head))
        if not more:
            break
        head += more
    return head


class _Joined(io.RawIOBase):
    """What was read already, and the rest behind it; for libraries that read forwards only."""

    def __init__(self, head: bytes, file: IO[bytes]) -> None:
        self._head, self._file = head, file

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if self._head:
            size = len(self._head) if size < 0 else size
            part, self._head = self._head[:size], self._head[size:]
            return part
        return self._file.read(size)


def _limited(name: str, file: IO[bytes], head: bytes, note: Callable[[str], None]) -> Iterator[bytes]:
    wide = _wide(head)
    decoder = codecs.getincrementaldecoder(wide)("replace") if wide else None
    taken = 0
    while chunk := file.read(CHUNK):
        taken += len(chunk)
        yield decoder.decode(chunk).encode() if decoder else chunk
        if taken >= MOST_BYTES:
            note(f"{name}: only the first {MOST_BYTES >> 30} GiB are read")
            return


def _gzip(name: str, file: IO[bytes], note: Callable[[str], None]) -> Iterator[Stream]:
    try:
        inner = gzip.GzipFile(fileobj=file)
        head = _head(cast(IO[bytes], inner))
        kind = _kind(head)
        whole = cast(IO[bytes], _Joined(head, cast(IO[bytes], inner)))
        if kind == "tar":
            yield from _tar(name, whole, note)
        elif kind == "text" and head:
            yield Stream(name, _unbroken(name, _limited(name, whole, head, note), note))
        else:
            raise UsageError(f"{name}: holds no text")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise UsageError(f"{name}: is a damaged gzip file: {error}") from None


def _unbroken(name: str, chunks: Iterator[bytes], note: Callable[[str], None]) -> Iterator[bytes]:
    """What can be read of a compressed file that is cut short."""
    try:
        yield from chunks
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile, OSError) as error:
        note(f"{name}: is damaged; what comes before is read ({error})")


def _tar(name: str, file: IO[bytes], note: Callable[[str], None]) -> Iterator[Stream]:
    found = left = 0
    try:
        with tarfile.open(fileobj=file, mode="r|") as archive:
            for count, member in enumerate(archive):
                if count >= MOST_MEMBERS or left > MOST_BYTES:
                    note(f"{name}: has more files than are read ({MOST_MEMBERS})")
                    break
                content = archive.extractfile(member) if member.isfile() else None
                if content is None:
                    continue
                left += member.size
                for stream in _member(f"{name}: {member.name}", content, note):
                    found += 1
                    yield stream
    except (tarfile.TarError, EOFError, zlib.error) as error:
        note(f"{name}: is a damaged archive ({error})")
    if not found:
        raise UsageError(f"{name}: holds no text")


def _zip(name: str, head: bytes, file: IO[bytes], note: Callable[[str], None]) -> Iterator[Stream]:
    found = 0
    try:
        # The directory of a zip is at its end, so a pipe has to be read first.
        seekable = file if file.seekable() else io.BytesIO(head + file.read(256 << 20))
        with zipfile.ZipFile(seekable) as archive:
            for count, member in enumerate(archive.infolist()):
                if count >= MOST_MEMBERS:
                    note(f"{name}: has more files than are read ({MOST_MEMBERS})")
                    break
                if member.is_dir():
                    continue
                if member.flag_bits & 1:
                    note(f"{name}: {member.filename} is encrypted")
                    continue
                try:
                    with archive.open(member) as content:
                        for stream in _member(f"{name}: {member.filename}", content, note):
                            found += 1
                            yield stream
                except (NotImplementedError, RuntimeError) as error:
                    note(f"{name}: {member.filename}: {error}")
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise UsageError(f"{name}: is a damaged zip archive: {error}") from None
    if not found:
        raise UsageError(f"{name}: holds no text")


def _member(name: str, file: IO[bytes], note: Callable[[str], None]) -> Iterator[Stream]:
    """A text in an archive; one that is compressed by itself is unpacked once more, anything else left out."""
    try:
        head = _head(file)
        kind = _kind(head)
        whole = cast(IO[bytes], _Joined(head, file))
        if kind == "gzip":
            inner = cast(IO[bytes], gzip.GzipFile(fileobj=whole))
            head = _head(inner)
            kind, whole = _kind(head), cast(IO[bytes], _Joined(head, inner))
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
        note(f"{name}: is damaged ({error})")
        return
    if head and kind == "text":
        yield Stream(name, _unbroken(name, _limited(name, whole, head, note), note))
