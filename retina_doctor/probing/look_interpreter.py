"""Sent to the target: what Python this is, where it runs, and how packages are installed in it."""

from __future__ import annotations

import os
import sys

from retina_doctor.hints import Any


def look(probe: Any, arguments: dict[str, Any]) -> None:
    from retina_doctor.probing.place import host_name, place, which

    probe.tell(
        executable=sys.executable or "",
        version=list(sys.version_info[:3]),
        prefix=sys.prefix,
        base_prefix=sys.base_prefix,
        implementation=sys.implementation.name,
        platform=sys.platform,
        machine=os.uname().machine if hasattr(os, "uname") else "",
        libc=libc(),
        working_directory=working_directory(),
        working_directory_error=arguments["workdir_error"],
        user=user(),
        uid=os.getuid() if hasattr(os, "getuid") else -1,
        home=os.path.expanduser("~"),
        hostname=host_name(),
        has_pip=has_pip(),
        uv=which("uv"),
        made_by_uv=made_by_uv(),
        conda=os.path.isdir(os.path.join(sys.prefix, "conda-meta")),
        externally_managed=sys.prefix == sys.base_prefix and externally_managed(),
        container=container(),
        place=place(),
    )


def libc() -> str | None:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION")
    except (AttributeError, ValueError, OSError):
        return None


def working_directory() -> str:
    try:
        return os.getcwd()
    except OSError:
        return ""


def user() -> str | None:
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):
        return None


def has_pip() -> bool:
    import importlib.util

    try:
        return importlib.util.find_spec("pip") is not None
    except (ImportError, ValueError):
        return False


def externally_managed() -> bool:
    import sysconfig

    return os.path.exists(os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED"))


def made_by_uv() -> bool:
    lines = read(os.path.join(sys.prefix, "pyvenv.cfg")).splitlines()
    return any(line.split("=")[0].strip() == "uv" for line in lines)


def container() -> str | None:
    """The kind of container this process is in, or None: by what engines leave in it, then by where its root comes from."""
    if os.environ.get("KUBERNETES_SERVICE_HOST") or os.path.isdir("/run/secrets/kubernetes.io"):
        return "kubernetes"
    if os.path.exists("/.dockerenv"):
        return "docker"
    if os.path.exists("/run/.containerenv"):
        return "podman"
    if os.environ.get("APPTAINER_CONTAINER") or os.environ.get("SINGULARITY_CONTAINER"):
        return "apptainer"
    told = os.environ.get("container") or told_by_systemd()
    if told and told != WSL:
        return told
    mounts = root_mount() + read("/proc/1/cgroup")
    return next((kind for sign, kind in SIGNS.items() if sign in mounts), None)


WSL = "wsl"
"""What WSL tells its systemd; it is no container: what is installed there stays, and Windows gives it every GPU."""
SIGNS = {
    "/kubepods": "kubernetes",
    "/docker": "docker",
    "/containers/storage": "podman",
    "/libpod": "podman",
    "containerd": "containerd",
    "/lxc": "lxc",
}
"""In the lower layers of the root's overlay, or in the cgroup of process 1 (cgroups of version 1)."""


def told_by_systemd() -> str | None:
    """/run/systemd/container is written by systemd as process 1 of a container (systemd.io/CONTAINER_INTERFACE)."""
    return read("/run/systemd/container").strip() or None


def root_mount() -> str:
    lines = [line for line in read("/proc/self/mountinfo").splitlines() if line.split(" ")[4:5] == ["/"]]
    return lines[-1] if lines and " - overlay " in lines[-1] else ""


def read(path: str) -> str:
    try:
        with open(path, errors="replace") as file:
            return file.read(65536)
    except OSError:
        return ""
