"""How the service is ended and started again, as far as that is known: by what was named, else by its own command line."""

import posixpath
import shlex
from collections.abc import Callable, Sequence
from typing import Any

from retina_doctor.authoring import Gathered
from retina_doctor.model import Reason, Target
from retina_doctor.patterns import pattern

from ..facts.service import Holder, Ports
from ..facts.service_process import Processes
from ..facts.service_start import Start
from .asides import asides
from .server_command import rebound

ENGINES = ("docker", "podman", "nerdctl")
OF_A_SHELL = ("command", "procfile", "supervisor")
"""Sources of a command that is started as it stands."""
TITLE = pattern(r"^[\w.-]+: ")
"""What a server shows in place of its command line: "gunicorn: master [app:app]"."""
CUT = ("...", "…")
LITERAL = pattern(r"\\.|'[^']*'")
IN_DOUBLE_QUOTES = pattern(r'"[^"]*"')
OF_SHELLS = pattern(r"[;&|<>()*?~\n]")
VARIABLE = pattern(r"\$\{?(\w+)")
OF_A_USER = pattern(r"/systemd/user/[^/]+$")
PATIENCE = 30
"""Seconds in which a server that is asked to end should have done so: gunicorn's own patience with its workers."""


class StartKnown(Gathered, frozen=True, kw_only=True):
    """What was named as the service's start, and what runs."""

    start: Start | None
    processes: Processes | None
    ports: Ports | None
    target: Target

    @property
    def words(self) -> list[str]:
        """Of its command, or of a shell that reads it; none where it is not known whole."""
        text = self._shell_text
        named = split(self.start.command) if self.start is not None else []
        return ["sh", "-c", text] if text else named or split(self._running[1])

    @property
    def sure(self) -> bool:
        """Whether someone named the service, or it was found by what it is."""
        return (self.start is not None and self.start.source not in (None, "folder")) or self._running[0] is not None

    def again(
        self, pid: int | None = None, command: str | None = None, changed: Sequence[str] = (), pids: Sequence[int] = ()
    ) -> dict[str, Any]:
        """Evidence: *end* and *start*, words of commands; *directory*, in which to start; *how*, what else to mind.

        *pid*, *command*, *pids*: of the process at the port and all that share it, where none was named. *changed*: the words
        with which it should be started.
        """
        by = self._by_who_starts_it()
        if by:
            return _by_others(by, changed)
        words = (list(changed) or self.words or split(command)) if self.target.local else []
        named = self.start is not None and self.start.source in OF_A_SHELL
        note = "start-not-known" if not words else None if named else "start-of-others"
        end = ended(self._family or ([pid, *pids] if pid is not None else [])) if self.target.local else []
        unset = ", ".join(dict.fromkeys(VARIABLE.findall(words[2]))) if words[:2] == ["sh", "-c"] else ""
        return {
            "end": end,
            "start": words,
            "directory": self._directory if words else None,
            "how": asides(
                Reason("end-waits", {"seconds": PATIENCE}) if end else None,
                Reason("start-sets-variables", {"names": unset}) if unset else None,
                Reason(note) if note else None,
            ),
        }

    def on_all_addresses(
        self, port: int | None, wrong: Callable[[str], bool], holder: Holder | None = None
    ) -> dict[str, Any]:
        """The same with all addresses in place of *wrong* ones; nothing where it is not known how. *holder*: of the port."""
        text = self._shell_text
        if text:
            # Its words as they are written: what a shell reads in them stays so.
            read = rebound(text.split(" "), port, wrong)
            changed = ["sh", "-c", " ".join(read)] if read else []
        else:
            words = self.words or split(holder.command if holder is not None else None)
            changed = rebound(words, port, wrong)
        if not changed:
            return {"end": [], "start": [], "directory": None, "how": []}
        if holder is None:
            return self.again(changed=changed)
        return self.again(holder.pid, changed=changed, pids=holder.pids)

    @property
    def _shell_text(self) -> str | None:
        """The command as it stands, where a shell reads more in it than words."""
        text = self.start.text if self.start is not None else None
        return text if text and "<secret>" not in text and needs_a_shell(text) else None

    @property
    def _family(self) -> list[int]:
        """The numbers of the process that was named or found, first its own, and of its workers."""
        pid, service = self._running[0], self.processes.service if self.processes is not None else None
        if pid is None:
            return []
        return [pid, *(service.family if service is not None and service.pid == pid else ())]

    @property
    def _running(self) -> tuple[int | None, str | None]:
        """(number, command line) of the process that was named or found."""
        service = self.processes.service if self.processes is not None else None
        if service is not None and service.alive:
            return service.pid, service.command
        process = self.ports.process if self.ports is not None else None
        return (process.pid, process.command) if process is not None and process.alive else (None, None)

    @property
    def _directory(self) -> str | None:
        if self.start is not None and self.start.command is not None:
            return self.start.directory
        service = self.processes.service if self.processes is not None else None
        return service.working_directory if service is not None else None

    def _by_who_starts_it(self) -> list[str]:
        """What starts it anew, where a unit, a container or a compose file was named, or the target is in a container."""
        source, named = (self.start.source, self.start.named or "") if self.start is not None else (None, "")
        if source == "unit":
            of_user = OF_A_USER.search(named) is not None
            return [
                *(("systemctl", "--user") if of_user else ("sudo", "systemctl")),
                "restart",
                posixpath.basename(named),
            ]
        if source == "container":
            engine, _, name = named.partition(":")
            return [engine, "restart", name]
        if source == "compose":
            file, _, service = named.partition("#")
            return ["docker", "compose", "-f", file, "up", "-d", "--force-recreate", *([service] if service else [])]
        return _container(self.target.command)


