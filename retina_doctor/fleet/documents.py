"""Snapshots of many nodes as a command is given them: files, folders, standard input. Read one after the other, none kept."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from retina_doctor.codec import Data, DoesNotFit, decode, from_json
from retina_doctor.errors import UsageError
from retina_doctor.files import is_folder, read_regular
from retina_doctor.fleet.judging import Missing
from retina_doctor.recorded import json_files
from retina_doctor.running.output import complain
from retina_doctor.support_file import MOST_BYTES

MARK = b'"retina_doctor_snapshot"'
COLLECTED = "collected.json"
"""In a folder that `fleet collect` wrote: what was asked for, and what came of the nodes of which there is no snapshot."""


class Document(Data, frozen=True, kw_only=True):
    """*stem*: what its node is called where it does not say so itself. *content* None: it is to be read from *file*.
    *found*: in a folder or stream, where something else may lie as well."""

    file: str
    stem: str
    content: bytes | None = None
    found: bool = False


class Collected(Data, frozen=True, kw_only=True):
    """How a collecting ended: of which nodes there is no snapshot."""

    retina_doctor_fleet: int = 1
    created: str = ""
    missing: tuple[Missing, ...] = ()


def documents(words: Sequence[str]) -> Iterator[Document | Missing]:
    """What each word stands for, in this order; of a folder its files *.json by name. A word that stands for nothing is missing;
    where it is the only one, UsageError is raised."""
    if list(words).count("-") > 1:
        raise UsageError("standard input can be read once: name - once")
    seen: set[str] = set()
    for word in words:
        try:
            for one in _of_word(word):
                if len(words) == 1 or isinstance(one, Missing) or one.content is not None or _is_new(one.file, seen):
                    yield one
        except UsageError as error:
            if len(words) == 1:
                raise
            yield Missing(label="", why=str(error))


def _is_new(file: str, seen: set[str]) -> bool:
    real = os.path.realpath(file)
    if real in seen:
        complain(f"{file}: named twice, read once")
        return False
    seen.add(real)
    return True


def _of_word(word: str) -> Iterator[Document | Missing]:
    """Raises UsageError."""
    if word == "-":
        yield from _of_stream(_standard_input())
    elif is_folder(word):
        yield from _of_folder(Path(word))
    elif Path(word).name == COLLECTED:
        yield from collected(Path(word)).missing
    else:
        yield Document(file=word, stem=Path(word).stem)


def _of_folder(folder: Path) -> Iterator[Document | Missing]:
    for file in json_files(folder):
        if file.name != COLLECTED:
            yield Document(file=str(file), stem=file.stem, found=True)
            continue
        try:
            told = collected(file).missing
        except UsageError as error:  # it costs itself alone, as any other file does
            told = (Missing(label="", why=str(error)),)
        yield from told


def collected(file: Path) -> Collected:
    """Raises UsageError."""
    try:
        told = decode(from_json(read_regular(file, MOST_BYTES)), Collected)
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from None
    except DoesNotFit as error:
        raise UsageError(f"{file}: is not what `fleet collect` wrote: {error}") from None
    if told.retina_doctor_fleet != 1:
        raise UsageError(f"{file}: has format {told.retina_doctor_fleet}; this version reads 1: update retina-doctor")
    return told


def _standard_input() -> BinaryIO:
    if sys.stdin is None:
        raise UsageError("standard input is closed")
    return sys.stdin.buffer


def _of_stream(stream: BinaryIO) -> Iterator[Document]:
    """Snapshots one after the other, as `collect -o -` prints each or a line each: all begin with { at the start of a line.

    What stands before the first, and between them, is noise (a log's own lines).
    """
    parts: list[bytes] = []
    size = number = 0
    ended = False

    def whole() -> Document:
        content = b"".join(parts)  # one that is too large is read as what it is: cut
        return Document(file=f"-:{number}", stem=f"stdin-{number}", content=content, found=True)

    for line in iter(lambda: stream.readline(MOST_BYTES + 1), b""):
        if line.startswith(b"{") and (not parts or parts[-1].endswith(b"\n")):
            if parts:
                yield whole()
            number, parts, size, ended = number + 1, [], 0, False
        elif not parts or ended:
            continue
        if size <= MOST_BYTES:
            parts.append(line)
            size += len(line)
        # On a line of its own, or at the end of the only one.
        ended = line.rstrip() == b"}" if len(parts) > 1 else line.rstrip().endswith(b"}")
    if parts:
        yield whole()


def content_of(document: Document) -> bytes | str:
    """Its bytes; else why there are none."""
    if document.content is not None:
        return document.content
    try:
        return read_regular(Path(document.file), MOST_BYTES)
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def is_something_else(content: bytes) -> bool:
    """Whole JSON that does not say that it is a snapshot; a file that was cut, or is empty, may have been one."""
    if MARK in content:
        return False
    try:
        from_json(content)
    except DoesNotFit:
        return False
    return True


def chunks(told: Iterable[Document], most: int, most_bytes: int) -> Iterator[list[Document]]:
    """Pieces of work: of so many documents, and of little more content than so many bytes."""
    piece: list[Document] = []
    size = 0
    for one in told:
        piece.append(one)
        size += len(one.content or b"")
        if len(piece) >= most or size >= most_bytes:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece
