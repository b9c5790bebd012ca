"""The driver's device nodes and libraries on the disk, as whoever looks may use them. Python 3.8, standard library alone."""

from __future__ import annotations

import errno
import os
import re
import stat

from retina_doctor.hints import Any
from retina_doctor_checks.probes.native import places

NODES = ("nvidia*", "nvhost-gpu", "nvmap", "dxg")
"""In /dev."""
LIBRARIES = ("libnvidia-ml.so.", "libcuda.so.")


def nodes() -> list[Any]:
    paths = [path for pattern in NODES for path in places.matching("/dev", pattern) if is_device(path)]
    return [dict(path=path, **access(path)) for path in paths]


def is_device(path: str) -> bool:
    """A container's mount of a node that its host lacks makes a folder or an empty file of that name."""
    try:
        return stat.S_ISCHR(os.stat(path).st_mode)
    except OSError:
        return False


def access(path: str) -> dict[str, Any]:
    """Whether this process may use a device, asked without opening it, which could hang in a driver in trouble.

    access(2) heeds the container's device rules, too; os.access does not tell its errno.
    """
    import ctypes  # only where there is a card: it takes two milliseconds

    library = ctypes.CDLL(None, use_errno=True)
    if library.access(os.fsencode(path), os.R_OK | os.W_OK) == 0:
        return {"usable": True, "refused": None}
    return {"usable": False, "refused": errno.errorcode.get(ctypes.get_errno())}


def libraries(folders: list[str]) -> list[Any]:
    """[{"path", "name", "version"}] of the files in these folders, each place once."""
    found, seen = [], set()
    for folder in folders:
        place = os.path.realpath(folder)
        if place in seen:
            continue
        seen.add(place)
        try:
            names = sorted(name for name in os.listdir(folder) if name.startswith(LIBRARIES))
        except OSError:
            continue
        for name in names:
            path = os.path.join(folder, name)
            found.append({"path": path, "name": name, "version": version(path)})
    return found


def version(path: str) -> str | None:
    """The driver's release, from the name of the file that a link like libcuda.so.1 leads to."""
    match = re.search(r"\.so\.(\d+\.[\d.]+)$", os.path.basename(os.path.realpath(path)))
    return match.group(1) if match else None
