"""Recorded machines as commands are given them: a file, several, a folder of them, standard input."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import typer

from retina_doctor.errors import UsageError
from retina_doctor.files import is_folder, read_regular
from retina_doctor.running import output
from retina_doctor.running.run import threshold_of, worst
from retina_doctor.spread import spread
from retina_doctor.support_file import MOST_BYTES, SnapshotError, is_snapshot, load

if TYPE_CHECKING:
    from retina_doctor.command import Run
    from retina_doctor.model import Snapshot
    from retina_doctor.reports.report import Look, Report

OF_SEVERAL = ("terminal", "json", "github")
"""Formats in which one report may follow another."""
NO_SNAPSHOT = "no snapshot in this folder (files *.json that `retina-doctor collect` wrote)"
SMALL, CHUNK = 16 * 2**20, 2**20
"""Characters of reports to a file that are kept in memory until all are judged; that are read again at once."""


def read(word: str) -> Snapshot:
    """The snapshot of a file, or "-": standard input. Raises UsageError."""
    try:
        return load(_bytes_of(word))
    except OSError as error:
        raise UsageError(f"{word}: cannot be read: {error.strerror}") from None
    except SnapshotError as error:
        raise UsageError(f"{word}: {error}") from None


def json_files(folder: Path) -> list[Path]:
    """All that bear such a name, also what will turn out to be none, by name. Raises UsageError."""
    try:
        found = sorted(file for file in folder.iterdir() if file.suffix == ".json" and not is_folder(file))
    except OSError as error:
        raise UsageError(f"{folder}: cannot be read: {error.strerror}") from None
    if not found:
        raise UsageError(f"{folder}: {NO_SNAPSHOT}")
    return found


def _bytes_of(word: str) -> bytes:
    if word != "-":
        return read_regular(Path(word), MOST_BYTES)
    if sys.stdin is None:
        raise UsageError("standard input is closed")
    return sys.stdin.buffer.read(MOST_BYTES + 1)


def judge(run: Run, words: Sequence[str]) -> NoReturn:
    """Report on each, and end with the exit code of all. Raises UsageError."""
    _ = run.outputs, run.baseline  # complain before anything is read
    if run.flags["fail_on"]:
        threshold_of(run.flags["fail_on"])
    if len(words) == 1 and not is_folder(words[0]):
        snapshot = read(words[0])
        run.lap("settings")
        run.report(snapshot, run.flags["fail_on"] or snapshot.settings.gate.fail_on, judged=words[0])
    if list(words).count("-") > 1:
        raise UsageError("standard input can be read once: name - once")
    if run.profile is not None:
        raise UsageError("--profile tells of one run: name one snapshot")
    for name, _ in run.outputs:
        if name not in OF_SEVERAL:
            raise UsageError(f"--format {name}: for several snapshots, known are {', '.join(OF_SEVERAL)}")
    _several(run, list(_files(words)))


def _files(words: Iterable[str]) -> Iterable[str]:
    """Folders as the snapshots in them, by name; other JSON files there are passed over, and said to be. Raises UsageError."""
    for word in words:
        if word == "-" or not is_folder(word):
            yield word
            continue
        inside = json_files(Path(word))
        found = {file for file in inside if is_snapshot(file)}
        if not found:
            raise UsageError(f"{word}: {NO_SNAPSHOT}")
        for file in inside:
            if file not in found:
                output.complain(f"{file}: passed over: no snapshot")
        yield from (str(file) for file in inside if file in found)


Judged = tuple[int, str, list[str]]
"""One of several: its exit code, what is complained of ("": nothing), its reports by their place among the outputs."""


def _several(run: Run, files: Sequence[str]) -> NoReturn:
    from retina_doctor.catalogue.registry import installed
    from retina_doctor.reports.formats import writer

    output.prepare(run.outputs)
    _ = installed()  # both once, and not in each process
    writers = [writer(name) for name, _ in run.outputs]
    codes: set[int] = set()
    # Files are written whole or not at all, and standard output as judging goes on.
    spools = [Spool() if path else None for _, path in run.outputs]
    for code, complaint, texts in spread(functools.partial(_judged, run, writers), files):
        codes.add(code)
        if complaint:
            output.complain(complaint)
        for spool, text in zip(spools, texts, strict=True):
            if spool is not None:
                spool.add(text)
            elif text:
                output.show(text)
    for (name, path), spool in zip(run.outputs, spools, strict=True):
        if spool is not None and path is not None:
            spool.deliver(name, path)
    raise typer.Exit(worst(codes))


def _judged(run: Run, writers: Sequence[Callable[[Report, Look], str]], file: str) -> Judged:
    from retina_doctor.codec import to_line
    from retina_doctor.reports import json
    from retina_doctor.reports.report import PLAIN

    texts = []
    try:
        snapshot = read(file)
        report = run.judged(snapshot, run.flags["fail_on"] or snapshot.settings.gate.fail_on, file=file)
    except UsageError as error:
        told = {"file": file, "verdict": "unknown", "exit_code": 2, "findings": [], "error": str(error)}
        return 2, str(error), [to_line(told) if name == "json" else "" for name, _ in run.outputs]
    for (name, path), write in zip(run.outputs, writers, strict=True):
        if name == "json":
            texts.append(to_line({"file": file, **json.told(report)}))
            continue
        text = write(report, PLAIN if path else run.terminal)
        texts.append(f"{text}\n" if name == "terminal" else text)
    return report.exit_code, "", texts


class Spool:
    """Reports that go to one file, kept until all are judged: in memory, and of many in a file for temporary ones."""

    def __init__(self) -> None:
        self.file = tempfile.SpooledTemporaryFile(SMALL, "w+", encoding="utf-8", errors="backslashreplace", newline="")  # noqa: SIM115 - closed by `deliver`
        self.error: OSError | None = None

    def add(self, text: str) -> None:
        if self.error is None:
            try:
                self.file.write(text)
            except OSError as error:
                self.error = error

    def deliver(self, name: str, path: Path) -> None:
        """To their file; one line says what is lost."""
        with contextlib.suppress(OSError), self.file as file:  # what could not be kept cannot be flushed either
            if self.error is None:
                file.seek(0)
                output.deliver(name, path, iter(functools.partial(file.read, CHUNK), ""))
                return
        why = self.error and self.error.strerror
        output.complain(f"{path}: cannot be written: {tempfile.gettempdir()}: {why}")


def compare(run: Run, before: str, after: str) -> NoReturn:
    """Tell what changed, and end with 1 where a finding appeared. Raises UsageError."""
    from retina_doctor.catalogue.registry import installed
    from retina_doctor.judging import comparing
    from retina_doctor.reports import comparison

    as_json = run.as_json
    if before == after == "-":
        raise UsageError("standard input can be read once: name - once")
    catalogue = installed()
    told = comparing.compare(read(before), read(after), catalogue)
    if as_json:
        run.show(comparison.as_json(told))
    else:
        names = tuple("-" if word == "-" else os.path.normpath(word) for word in (before, after))
        run.show(comparison.drawn(told, names, catalogue, run.language, run.terminal))
    raise typer.Exit(told.exit_code)
