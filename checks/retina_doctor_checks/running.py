"""Finds the services that run on this machine, so that the doctor can look at one of them without being told."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from retina_doctor import proc_files
from retina_doctor.authoring import RunningService
from retina_doctor.codec import replace
from retina_doctor.patterns import pattern
from retina_doctor.settings import Settings
from retina_doctor_checks.probes.service import application, look_sockets
from retina_doctor_checks.probes.source import look_own

from .doubts import SERVES, beginning_of, doubts, model_of
from .settings import ScanSettings, ServiceSettings
from .settings_values import LOG_OF_CONTAINER, LOG_OF_UNIT

DETECTORS = frozenset({"onnxruntime", "insightface", "retinaface", "mxnet", "tensorrt"})
USUAL_PORTS = frozenset({80, 5000, 8000, 8080})
"""Of Flask, uvicorn, gunicorn and the deployment guides."""
NOBODYS_SERVICE = (
    "ipykernel",
    "jupyter",
    "tensorboard",
    "debugpy",
    "retina_doctor",
    "retina-doctor",
    "pytest",
    "http.server",
)
"""Python programs that may have such a library loaded, and listen."""
TOLD_PORT = pattern(
    r"(?:--?(?:[a-z]+[-.])*(?:port|bind|listen|http)|-[pbB]|runserver)=(?:tcp://)?(?:[\w.*-]*:|\[[^\]]*\]:)?(\d+)"
)
"""Flag=value of servers: --port 8000, --server.port is streamlit's, -b 127.0.0.1:8000, runserver 0.0.0.0:8000."""
PORT_VARIABLES = (
    "PORT",
    "UVICORN_PORT",
    "FLASK_RUN_PORT",
    "GRADIO_SERVER_PORT",
    "STREAMLIT_SERVER_PORT",
    "BENTOML_PORT",
)
"""Of the servers themselves; others name where a client finds a service (Kubernetes: FACE_SERVICE_PORT)."""
UNIT_GROUP = re.compile(
    r"/system\.slice/(?:[^/]+\.slice/)*([A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]{0,200}\.service)(?:/.*)?"
)
DOCKER_GROUP = re.compile(r"(?:/docker/|/docker-)([0-9a-f]{64})(?:\.scope)?(?:/|$)")
"""systemd.slice(5), systemd.unit(5); the cgroupfs and systemd drivers of dockerd."""
HOSTS_PYTHON = ("uwsgi", "pypy")
"""Beginnings of the names of programs that have a Python inside, or are one under another name."""


def services(settings: Settings) -> tuple[RunningService, ...]:
    """The named process, whatever it is; else those that listen on the named port or the URL's, or anywhere.

    Where an address to bind, another machine's URL or source files are named, no process is looked for.
    """
    named = settings.of(ServiceSettings)
    if named.pid is not None:
        return (described(named.pid),)
    port = named.port or local_port(named.url)
    if named.host is not None or settings.of(ScanSettings).paths or (port is None and named.url is not None):
        return ()
    found = detecting(port, frozenset({named.port} if named.port else ()))
    if not found and port is not None:
        found = (frozen(port) if named.port is not None else ()) or loading(port)
    if not found and named.port is None:  # what listens at the URL may be a proxy before it
        found = (detecting(None) if port is not None else ()) or on_unix_sockets()
    return tuple(_as_found(one, port, settings) for one in found)


def _as_found(one: RunningService, port: int | None, settings: Settings) -> RunningService:
    """Found by its port it is the one that is meant, whatever else speaks of another."""
    if port in one.ports:
        return replace(one, how="port", named=True)
    return replace(one, doubts=tuple(doubts(one.pid, settings)) if one.readable else ())


def local_port(url: str | None) -> int | None:
    """The port of a URL of this machine, as far as its words tell."""
    try:
        parts = urlsplit(url if url and "://" in url else f"http://{url}")
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    name = parts.hostname or ""
    return port if url and (name in ("localhost", "::1") or name.startswith(("127.", "0.0.0.0"))) else None  # noqa: S104


