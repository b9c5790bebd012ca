"""What a fix has done and is about to do, in a private folder: each step is written down, and on the disk, before it begins."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import json
import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from retina_doctor.codec import decode
from retina_doctor.errors import UsageError
from retina_doctor.files import read_regular
from retina_doctor.fixing.hand import CannotFix, Whose
from retina_doctor.fixing.sent.places import FixRefused, settled

CHANGING = ("stage", "write", "link", "mode")
"""Entries of what has to be brought back."""
MOST = 16 * 1024 * 1024  # bytes of a journal


def state_folder(environment: Mapping[str, str]) -> Path:
    """Of this user alone, made where it is missing. Raises UsageError where others may write to it, or lead it elsewhere: what
    a journal says is done."""
    base = environment.get("XDG_STATE_HOME") or ""
    folder = (Path(base) if Path(base).is_absolute() else _home() / ".local" / "state") / "retina-doctor"
    fixes = folder / "fixes"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for one in (folder, fixes):
            with contextlib.suppress(FileExistsError):
                one.mkdir(mode=0o700)
            state = one.lstat()
            if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.geteuid() or state.st_mode & 0o077:
                raise UsageError(f"{one}: must be a folder of this user's alone (mode 0700)")
        settled(str(fixes))
    except FixRefused as refused:
        raise UsageError(f"{folder}: cannot be used: {refused}; XDG_STATE_HOME names another folder") from None
    except OSError as error:
        raise UsageError(f"{folder}: cannot be used: {error.strerror}") from None
    return fixes


def _home() -> Path:
    """Of the user himself: HOME may be the caller's, under sudo."""
    import pwd

    try:
        home = Path.home()
        return home if home.stat().st_uid == os.geteuid() else Path(pwd.getpwuid(os.geteuid()).pw_dir)
    except (OSError, RuntimeError, KeyError):
        raise UsageError("fix: this user has no home folder: XDG_STATE_HOME names a folder for its journal") from None


@contextlib.contextmanager
def alone(fixes: Path) -> Iterator[None]:
    """No other fix of this user's at the same time. Raises UsageError."""
    try:
        held = (fixes / "lock").open("w")
    except OSError as error:
        raise UsageError(f"{fixes}: cannot be used: {error.strerror}") from None
    with held as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError("fix: another fix is running") from None
        yield


class Journal:
    """One fix: its folder, and a line for each thing that it does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def file(self) -> Path:
        return self.folder / "journal.jsonl"

    @classmethod
    def begun(cls, fixes: Path) -> Journal:
        stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
        folder = fixes / f"{stamp}-{secrets.token_hex(3)}"
        with _written(folder):
            folder.mkdir(mode=0o700)
        return cls(folder)

    @property
    def name(self) -> str:
        return self.folder.name

    def write(self, what: str, **values: Any) -> None:
        """A line, on the disk when this returns. Raises CannotFix: what it names must not begin then."""
        line = json.dumps({"what": what, **values}) + "\n"
        with _written(self.file):
            descriptor = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            size = os.fstat(descriptor).st_size
            cut = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            with os.fdopen(descriptor, "ab") as file:
                file.write(("\n" if cut else "").encode() + line.encode())
                file.flush()
                os.fsync(descriptor)

    def keep(self, name: str, data: bytes) -> None:
        """A file beside the journal, on the disk when this returns. Raises CannotFix."""
        with _written(self.folder / name):
            descriptor = os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(descriptor)

    def kept(self, name: str) -> bytes:
        return read_regular(self.folder / name, MOST)

    @property
    def entries(self) -> list[dict[str, Any]]:
        """Lines that were written whole; one may have been cut by a kill or a full disk, and then what it names has not begun."""
        try:
            lines = read_regular(self.file, MOST).split(b"\n")[:-1]
        except FileNotFoundError:
            return []
        return [entry for entry in map(_entry, lines) if entry]

    @property
    def when(self) -> str:
        """It began; "" where not even that was written."""
        return next((str(one["when"]) for one in self.entries if one["what"] == "begin"), "")

    @property
    def whose(self) -> Whose | None:
        """As whom the service's files were changed."""
        told = next((one["whose"] for one in self.entries if one["what"] == "begin"), None)
        return decode(told, Whose) if told else None

    def has(self, what: str) -> bool:
        return any(entry["what"] == what for entry in self.entries)


@contextlib.contextmanager
def _written(path: Path) -> Iterator[None]:
    """A full disk is said in one line."""
    try:
        yield
    except OSError as error:
        raise CannotFix(f"{path}: cannot be written: {error.strerror}") from None


def _entry(line: bytes) -> dict[str, Any]:
    try:
        entry: dict[str, Any] = json.loads(line)
    except ValueError:
        return {}
    return entry


def journals(fixes: Path) -> list[Journal]:
    """The oldest first."""
    return [Journal(folder) for folder in sorted(fixes.iterdir()) if folder.is_dir()]


def last(fixes: Path) -> Journal | None:
    """The newest fix that changed something, or may have, and is not undone."""
    found = [one for one in journals(fixes) if any(map(one.has, CHANGING))]
    found = [one for one in found if not one.has("undone") and not one.has("final")]
    return found[-1] if found else None
