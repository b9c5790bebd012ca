"""Looks at the card and its driver without asking the driver: sysfs, procfs, device nodes, files on the disk."""

from __future__ import annotations

import glob
import os
import re
from typing import Any

NVIDIA = "0x10de"
DISPLAY = "0x03"  # PCI base class: VGA (0x0300) and 3D (0x0302) controllers; the card's audio function is not one
NODES = ("/dev/nvidia*", "/dev/nvhost-gpu", "/dev/nvmap", "/dev/dxg")
LOADER_FOLDERS = ("/lib", "/usr/lib", "/lib64", "/usr/lib64", "/lib/*-linux-gnu", "/usr/lib/*-linux-gnu")
OTHER_FOLDERS = (
    "/usr/lib/wsl/lib",
    "/usr/local/nvidia/lib",
    "/usr/local/nvidia/lib64",
    "/usr/local/cuda/compat",
    "/usr/lib/nvidia*",
    "/usr/lib64/nvidia*",
    "/usr/lib/*-linux-gnu/nvidia*",
    "/usr/lib/*-linux-gnu/nvidia/*",
    "/usr/local/lib",
    "/opt/nvidia/lib*",
    "/run/opengl-driver/lib",
)
LIBRARIES = ("libnvidia-ml.so.*", "libcuda.so.*")
CACHE = "/etc/ld.so.cache"


def look(probe: Any, _arguments: dict[str, Any]) -> None:
    from retina_doctor.own_checks import look_interpreter

    kernel = os.uname().release if hasattr(os, "uname") else ""
    probe.tell(
        kernel=kernel,
        container=look_interpreter.container(),
        wsl="microsoft" in kernel.lower(),
        nvidia_loaded=loaded("nvidia"),
        loaded_version=loaded_version(),
        nouveau_loaded=loaded("nouveau"),
        pci_gpus=pci_gpus(),
        nodes=nodes(),
        libraries=libraries(),
    )


def first_line(path: str) -> str | None:
    try:
        with open(path, errors="replace") as file:
            return file.readline().strip()
    except OSError:
        return None


def loaded(module: str) -> bool | None:
    """Whether the kernel runs with that module; None where the kernel does not show its modules."""
    if not os.path.isdir("/sys/module"):
        return None
    if module == "nvidia" and os.path.exists("/proc/driver/nvidia/version"):
        return True
    return os.path.isdir("/sys/module/" + module)


def loaded_version() -> str | None:
    told = first_line("/proc/driver/nvidia/version") or ""
    match = re.search(r"Kernel Module(?: for \S+)?\s+(\d+(?:\.\d+)+)", told)
    return match.group(1) if match else first_line("/sys/module/nvidia/version")


def pci_gpus() -> list[dict[str, Any]] | None:
    """Display controllers of NVIDIA, or None where the bus cannot be read."""
    folder = "/sys/bus/pci/devices"
    try:
        addresses = sorted(os.listdir(folder))
    except OSError:
        return None
    found = []
    for address in addresses:
        device = os.path.join(folder, address)
        kind = first_line(os.path.join(device, "class")) or ""
        if first_line(os.path.join(device, "vendor")) == NVIDIA and kind.startswith(DISPLAY):
            number = first_line(os.path.join(device, "device"))
            found.append({"address": address, "device": number, "bound_to": bound_to(device)})
    return found


def bound_to(device: str) -> str | None:
    try:
        return os.path.basename(os.readlink(os.path.join(device, "driver")))
    except OSError:
        return None


def nodes() -> list[Any]:
    paths = [path for pattern in NODES for path in sorted(glob.glob(pattern)) if not os.path.isdir(path)]
    return [{"path": path, "usable": os.access(path, os.R_OK | os.W_OK)} for path in paths]


def libraries() -> list[Any]:
    """Files of the driver's libraries in the folders where they are usually put, and wherever the loader finds them."""
    cached = cached_paths()
    searched = folders(LOADER_FOLDERS) + [p for p in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if p]
    found, seen = [], set()
    for folder in searched + folders(OTHER_FOLDERS) + sorted({os.path.dirname(path) for path in cached}):
        for path in sorted(p for pattern in LIBRARIES for p in glob.glob(os.path.join(glob.escape(folder), pattern))):
            place = os.path.join(os.path.realpath(folder), os.path.basename(path))
            if place in seen:
                continue
            seen.add(place)
            found.append(
                {
                    "path": path,
                    "name": os.path.basename(path),
                    "version": version(path),
                    "on_loader_path": folder in searched or path in cached,
                }
            )
    return found


def folders(patterns: tuple[str, ...]) -> list[str]:
    return [folder for pattern in patterns for folder in sorted(glob.glob(pattern)) if os.path.isdir(folder)]


def cached_paths() -> set[str]:
    """Paths of the driver's libraries in ldconfig's cache, whose strings end in NUL."""
    try:
        with open(CACHE, "rb") as file:
            words = file.read().split(b"\0")
    except OSError:
        return set()
    wanted = re.compile(rb"/.*/lib(?:nvidia-ml|cuda)\.so\.[\d.]+")
    return {os.fsdecode(word) for word in words if wanted.fullmatch(word)}


def version(path: str) -> str | None:
    """The driver's release, from the name of the file that a link like libcuda.so.1 leads to."""
    match = re.search(r"\.so\.(\d+\.[\d.]+)$", os.path.basename(os.path.realpath(path)))
    return match.group(1) if match else None
