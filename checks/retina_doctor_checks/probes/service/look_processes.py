"""Looks at the running service: what it is, which libraries it has loaded, which GPU devices it has open.

Python 3.8, standard library alone.
"""

from __future__ import annotations

import os
import re
import time

from retina_doctor import proc_files
from retina_doctor.hints import Any
from retina_doctor_checks.probes.service import look_sockets

LOADED = re.compile(
    r"^(?:lib(?:onnxruntime|cuda|cudart|cudnn|cublas|cufft|curand|nvrtc|nvinfer|torch|c10|nccl)|onnxruntime_pybind11|_C\.)"
)
PACKAGES = re.compile(r"(/.*/(?:site|dist)-packages)/")
DISTRIBUTION = re.compile(
    r"(?i)((?:onnxruntime|torch|nvidia|tensorrt|insightface|retina|numpy|opencv)\w*)-([^-]+)\.dist-info$"
)
DEVICES = ("/dev/nvidia", "/dev/dxg", "/dev/nvhost", "/dev/nvmap")
CLOCKS_APART = 0.2  # seconds: the kernel counts both in hundredths
MOST_LIBRARIES, MOST_PACKAGES = 200, 20


def look(probe: Any, arguments: dict[str, Any]) -> None:
    probe.tell(service=None)
    if arguments["pid"]:
        probe.tell(service=about(arguments["pid"]))


def about(pid: int) -> dict[str, Any]:
    """A process and its workers: a server's master often has nothing loaded itself."""
    folder = "/proc/%d" % pid
    family = [pid] + [one for one in look_sockets.processes() if pid in look_sockets.ancestors(one)]
    told = {
        "pid": pid,
        "alive": look_sockets.alive(pid),
        "family": family[:100],
        "command": look_sockets.process(pid)["command"],
        "working_directory": look_sockets.link(folder + "/cwd"),
        "user": look_sockets.owner(folder),
        "readable": mapped(pid) is not None,
    }
    libraries: dict[str, bool] = {}
    devices: set[str] = set()
    starts = []
    devices_told = True
    for one in family:
        loaded_there = mapped(one) or []
        for path, replaced in loaded_there:
            libraries[path] = libraries.get(path, False) or replaced
        if loaded_there:  # a master that was told to start its workers anew is older than they
            starts.append(started("/proc/%d" % one))
        handles = opened(one)
        devices_told = devices_told and (handles is not None or not look_sockets.alive(one))
        devices |= handles or set()
    packages = {match.group(1) for match in map(PACKAGES.match, libraries) if match}
    loaded = [{"path": path, "replaced": libraries[path]} for path in sorted(libraries)]
    known = [start for start in starts if start is not None]
    since = installed_since(packages, libraries, min(known, default=None))
    told.update(devices=sorted(devices), devices_told=devices_told)
    return dict(told, libraries=loaded[:MOST_LIBRARIES], installed_since=since[:MOST_PACKAGES])


def started(folder: str) -> float | None:
    """When a process was started, in seconds of the clock that files bear."""
    try:
        with open("/proc/uptime") as uptime, open(folder + "/stat") as stat:
            ticks = int(stat.read().rpartition(")")[2].split()[19])
            return time.time() - float(uptime.read().split()[0]) + ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None


def installed_since(packages: set[str], libraries: dict[str, bool], moment: float | None) -> list[str]:
    """Names and versions of distributions of interest that these folders were given after *moment*, and after the process took
    what it has loaded: a program that unpacks its packages when it starts (shiv) is older than all of them."""
    found: list[str] = []
    if moment is None:
        return found
    for folder in sorted(one for one in packages if not is_younger(one, libraries, moment)):
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            match = DISTRIBUTION.match(name)
            try:
                if match and os.stat(os.path.join(folder, name)).st_ctime > moment + CLOCKS_APART:
                    found.append("%s %s" % match.groups())
            except OSError:
                continue
    return sorted(found)


def is_younger(folder: str, libraries: dict[str, bool], moment: float) -> bool:
    """Whether all that is loaded from there was written after *moment*; what was exchanged since was there before. Another link
    to a file, as uv and `cp -l` make them, changes its st_ctime alone."""
    own = [path for path in libraries if path.startswith(folder + "/")]
    try:
        written = [os.stat(path).st_mtime for path in own if not libraries[path]]
    except OSError:
        return False
    return len(written) == len(own) and bool(own) and min(written) > moment + CLOCKS_APART


def mapped(pid: int) -> list[tuple[str, bool]] | None:
    """[(file, whether the disk has another one by now)] of the libraries of interest; None: they may not be read."""
    try:
        paths = {line.split(None, 5)[5] for line in proc_files.maps("/proc/%d" % pid).split("\n") if "/" in line}
    except (OSError, IndexError):
        return None
    found = []
    for path in sorted(paths):
        replaced = path.endswith(" (deleted)")
        name = path[: -len(" (deleted)")] if replaced else path
        if LOADED.match(os.path.basename(name)) and ".so" in name:
            found.append((name, replaced))
    return found


def opened(pid: int) -> set[str] | None:
    """Device files of a GPU that the process has open (WSL's is /dev/dxg, Jetson's /dev/nvhost*, /dev/nvmap); None: not told."""
    folder = "/proc/%d/fd" % pid
    try:
        links = [look_sockets.link(os.path.join(folder, name)) for name in os.listdir(folder)]
    except OSError:
        return None
    return {link for link in links if link and link.startswith(DEVICES)}
