"""Whose process it is: the user, groups, capabilities and namespaces that its interpreter may be started with, and no more."""

from __future__ import annotations

import functools
import os
import pwd
import resource
from collections.abc import Mapping, Sequence
from pathlib import Path

from retina_doctor import proc_files
from retina_doctor.codec import Data, field
from retina_doctor.errors import UsageError

KINDS = ("mnt", "pid", "net", "ipc", "uts", "cgroup", "user")
TITLES = {
    "Max cpu time": "RLIMIT_CPU",
    "Max file size": "RLIMIT_FSIZE",
    "Max data size": "RLIMIT_DATA",
    "Max stack size": "RLIMIT_STACK",
    "Max core file size": "RLIMIT_CORE",
    "Max resident set": "RLIMIT_RSS",
    "Max processes": "RLIMIT_NPROC",
    "Max open files": "RLIMIT_NOFILE",
    "Max locked memory": "RLIMIT_MEMLOCK",
    "Max address space": "RLIMIT_AS",
    "Max pending signals": "RLIMIT_SIGPENDING",
    "Max msgqueue size": "RLIMIT_MSGQUEUE",
    "Max nice priority": "RLIMIT_NICE",
    "Max realtime priority": "RLIMIT_RTPRIO",
    "Max realtime timeout": "RLIMIT_RTTIME",
}
"""fs/proc/base.c lnames: how /proc/PID/limits calls them."""
LIMITS = {name: getattr(resource, name) for name in TITLES.values() if hasattr(resource, name)}


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
    bounded: bool = False
    """Root, as the doctor is, but with fewer capabilities, as systemd's CapabilityBoundingSet and PrivateUsers give it."""
    root: str = "/"
    """Where the doctor sees its root folder: another one than its own after chroot(2)."""
    limits: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    """Soft and hard, by the numbers of setrlimit(2)."""
    processors: tuple[int, ...] = ()
    """Those that it may run on (sched_setaffinity(2)), which its cpuset leaves it; (): all, or not known."""
    image: tuple[int, ...] = ()
    """Where the kernel has laid its program, stack, words and variables: another place after each exec, so that what was read of
    two programs which one process ran in turn, a setuid one between them, is never taken for one."""

    @property
    def foreign(self) -> bool:
        """Another user's, in a container, or with fewer rights: never looked into with the doctor's own."""
        return self.user != os.geteuid() or self.contained or self.bounded

    @property
    def contained(self) -> bool:
        """Its files are not the doctor's."""
        return bool(self.namespaces) or self.root != "/"

    def seen(self, path: str) -> str:
        """A path as /proc tells it, as the process itself has it: the doctor sees more of the way to a changed root."""
        return (path.removeprefix(self.root) or "/") if self.root != "/" and path.startswith(self.root) else path

    def may(self, file: os.stat_result, right: int) -> bool:
        """Whether its user has this right of chmod(2) by the mode of a file, as others have it (S_IROTH)."""
        whose = 6 if file.st_uid == self.user else 3 if file.st_gid in (self.group, *self.groups) else 0
        return self.user == 0 or bool(file.st_mode >> whose & right)

    @property
    def owner(self) -> str:
        """ "user nobody", "user 12345, in a container", "user root, with fewer capabilities"."""
        if self.bounded and not self.contained:
            return f"user {self.user_name}, with fewer capabilities"
        return f"user {self.user_name}, in a container" if self.contained else f"user {self.user_name}"

    @property
    def user_name(self) -> str:
        return user_name_of(self.user)


