"""Looks at compiled modules without importing them: what the loader finds for them, which NumPy they were compiled for, and
which of NVIDIA's libraries LD_LIBRARY_PATH puts before those that pip and torch brought."""

from __future__ import annotations

import importlib.machinery
import os
import re

from retina_doctor.hints import Any
from retina_doctor_checks.probes.native import elf, installed, loader, places

MODULES = {
    "numpy": ("numpy/*core/_multiarray_umath*.so",),
    # pip's, then conda's and Debian's
    "cv2": ("cv2/cv2*.so", "cv2/python-3*/cv2*.so", "cv2*.so"),
    "onnxruntime": ("onnxruntime/capi/onnxruntime_pybind11_state*.so",),
    # Of these one that uses NumPy's C interface: importing the package alone loads none.
    "scipy": ("scipy/ndimage/_nd_image*.so",),
    "skimage": ("skimage/_shared/geometry*.so",),
    "sklearn": ("sklearn/metrics/_dist_metrics*.so",),
    "matplotlib": ("matplotlib/ft2font*.so",),
}
OPENED = {"onnxruntime": ("libonnxruntime_providers_cuda.so",)}
"""What a module opens itself, later than it is imported: it may need newer versions of the system's libraries than the module."""
INSTRUCTIONS = ("sse4_1", "sse4_2", "avx", "f16c", "fma", "bmi1", "bmi2", "avx2", "avx512f", "hypervisor")
"""As arch/x86/include/asm/cpufeatures.h names them; the last: it is a virtual machine's."""
COMPILED_AGAINST = b"module compiled against A"
"""... ABI (API) version 0x%x but this version of numpy is …"""
PIECE = 256 * 1024  # bytes
MOST_TEXT = 256 * 1024 * 1024  # bytes of constants in a compiled module: more is no module
OWNERS = {
    "numpy": ("numpy",),
    "cv2": ("opencv-python-headless", "opencv-contrib-python-headless", "opencv-contrib-python", "opencv-python"),
    "onnxruntime": ("onnxruntime-gpu", "onnxruntime"),
    "scipy": ("scipy",),
    "skimage": ("scikit-image",),
    "sklearn": ("scikit-learn",),
    "matplotlib": ("matplotlib",),
}
COMPILED = {
    **MODULES,
    "PIL": ("PIL/_imaging*.so",),
    "onnx": ("onnx/onnx_cpp2py_export*.so",),
    "google": ("google/_upb/_message*.so",),
    "torch": ("torch/_C*.so",),
    "insightface": ("insightface/thirdparty/face3d/mesh/cython/*.so",),
}
"""Where each package has its compiled modules, named for the Python that they were built for (PEP 3149)."""
NOTHING: dict[str, Any] = {"missing": [], "versions": [], "problem": None}
GRAFTED = re.compile(r"-[0-9a-f]{8}\.(?:[\d.]*\.)?so")
"""As auditwheel (repair.py, copylib) names what it copies into a wheel, by its hash before the first dot: no system has one of
that name to install."""
TAG = re.compile(r"[^.]+\.((?:cpython|cp|pypy)[^.]*)\.so$")


def look(probe: Any, _arguments: dict[str, Any]) -> None:
    probe.tell(extensions=extensions())
    probe.tell(shadowed=shadowed(), cpu_flags=cpu_flags(), noexec=noexec())
    probe.tell(foreign=[one for one in map(foreign, COMPILED) if one])


def foreign(module: str) -> dict[str, Any] | None:
    """A package all of whose modules that bear a Python's name bear another one's: this Python passes over such files."""
    ours = [suffix[1:-3] for suffix in importlib.machinery.EXTENSION_SUFFIXES if suffix.endswith(".so")]
    for site in places.site_folders():
        if not os.path.isdir(os.path.join(site, module)):
            continue
        found = [path for one in COMPILED[module] for path in places.matching(site, one)]
        tags = [
            (match.group(1) if match else "", path) for path in found for match in [TAG.match(os.path.basename(path))]
        ]
        if tags and not any(tag == "" or tag in ours for tag, _ in tags):
            return {"module": module, "path": tags[0][1], "tag": tags[0][0], "wanted": ours[0]}
        return of_another_processor(module, [path for tag, path in tags if tag in ("", *ours)])
    return None


def of_another_processor(module: str, paths: list[str]) -> dict[str, Any] | None:
    """All of them are, whatever their names say. The loader says of such a file that it does not exist."""
    here, machines = machine("/proc/self/exe"), [machine(path) for path in paths]
    if here is None or not machines or any(one in (None, here) for one in machines):
        return None
    return {"module": module, "path": paths[0], "tag": machines[0], "wanted": here}


def machine(path: str) -> str | None:
    try:
        return elf.machine(path)
    except (OSError, elf.NotElf):
        return None


def noexec() -> list[str] | None:
    """Mount points that are mounted so and hold packages; None where this system does not tell (statvfs(3), ST_NOEXEC)."""
    flag = getattr(os, "ST_NOEXEC", None)
    if flag is None:
        return None
    points: list[str] = []
    for site in places.site_folders():
        try:
            refused = os.statvfs(site).f_flag & flag
        except OSError:
            continue
        point = mount_point(os.path.realpath(site)) if refused else ""
        if refused and point not in points:
            points.append(point)
    return points


