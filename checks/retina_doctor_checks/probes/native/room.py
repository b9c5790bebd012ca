"""How much more memory this process may take before the kernel ends it, or another. Sent to targets: Python 3.8."""

from __future__ import annotations

import os

from retina_doctor.hints import Any

GROUPS = "/sys/fs/cgroup"
FILES = (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"))
"""Of cgroups of version 2, and of 1 (Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst)."""


def left() -> int:
    """Bytes: of what the machine has available, and of what its control groups leave it, the least; 0: neither tells."""
    known = [one for one in (available(), *map(left_in, groups())) if one is not None]
    return max(0, min(known, default=0))


def available() -> Any:
    for line in lines("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def groups() -> list[str]:
    """Folders of the control groups that count its memory, from its own up to the root."""
    found = []
    for line in lines("/proc/self/cgroup"):
        _, controllers, path = [*line.rstrip("\n").split(":", 2), "", ""][:3]
        if controllers in ("", "memory"):
            root = os.path.join(GROUPS, controllers)
            while path.strip("/"):
                found.append(os.path.join(root, path.lstrip("/")))
                path = os.path.dirname(path)
            found.append(root)
    return found


def left_in(group: str) -> Any:
    for most, used in FILES:
        figures = [line.strip() for file in (most, used) for line in lines(os.path.join(group, file))[:1]]
        if len(figures) == 2 and all(map(str.isdigit, figures)):  # "max": none
            return int(figures[0]) - int(figures[1])
    return None


def lines(path: str) -> list[str]:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.readlines()
    except OSError:
        return []


def held() -> int | None:
    """Bytes of this process that the kernel cannot drop, as it can pages of files: what a memory limit must hold at least."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:
            told = [line.split()[1] for line in status if line.startswith("RssAnon:")]
    except OSError:
        return None
    return int(told[0]) * 1024 if told else None
