"""Looks at what starts containers on this machine: engines, NVIDIA's toolkit, their configurations, docker compose."""

from __future__ import annotations

import glob
import json
import os
import re

from retina_doctor.hints import Any
from retina_doctor.probing import place
from retina_doctor_checks.probes.native import program

ENGINES = ("dockerd", "podman", "containerd", "k3s")
TOOLKIT = ("nvidia-ctk", "nvidia-container-runtime", "nvidia-container-runtime-hook", "nvidia-container-cli")
MORE_FOLDERS = ("/usr/sbin", "/sbin", "/usr/local/sbin", "/usr/local/nvidia/toolkit")
PLUGINS = ("/usr/libexec/docker/cli-plugins", "/usr/lib/docker/cli-plugins", "/usr/local/lib/docker/cli-plugins")
CONFIGURATIONS = (
    ("docker", "/etc/docker/daemon.json"),
    ("containerd", "/etc/containerd/config.toml"),
    ("containerd", "/etc/containerd/conf.d/*.toml"),  # where the NVIDIA Container Toolkit writes from 1.18 on
    ("containerd", "/etc/containerd/config.d/*.toml"),
    ("containerd", "/var/lib/rancher/*/agent/etc/containerd/config.toml"),  # k3s, rke2
    ("containerd", "/var/snap/microk8s/current/args/containerd*.toml"),
    ("crio", "/etc/crio/crio.conf"),
    ("crio", "/etc/crio/crio.conf.d/*"),
)
RUNTIME = re.compile(r"runtimes\.['\"]?([\w-]+)")
MOST = 1024 * 1024  # characters of a configuration
MOST_IMPORTS = 100
KUBELET = ("/var/lib/kubelet", "/var/lib/rancher/k3s/agent", "/var/lib/rancher/rke2/agent", "/var/snap/microk8s")
SECONDS = 5  # docker-compose 1.x is a Python program


def look(probe: Any, _arguments: dict[str, Any]) -> None:
    configurations, unreadable = configured()
    probe.tell(
        engines=found(ENGINES),
        toolkit=found(TOOLKIT),
        cdi=sorted(
            path for pattern in ("/etc/cdi/*", "/var/run/cdi/*") for path in glob.glob(pattern) if "nvidia" in path
        ),
        kubelet=any(os.path.isdir(path) for path in KUBELET),
        configurations=configurations,
        unreadable=unreadable,
        compose=compose(),
    )


def which(name: str) -> str | None:
    """On PATH, and where a user's PATH may not lead: the administrator's programs, those of NVIDIA's GPU Operator."""
    folders = [one for one in os.environ.get("PATH", os.defpath).split(os.pathsep) if os.path.isabs(one)]
    return place.which(name, [*folders, *MORE_FOLDERS])


def found(names: tuple[str, ...]) -> list[str]:
    return [path for path in map(which, names) if path]


def configured() -> tuple[list[Any], list[str]]:
    """(configurations, paths of those that cannot be read)"""
    files, unreadable = [], []
    waiting = [(engine, path) for engine, pattern in CONFIGURATIONS for path in sorted(glob.glob(pattern))]
    for engine, path in waiting:
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read(MOST)
            names = named_in_json(text) if engine == "docker" else set(RUNTIME.findall(text))
        except (OSError, ValueError, AttributeError, TypeError):
            unreadable.append(path)
            continue
        files.append({"engine": engine, "path": path, "runtimes": sorted(names)})
        if engine == "containerd":
            more = [(engine, one) for one in imported(path, text) if (engine, one) not in waiting]
            waiting.extend(more[:MOST_IMPORTS])
    return files, unreadable


def named_in_json(text: str) -> set[str]:
    return set(json.loads(text or "{}").get("runtimes", {}))


def imported(path: str, text: str) -> list[str]:
    """Files that a containerd configuration imports: imports = ["/etc/containerd/conf.d/*.toml"]."""
    match = re.search(r"^imports\s*=\s*\[(.*?)\]", text, re.DOTALL | re.MULTILINE)
    patterns = re.findall(r"['\"](.+?)['\"]", match[1]) if match else []
    return [one for p in patterns for one in sorted(glob.glob(os.path.join(os.path.dirname(path), p)))]


def compose() -> dict[str, Any] | None:
    for folder in (*PLUGINS, os.path.expanduser("~/.docker/cli-plugins")):
        path = os.path.join(folder, "docker-compose")
        if os.access(path, os.X_OK):
            return {"path": path, "plugin": True, "version": None}
    path = which("docker-compose") or ""
    if not path:
        return None
    done = program.run([path, "version", "--short"], SECONDS)
    match = re.match(rb"v?(\d+)\.(\d+)(?:\.(\d+))?", done.output.strip())
    version = [int(part) for part in match.groups() if part is not None] if match else None
    return {"path": path, "plugin": False, "version": version}
