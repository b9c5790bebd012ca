"""Whose process it is: the user, groups, capabilities and namespaces that its interpreter may be started with, and no more."""

from __future__ import annotations

import os
import pwd
import resource
from collections.abc import Mapping
from pathlib import Path

from retina_doctor.codec import Data, field
from retina_doctor.errors import UsageError

KINDS = ("mnt", "pid", "net", "ipc", "uts", "cgroup", "user")


LIMITS = {
    name: getattr(resource, name) for name in dir(resource) if name.startswith("RLIMIT_") and name != "RLIMIT_OFILE"
}
"""By name; OFILE is NOFILE's older one."""


class Standpoint(Data, frozen=True, kw_only=True):
    """What the kernel says of a running process (proc_pid_status(5)). Numbers are as the doctor's user namespace has them."""

    pid: int
    started: int
    """Ticks since the boot: a number that another process was given since is told by it."""
    user: int
    """The real user, also where the program is setuid: the one who started it."""
    group: int
    groups: tuple[int, ...]
    user_inside: int
    """As the process's own user namespace has it, where it has one."""
    group_inside: int
    capabilities: int
    """A set of bits. Only root of the process's user namespace has any: what a program's file gives, its user has not."""
    namespaces: Mapping[str, str]
    """Those that it does not share with the doctor, by kind, if its files are among them: it is in a container."""
    root: str = "/"
    """Where the doctor sees its root folder: another one than its own after chroot(2)."""
    limits: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    """Soft and hard, by the numbers of setrlimit(2)."""

    @property
    def foreign(self) -> bool:
        """Another user's, or in a container: not looked into unasked, and never with the doctor's own rights."""
        return self.user != os.geteuid() or self.contained

    @property
    def contained(self) -> bool:
        """Its files are not the doctor's."""
        return bool(self.namespaces) or self.root != "/"

    def seen(self, path: str) -> str:
        """A path as /proc tells it, as the process itself has it: the doctor sees more of the way to a changed root."""
        return (path.removeprefix(self.root) or "/") if self.root != "/" and path.startswith(self.root) else path

    @property
    def owner(self) -> str:
        """ "user nobody", "user 12345, in a container"."""
        return f"user {self.user_name}, in a container" if self.contained else f"user {self.user_name}"

    @property
    def user_name(self) -> str:
        try:
            return pwd.getpwuid(self.user).pw_name
        except KeyError:
            return str(self.user)

    @property
    def words(self) -> tuple[str, ...]:
        """Words that start a program from there, for whoever copies a command out of a report; () for the doctor's own place."""
        if self.contained:
            flags = [f"--{'mount' if kind == 'mnt' else kind}" for kind in self.namespaces]
            user, group = str(self.user_inside), str(self.group_inside)
            return ("nsenter", "--target", str(self.pid), *flags, "--root", "--setuid", user, "--setgid", group, "--")
        if not self.foreign:
            return ()
        groups = f"--groups={','.join(map(str, self.groups))}" if self.groups else "--clear-groups"
        identity = (f"--reuid={self.user}", f"--regid={self.group}", groups)
        return ("setpriv", *identity, "--no-new-privs", "--inh-caps=-all", "--")


def standpoint_of(pid: int) -> Standpoint:
    """Raises FileNotFoundError or ProcessLookupError where it is gone, UsageError where it may not be read or entered."""
    process = Path("/proc") / str(pid)
    try:
        lines = (process / "status").read_text(encoding="ascii", errors="replace").splitlines()
        status = {name: value.split() for name, _, value in (line.partition(":") for line in lines)}
        started = int((process / "stat").read_bytes().rpartition(b") ")[2].split()[19])
        apart = _namespaces_apart(process)
        root = str((process / "root").readlink())
        if (apart or root != "/") and os.geteuid() != 0:
            raise UsageError(
                f"--pid {pid}: that process is in a container of its own; run the doctor as root, or instead of the "
                'process name the Python in its container: --target "docker exec -i NAME python3"'
            )
        user, group = int(status["Uid"][0]), int(status["Gid"][0])
        in_user_namespace = "user" in apart
        user_inside = _inside(process / "uid_map", user) if in_user_namespace else user
        found = Standpoint(
            pid=pid,
            started=started,
            user=user,
            group=group,
            groups=tuple(map(int, status["Groups"])),
            user_inside=user_inside,
            group_inside=_inside(process / "gid_map", group) if in_user_namespace else group,
            capabilities=int(status["CapPrm"][0], 16) if user_inside == 0 else 0,
            namespaces=apart,
            root=root,
            limits=limits_of(pid),
        )
    except PermissionError:
        found = None
    if found is None or (found.foreign and os.geteuid() != 0):
        raise UsageError(f"--pid {pid}: that process is another user's; run the doctor as that user or as root")
    return found


def has_ended(pid: int) -> bool:
    """A zombie has: it only waits for its parent to read its exit status."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2][:1] in (b"Z", b"X", b"x")
    except OSError:
        return True


def limits_of(pid: int) -> dict[int, tuple[int, int]]:
    """{} where they may not be read. 0: the doctor's own."""
    try:
        return {number: resource.prlimit(pid, number) for number in LIMITS.values()}
    except (PermissionError, ProcessLookupError):
        return {}


def _namespaces_apart(process: Path) -> dict[str, str]:
    names = {kind: str((process / "ns" / kind).readlink()) for kind in KINDS}
    apart = {kind: name for kind, name in names.items() if name != str(Path(f"/proc/self/ns/{kind}").readlink())}
    return apart if "mnt" in apart else {}


def _inside(table: Path, number: int) -> int:
    """A user's or group's number as the user namespace of the process has it (user_namespaces(7)). Raises UsageError."""
    for line in table.read_text(encoding="ascii").splitlines():
        first, outside, count = map(int, line.split())
        if outside <= number < outside + count:
            return first + number - outside
    raise UsageError(f"{table.parent}: its user namespace does not know the user of the process")
