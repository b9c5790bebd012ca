"""Looks at what starts containers on this machine: engines, NVIDIA's toolkit, their configurations, docker compose."""

from __future__ import annotations

import glob
import json
import os
import re
import shutil
import subprocess
from typing import Any

ENGINES = ("dockerd", "podman", "containerd", "k3s")
TOOLKIT = ("nvidia-ctk", "nvidia-container-runtime", "nvidia-container-runtime-hook", "nvidia-container-cli")
PLUGINS = ("/usr/libexec/docker/cli-plugins", "/usr/lib/docker/cli-plugins", "/usr/local/lib/docker/cli-plugins")
DOCKER = "/etc/docker/daemon.json"
CONTAINERD = ("/etc/containerd/config.toml", "/var/lib/rancher/k3s/agent/etc/containerd/config.toml")
KUBELET = ("/var/lib/kubelet", "/var/lib/rancher/k3s/agent")
SECONDS = 10  # docker-compose 1.x is a Python program


def look(probe: Any, _arguments: dict[str, Any]) -> None:
    runtimes, configurations, problem = configured()
    probe.tell(
        engines=found(ENGINES),
        toolkit=found(TOOLKIT),
        cdi=sorted(
            path for pattern in ("/etc/cdi/*", "/var/run/cdi/*") for path in glob.glob(pattern) if "nvidia" in path
        ),
        kubelet=any(os.path.isdir(path) for path in KUBELET),
        runtimes=runtimes,
        configurations=configurations,
        problem=problem,
        compose=compose(),
    )


def which(name: str) -> str | None:
    """On PATH, and in the folders of the administrator's programs, which a user's PATH may lack."""
    folders = [one for one in os.environ.get("PATH", os.defpath).split(os.pathsep) if os.path.isabs(one)]
    return shutil.which(name, path=os.pathsep.join([*folders, "/usr/sbin", "/sbin", "/usr/local/sbin"]))


def found(names: tuple[str, ...]) -> list[str]:
    return [path for path in map(which, names) if path]


def configured() -> tuple[list[str], list[str], str | None]:
    """(names of runtimes, files read, what is wrong with one of them)"""
    runtimes, files, problem = set(), [], None
    for path in (DOCKER, *CONTAINERD):
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read()
        except (OSError, ValueError):
            continue
        files.append(path)
        if path != DOCKER:
            runtimes |= set(re.findall(r"runtimes\.['\"]?([\w-]+)", text))
            continue
        try:
            told = json.loads(text or "{}")
            runtimes |= set(told.get("runtimes", {}))
        except (ValueError, AttributeError, TypeError) as error:
            problem = "%s: %s" % (path, error)
    return sorted(runtimes), files, problem


def compose() -> dict[str, Any] | None:
    for folder in (*PLUGINS, os.path.expanduser("~/.docker/cli-plugins")):
        path = os.path.join(folder, "docker-compose")
        if os.access(path, os.X_OK):
            return {"path": path, "plugin": True, "version": None}
    path = which("docker-compose") or ""
    if not path:
        return None
    try:
        done = subprocess.run(
            [path, "version", "--short"], stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS
        )
        match = re.match(rb"v?(\d+)\.(\d+)(?:\.(\d+))?", done.stdout.strip())
    except (OSError, subprocess.TimeoutExpired):
        match = None
    version = [int(part) for part in match.groups() if part is not None] if match else None
    return {"path": path, "plugin": False, "version": version}
