"""The processes that share a service's listening sockets: which are stopped, which workers have ended meanwhile, and which
of several sockets nobody takes connections from.

Python 3.8, standard library.
"""

from __future__ import annotations

import os
import socket
import time

from retina_doctor.hints import Any
from retina_doctor_checks.probes.service import look_sockets

STOPPED = ("T", "t")  # by a signal, by a debugger (proc(5))
CONNECTIONS_TO_EACH, MOST_CONNECTIONS = 8, 32
CONNECTED_WITHIN, PERIOD = 0.3, 0.1  # seconds: one connection, and between two looks at the queues
PARENT, START = 1, 19  # ppid and starttime of /proc/PID/stat, counted from the state on
MOST = 100


def of(rows: list[Any]) -> dict[int, dict[str, Any]]:
    """{pid: {"pid", "state", "age", "parent"}} of all that hold these sockets. *age*: seconds. *parent*: its pid."""
    held = look_sockets.holders({row["inode"] for row in rows if row["inode"]}) if rows else {}
    seen = {}
    for pid in sorted({pid for pids in held.values() for pid in pids})[:MOST]:
        words = stat_of(pid)
        if words:
            seen[pid] = {"pid": pid, "state": words[0], "age": age(words), "parent": int(words[PARENT])}
    return seen


def stat_of(pid: int) -> list[str]:
    """From the state on; nothing for a process that has gone."""
    try:
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return []


def age(words: list[str]) -> float | None:
    try:
        with open("/proc/uptime") as uptime:
            return round(float(uptime.read().split()[0]) - int(words[START]) / os.sysconf("SC_CLK_TCK"), 1)
    except (OSError, ValueError, IndexError):
        return None


def told(before: dict[int, dict[str, Any]], after: dict[int, dict[str, Any]]) -> dict[str, Any]:
    """*members*: as they are now; *stopped*: those that were stopped at either look; *gone*: workers that have ended
    between them, while their master goes on."""
    stopped = {pid for seen in (before, after) for pid, one in seen.items() if one["state"] in STOPPED}
    members = sorted(after.values(), key=lambda one: one["pid"])
    gone = [pid for pid, one in before.items() if pid not in after and one["parent"] in after]
    return {"members": members, "stopped": sorted(stopped), "gone": sorted(gone)}


def several(rows: list[Any], address: str, port: int, patience: float) -> dict[str, Any] | None:
    """Which of the sockets that share this address and port (SO_REUSEPORT) nobody takes connections from.

    The kernel spreads connections over them by chance. Ours are closed at once: they cost a server that is slow nothing,
    and how fast it answers says nothing here.
    """
    listening = [row for row in rows if row["port"] == port and row["state"] == "LISTEN"]
    sharing = {row["inode"] for row in listening if row["inode"]}
    if len(sharing) < 2 or len({row["address"] for row in listening}) != 1:
        return None
    deadline = time.monotonic() + patience
    made = connections(address, port, min(MOST_CONNECTIONS, CONNECTIONS_TO_EACH * len(sharing)), patience / 2)
    first = last = queues(sharing)
    moved = {inode for inode in sharing if not first.get(inode)}
    while moved != sharing and time.monotonic() < deadline:
        time.sleep(PERIOD)
        now = queues(sharing)
        moved |= {inode for inode in sharing if now.get(inode, 0) < last.get(inode, 0) or not now.get(inode)}
        last = now
    stuck = sharing - moved
    left = sum(last[inode] for inode in stuck)
    return {"sockets": len(sharing), "asked": made, "answered": max(0, made - left), "stuck": len(stuck)}


def connections(address: str, port: int, wanted: int, patience: float) -> int:
    """So many were made and closed; a full queue takes no more."""
    deadline, made = time.monotonic() + patience, 0
    for _ in range(wanted):
        if time.monotonic() >= deadline:
            break
        try:
            socket.create_connection((address, port), CONNECTED_WITHIN).close()
            made += 1
        except OSError:
            continue
    return made


def queues(inodes: set[int]) -> dict[int, int]:
    """{inode: connections that nobody has accepted yet} of listening sockets."""
    return {row["inode"]: row["waiting"] for row in look_sockets.rows() or [] if row["inode"] in inodes}