def user_name_of(number: int) -> str:
    """The number itself where this machine has no such user."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def standpoint_of(pid: int) -> Standpoint:
    """Raises FileNotFoundError or ProcessLookupError where it is gone, UsageError where it may not be read or entered."""
    process = Path("/proc") / str(pid)
    if _is_hidden(process):
        raise UsageError(
            f"--pid {pid}: /proc shows that process to its own user and to root alone (hidepid); run the doctor as one of them"
        )
    try:
        started, image = _program(process)
        status = {name: value.split() for name, value in proc_files.status(str(process)).items()}
        if _program(process) != (started, image):
            raise UsageError(f"--pid {pid}: it became another process while it was read")
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
        # In a user namespace of its own, without a container's files, it is root over nothing of ours: what /proc says of its
        # capabilities counts in there alone.
        apart_alone = not in_user_namespace and _namespace(process, "user") != _namespace(Path("/proc/self"), "user")
        permitted = 0 if apart_alone else int(status["CapPrm"][0], 16)
        own = _effective_own() if user == os.geteuid() == 0 else 0
        found = Standpoint(
            pid=pid,
            started=started,
            user=user,
            group=group,
            groups=tuple(map(int, status["Groups"])),
            user_inside=user_inside,
            group_inside=_inside(process / "gid_map", group) if in_user_namespace else group,
            capabilities=permitted if user_inside == 0 else 0,
            bounded=permitted & own != own,
            namespaces=apart,
            root=root,
            limits=limits_of(pid),
            processors=_processors(status.get("Cpus_allowed_list", [])),
            image=image,
        )
    except PermissionError:
        found = None
        if _is_our_own(process):
            raise UsageError(
                f"--pid {pid}: that process lets nobody but root look into it; run the doctor as root"
            ) from None
    if found is None and os.geteuid() == 0:
        raise UsageError(
            f"--pid {pid}: that process is another user's, and root has not the right to look into it here (CAP_SYS_PTRACE: "
            "docker run --cap-add SYS_PTRACE gives it); run the doctor as that user"
        )
    if found is None or (found.foreign and os.geteuid() != 0):
        raise UsageError(f"--pid {pid}: that process is another user's; run the doctor as that user or as root")
    return found


IMAGE = (*range(23, 26), *range(42, 49))
"""startcode, endcode, startstack; start_data to env_end (proc_pid_stat(5)), counted from the state on."""


def _is_our_own(process: Path) -> bool:
    """As its status says, which all may read; who owns its folder is root where it has forbidden to be dumped."""
    try:
        users = proc_files.status(str(process)).get("Uid", "").split()
    except OSError:
        return False
    return users[:2] == [str(os.geteuid())] * 2


def _is_hidden(process: Path) -> bool:
    """It runs, and /proc tells this user nothing of it (proc(5), hidepid)."""
    if process.exists():
        return False
    try:
        os.kill(int(process.name), 0)
    except OSError as error:
        return isinstance(error, PermissionError)
    return False  # it began since


def _program(process: Path) -> tuple[int, tuple[int, ...]]:
    """When the process began, and where the program that it runs by now was laid."""
    fields = (process / "stat").read_bytes().rpartition(b") ")[2].split()
    return int(fields[19]), tuple(int(fields[place]) for place in IMAGE)


def _processors(words: Sequence[str]) -> tuple[int, ...]:
    """The numbers of "0-3,8"."""
    found: list[int] = []
    for part in "".join(words).split(","):
        first, _, last = part.partition("-")
        if first.isdigit():
            found += range(int(first), int(last or first) + 1)
    return tuple(found)


@functools.cache
def _effective_own() -> int:
    return int(proc_files.status("/proc/self").get("CapEff", "0"), 16)


def has_ended(pid: int) -> bool:
    """A zombie has: it only waits for its parent to read its exit status."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2][:1] in (b"Z", b"X", b"x")
    except OSError:
        return True


def rank(limit: int) -> float:
    """For comparing limits: none is more than any."""
    return float("inf") if limit in (resource.RLIM_INFINITY, -1) else limit


def limits_of(pid: int | str) -> dict[int, tuple[int, int]]:
    """{} where it is gone. Read as text, since prlimit(2) tells another user's only to who may raise any limit."""
    try:
        lines = Path(f"/proc/{pid}/limits").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return {}
    found = {}
    for line in lines:
        number = LIMITS.get(TITLES.get(line[:26].strip(), ""))
        if number is not None:
            soft, hard = (
                resource.RLIM_INFINITY if word == "unlimited" else int(word) for word in line[26:].split()[:2]
            )
            found[number] = (soft, hard)
    return found


def _namespaces_apart(process: Path) -> dict[str, str]:
    names = {kind: _namespace(process, kind) for kind in KINDS}
    apart = {kind: name for kind, name in names.items() if name != _namespace(Path("/proc/self"), kind)}
    return apart if "mnt" in apart else {}


def _namespace(process: Path, kind: str) -> str:
    return str((process / "ns" / kind).readlink())


def _inside(table: Path, number: int) -> int:
    """A user's or group's number as the user namespace of the process has it (user_namespaces(7)). Raises UsageError."""
    for line in table.read_text(encoding="ascii").splitlines():
        first, outside, count = map(int, line.split())
        if outside <= number < outside + count:
            return first + number - outside
    raise UsageError(f"{table.parent}: its user namespace does not know the user of the process")
