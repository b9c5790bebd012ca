"""What may wait for ever, as for files of a server that no longer answers: done by a process that can be left behind."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeVar, cast

from retina_doctor.ears import hear_nothing

T = TypeVar("T")
PATIENCE = 5.0
"""Seconds: /proc and a disk that spins up answer in one."""
LENGTH = 8
"""Bytes before a frame, which say how many it has."""
LOCAL = frozenset(
    "bdev binfmt_misc bpf btrfs cgroup cgroup2 configfs cpuset debugfs devpts devtmpfs efivarfs erofs exfat ext2 ext3 ext4 f2fs "
    "fusectl hugetlbfs iso9660 mqueue nsfs overlay proc pstore ramfs rootfs securityfs selinuxfs squashfs sysfs tmpfs tracefs "
    "udf vfat xfs zfs".split()
)
"""Kinds of file systems behind which no server or other program stands (/proc/filesystems)."""


def unless_local(work: Callable[[], T], pid: int | str = "self") -> T:
    """As `apart`, where that process has a file system mounted that may hang: to fork takes some milliseconds."""
    return work() if _all_local(pid) else apart(work)


def _all_local(pid: int | str) -> bool:
    try:
        text = Path(f"/proc/{pid}/mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True  # it is gone, or there is no /proc
    return all(line.partition(" - ")[2].split(" ")[0] in LOCAL for line in text.splitlines())


def apart(work: Callable[[], T], patience: float = PATIENCE) -> T:
    """What *work* gives. Raises TimeoutError where that takes longer: a process that waits for a disk hears no signal.

    What raised there is done again here, where an error keeps its place.
    """
    if sys.platform == "win32":
        return work()
    heard, told = os.pipe()
    try:
        pid = os.fork()
    except OSError:  # no more processes
        os.close(heard)
        os.close(told)
        return work()
    if pid == 0:
        _work(work, told)
    os.close(told)
    try:
        data = _all_of(heard, time.monotonic() + patience)
    finally:
        os.close(heard)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG if data is None else 0)
    if data is None:
        raise TimeoutError(f"no answer in {patience:g} s")
    frame = _whole(data)
    if frame is None:
        return work()
    import pickle  # here, as below: most runs need none

    return cast("T", pickle.loads(frame))  # noqa: S301 - of our own process


def _whole(data: bytes) -> bytes | None:
    """None: it died before it had said all, killed for memory say."""
    frame = data[LENGTH:]
    return frame if len(data) >= LENGTH and int.from_bytes(data[:LENGTH], "big") == len(frame) else None


def _work(work: Callable[[], T], told: int) -> NoReturn:
    """Whoever reads the doctor's output must not wait for this process: it has none of it."""
    hear_nothing()
    try:
        import pickle

        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
        data = pickle.dumps(work())
        frame = memoryview(len(data).to_bytes(LENGTH, "big") + data)
        while frame:
            frame = frame[os.write(told, frame) :]
    finally:
        os._exit(0)


def _all_of(heard: int, deadline: float) -> bytes | None:
    """Until its end; None: that did not come in time."""
    parts: list[bytes] = []
    ready = select.poll()  # select(2) knows no descriptor above 1023, which a caller may have handed on open
    ready.register(heard, select.POLLIN)
    while ready.poll(max(0.0, deadline - time.monotonic()) * 1000):
        part = os.read(heard, 65536)
        if not part:
            return b"".join(parts)
        parts.append(part)
    return None