def ended(pids: Sequence[int]) -> list[str]:
    """Words of a command that ends the first of these processes, waits until all have gone and so the port is free, and after
    PATIENCE ends them by force. A zombie (Z) holds no port."""
    if not pids or min(pids) <= 1:
        return []
    first, every = pids[0], list(dict.fromkeys(pids))
    files = " ".join(f"/proc/{pid}/stat" for pid in every)
    wait = f'for i in $(seq {PATIENCE}); do grep -qs ") [^ZX]" {files} || exit 0; sleep 1; done'
    return ["sh", "-c", f"kill {first} || exit; {wait}; kill -9 {' '.join(map(str, every))}; sleep 1"]


def needs_a_shell(text: str) -> bool:
    """Whether a shell reads more in it than words and quotes: variables, a second command, a redirection."""
    plain = LITERAL.sub("", text)
    return any(sign in plain for sign in "$`") or OF_SHELLS.search(IN_DOUBLE_QUOTES.sub("", plain)) is not None


def _by_others(by: list[str], changed: Sequence[str]) -> dict[str, Any]:
    """Started by a unit, a container or a compose file. A container keeps the command with which it was made."""
    told: dict[str, Any] = {"end": [], "start": by, "directory": None, "how": []}
    if not changed:
        return told
    command = changed[2] if list(changed[:2]) == ["sh", "-c"] else shlex.join(changed)
    if by[1:2] == ["restart"]:
        values = {"engine": by[0], "name": by[2], "command": command}
        return {**told, "start": [], "how": asides(Reason("container-made-again", values))}
    return {**told, "how": asides(Reason("start-it-so", {"command": command}))}


def _container(words: Sequence[str]) -> list[str]:
    """Of `docker exec -i NAME python3`."""
    if not words or posixpath.basename(words[0]) not in ENGINES or words[1:2] != ["exec"]:
        return []
    name = next((word for word in words[2:] if word not in ("-i", "-t", "-it")), "-")
    return [words[0], "restart", name] if not name.startswith("-") else []


def split(command: str | None) -> list[str]:
    """The words of a command line that is told whole; else none."""
    if not command or "<secret>" in command or command.endswith(CUT) or TITLE.match(command):
        return []
    try:
        return shlex.split(command)
    except ValueError:
        return []
