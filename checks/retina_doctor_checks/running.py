"""Finds the services that run on this machine, so that the doctor can look at one of them without being told."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

from retina_doctor.authoring import RunningService
from retina_doctor.codec import replace
from retina_doctor.model import Against
from retina_doctor_checks.probes.service import look_sockets

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
MODEL = re.compile(r"(?i)\.(?:onnx|pth|pt)$")
VARIABLE = "RETINAFACE_MODEL_PATH"
HOSTS_PYTHON = ("uwsgi", "pypy")
"""Beginnings of the names of programs that have a Python inside, or are one under another name."""
DETECTS = re.compile(rb"^\s*(?:from|import)\s+(?:insightface|onnxruntime|retinaface)\b", re.MULTILINE)
SERVES = re.compile(
    rb"\b(?:flask|fastapi|uvicorn|aiohttp|tornado|sanic|bottle|starlette|gradio|http\.server|grpc)\b", re.IGNORECASE
)
MOST_FILES, MOST_SOURCE = 50, 200_000  # files of a folder, and bytes of each


def services(pid: int | None, port: int | None) -> tuple[RunningService, ...]:
    """The process of that number, whatever it is; else those that listen (on that port) and look like a detection service.

    Those are Python processes with a detector's library loaded; on a usual port, also those that have torch loaded, or such
    a library installed: they may be loading still. A server's workers are one service with their master. Neither the doctor
    nor what started it is among them. torch alone is not enough on other ports: on rented GPUs, image generators have it
    loaded, too, and hold the memory. Where there is none, those that may be one and are another user's.
    """
    if pid is not None:
        return (described(pid),)
    apart = {os.getpid(), *look_sockets.ancestors(os.getpid())}
    ports = {one: its for one in pythons() if one not in apart and (its := listening_ports(one))}
    masters = {one: master(one, ports) for one in ports}
    wanted = sorted({masters[one] for one in ports if detects(one, ports[one])})
    found = tuple(described(one) for one in wanted if port in (None, *ports[one]) and not is_nobodys(one))
    return found or hidden(USUAL_PORTS if port is None else frozenset({port}))


def master(pid: int, ports: Mapping[int, frozenset[int]]) -> int:
    """The topmost process above that listens on a port of this one: a worker has its socket from there. A notebook's server or a
    supervisor that listens on a port of its own is no master of what it started."""
    above = reversed(look_sockets.ancestors(pid))
    return next((one for one in above if ports.get(one, frozenset()) & ports[pid]), pid)


def hidden(ports: Set[int]) -> tuple[RunningService, ...]:
    """Python processes that this user may not look into, where a user of theirs listens on one of *ports*."""
    listening = {(row["uid"], row["port"]) for row in look_sockets.rows() or () if row["state"] == "LISTEN"}
    found = []
    for pid in look_sockets.processes():
        words = look_sockets.command_words(f"/proc/{pid}")
        if not words or "python" not in Path(words[0]).name or look_sockets.sockets_of(pid) is not None:
            continue
        theirs = tuple(sorted(port for uid, port in listening if port in ports and uid == owner_of(pid)))
        if theirs:
            found.append(replace(described(pid), ports=theirs, readable=False))
    return tuple(found)


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
    models = [word.rpartition("=")[2] for word in words[1:] if MODEL.search(word)]
    about = look_sockets.process(pid)
    variables, workdir = variables_of(pid), look_sockets.link(f"/proc/{pid}/cwd")
    model = models[-1] if models else None
    return RunningService(
        pid=pid,
        command=about["command"] or "",
        user=about["user"],
        ports=tuple(sorted(listening_ports(pid))),
        model=model,
        workdir=workdir,
        reads=model or variables.get(VARIABLE) or None,
        doubts=tuple(doubts(words, workdir, variables)),
    )


def variables_of(pid: int) -> dict[str, str]:
    """{} where they may not be read, or the process has written over them."""
    try:
        pairs = os.fsdecode(Path(f"/proc/{pid}/environ").read_bytes()).split("\0")
    except OSError:
        return {}
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def doubts(words: Sequence[str], workdir: str | None, variables: Mapping[str, str]) -> Iterator[tuple[Against, str]]:
    """What here, where the doctor was called, speaks of another service than this one."""
    if workdir is None:
        return
    own = os.environ.get(VARIABLE)
    if (
        own
        and variables
        and os.path.realpath(own) != os.path.realpath(Path(workdir, variables.get(VARIABLE) or "none"))
    ):
        yield "variable", VARIABLE
    here = Path.cwd()
    its = [Path(workdir), *(Path(workdir, word) for word in words[1:] if word.endswith(".py"))]
    if not any(here == one or here in one.parents for one in its):
        source = source_of_a_service(here)
        if source is not None:
            yield "folder", source


def source_of_a_service(folder: Path) -> str | None:
    """The name of a file that imports a detector and serves; nothing is imported or run."""
    try:
        files = [path for path in sorted(folder.glob("*.py"))[:MOST_FILES] if path.is_file()]
        for path in files:
            with path.open("rb") as file:
                text = file.read(MOST_SOURCE)
            if DETECTS.search(text) and SERVES.search(text):
                return path.name
    except OSError:
        return None
    return None


def pythons() -> list[int]:
    exes = {pid: look_sockets.link(f"/proc/{pid}/exe") for pid in look_sockets.processes()}
    names = {pid: Path(exe).name for pid, exe in exes.items() if exe is not None}
    return [pid for pid, name in names.items() if "python" in name or name.startswith(HOSTS_PYTHON)]


def listening_ports(pid: int) -> frozenset[int]:
    """TCP ports in the network namespace of the process, which may be a container's."""
    inodes = look_sockets.sockets_of(pid)
    rows: list[Any] = look_sockets.rows(f"/proc/{pid}/net") or [] if inodes else []
    return frozenset(row["port"] for row in rows if row["state"] == "LISTEN" and row["inode"] in (inodes or ()))


def detects(pid: int, ports: frozenset[int]) -> bool:
    loaded = {Path(folder).name for folder in look_sockets.packages(f"/proc/{pid}") or ()}
    return bool(loaded & DETECTORS) or (bool(ports & USUAL_PORTS) and ("torch" in loaded or has_detectors(pid)))


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
