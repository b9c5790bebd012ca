"""Between fork and exec: take on the place and the user of a process, with its rights and no more.

Done by system calls in the forked child, and not by nsenter, setpriv or a launcher of our own: so the one program that is
ever started is the service's interpreter, with the service's environment, after the drop. Nothing that the environment,
the files or the container of a service say is read by anything that still has root's rights, and no value of the
environment is seen in `ps`.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

from retina_doctor.probing.prctl import (
    DIES_WITH_ITS_PARENT,
    GAINS_NO_RIGHTS,
    IS_SEEN_INTO,
    LENDS_CAPABILITIES,
    TO_NOBODY,
    checked,
    prctl,
)
from retina_doctor.standpoint.standpoint import Standpoint, rank, standpoint_of

# <linux/sched.h>, <linux/capability.h>
CLONE = {
    "mnt": 0x00020000,
    "cgroup": 0x02000000,
    "uts": 0x04000000,
    "ipc": 0x08000000,
    "user": 0x10000000,
    "pid": 0x20000000,
    "net": 0x40000000,
}
KEYCTL = {"x86_64": 250, "aarch64": 219, "ppc64le": 271, "riscv64": 219}
"""Number of keyctl(2), which the C library has no function for, by machine."""
KEYCTL_JOIN_SESSION_KEYRING = 1
CAPABILITY_VERSION_3 = 0x20080522
WORD = 0xFFFFFFFF


class Drop:
    """Called in a forked child, before exec: becomes what *standpoint* says, then goes to *workdir* as far as it may."""

    def __init__(
        self, standpoint: Standpoint, workdir: str | None, namespaces: dict[str, int], root: int | None
    ) -> None:
        self.standpoint = standpoint
        self.workdir = workdir
        self.namespaces = namespaces
        self.root = root
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.keyctl = KEYCTL.get(os.uname().machine)

    def __call__(self) -> None:
        """Raises OSError. Nothing may be imported from where the files of the service are in sight."""
        # Whoever has the same user may not look into a child that still holds what root had open, until exec.
        prctl(IS_SEEN_INTO, 0)
        descriptors = [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]
        for descriptor in descriptors:
            if descriptor > 2:
                with contextlib.suppress(OSError):  # the one that listed them
                    os.set_inheritable(descriptor, False)
        if "pid" in self.namespaces:
            self._enter("pid")
            self._fork(max(descriptors) + 1)  # only children are in the namespace
        for kind in self.namespaces:
            if kind not in ("pid", "mnt", "user"):
                self._enter(kind)
        self._leave_keyring()
        self._limit(lambda now, wanted: rank(wanted) >= rank(now))
        if self.standpoint.processors:
            with contextlib.suppress(OSError):  # none of them is left to the doctor's own cpuset
                os.sched_setaffinity(0, self.standpoint.processors)
        # Before the user namespace: there it may be forbidden, and root's groups would stay.
        os.setgroups(self.standpoint.groups)
        if "mnt" in self.namespaces:
            self._enter("mnt")
        if self.root is not None:
            os.fchdir(self.root)
            os.chroot(".")
        if "user" in self.namespaces:
            self._enter("user")
        group, user = self.standpoint.group_inside, self.standpoint.user_inside
        os.setresgid(group, group, group)
        os.setresuid(user, user, user)
        prctl(LENDS_CAPABILITIES, TO_NOBODY)
        self._keep_capabilities()
        # At last: with little memory the work of this child could not be done.
        self._limit(lambda now, wanted: rank(wanted) < rank(now))
        # No exec gives any back: not a setuid program or one with file capabilities, nor root of a user namespace. The bounding
        # set stays: without it an interpreter with file capabilities, which a service on port 80 has, would not start at all.
        prctl(GAINS_NO_RIGHTS, 1)
        # A change of user clears it. A doctor that is killed leaves nothing behind that runs a stranger's code.
        prctl(DIES_WITH_ITS_PARENT, signal.SIGKILL)
        os.chdir("/")
        if self.workdir is not None:
            with contextlib.suppress(OSError):  # the child tells what kept it out
                os.chdir(self.workdir)

    def _leave_keyring(self) -> None:
        """A new, empty session keyring: the keys of root's own session are not handed on (keyrings(7)).

        Where keyctl is forbidden, as it is to most containers, it is forbidden to what is started as well.
        """
        if self.keyctl is not None and self.libc.syscall(self.keyctl, KEYCTL_JOIN_SESSION_KEYRING, None) < 0:
            number = ctypes.get_errno()
            if number not in (errno.EPERM, errno.ENOSYS):
                raise OSError(number, os.strerror(number))

    def _enter(self, kind: str) -> None:
        checked(self.libc.setns(self.namespaces[kind], CLONE[kind]))

    def _fork(self, descriptors: int) -> None:
        """Go on in a child. The parent holds nothing open, waits, and ends as the child has ended."""
        child = os.fork()
        if child == 0:
            return
        prctl(DIES_WITH_ITS_PARENT, signal.SIGKILL)
        os.closerange(0, descriptors)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
            os.kill(os.getpid(), os.WTERMSIG(status))
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)

    def _limit(self, due: Callable[[int, int], bool]) -> None:
        """Those whose hard limits *due* says, of the present one and the wanted. Without privileges none is raised."""
        for number, (soft, hard) in self.standpoint.limits.items():
            if due(resource.getrlimit(number)[1], hard):
                with contextlib.suppress(PermissionError, ValueError):
                    resource.setrlimit(number, (soft, hard))

    def _keep_capabilities(self) -> None:
        header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
        sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; the low words, then the high ones
        checked(self.libc.capget(header, sets))
        for word, kept in ((0, self.standpoint.capabilities & WORD), (3, self.standpoint.capabilities >> 32)):
            sets[word] = sets[word + 1] = sets[word + 1] & kept
            sets[word + 2] = 0
        checked(self.libc.capset(header, sets))


@contextlib.contextmanager
def drop_to(standpoint: Standpoint, workdir: str | None) -> Iterator[Drop]:
    """Its namespaces are held open meanwhile. Raises OSError where a process whose namespaces are wanted is gone."""
    with contextlib.ExitStack() as held:

        def opened(name: str, flags: int) -> int:
            descriptor = os.open(f"/proc/{standpoint.pid}/{name}", flags | os.O_CLOEXEC)
            held.callback(os.close, descriptor)
            return descriptor

        namespaces = {kind: opened(f"ns/{kind}", os.O_RDONLY) for kind in standpoint.namespaces}
        root = opened("root", os.O_PATH | os.O_DIRECTORY) if standpoint.contained else None
        if standpoint.contained and standpoint_of(standpoint.pid) != standpoint:
            raise ProcessLookupError(None, "the process is no longer what it was")
        yield Drop(standpoint, workdir, namespaces, root)
