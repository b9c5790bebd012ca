"""The Python of a running process: which it is, and the words that start it beside the process."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from retina_doctor import proc_files
from retina_doctor.apart import unless_local
from retina_doctor.codec import Data
from retina_doctor.errors import UsageError
from retina_doctor.model import NoPython
from retina_doctor.standpoint.entry_words import entry_words
from retina_doctor.standpoint.kept import ROOT, is_kept
from retina_doctor.standpoint.standpoint import Standpoint, has_ended, standpoint_of
from retina_doctor.standpoint.within import Identity, found_within, identity, names_within, root_of

PYTHON = re.compile(r"python[\d.]*[a-z]*$")
"""What an interpreter's file is called, and no title that a server gives itself."""
PACKAGES = re.compile(r"^[^/\n]*(/\S*)/lib/python(\d+\.\d+)t?/site-packages/[^\n]*?( \(deleted\))?$", re.MULTILINE)
INSTALLED = re.compile(r"/lib\d*/p(?:ython|ypy)[\d.]*t?/site-packages$")
LIBPYTHON = re.compile(r"^[^/\n]*(/\S*)/libpython(\d+\.\d+)t?\.so[^\n]*$", re.MULTILINE)
"""From the first slash of a line on: a stranger chooses how many there are."""
ENVIRONMENTS = ("VIRTUAL_ENV", "CONDA_PREFIX")
HOME_FLAGS = ("-H", "--home", "--virtualenv", "--venv", "--pyhome")
"""By which uwsgi is told its virtual environment (uwsgi-docs, Options)."""
DELETED = " (deleted)"
MOST_BROUGHT = 1000
"""Folders of packages: a large pex has some hundreds."""


class ProcessPython(Data, frozen=True):
    """*command*: words that start it; the last is the interpreter, before it is what enters a container or takes on
    another user. () where there is none: *problem* says why, and *called* how it was called. *roots_own*: another user's process,
    and nobody but root can change what starts with that interpreter. *paths*: folders of packages that the program brings along
    (a pex, shiv), where the interpreter does not look by itself."""

    command: tuple[str, ...] = ()
    problem: NoPython | None = None
    called: str | None = None
    roots_own: bool = False
    paths: tuple[str, ...] = ()


def python_of(pid: int) -> ProcessPython:
    """The interpreter of a running process: as it was called, since in a venv its file is the base Python.

    Looked up below the process's own root, with its own links, working directory and PATH. What a process says of itself
    counts only where it is the very file that it runs. Where that is no longer there, or another file is in its place, no
    other Python stands in: what it would tell is not true of the service. Raises UsageError where it may not be read.
    Its files may lie on a server that no longer answers: that is waited for elsewhere, and not for ever.
    """
    try:
        return unless_local(lambda: _python_of(pid), pid)
    except TimeoutError:
        try:
            exe = str(Path(f"/proc/{pid}/exe").readlink())
        except OSError:
            return ProcessPython(problem="ended")
        return ProcessPython(problem="no-answer", called=exe)


def _python_of(pid: int) -> ProcessPython:
    process = Path("/proc") / str(pid)
    try:
        standpoint = standpoint_of(pid)
        if has_ended(pid):
            return ProcessPython(problem="ended")
        with root_of(pid) as root:
            one = _Running(process, standpoint, root)
            found = one.itself() if one.is_python else one.embedded()
            paths = one.brought() if one.is_python else ()
    except (FileNotFoundError, ProcessLookupError):
        return ProcessPython(problem="ended")
    except UnicodeDecodeError:
        return ProcessPython(problem="no-python")
    except PermissionError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise UsageError(f"--pid {pid}: this user may not look at its Python{where}; run the doctor as root") from None
    if not isinstance(found, str):
        return found
    before = entry_words(standpoint)
    beside = bool(before) and not standpoint.contained and os.geteuid() == 0
    return ProcessPython((*before, found), roots_own=beside and is_kept(found, ROOT), paths=paths)


