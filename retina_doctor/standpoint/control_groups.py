"""What the control groups of a process leave it: read from outside, since joining them would cost the service.

The least of a group and all above it counts (cgroups(7), cgroup-v2.rst, cgroup-v1/memory.rst).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from retina_doctor.model import GroupLimits

MOUNT = re.compile(r"^\S+ \S+ \S+ (\S+) (\S+) .* - (cgroup2?) \S+ (\S+)$", re.MULTILINE)
"""proc_pid_mountinfo(5): root, place, type, and the options of the file system, which name version 1's controllers."""
NO_LIMIT = 2**62  # version 1 writes the largest number of pages instead of "max"


def group_limits_of(pid: int | str) -> GroupLimits | None:
    """None: its groups are not to be read, or lie outside of what is mounted here."""
    try:
        groups = Path(f"/proc/{pid}/cgroup").read_text(encoding="utf-8", errors="replace")
        mounts = MOUNT.findall(Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None
    memory: list[float] = []
    processors: list[float] = []
    processes: list[float] = []
    known = False
    for line in groups.splitlines():
        number, names, path = line.split(":", 2)
        for folder in _folders(mounts, "" if number == "0" else names, path):
            known = True
            memory += _numbers(folder / "memory.max", folder / "memory.limit_in_bytes")
            processes += _numbers(folder / "pids.max")
            processors += _quota(folder)
    if not known:
        return None
    return GroupLimits(
        memory=int(min(memory)) if memory else None,
        processors=min(processors) if processors else None,
        processes=int(min(processes)) if processes else None,
    )


def _folders(mounts: list[tuple[str, str, str, str]], names: str, path: str) -> Iterator[Path]:
    """The group's folder and all above it; nothing for a group outside of the mounted part."""
    for root, place, kind, options in mounts:
        if (kind == "cgroup2") != (not names) or not set(names.split(",")) <= {"", *options.split(",")}:
            continue
        inner = (
            path if root == "/" else path.removeprefix(root) if path == root or path.startswith(f"{root}/") else None
        )
        if inner is None or ".." in path.split("/"):
            continue
        folder, top = Path(place, inner.lstrip("/")), Path(place)
        yield from (one for one in (folder, *folder.parents) if top == one or top in one.parents)
        return


def _numbers(*files: Path) -> Iterator[float]:
    for file in files:
        word = _read(file)
        if word.isdigit() and int(word) < NO_LIMIT:
            yield int(word)


def _quota(folder: Path) -> Iterator[float]:
    """Processors' worth of time."""
    words = _read(folder / "cpu.max").split() or [
        _read(folder / "cpu.cfs_quota_us"),
        _read(folder / "cpu.cfs_period_us"),
    ]
    if len(words) == 2 and all(word.isdigit() and int(word) for word in words):
        yield round(int(words[0]) / int(words[1]), 2)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
