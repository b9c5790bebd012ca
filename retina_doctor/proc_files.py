"""Files of /proc/PID. What a process can fill itself is read within bounds: a stranger's costs the doctor no memory or time.

prctl(PR_SET_MM_MAP) lets any process say that its variables are gigabytes long. Also sent to targets: Python 3.8, standard
library alone.
"""

from __future__ import annotations

MOST_WORDS = 6 * 1024 * 1024  # bytes: execve(2) hands on no more words and variables, whatever the limit of the stack
MOST_STATUS = 1024 * 1024  # bytes: the kernel's own text; groups, of which it allows 65,536, are most of it
MOST_MAPS = 16 * 1024 * 1024
"""Bytes: thousands of libraries. The kernel's 65,530 mappings, all of paths of 4 KiB, would be sixteen times that."""


def words(folder: str) -> list[bytes]:
    """The words of the command line, of a folder of /proc. Raises OSError."""
    return _parted(_beginning(folder, "cmdline", MOST_WORDS))


def variables(folder: str) -> list[bytes]:
    """NAME=VALUE each. Raises OSError."""
    return _parted(_beginning(folder, "environ", MOST_WORDS))


def maps(folder: str) -> str:
    """The lines of /proc/PID/maps. Raises OSError."""
    return _beginning(folder, "maps", MOST_MAPS).decode("utf-8", "replace")


def status(folder: str) -> dict[str, str]:
    """What the kernel says of a process, by name, as in "Uid": "0\\t0\\t0\\t0" (proc_pid_status(5)). Raises OSError."""
    # A process names itself, and the kernel escapes no more than line ends: after "\r" it could write fields of its own.
    lines = _beginning(folder, "status", MOST_STATUS).decode("utf-8", "replace").split("\n")
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _beginning(folder: str, name: str, most: int) -> bytes:
    with open(folder + "/" + name, "rb") as file:
        return file.read(most)


def _parted(text: bytes) -> list[bytes]:
    parts = text.split(b"\0")
    return parts if parts[-1] else parts[:-1]