class _Running:
    """A process, and how it sees its own files."""

    def __init__(self, process: Path, standpoint: Standpoint, root: int) -> None:
        """Raises OSError where it is gone or may not be read."""
        self.process = process
        self.root = root
        self.standpoint = standpoint
        self.seen = standpoint.seen
        self.words = [word.decode() for word in proc_files.words(str(process))]
        pairs = map(os.fsdecode, proc_files.variables(str(process)))
        self.variables = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        exe = str((process / "exe").readlink())
        self.exe = self.seen(exe.removesuffix(DELETED))
        self.runs: Identity = identity((process / "exe").stat())
        self.deleted = exe.endswith(DELETED)
        name = Path(self.exe).name
        self.is_python = "python" in name or name.startswith("pypy")

    def at(self, path: str) -> Identity | None:
        found = found_within(self.root, path)
        return None if found is None else identity(found)

    @property
    def maps(self) -> str:
        return proc_files.maps(str(self.process))

    def itself(self) -> str | ProcessPython:
        called = self.called()
        if called is not None:
            there = self.at(called)
            if there == self.runs:
                return called
            if there is None:
                return ProcessPython(problem="gone", called=called)
            if self.in_environment(called):
                return ProcessPython(problem="replaced", called=called)
        for prefix, _, deleted in self.loaded_from():
            python = f"{prefix}/bin/python"
            there = self.at(python)
            if there == self.runs:
                return python
            if there is None and deleted and called is None:
                return ProcessPython(problem="gone", called=python)
        there = self.at(self.exe)
        if there == self.runs:
            return self.exe
        return ProcessPython(problem="gone" if there is None else "replaced", called=self.exe)

    def called(self) -> str | None:
        """Where the interpreter is that the first word of its command line names; None: that word is only a title."""
        first = self.words[0] if self.words else ""
        if not PYTHON.match(Path(first).name):
            return None
        if "/" in first:
            return os.path.normpath(Path(self.seen(str((self.process / "cwd").readlink())), first))
        environments = [f"{prefix.rstrip('/')}/bin" for prefix in self.named_environments()]
        passed_over = False
        for folder in self.variables.get("PATH", os.defpath).split(os.pathsep):
            path = f"{folder.rstrip('/')}/{first}"
            there = self.at(path) if folder.startswith("/") else None
            # An activated environment that is no longer there was the first place in which the shell had looked.
            if there == self.runs or (there is None and not passed_over and folder.rstrip("/") in environments):
                return path
            passed_over = passed_over or there is not None  # a shim, which starts the right one
        return None

    def in_environment(self, python: str) -> bool:
        prefix = Path(python).parent.parent
        return any(self.at(f"{prefix}/{sign}") for sign in ("pyvenv.cfg", "conda-meta"))

    def loaded_from(self) -> Iterator[tuple[str, str, bool]]:
        """Prefixes whose packages it has mapped, with their Python's version, and whether a file of them was removed: known
        also of a server that has written a title over its command line."""
        found: dict[tuple[str, str], bool] = {}
        for prefix, version, deleted in PACKAGES.findall(self.maps):
            key = (self.seen(prefix), version)
            found[key] = found.get(key, False) or bool(deleted)
        yield from ((prefix, version, found[prefix, version]) for prefix, version in sorted(found))

    def brought(self) -> tuple[str, ...]:
        """Of a pex, whose folder has a link to each package in .deps; else folders of packages that lie in no installation."""
        program = program_of(self.words)
        if program is not None:
            here = self.seen(str((self.process / "cwd").readlink()))
            folder = os.path.normpath(Path(here, program)).removesuffix("/__main__.py")
            try:
                if self.at(f"{folder}/PEX-INFO") is not None:
                    names = names_within(self.root, f"{folder}/.deps", self.standpoint.may, MOST_BROUGHT)
                    return tuple(f"{folder}/.deps/{name}" for name in names or ())
            except OSError:  # a program's own words, or a folder that this user may not look into
                return ()
        libraries = [line[line.find("/") :] for line in self.maps.split("\n") if line.endswith(".so")]
        parts = [path.rpartition("/site-packages/") for path in libraries]
        folders = {self.seen(f"{above}/site-packages") for above, found, _ in parts if found}
        return tuple(sorted(one for one in folders if not INSTALLED.search(one)))[:MOST_BROUGHT]

    def embedded(self) -> str | ProcessPython:
        """A program that has a Python inside (uwsgi): the interpreter of the environment that it uses, of the same version."""
        library = LIBPYTHON.search(self.maps)
        if library is None:
            return ProcessPython(problem="no-python", called=self.exe)
        version = library[2]
        removed = [prefix for prefix, its, deleted in self.loaded_from() if deleted and its == version]
        loaded = [prefix for prefix, its, _ in self.loaded_from() if its == version]
        named = self.named_environments()
        for prefix in [*self.named_homes(), *loaded, *named, *_prefixes(self.seen(library[1]))]:
            for name in ("python", f"python{version}"):
                python = f"{prefix}/bin/{name}"
                if self.at(f"{prefix}/lib/python{version}") and self.at(python):
                    return python
            if prefix in removed:
                return ProcessPython(problem="gone", called=f"{prefix}/bin/python")
        return ProcessPython(problem="no-python", called=self.exe)

    def named_environments(self) -> list[str]:
        return [self.variables[name] for name in ENVIRONMENTS if self.variables.get(name, "").startswith("/")]

    def named_homes(self) -> Iterator[str]:
        here = self.seen(str((self.process / "cwd").readlink()))
        for word, following in zip(self.words, [*self.words[1:], ""], strict=True):
            flag, _, value = word.partition("=")
            if flag in HOME_FLAGS and (value or following):
                yield os.path.normpath(Path(here, value or following))


def program_of(words: Sequence[str]) -> str | None:
    """The file or folder that a Python's command line runs; None: a text (-c), a module (-m), or what it reads."""
    left = iter(words[1:])
    for word in left:
        if not word.startswith("-"):
            return word
        if word in ("-", "--"):  # its input; the end of its options
            return next(left, None) if word == "--" else None
        if word == "--check-hash-based-pycs":
            next(left, None)
        if word.startswith("--"):
            continue
        letters = word[1:]
        first = min((letters.find(one) for one in "cmWX" if one in letters), default=None)  # it takes all that follows
        if first is not None and letters[first] in "cm":
            return None
        if first is not None and first == len(letters) - 1:
            next(left, None)
    return None


def _prefixes(folder: str) -> tuple[str, ...]:
    """Where the Python of a library in this folder may be installed: /usr of /usr/lib/x86_64-linux-gnu."""
    above = Path(folder).parents
    return tuple(str(one) for one in above[:2])