def mount_point(path: str) -> str:
    """By the kernel's list (proc(5), mountinfo), since a bind mount within one file system is no other device."""
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
            points = [line.split()[4].replace("\\040", " ") for line in file]
    except (OSError, IndexError):
        points = []
    above = [one for one in points if path == one or path.startswith(one.rstrip("/") + "/")]
    return max(above, key=len, default="/")


def cpu_flags() -> list[str] | None:
    """What /proc/cpuinfo says of the instruction sets that builds ask for; None: it says nothing, as on ARM."""
    try:
        with open("/proc/cpuinfo", errors="replace") as file:
            line = next((line for line in file if line.startswith("flags")), None)
    except OSError:
        return None
    return None if line is None else sorted(set(INSTRUCTIONS) & set(line.partition(":")[2].split()))


def extensions() -> list[dict[str, Any]]:
    """Where the loader has nothing to say against all of them at once, each is taken to be sound: that is asked first. So one may
    find what another brought, as it does in a service that imports both."""
    found = [(module, path) for module in MODULES for path in first_of(module)]
    together = loader.trace([path for _, path in found]) if found else NOTHING
    sound = not any(together[key] for key in NOTHING)
    return [extension(module, path, NOTHING if sound else loader.trace([path])) for module, path in found]


def first_of(module: str) -> list[str]:
    """Its compiled module, as a list of one; none where there is none."""
    looks = ((site, one) for site in places.site_folders() for one in MODULES[module])
    return next(filter(None, (places.matching(site, one) for site, one in looks)), [])[:1]


def opened_by(module: str, path: str) -> list[str]:
    beside = (os.path.join(os.path.dirname(path), name) for name in OPENED.get(module, ()))
    return [one for one in beside if os.path.isfile(one)]


def extension(module: str, path: str, answer: dict[str, Any]) -> dict[str, Any]:
    opened = opened_by(module, path)
    versions = [*answer["versions"], *(loader.trace(opened)["versions"] if opened else [])]
    name, version = owner(module, path)
    return {
        "module": module,
        "path": path,
        "distribution": name,
        "version": version,
        "missing": [one for one in answer["missing"] if not GRAFTED.search(one)],
        "versions": [one for place, one in enumerate(versions) if one not in versions[:place]],
        "numpy_abi": None if module == "numpy" else numpy_abi(path),
        "problem": answer["problem"],
    }


def owner(module: str, path: str) -> tuple[str | None, str | None]:
    """(name, version) of the distribution whose RECORD has the file, with its size where several have it."""
    claims = []
    for one in installed.distributions(re.compile("(?:%s)$" % "|".join(OWNERS[module]))).values():
        for entry in one.files(os.path.basename(path)):
            claims.append((entry.size == os.path.getsize(path), one.name, one.version))
    if not claims:
        return None, None
    _, name, version = max(claims, key=lambda claim: claim[0])
    return name, version


def numpy_abi(path: str) -> int | None:
    """NumPy's header compiles the name of NumPy's own module into whoever uses it: numpy.core until 1.x, from 2.0 on
    numpy._core, too (numpy/__multiarray_api.h, _import_array)."""
    try:
        place = elf.section(path, ".rodata")
        if place is None or place[1] > MOST_TEXT:
            return None
        found = held(path, *place, (COMPILED_AGAINST, b"numpy._core", b"numpy.core"))
    except (OSError, elf.NotElf):
        return None
    if COMPILED_AGAINST not in found:
        return None
    return 2 if b"numpy._core" in found else 1 if b"numpy.core" in found else None


def held(path: str, start: int, size: int, words: tuple[bytes, ...]) -> set[bytes]:
    """Which of *words* stand in that part of a file; in pieces, since some have megabytes of tables. Raises OSError."""
    found: set[bytes] = set()
    last = b""
    with open(path, "rb", buffering=0) as file:
        file.seek(start)
        while size > 0 and len(found) < len(words):
            piece = file.read(min(size, PIECE))
            if not piece:
                break
            found.update(word for word in words if word not in found and word in last + piece)
            last, size = piece[-max(map(len, words)) :], size - len(piece)
    return found


def shadowed() -> list[Any]:
    folders = [os.path.realpath(path) for path in places.library_path()]
    if not folders:
        return []
    bundled = {one["soname"]: one for one in places.cuda_libraries() if one["kind"] in ("pip", "torch")}
    if not bundled:
        return []
    found = loader.trace(sorted(bundled))["found"]
    told = []
    for soname, own in sorted(bundled.items()):
        path = found.get(soname)
        if path and within(path, folders) and not same(path, own["path"]):
            version = places.version(path, "LD_LIBRARY_PATH")
            told.append(
                {
                    "soname": soname,
                    "path": path,
                    "file": os.path.realpath(path),
                    "version": version,
                    "bundled": own["path"],
                    "bundled_file": os.path.realpath(own["path"]),
                    "bundled_version": own["version"],
                }
            )
    return told


def within(path: str, folders: list[str]) -> bool:
    """In one of them, or in a folder below, as the loader searches glibc-hwcaps/."""
    place = os.path.realpath(os.path.dirname(path))
    return any(place == folder or place.startswith(folder + os.sep) for folder in folders)


def same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False
