"""Where a process runs. Also sent to targets: Python 3.8, standard library alone."""

from __future__ import annotations

import os

from retina_doctor.hints import Any


def host_name() -> str:
    if hasattr(os, "uname"):
        return os.uname().nodename
    import platform  # slow to import

    return platform.node()


def which(name: str, folders: list[str] | None = None) -> str | None:
    """The program that PATH finds, or these *folders*, as by `shutil.which`, whose import takes two milliseconds a process."""
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folders is None else folders:
        path = os.path.join(folder, name)
        if os.path.isfile(path) and os.access(path, os.X_OK):
            return path
    return None


def place() -> dict[str, Any]:
    """{"machine": boot id or host name, "namespaces": {"mnt": ..., "pid": ..., "net": ...}} of this process."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            machine = file.read().strip()
    except OSError:
        machine = host_name()
    namespaces = {}
    for name in ("mnt", "net", "pid"):
        try:
            namespaces[name] = os.readlink("/proc/self/ns/" + name)
        except OSError:
            pass
    return {"machine": machine, "namespaces": namespaces}
