"""Fetches the end of the service's own log: of the files behind standard output and error of its process and its workers.

With the service's rights, so it may be in vain: what the service itself could not read is read for nobody. Python 3.8,
standard library alone.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
import time

from retina_doctor.hints import Any
from retina_doctor_checks.probes.service import log_end, look_processes, look_sockets

MOST_FILES, MOST_PROCESSES = 3, 30
APPENDING = 0o2000  # O_APPEND as /proc/PID/fdinfo shows it, on every architecture that CUDA runs on
JUST_BEFORE = 10.0  # seconds: whoever starts the service opens its log first


def look(probe: Any, arguments: dict[str, Any]) -> None:
    """Tells *fetched*: [{"kind", "name", "problem", "words", "size", "fresh", "data"}], data in base64 of zlib. *pids*: of the
    process and its workers. *now*: the clock; *offset*: seconds by which its local time is ahead of UTC."""
    now = time.time()
    probe.tell(fetched=[], started=None, pids=[], now=now, offset=time.localtime(now).tm_gmtoff)
    pid = arguments["pid"]
    if pid and look_sockets.alive(pid):
        started = look_processes.started("/proc/%d" % pid)
        family = [pid] + [one for one in look_sockets.processes() if pid in look_sockets.ancestors(one)]
        probe.tell(started=started, pids=family[:MOST_PROCESSES])
        probe.tell(fetched=outputs(family[:MOST_PROCESSES], started))


def outputs(family: list[int], started: float | None) -> list[dict[str, Any]]:
    """Of each file once, whoever writes to it."""
    found: list[dict[str, Any]] = []
    seen: set[Any] = set()
    for pid in family:
        for number in (1, 2):
            if len(found) >= MOST_FILES:
                return found
            path = "/proc/%d/fd/%d" % (pid, number)
            name = look_sockets.link(path)
            if name is not None and name not in seen:
                seen.add(name)
                told = output(path, name)
                identity = told.pop("identity")
                if identity is None or identity not in seen:
                    seen.add(identity)
                    fresh = is_fresh(told.pop("made"), "/proc/%d/fdinfo/%d" % (pid, number), started)
                    found.append(dict(told, fresh=fresh))
    return found


def output(path: str, name: str) -> dict[str, Any]:
    """What is open is opened again, and not what has its name by now. Only a file: opening a pipe or a device would change it."""
    told: dict[str, Any] = dict(log_end.NOTHING, kind="output", name=name, made=None, identity=None)
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError as error:
        return dict(told, problem=log_end.problem_of(error), words=error.strerror)
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode):
            return dict(told, problem="no-file")
        told.update(identity=(about.st_dev, about.st_ino), made=made(handle))
        return dict(told, **log_end.of_file("/proc/self/fd/%d" % handle))
    finally:
        os.close(handle)


def is_fresh(file_made: float | None, information: str, started: float | None) -> bool:
    """The file was begun for this process: it is no older, or was not opened to append, as `>` of a shell does not."""
    if started is None:
        return False
    if file_made is not None and file_made > started - JUST_BEFORE:
        return True
    try:
        with open(information) as file:
            flags = next(int(line.split()[1], 8) for line in file if line.startswith("flags:"))
    except (OSError, ValueError, IndexError, StopIteration):
        return False
    return not flags & APPENDING


def made(descriptor: int) -> float | None:
    """When the file was made, which only statx(2) tells; None where this C library or file system does not."""
    try:
        statx = ctypes.CDLL(None).statx
    except (OSError, AttributeError):
        return None
    empty_path, born, buffer = 0x1000, 0x800, ctypes.create_string_buffer(256)  # AT_EMPTY_PATH, STATX_BTIME
    if statx(descriptor, b"", empty_path, born, buffer) != 0:
        return None
    (mask,) = struct.unpack_from("=I", buffer, 0)
    return float(struct.unpack_from("=q", buffer, 80)[0]) if mask & born else None
