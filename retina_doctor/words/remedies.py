"""Commands that fit the target: which interpreter, and how packages are installed in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from retina_doctor.codec import Data
from retina_doctor.model import Interpreter, Target
from retina_doctor.quoting import Command, argument, command_of, quoted


class MoveUp(Data, frozen=True, kw_only=True, tag=True):
    """Files of a folder that lie one level too deep: those in *folder*/*inner* with that *ending* go up into *folder*."""

    folder: str
    inner: str
    ending: str


class MakeLink(Data, frozen=True, kw_only=True, tag=True):
    """A link at *path* that leads to *to*; folders above it are made where they are missing."""

    path: str
    to: str


class LetRead(Data, frozen=True, kw_only=True, tag=True):
    """Everybody may read the file *path*; a folder may be entered, too."""

    path: str


FileChange = MoveUp | MakeLink | LetRead
"""What a command does to files of the service's user, so that it can be done, and undone, without a shell."""


class Remedies:
    """The functions that pages call inside their ```sh blocks."""

    def __init__(self, target: Target, interpreter: Interpreter | None) -> None:
        self.target = target
        self.interpreter = interpreter
        self.before = target.command[:-1] if target.of_a_process else ()
        """What takes on the user of another user's process: nothing of that user's is to be run by root's shell."""
        self.made: dict[str, tuple[str, ...]] = {}
        """What the pip commands that were made do: action and words."""
        self.changes: dict[str, FileChange] = {}
        """What the commands that move files, make links or change modes do."""
        self.for_image: list[str] = []
        """What the pip commands that were asked for are in a Dockerfile."""
        self.to_build: list[str] = []
        """Likewise where a program is built that brings its packages along; there is no command for the target then."""

    def names(self) -> dict[str, Command | Interpreter | Callable[..., Any] | None]:
        """What a page may use besides its evidence."""
        return {
            "python": self.python,
            "pip_install": self.pip_install,
            "pip_uninstall": self.pip_uninstall,
            "move_up": self.move_up,
            "make_link": self.make_link,
            "let_read": self.let_read,
            "interpreter": self.interpreter,
            "command_of": command_of,
            "in_folder": in_folder,
            "target_command": command_of(self.target.command),
        }

    @property
    def python(self) -> Command:
        """The command that starts the target's Python; where there is none, whichever the reader takes."""
        if not self.target.command:
            return Command("python3")
        if self.target.local and not self.before and self.interpreter and self.interpreter.executable:
            return argument(self.interpreter.executable)
        return command_of(self.target.command)

    def pip_install(self, *words: str) -> Command:
        """``pip install WORDS`` for this target; words are requirements and pip's own flags."""
        return self._pip("install", words)

    def pip_uninstall(self, *names: str) -> Command:
        return self._pip("uninstall", names)

    def move_up(self, inner: str, ending: str) -> Command:
        """``mv INNER/*ENDING FOLDER/``, where FOLDER is the one that *inner* lies in."""
        folder, _, name = inner.rstrip("/").rpartition("/")
        command = Command(f"mv {argument(inner)}/*{quoted(ending)} {argument(folder)}/")
        self.changes[command] = MoveUp(folder=folder, inner=name, ending=ending)
        return command

    def make_link(self, to: str, path: str, parent: str = "") -> Command:
        """``ln -s TO PATH``, and before it ``mkdir -p PARENT`` where one is named."""
        link = f"ln -s {argument(to)} {argument(path)}"
        command = Command(f"mkdir -p {argument(parent)} && {link}" if parent else link)
        self.changes[command] = MakeLink(path=path, to=to)
        return command

    def let_read(self, path: str) -> Command:
        """``chmod a+rX PATH``: X is the right to enter, which only folders get."""
        command = Command(f"chmod a+rX {argument(path)}")
        self.changes[command] = LetRead(path=path)
        return command

    def _pip(self, action: str, words: tuple[str, ...]) -> Command:
        if not any(not word.startswith("-") for word in words):
            return Command("")  # nothing is known to install
        command = self._pip_command(action, words)
        self.made[command] = (action, *words)
        return command

    def _pip_command(self, action: str, words: tuple[str, ...]) -> Command:
        here = self.interpreter
        if not self.target.command:
            return Command("")  # which Python the service has is not known, and no other's packages are to be changed
        yes = ("-y",) if action == "uninstall" else ()
        if self.target.brought is not None:
            self.to_build.append(command_of(["pip", action, *yes, *words]))
            return Command("")
        self.for_image.append(command_of(["pip", action, *yes, *words]))
        if self.target.roots_own:
            return self._pip_of_root(action, *yes, *words)
        system = ("--break-system-packages",) if here and here.externally_managed else ()
        if here and not here.has_pip and here.uv and self.target.local:
            uv = (*self.before, argument(here.uv), "pip", action, "--python", argument(here.executable))
            return command_of([*uv, *system, *for_uv(words)])
        pip = command_of([self.python, "-m", "pip", action, *yes, *system, *words])
        if here and not here.has_pip:
            return command_of([self.python, "-m", "ensurepip", Command("&&"), pip])
        return pip

    def _pip_of_root(self, *words: str) -> Command:
        """The process's user may change nothing there, and root runs nothing that its Python named, such as a uv."""
        python = argument(self.target.command[-1])
        pip = command_of([python, "-I", "-m", "pip", *words])
        lacks_pip = self.interpreter is not None and not self.interpreter.has_pip
        return command_of([python, "-I", "-m", "ensurepip", Command("&&"), pip]) if lacks_pip else pip


def in_folder(folder: str | None, words: Sequence[str]) -> Command:
    """``cd FOLDER && WORDS``; only the words where no folder is known, and nothing where there are none."""
    command = command_of(words)
    return Command(f"cd {argument(folder)} && {command}") if folder and command else command


def for_uv(words: Iterable[str]) -> list[str]:
    """pip's words as uv takes them: some flags are called otherwise."""
    return [{"--force-reinstall": "--reinstall", "--ignore-installed": "--reinstall"}.get(word, word) for word in words]
