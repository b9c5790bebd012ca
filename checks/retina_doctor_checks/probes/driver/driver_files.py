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
    return [dict(path=path, moved_to=moved_to(path), **access(path)) for path in paths]


def moved_to(path: str) -> int | None:
    """The number under which the kernel knows that driver, where the node bears another one and so leads nowhere.

    Of these nvidia-uvm alone has no fixed number: the kernel gives it a free one when the module is loaded
    (alloc_chrdev_region in uvm_chardev_create, kernel-open/nvidia-uvm/uvm.c), and a node that is made by hand keeps the old one.
    """
    if os.path.basename(path) != "nvidia-uvm":
        return None
    try:
        with open("/proc/devices", errors="replace") as file:
            told = re.search(r"^ *(\d+) nvidia-uvm$", file.read(), re.MULTILINE)
        number = int(told.group(1)) if told else None
        return None if number == os.major(os.stat(path).st_rdev) else number
    except OSError:
        return None


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
            if is_filled(path):
                found.append({"path": path, "name": name, "version": version(path)})
    return found


def is_filled(path: str) -> bool:
    """A link to a release that was removed is no library, nor is the empty file that an image keeps of each one that a
    container runtime mounted while it was built (github.com/NVIDIA/libnvidia-container/issues/140)."""
    try:
        return os.stat(path).st_size > 0
    except OSError:
        return False


def version(path: str) -> str | None:
    """The driver's release, from the name of the file that a link like libcuda.so.1 leads to."""
    match = re.search(r"\.so\.(\d+\.[\d.]+)$", os.path.basename(os.path.realpath(path)))
    return match.group(1) if match else None
