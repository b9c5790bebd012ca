"""Is what holds the port the service itself?"""

from __future__ import annotations

import posixpath
from typing import Literal

from retina_doctor.authoring import Gathered
from retina_doctor.codec import Data
from retina_doctor.model import Interpreter, Severity, Target
from retina_doctor.settings import Settings

from ..facts.driver import GpuProcess
from ..facts.service import Answer, Holder, Ports, Socket
from ..facts.service_process import Processes


class Owner(Data, frozen=True, kw_only=True):
    """*ours* None: it cannot be told, for want of *missing*. *by*: what says so."""

    ours: bool | None
    by: Literal["pid", "url", "process", "answer"] | None = None
    missing: str | None = None


def owner_of(socket: Socket, settings: Settings, ports: Ports, interpreter: Interpreter | None) -> Owner:
    """Whose a listener on the intended port is.

    --pid decides alone. A service at --url is taken for ours: it is the one that should be running. Else a process of
    the target's interpreter that has detection libraries loaded, or a port that answers for /detect.
    """
    pid = settings.process.pid
    if pid is not None:
        if socket.holder is None:
            return Owner(ours=None, missing="ports")
        return Owner(ours=pid in (socket.holder.pid, *socket.holder.pids, *socket.holder.ancestors), by="pid")
    if ports.url and ports.url.local and ports.url.port == socket.port:
        return Owner(ours=True, by="url")
    if answers_for_detection(ports.answer):
        return Owner(ours=True, by="answer")
    if socket.holder is None:
        return Owner(ours=False)
    if interpreter is None:
        return Owner(ours=None, missing="interpreter")
    if has_libraries_of(interpreter, socket.holder):
        return Owner(ours=True, by="process")
    if is_run_by(interpreter, socket.holder) and (socket.holder.packages or answers_posts_only(ports.answer)):
        return Owner(ours=True, by="process")
    return Owner(ours=False)


def answers_for_detection(answer: Answer | None) -> bool:
    """/detect is there, but wants a POST with a picture in it; a page for people answers a GET with HTML instead."""
    if answer is None or answer.kind != "http":
        return False
    return answer.status in (405, 400, 415, 422) or (answer.status == 200 and answer.json)


def answers_posts_only(answer: Answer | None) -> bool:
    """http.server's answer for a method that a service did not define."""
    return answer is not None and answer.kind == "http" and answer.status == 501


def has_libraries_of(interpreter: Interpreter, holder: Holder) -> bool:
    return any(package.startswith(interpreter.prefix.rstrip("/") + "/") for package in holder.packages or ())


def is_run_by(interpreter: Interpreter, holder: Holder) -> bool:
    """The same Python under any of its names (python, python3, python3.11).

    As it was called: the file of a process in a virtual environment is the base Python, which it shares with others.
    """
    program = holder.called or holder.exe
    if program is None:
        return False
    same_folder = posixpath.dirname(program) == posixpath.dirname(interpreter.executable)
    return program == interpreter.executable or (same_folder and posixpath.basename(program).startswith("python"))


class Guess(Gathered, frozen=True, kw_only=True):
    """The target, and what listens where the service is said to be."""

    target: Target
    ports: Ports | None
    interpreter: Interpreter | None

    @property
    def at_most(self) -> Severity | None:
        """A Python that nobody named, beside a service that others run, or one that should run: what it lacks, the service may
        well have."""
        listeners = [one for one in (self.ports.sockets or () if self.ports else ()) if one.state == "LISTEN"]
        holders = [one.holder for one in listeners if one.holder]
        if self.target.chosen not in ("folder", "path", "own"):
            return None
        if not holders and self.ports and self.ports.url and self.target.chosen != "folder":
            return Severity.WARNING
        if not holders or self.interpreter is None:
            return None
        theirs = any(is_run_by(self.interpreter, holder) for holder in holders)
        return None if theirs else Severity.WARNING


def service_pids(
    settings: Settings, ports: Ports | None, interpreter: Interpreter | None, processes: Processes | None
) -> set[int]:
    """Processes of the service that runs already, its workers among them: what they hold is what it needs."""
    pids = {settings.process.pid} if settings.process.pid else set()
    if processes and processes.service and processes.service.pid in pids:
        pids |= set(processes.service.family)
    for socket in (ports.process.sockets or ()) if ports and ports.process else ():
        pids |= set(socket.holder.pids) if socket.holder else set()
    for socket in (ports.sockets or ()) if ports else ():
        if ports and socket.holder and owner_of(socket, settings, ports, interpreter).ours:
            pids |= set(socket.holder.pids)
    return pids


def is_of(pids: set[int], one: GpuProcess) -> bool:
    """One of these processes, or started by one of them: a pool of the service's shares no socket with it."""
    return one.pid in pids or not pids.isdisjoint(one.ancestors)
