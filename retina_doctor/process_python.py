"""The Python of a running process: which it is, and the words that start it beside the process."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from retina_doctor.errors import UsageError


def python_of(pid: int) -> tuple[str, ...] | None:
    """Words that start the interpreter of a running process: as it was called, since in a venv its file is the base Python.

    What a process says of itself counts only where it is that same file. In a container of its own it is entered, which
    takes root and nsenter. None for what is no Python, or gone. Raises UsageError where it may not be read or entered.
    """
    process = Path("/proc") / str(pid)
    try:
        apart = _namespaces_apart(process)
        root = process / "root" if apart else Path("/")
        exe = process.joinpath("exe").readlink()
        if "python" not in exe.name:
            return None

        def on_disk(path: Path) -> Path:
            return root / path.relative_to("/")

        ways = (one for one in _called(process) if on_disk(one).exists())
        python = str(next((one for one in ways if on_disk(one).samefile(on_disk(exe))), exe))
        return (*_entrance(pid, apart), python) if apart else (python,)
    except (FileNotFoundError, ProcessLookupError, UnicodeDecodeError):
        return None
    except PermissionError:
        raise UsageError(
            f"--pid {pid}: that process is another user's; run the doctor as that user or as root"
        ) from None


def _called(process: Path) -> Iterator[Path]:
    """Where the first word of its command line may lie, by its working directory and its PATH; then the Pythons of the
    packages that it has loaded, for a server that has written a title over its command line."""
    first = (process / "cmdline").read_bytes().split(b"\0")[0].decode()
    if "/" in first:
        yield Path(os.path.normpath(process.joinpath("cwd").readlink() / first))
    elif first:
        variables = (process / "environ").read_bytes().split(b"\0")
        path = next((os.fsdecode(one[5:]) for one in variables if one.startswith(b"PATH=")), os.defpath)
        yield from (Path(folder) / first for folder in path.split(os.pathsep) if Path(folder).is_absolute())
    maps = (process / "maps").read_text("utf-8", "replace")
    for prefix in sorted(set(re.findall(r"(/\S*)/lib/python[\d.]+/site-packages/", maps))):
        yield Path(prefix) / "bin" / "python"


def _namespaces_apart(process: Path) -> tuple[str, ...]:
    """Namespaces that a process does not share with the doctor, if its files are among them: it is in a container."""
    kinds = ("mnt", "pid", "net", "ipc", "uts", "cgroup", "user")
    apart = tuple(k for k in kinds if (process / "ns" / k).readlink() != Path(f"/proc/self/ns/{k}").readlink())
    return apart if "mnt" in apart else ()


def _entrance(pid: int, apart: tuple[str, ...]) -> tuple[str, ...]:
    """Words that start a program in the namespaces of a process, as its user. Raises UsageError."""
    nsenter = shutil.which("nsenter")
    if nsenter is None or os.geteuid() != 0:
        raise UsageError(
            f"--pid {pid}: that process is in a container of its own; run the doctor as root, or instead of the "
            'process name the Python in its container: --target "docker exec -i NAME python3"'
        )
    owner = Path(f"/proc/{pid}").stat()
    user, group = owner.st_uid, owner.st_gid
    if "user" in apart:
        user, group = _inside(pid, "uid_map", user), _inside(pid, "gid_map", group)
    flags = [f"--{'mount' if kind == 'mnt' else kind}" for kind in apart]
    return (nsenter, "--target", str(pid), *flags, "--root", "--setuid", str(user), "--setgid", str(group), "--")


def _inside(pid: int, table: str, number: int) -> int:
    """A user's or group's number as the user namespace of the process has it (user_namespaces(7))."""
    for line in Path(f"/proc/{pid}/{table}").read_text(encoding="ascii").splitlines():
        first, outside, count = map(int, line.split())
        if outside <= number < outside + count:
            return first + number - outside
    return 0