def detecting(port: int | None, own: Set[int] = frozenset()) -> tuple[RunningService, ...]:
    """Processes that listen (on that port) and look like a detection service.

    Those are Python processes with a detector's library loaded; on a usual port or one of its *own*, also those that have
    torch loaded, or such a library installed: they may be loading still. A server's workers are one service with their
    master. Neither the doctor nor what started it is among them. torch alone is not enough on other ports: on rented GPUs,
    image generators have it loaded, too, and hold the memory. Where there is none, those that may be one and are another
    user's.
    """
    apart = {os.getpid(), *look_sockets.ancestors(os.getpid())}
    listening = Listening()
    ports = {one: its for one in pythons() if one not in apart and (its := listening.ports(one))}
    masters = {one: master(one, ports) for one in ports}
    usual = USUAL_PORTS | own
    wanted = sorted({masters[one] for one in ports if detects(one, bool(ports[one] & usual))})
    found = tuple(described(one) for one in wanted if port in (None, *ports[one]) and not is_nobodys(one))
    return found or hidden(USUAL_PORTS if port is None else frozenset({port}))


def frozen(port: int) -> tuple[RunningService, ...]:
    """The program that listens on the port with a detector's library loaded, and is no Python (PyInstaller)."""
    others = set(look_sockets.processes()) - set(pythons())
    listening = Listening()
    wanted = sorted(one for one in others if port in listening.ports(one) and loaded(one) & DETECTORS)
    return tuple(described(one) for one in wanted[:1])


def loading(port: int) -> tuple[RunningService, ...]:
    """The one process that listens nowhere yet, and is told to listen on the port, on which nobody does: uvicorn opens it when
    the models are loaded. It has a detector installed."""
    if any(row["port"] == port and row["state"] == "LISTEN" for row in look_sockets.rows() or ()):
        return ()
    apart = {os.getpid(), *look_sockets.ancestors(os.getpid())}
    quiet = {one for one in pythons() if one not in apart and not is_nobodys(one) and is_to_listen(one, port)}
    wanted = [one for one in quiet if not quiet & set(look_sockets.ancestors(one)) and may_serve(one)]
    one = wanted[0] if len(wanted) == 1 else None
    known = one is not None and not Listening().ports(one) and detects(one, expected=True)
    return (replace(described(one), ports=(port,)),) if known and one is not None else ()


def may_serve(pid: int) -> bool:
    """Whether what it runs names a server: a client is told a port, too. Where that cannot be read, it may."""
    root, words = Path(f"/proc/{pid}/root"), look_sockets.command_words(f"/proc/{pid}")
    cwd = look_sockets.link(f"/proc/{pid}/cwd")
    if cwd is None or not root.samefile("/"):
        return True
    found = application.of_command(application.stripped(words), cwd, [], {})
    if found is None or not found.script or found.file is None:
        return True
    try:
        return any(SERVES.search(beginning_of(Path(file))) for file in look_own.with_imports(found.file))
    except OSError:
        return True


def is_to_listen(pid: int, port: int) -> bool:
    """By a flag of its command, or a variable that servers read. A number elsewhere may be a client's, or none of a port."""
    folder = f"/proc/{pid}"
    words = look_sockets.command_words(folder)
    told = (word if "=" in word else f"{before}={word}" for before, word in zip(["", *words], words, strict=False))
    if any(match[1] == str(port) for match in map(TOLD_PORT.fullmatch, told) if match):
        return True
    try:
        variables = proc_files.variables(folder)
    except OSError:
        return False
    return any(f"{name}={port}".encode() in variables for name in PORT_VARIABLES)


def on_unix_sockets() -> tuple[RunningService, ...]:
    """Processes with a detector's library loaded that listen on a Unix socket, as behind a proxy."""
    apart = {os.getpid(), *look_sockets.ancestors(os.getpid())}
    held = {one: unix_sockets(one) for one in pythons() if one not in apart}
    wanted = sorted({master(one, held) for one in held if held[one] and loaded(one) & DETECTORS})
    return tuple(described(one) for one in wanted if not is_nobodys(one))


def unix_sockets(pid: int) -> frozenset[int]:
    inodes = look_sockets.sockets_of(pid)
    return frozenset(look_sockets.listening_unix(inodes, f"/proc/{pid}/net") if inodes else ())


def master(pid: int, ports: Mapping[int, frozenset[int]]) -> int:
    """The topmost process above that listens on a port (or socket) of this one: a worker has its socket from there. A
    notebook's server or a supervisor that listens on a port of its own is no master of what it started."""
    above = reversed(look_sockets.ancestors(pid))
    return next((one for one in above if ports.get(one, frozenset()) & ports[pid]), pid)


