"""Where CUDA's and cuDNN's libraries are put, in the loader's way or not. Sent to targets: Python 3.8, standard library."""

from __future__ import annotations

import functools
import os
import re
import sys

from retina_doctor.hints import Any
from retina_doctor_checks.probes.native import elf

LIBRARY = re.compile(r"lib(cublas|cublasLt|cudart|curand|cufft|nvrtc|cudnn|nvinfer|nvonnxparser)\.so\.\d+(\.\d+)?$")
SYSTEM = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib")


def site_folders() -> list[Any]:
    """Folders of sys.path, each once."""
    return [path for path in dict.fromkeys(sys.path) if os.path.isdir(path)]


def package_folder(name: str) -> Any:
    """The folder that an import of this package takes: the first with an __init__.py, even behind bare ones; else a bare one."""
    found = [os.path.join(site, name) for site in site_folders()]
    whole = [folder for folder in found if os.path.isfile(os.path.join(folder, "__init__.py"))]
    return next(iter(whole + [folder for folder in found if os.path.isdir(folder)]), None)


def matching(folder: str, pattern: str) -> list[str]:
    """Paths in *folder*, in order, where each step of *pattern* holds one "*" at most. As glob says, which makes
    a regular expression of each."""
    *above, last = pattern.split("/")
    found = [folder]
    for step in above:
        found = [path for one in found for path in named(one, step)]
    return sorted(path for one in found for path in named(one, last))


def named(folder: str, pattern: str) -> list[str]:
    start, star, end = pattern.partition("*")
    if not star:  # a folder may be entered that may not be listed
        return [os.path.join(folder, pattern)] if os.path.lexists(os.path.join(folder, pattern)) else []
    try:
        names = os.listdir(folder)
    except OSError:
        return []
    least = len(start) + len(end)
    found = [name for name in names if name.startswith(start) and name.endswith(end) and len(name) >= least]
    return [os.path.join(folder, name) for name in found if name[0] != "." or start[:1] == "."]


def cuda_libraries() -> list[Any]:
    """[{"soname", "path", "kind", "version", "damage"}]: one for each soname and kind of place.

    The version is what the name of the file says to which a link leads ("9.1.0"), or of pip's nvidia packages, whose
    files bear none, what the package is. *damage*: what is wrong with the file, or None.
    """
    folders = []
    for site in site_folders():
        folders += [(p, "pip") for p in matching(site, "nvidia/*/lib")]
        folders += [(p, "pip") for p in matching(site, "tensorrt*libs")]
        folders.append((os.path.join(site, "torch", "lib"), "torch"))
    folders += [(p, "LD_LIBRARY_PATH") for p in library_path()]
    toolkits = matching("/usr/local", "cuda*/lib64") + matching("/usr/local", "cuda*/targets/*/lib")
    folders += [(p, "toolkit") for p in toolkits]
    if os.path.isdir(os.path.join(sys.prefix, "conda-meta")):
        folders.append((os.path.join(sys.prefix, "lib"), "conda"))
    folders += [(p, "system") for p in SYSTEM]
    found, seen = [], set()
    for folder, kind in folders:
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            continue
        for name in names:
            if LIBRARY.match(name) and (name, kind) not in seen:
                path = os.path.join(folder, name)
                damage = elf.damage(path) or ("other-machine" if is_of_another_machine(path) else None)
                if kind in ("toolkit", "system") and damage == "other-machine":
                    continue  # it is there to compile for that machine, or for emulated programs
                seen.add((name, kind))
                told = {"soname": name, "path": path, "kind": kind, "version": version(path, kind)}
                found.append(dict(told, damage=damage))
    return found


def is_of_another_machine(path: str) -> bool:
    """The loader passes over such a file, and looks on in the next folder (open_verify in elf/dl-load.c of glibc)."""
    try:
        return elf.machine(path) != own_machine()
    except (elf.NotElf, OSError):
        return False


@functools.lru_cache(None)
def own_machine() -> str:
    """Of this Python. Raises NotElf, OSError."""
    return elf.machine("/proc/self/exe" if os.path.exists("/proc/self/exe") else sys.executable)


def library_path(variable: str = "LD_LIBRARY_PATH") -> list[str]:
    """The folders of LD_LIBRARY_PATH, which ld.so lets be parted by semicolons, too."""
    return [path for path in re.split("[:;]", os.environ.get(variable, "")) if path]


def version(path: str, kind: str) -> str | None:
    match = re.search(r"\.so\.(\d+\.\d+[\d.]*)$", os.path.realpath(path))
    if match:
        return match.group(1)
    if kind != "pip":
        return None
    stem = os.path.basename(path).split(".so")[0][3:].replace("Lt", "").replace("cudart", "cuda_runtime")
    site = path[: path.rfind("/nvidia/")] if "/nvidia/" in path else os.path.dirname(os.path.dirname(path))
    owners = [path for path in matching(site, "nvidia_*.dist-info") if stem in os.path.basename(path)]
    return os.path.basename(owners[0])[: -len(".dist-info")].split("-")[1] if len(owners) == 1 else None
