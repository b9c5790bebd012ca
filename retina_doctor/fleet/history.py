"""Runs that are kept: an SQLite file of the operator's, with what each node told in each run."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from retina_doctor.codec import Data
from retina_doctor.errors import UsageError
from retina_doctor.fleet.judging import Missing, Node
from retina_doctor.moment import now
from retina_doctor.running.output import check_named, complain
from retina_doctor.support_file import MOST_BYTES

FORMAT = 1
APPLICATION = 0x52446F63
"""application_id of the file's header: "RDoc"."""
TABLES = """
CREATE TABLE runs (id INTEGER PRIMARY KEY, name TEXT UNIQUE, created TEXT NOT NULL);
CREATE TABLE nodes (run INTEGER NOT NULL, label TEXT NOT NULL, created TEXT NOT NULL, verdict TEXT NOT NULL,
  roots TEXT NOT NULL, snapshot BLOB NOT NULL, PRIMARY KEY (run, label)) WITHOUT ROWID;
CREATE TABLE missing (run INTEGER NOT NULL, label TEXT NOT NULL, why TEXT NOT NULL);
"""


class Kept(Data, frozen=True, kw_only=True):
    """A run. *name*: the operator's, or ""."""

    number: int
    name: str
    created: str

    @property
    def called(self) -> str:
        return self.name or f"{self.number} ({self.created})"


class History:
    """Open with `reading` or `writing`."""

    def __init__(self, file: Path, database: sqlite3.Connection) -> None:
        self.file = file
        self.database = database
        self.lost = False

    @contextlib.contextmanager
    def _unless_full(self) -> Iterator[None]:
        """A full disk or a read-only folder costs what was to be kept of this run, and no more: one line says so."""
        try:
            yield
        except sqlite3.OperationalError as error:
            self.lost = True
            complain(f"{self.file}: the run is not kept: {error}")

    def begin(self, name: str) -> int:
        """A new run's number. Raises UsageError where the name is taken."""
        created = now()
        if self.lost:
            return 0
        told = None
        try:
            with self._unless_full():
                told = self.database.execute("INSERT INTO runs (name, created) VALUES (?, ?)", (name or None, created))
        except sqlite3.IntegrityError:
            raise UsageError(f"--run {name}: {self.file} has a run of that name already") from None
        return (told and told.lastrowid) or 0

    def end(self) -> None:
        """All of the run is kept, or nothing."""
        if not self.lost:
            with self._unless_full():
                self.database.commit()

    def keep(self, run: int, nodes: Iterable[Node]) -> None:
        """Of two snapshots of one node the newer."""
        self._insert(
            "INSERT INTO nodes VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (run, label) DO UPDATE SET created = excluded.created,"
            " verdict = excluded.verdict, roots = excluded.roots, snapshot = excluded.snapshot"
            " WHERE excluded.created > nodes.created",
            (
                (run, one.label, one.created, one.verdict, "\n".join(sorted({r.name for r in one.roots})), one.content)
                for one in nodes
            ),
        )

    def lack(self, run: int, missing: Iterable[Missing]) -> None:
        self._insert("INSERT INTO missing VALUES (?, ?, ?)", ((run, one.label, one.why) for one in missing))

    def _insert(self, words: str, rows: Iterable[tuple[object, ...]]) -> None:
        if not self.lost:
            with self._unless_full():
                self.database.executemany(words, rows)

    def runs(self) -> list[Kept]:
        rows = self.database.execute("SELECT id, name, created FROM runs ORDER BY id")
        return [Kept(number=number, name=name or "", created=created) for number, name, created in rows]

    def nodes(self, run: Kept) -> dict[str, tuple[str, ...]]:
        """Label -> names of the roots."""
        rows = self.database.execute("SELECT label, roots FROM nodes WHERE run = ?", (run.number,))
        return {label: tuple(filter(None, roots.split("\n"))) for label, roots in self._texts(rows)}

    def missing(self, run: Kept) -> dict[str, str]:
        return dict(self._texts(self.database.execute("SELECT label, why FROM missing WHERE run = ?", (run.number,))))

    def _texts(self, rows: Iterable[tuple[object, object]]) -> Iterator[tuple[str, str]]:
        """SQLite keeps whatever it is given in any column. Raises UsageError."""
        for one, other in rows:
            if not isinstance(one, str) or not isinstance(other, str):
                raise UsageError(f"{self.file}: is damaged: a text of the history is none")
            yield one, other

    def content(self, run: Kept, label: str) -> bytes:
        """The snapshot's text. Raises UsageError."""
        row = self.database.execute(
            "SELECT snapshot FROM nodes WHERE run = ? AND label = ?", (run.number, label)
        ).fetchone()
        try:
            text = zlib.decompressobj().decompress(row[0], MOST_BYTES + 1)
        except (zlib.error, TypeError):
            raise UsageError(f"{self.file}: the snapshot of {label} in run {run.called} is damaged") from None
        return text


@contextlib.contextmanager
def writing(file: Path) -> Iterator[History]:
    """Made where it is not there, for its owner alone; all or nothing is kept. Raises UsageError where it is something else."""
    check_named(file)
    with contextlib.suppress(OSError):  # what forbids that, opening it tells
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    with _opened(file, f"{file.absolute().as_uri()}?mode=rwc", lasting=False) as database:
        history = History(file, database)
        with history._unless_full():
            if not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                database.executescript(TABLES)
                database.execute(f"PRAGMA application_id = {APPLICATION}")
                database.execute(f"PRAGMA user_version = {FORMAT}")
        if not history.lost:
            _check(file, database)
        yield history
        history.end()


@contextlib.contextmanager
def reading(file: Path) -> Iterator[History]:
    """Raises UsageError."""
    if not os.path.isfile(file):  # noqa: PTH113 - Path.is_file raises where a folder above is closed
        raise UsageError(f"{file}: no such file; `fleet report DIR --into {file}` makes it")
    with _opened(file, f"{file.absolute().as_uri()}?mode=ro") as database:
        _check(file, database)
        yield History(file, database)


@contextlib.contextmanager
def _opened(file: Path, uri: str, *, lasting: bool = True) -> Iterator[sqlite3.Connection]:
    """Not *lasting*: where no file can be made, one in memory takes its place."""
    try:
        try:
            connection = sqlite3.connect(uri, uri=True)
        except sqlite3.OperationalError as error:
            if lasting:
                raise
            complain(f"{file}: the run is not kept: {error}")
            connection = sqlite3.connect(":memory:")
        with contextlib.closing(connection) as database:
            yield database
    except sqlite3.Error as error:
        raise UsageError(f"{file}: {error}") from None


def _check(file: Path, database: sqlite3.Connection) -> None:
    told = [database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    if told[0] != APPLICATION:
        raise UsageError(f"{file}: is a database of something else")
    if told[1] != FORMAT:
        raise UsageError(f"{file}: has format {told[1]}; this version reads {FORMAT}: update retina-doctor")