def hidden(ports: Set[int]) -> tuple[RunningService, ...]:
    """Python processes that this user may not look into, where a user of theirs listens on one of *ports*."""
    closed = [pid for pid in look_sockets.processes() if is_closed_python(pid)]
    rows = (look_sockets.rows() if closed else None) or ()
    listening = {(row["uid"], row["port"]) for row in rows if row["state"] == "LISTEN"}
    found = []
    for pid in closed:
        theirs = tuple(sorted(port for uid, port in listening if port in ports and uid == owner_of(pid)))
        if theirs:
            found.append(replace(described(pid), ports=theirs, readable=False))
    return tuple(found)


def is_closed_python(pid: int) -> bool:
    """Whether its command is told and no more. Its program is asked for first: of open ones nothing else is read."""
    folder = f"/proc/{pid}"
    if look_sockets.link(f"{folder}/exe") is not None:
        return False
    words = look_sockets.command_words(folder)
    return bool(words) and "python" in Path(words[0]).name and look_sockets.sockets_of(pid) is None


def owner_of(pid: int) -> int | None:
    try:
        return Path(f"/proc/{pid}").stat().st_uid
    except OSError:
        return None


def is_nobodys(pid: int) -> bool:
    words = look_sockets.command_words(f"/proc/{pid}")
    names = [Path(word).name for word in words[:2]]
    names += [words[i + 1] for i, word in enumerate(words[:-1]) if word == "-m"]
    return any(name.startswith(NOBODYS_SERVICE) for name in names)


def described(pid: int) -> RunningService:
    words = look_sockets.command_words(f"/proc/{pid}")
    model, log = model_of(words), log_of(pid)
    about = look_sockets.process(pid)
    return RunningService(
        pid=pid,
        command=about["command"] or "",
        user=about["user"],
        ports=tuple(sorted(Listening().ports(pid))),
        settings={**({"model": {"path": model}} if model else {}), **({"service": {"log": log}} if log else {})},
    )


def log_of(pid: int) -> str | None:
    try:
        return log_of_group(Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None


def log_of_group(groups: str) -> str | None:
    """Where the control groups of a process say that its output goes: to the journal of its unit, or to docker (cgroups(7)).

    Sessions and the services of a user's own systemd are left out: neither journal nor state would be that unit's alone.
    """
    for line in groups.splitlines():
        path = line.split(":", 2)[-1]
        if match := DOCKER_GROUP.search(path):
            return f"{LOG_OF_CONTAINER}:{match[1]}"
        if match := UNIT_GROUP.fullmatch(path):
            return f"{LOG_OF_UNIT}:{match[1]}"
    return None


def pythons() -> list[int]:
    exes = {pid: look_sockets.link(f"/proc/{pid}/exe") for pid in look_sockets.processes()}
    names = {pid: Path(exe).name for pid, exe in exes.items() if exe is not None}
    return [pid for pid, name in names.items() if "python" in name or name.startswith(HOSTS_PYTHON)]


class Listening:
    """TCP ports on which processes listen, of one moment: the table of a network namespace is read once."""

    def __init__(self) -> None:
        self._by_inode: dict[str | int, dict[int, int]] = {}

    def ports(self, pid: int) -> frozenset[int]:
        """In the network namespace of the process, which may be a container's."""
        inodes = look_sockets.sockets_of(pid)
        if not inodes:
            return frozenset()
        space = look_sockets.link(f"/proc/{pid}/ns/net") or pid
        if space not in self._by_inode:
            rows: list[Any] = look_sockets.rows(f"/proc/{pid}/net") or []
            self._by_inode[space] = {row["inode"]: row["port"] for row in rows if row["state"] == "LISTEN"}
        there = self._by_inode[space]
        return frozenset(there[inode] for inode in inodes & there.keys())


def detects(pid: int, expected: bool) -> bool:
    """*expected*: it listens where a service is looked for."""
    has = loaded(pid)
    return bool(has & DETECTORS) or (expected and ("torch" in has or has_detectors(pid)))


def loaded(pid: int) -> set[str]:
    return {Path(folder).name for folder in look_sockets.packages(f"/proc/{pid}") or ()}


def has_detectors(pid: int) -> bool:
    """Whether a detector's library is installed for the Python that the process was called by."""
    words = look_sockets.command_words(f"/proc/{pid}")
    called = look_sockets.called(f"/proc/{pid}", words[0]) if words else None
    if called is None:
        return False
    root = Path(f"/proc/{pid}/root")  # its own disk, where it is in a container
    library = root / Path(called).parent.parent.relative_to("/") / "lib"
    try:
        packages = [folder for kind in ("site", "dist") for folder in library.glob(f"python*/{kind}-packages")]
    except OSError:
        return False
    return any((folder / name).is_dir() for folder in packages for name in DETECTORS)
