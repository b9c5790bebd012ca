"""Whose view of the target a run takes, told for the snapshot; and what of it the doctor could not take on."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator, Mapping
from pathlib import Path

from retina_doctor import proc_files
from retina_doctor.model import SeenFrom, Untaken
from retina_doctor.standpoint.capabilities import CAPABILITIES, named
from retina_doctor.standpoint.control_groups import group_limits_of
from retina_doctor.standpoint.standpoint import LIMITS, Standpoint, limits_of, rank, user_name_of

SYS_RESOURCE = 1 << CAPABILITIES.index("SYS_RESOURCE")
FILTERED = "2"  # proc_pid_status(5): Seccomp, SECCOMP_MODE_FILTER


def of_process(standpoint: Standpoint, cwd: str) -> SeenFrom:
    """The view of another process, and what of it the doctor has to do without. *cwd*: as that process has it."""
    status = _status(standpoint.pid)
    return SeenFrom(
        whose="process",
        pid=standpoint.pid,
        user=standpoint.user_name,
        uid=standpoint.user,
        gid=standpoint.group,
        groups=standpoint.groups,
        capabilities=_named(_effective(status)),
        namespaces=standpoint.namespaces,
        root=standpoint.root,
        cgroup=_read(standpoint.pid, "cgroup"),
        group_limits=group_limits_of(standpoint.pid),
        processors=standpoint.processors,
        limits=_told(standpoint.limits),
        cwd=cwd,
        environment="process",
        not_taken=tuple(_not_taken(standpoint, status)),
    )


def of_caller() -> SeenFrom:
    """The view of the doctor itself, where no service runs."""
    uid = os.geteuid()
    return SeenFrom(
        whose="caller",
        user=user_name_of(uid),
        uid=uid,
        gid=os.getegid(),
        groups=tuple(os.getgroups()),
        capabilities=_named(_effective(_status("self"))),
        cgroup=_read("self", "cgroup"),
        group_limits=group_limits_of("self"),
        processors=tuple(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else (),
        limits=_told(limits_of("self")),
    )


def _not_taken(standpoint: Standpoint, status: Mapping[str, str]) -> Iterator[Untaken]:
    own = _status("self")
    kept = standpoint.capabilities if standpoint.foreign else _effective(own)
    if _effective(status) & ~kept:
        yield "capabilities"
    doctors = limits_of("self")
    higher = any(rank(hard) > rank(doctors[number][1]) for number, (_, hard) in standpoint.limits.items())
    if not standpoint.limits or (higher and not _effective(own) & SYS_RESOURCE):
        yield "limits"
    # Never joined: what looks would count against the service's memory, and could have it killed.
    if _read(standpoint.pid, "cgroup") != _read("self", "cgroup"):
        yield "cgroup"
    if status.get("Seccomp") == FILTERED and own.get("Seccomp") != FILTERED:
        yield "seccomp"
    profile = _read(standpoint.pid, "attr/current")
    if profile not in (None, "unconfined", _read("self", "attr/current")):
        yield "lsm"


def _status(pid: int | str) -> dict[str, str]:
    """{}: not to be read."""
    try:
        return proc_files.status(f"/proc/{pid}")
    except OSError:
        return {}


def _read(pid: int | str, name: str) -> str | None:
    """None: not there, not to be read, or empty."""
    try:
        return Path(f"/proc/{pid}/{name}").read_text(encoding="utf-8", errors="replace").strip("\0\n ") or None
    except OSError:
        return None


def _effective(status: Mapping[str, str]) -> int:
    return int(status.get("CapEff", "0"), 16)


def _named(bits: int) -> tuple[str, ...]:
    return tuple(f"CAP_{name}" for name in named(bits))


def _told(limits: Mapping[int, tuple[int, int]]) -> dict[str, tuple[int | None, int | None]]:
    def plain(limit: int) -> int | None:
        return None if limit == resource.RLIM_INFINITY else limit

    names = {number: name for name, number in LIMITS.items()}
    return {names[number]: (plain(soft), plain(hard)) for number, (soft, hard) in limits.items()}
