"""Fetches the texts of files as they stand: which, by their names and words in them, the caller says. Nothing is understood."""

from __future__ import annotations

import base64
import os
import re
import stat
import time
import zlib

from retina_doctor.hints import Any

MOST_FILES, MOST_BYTES, MOST_UNREAD = 50000, 5 * 2**20, 200
MOST_FETCHED = 12 * 2**20  # bytes of all that is fetched, packed; a probe may not tell more than some
PASSED_OVER = ("node_modules", "site-packages", "dist-packages", "__pycache__")
MADE = ("build", "dist")  # what is copied in there is no source
MOST_MODELS = 100
MOST_FOLLOWED = 100  # files that others name
MOST_NAMING = 2**20  # characters of a file in which it may name others
UTF16 = (b"\xff\xfe", b"\xfe\xff")


def look(probe: Any, arguments: dict[str, Any]) -> None:
    """Stops after 0.35 of *seconds*, so that as many are left for what is made of the texts.

    *kinds*: [{"kind", "name", "folder", "words", "copied", "follows"}], see `FileKind`. Tells *texts*: [{"file", "kind",
    "data"}], data in base64 of zlib; those that others name have the kind "named". *files*: how many were looked at; *cut*:
    there were more. *models*: names of folders that hold ONNX files.
    """
    start = time.monotonic()
    kinds = [FileKind(one) for one in arguments["kinds"]]
    paths = [os.path.abspath(os.path.expanduser(path)) for path in arguments["paths"]]
    missing = [path for path in paths if not os.path.exists(path)]
    probe.tell(paths=paths, missing=missing, files=0, cut=False, unread=[], texts=[], seconds=0)
    fetched = Fetched(start + 0.35 * arguments["seconds"])
    count, cut = 0, False
    models = set()  # type: set[str]
    for path, kind in source_files(paths, kinds, fetched.refused, models):
        if count >= MOST_FILES or fetched.is_full():
            cut = True
            break
        count += 1
        if kind is not None:
            fetched.take(path, kind)
    fetched.take_named()
    told = {"files": count, "cut": cut or fetched.cut, "unread": fetched.unread, "texts": fetched.texts}
    probe.tell(seconds=time.monotonic() - start, models=sorted(models)[:MOST_MODELS], **told)


class FileKind(object):
    """Files of which *name*, and *folder* where it is given, match the names. *words*: one of them must be in the file, whatever
    its case; none: any file. *copied*: what lies in folders of copies counts too. *follows*: what a file names others by, its
    first group; they are fetched as well."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.word = told["kind"]
        self.name = re.compile(told["name"])
        self.folder = re.compile(told["folder"]) if told["folder"] else None
        self.words = [word.lower().encode() for word in told["words"]]
        self.copied = told["copied"]
        self.follows = re.compile(told["follows"]) if told["follows"] else None

    def is_named(self, name: str, folder: str) -> bool:
        return bool(self.name.match(name)) and (self.folder is None or bool(self.folder.match(folder)))

    def is_wanted(self, data: bytes) -> bool:
        if not self.words:
            return True
        plain = (data.replace(b"\0", b"") if data[:2] in UTF16 else data).lower()
        return any(word in plain for word in self.words)


class Fetched(object):
    """*named*: (path, the file that names it) of what is still to be fetched."""

    def __init__(self, until: float) -> None:
        self.until = until
        self.texts = []  # type: list[dict[str, str]]
        self.unread = []  # type: list[dict[str, str]]
        self.cut = False
        self.size = 0
        self._named = []  # type: list[tuple[str, FileKind]]

    def is_full(self) -> bool:
        return self.cut or len(self.unread) >= MOST_UNREAD or time.monotonic() > self.until

    def take(self, path: str, kind: FileKind, named: bool = False) -> None:
        try:
            # What is no regular file is told, and not waited for: a pipe would never answer.
            with open(path, "rb", opener=without_waiting) as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise ValueError("not a regular file")
                data = file.read(MOST_BYTES + 1)
            if not (named or kind.is_wanted(data)):
                return
            if len(data) > MOST_BYTES:
                raise ValueError("more than %d MB" % (MOST_BYTES // 2**20))
        except Exception as error:  # one odd file must not cost what the others tell
            words = (
                error.strerror if isinstance(error, OSError) else "%s: %s" % (type(error).__name__, str(error)[:200])
            )
            self.unread.append({"file": path, "kind": kind.word, "error": words or type(error).__name__})
            return
        packed = base64.b64encode(zlib.compress(data, 1)).decode("ascii")
        self.size += len(packed)
        if self.size > MOST_FETCHED:
            self.cut = True
            return
        self.texts.append({"file": path, "kind": "named" if named else kind.word, "data": packed})
        if kind.follows is not None:
            text = data[:MOST_NAMING].decode("utf-16" if data[:2] in UTF16 else "utf-8", "replace")
            for match in kind.follows.finditer(text):
                self._named.append((os.path.normpath(os.path.join(os.path.dirname(path), match.group(1))), kind))

    def refused(self, error: OSError) -> None:
        """A folder that does not open may hold files of any kind."""
        self.unread.append({"file": error.filename, "kind": "folder", "error": error.strerror or "OSError"})

    def take_named(self) -> None:
        """What the files name, and what these do."""
        seen = {one["file"] for one in self.texts}
        place = 0
        while place < min(len(self._named), MOST_FOLLOWED) and not self.is_full():
            path, kind = self._named[place]
            place += 1
            if path not in seen and os.path.isfile(path):
                seen.add(path)
                self.take(path, kind, named=True)


def without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def kind_of(path: str, kinds: list[FileKind]) -> FileKind | None:
    name, folder = os.path.basename(path), os.path.basename(os.path.dirname(path))
    return next((kind for kind in kinds if kind.is_named(name, folder)), None)


def source_files(paths: list[str], kinds: list[FileKind], refused: Any, models: Any) -> Any:
    """(file, its kind) of each once, whatever links lead to it; virtual environments and caches are passed over. A file that is
    named itself may be of none. *refused* hears of folders that do not open, *models* gets the
    names of those that hold ONNX files."""
    seen = set()
    for path in paths:
        if not os.path.isdir(path):
            yield path, kind_of(path, kinds)
            continue
        for folder, folders, names in os.walk(path, onerror=refused):
            real = os.path.realpath(folder)
            if real in seen:
                folders[:] = []
                continue
            seen.add(real)
            folders[:] = sorted(one for one in folders if not passed_over(folder, one))
            if any(name.endswith(".onnx") for name in names):
                models.add(os.path.basename(folder))
            made = not set(MADE).isdisjoint(os.path.relpath(folder, path).split(os.sep))
            for name in sorted(names):
                file = os.path.join(folder, name)
                kind = kind_of(file, kinds)
                if kind is not None and (kind.copied or not made) and not os.path.isdir(file):
                    yield file, kind


def passed_over(folder: str, name: str) -> bool:
    environment = os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))
    return environment or name in PASSED_OVER or name.startswith(".")
