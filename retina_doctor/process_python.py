"""The Python of a running process: which it is, and the words that start it beside the process."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from retina_doctor.errors import UsageError
from retina_doctor.standpoint import standpoint_of


def python_of(pid: int) -> tuple[str, ...] | None:
    """Words that start the interpreter of a running process: as it was called, since in a venv its file is the base Python.

    What a process says of itself counts only where it is that same file. The last word is the interpreter; before it is
    what enters a container or takes on another user, which takes root. None for what is no Python, or gone. Raises
    UsageError where it may not be read or entered.
    """
    process = Path("/proc") / str(pid)
    try:
        standpoint = standpoint_of(pid)
        root = process / "root" if standpoint.namespaces else Path("/")
        exe = process.joinpath("exe").readlink()
        if "python" not in exe.name:
            return None

        def on_disk(path: Path) -> Path:
            return root / path.relative_to("/")

        ways = (one for one in _called(process) if on_disk(one).exists())
        python = str(next((one for one in ways if on_disk(one).samefile(on_disk(exe))), exe))
        return (*standpoint.words, python)
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
