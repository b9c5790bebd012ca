"""Looks at onnxruntime on the disk: which distributions, whose binary, what it needs, where that lies. Imports nothing."""

from __future__ import annotations

import ast
import os
import re

from retina_doctor.hints import Any
from retina_doctor_checks.probes.native import access, elf, fatbin, installed, loader, places, whole

PROVIDER = "libonnxruntime_providers_cuda.so"
TENSORRT = "libonnxruntime_providers_tensorrt.so"
VITAL = re.compile(
    r"onnxruntime/(__init__\.py|capi/(__init__\.py|_pybind_state\.py|onnxruntime_pybind11_state.*\.so"
    r"|libonnxruntime_providers_(cuda|shared)\.so))$"
)
OF_THE_DRIVER = ("libcuda.so.1", "libnvidia-ml.so.1")
BINARY = re.compile(r"onnxruntime/capi/onnxruntime_pybind11_state.*\.so$")
GRAPH = "libcudnn_graph"
PARTS = re.compile(
    rb"(?<=\0)(libcudnn_(?:graph|ops|cnn|adv|heuristic|engines_precompiled|engines_runtime_compiled))\.so(?=\0)"
)
MOST_OPENER = 16 << 20  # bytes; of cuDNN 9 the shim has 0.1 MB and libcudnn_graph 4
OF_NVIDIA = re.compile(r"lib(cu|nv)")
DISTRIBUTION = re.compile(r"(onnxruntime(?:-[a-z0-9]+)*|ort-nightly(?:-[a-z0-9]+)*)$")


def look(probe: Any, arguments: dict[str, Any]) -> None:
    folder = places.package_folder("onnxruntime")
    provider = provider_facts(folder, PROVIDER)
    found = distributions(folder, provider)
    importable = folder is not None and any(
        os.path.isfile(os.path.join(folder, name)) for name in ("__init__.py", "__init__.pyc")
    )
    probe.tell(
        folder=folder, importable=importable, distributions=[d["facts"] for d in found], binaries=binaries(folder)
    )
    probe.tell(owner=owner(found), libraries=places.cuda_libraries(), preloaded_by=preloaded_by())
    if provider:
        majors = [one["facts"]["cudnn_major"] for one in found if one["facts"]["cudnn_major"]]
        provider.update(resolved(provider, majors[0] if majors else None), code=fatbin.gpu_code(provider["path"]))
        probe.tell(cudnn_lacks=cudnn_lacks(provider["found"] or {}), emptied=emptied())
    tensorrt = provider_facts(folder, TENSORRT)
    probe.tell(provider=provider, tensorrt=dict(tensorrt, **resolved(tensorrt, None)) if tensorrt else None)


def provider_facts(folder: str | None, name: str) -> dict[str, Any] | None:
    path = os.path.join(folder, "capi", name) if folder else ""
    if not os.path.isfile(path):
        return None
    try:
        return {"path": path, "needed": elf.needed(path), "problem": None}
    except (elf.NotElf, OSError) as error:
        return {"path": path, "needed": [], "problem": str(error)}


def resolved(provider: dict[str, Any], cudnn: int | None) -> dict[str, Any]:
    """What the target's loader finds of NVIDIA's libraries for a provider; cuDNN, too, where it is opened only when used."""
    wanted = [soname for soname in provider["needed"] if OF_NVIDIA.match(soname)]
    if cudnn and not any(soname.startswith("libcudnn.") for soname in wanted):
        wanted.append("libcudnn.so.%d" % cudnn)
    if provider["problem"]:
        return {"wanted": wanted, "found": None, "loader_problem": provider["problem"]}
    answer = loader.trace([provider["path"]] + [soname for soname in wanted if soname not in provider["needed"]])
    found = {soname: answer["found"][soname] for soname in wanted if soname in answer["found"]}
    # What those that were found need in their turn, and is not there.
    wanted += [soname for soname in answer["missing"] if soname not in wanted and soname not in OF_THE_DRIVER]
    return {"wanted": wanted, "found": None if answer["problem"] else found, "loader_problem": answer["problem"]}


def cudnn_lacks(found: dict[str, str]) -> list[str] | None:
    """cuDNN 9's first library is a shim that opens others when it is used, and one of these opens the rest: each holds the names
    of what it opens (seen in those of 9.10). They are looked for beside it ($ORIGIN) and by the loader."""
    soname = next((name for name in found if name.startswith("libcudnn.so.")), None)
    if soname is None:
        return None
    major, path = soname.rpartition(".")[2], os.path.realpath(found[soname])
    beside = os.path.dirname(path)
    wanted = opened_by(path)
    wanted |= opened_by(os.path.join(beside, "%s.so.%s" % (GRAPH, major)))
    away = ["%s.so.%s" % (stem, major) for stem in sorted(wanted)]
    away = [name for name in away if not os.path.exists(os.path.join(beside, name))]
    elsewhere = loader.trace(away) if away else {"found": {}, "problem": None}
    if not wanted or elsewhere["problem"]:
        return None
    return [name for name in away if name not in elsewhere["found"]]


def emptied() -> list[dict[str, Any]]:
    """Packages of NVIDIA's libraries that pip takes for installed, with the libraries of their lists that are gone or damaged."""
    there: dict[str, Any] = {}
    told = []
    for one in installed.distributions(re.compile("nvidia-")).values():
        lost = [
            entry.place for entry in one.files("/lib/lib") if ".so" in entry.path and whole.is_damaged(entry, there)
        ]
        if lost:
            told.append({"name": one.name, "version": one.version, "sonames": sorted(map(os.path.basename, lost))})
    return told


def opened_by(path: str) -> set[str]:
    """Stems of the parts of cuDNN that this library names; none where it is too large to be one that opens others."""
    try:
        if os.path.getsize(path) > MOST_OPENER:
            return set()
        with open(path, "rb") as file:
            return {match.decode("ascii") for match in PARTS.findall(file.read())}
    except OSError:
        return set()


def binaries(folder: str | None) -> list[Any]:
    """The compiled modules on the disk: for which processor, and whether this Python would look for them by their names."""
    from importlib.machinery import EXTENSION_SUFFIXES

    found = []
    for path in places.matching(folder, "capi/onnxruntime_pybind11_state*.so") if folder else []:
        try:
            machine = elf.machine(path)
        except (elf.NotElf, OSError):
            machine = None
        fits = os.path.basename(path) in ["onnxruntime_pybind11_state" + ending for ending in EXTENSION_SUFFIXES]
        found.append({"path": path, "machine": machine, "fits": fits})
    return found


def distributions(folder: str | None, provider: dict[str, Any] | None) -> list[Any]:
    """Those that fill the folder. One without a RECORD is taken at its word where no other has one."""
    found = [one for _, one in sorted(installed.distributions(DISTRIBUTION).items())]
    if folder is not None:
        found = [one for one in found if os.path.realpath(one.site) == os.path.realpath(os.path.dirname(folder))]
    described = [describe(one, folder, provider) for one in found]
    return [one for one in described if one["files"]] or (described if folder else [])


def describe(one: Any, folder: str | None, provider: dict[str, Any] | None) -> dict[str, Any]:
    files = {entry.path: entry for entry in one.files("onnxruntime/") if entry.path.startswith("onnxruntime/")}
    gpu = any(path.endswith(PROVIDER) for path in files) if files else provider is not None and "gpu" in one.name
    requires = one.values("Requires-Dist")
    missing = [path for path, entry in files.items() if VITAL.match(path) and is_damaged(entry.place)]
    return {
        "files": files,
        "facts": {
            "name": one.name,
            "version": one.version,
            "gpu": gpu,
            "cuda": cuda_of(one.name, folder, provider, requires) if gpu else None,
            "cudnn_major": cudnn_of(provider, requires) if gpu else None,
            "has_extras": any("extra" in r and "cudnn" in r for r in requires),
            "missing": missing,
            "tags": one.values("Tag", "WHEEL"),
        },
    }


def is_damaged(path: str) -> bool:
    """Not: one that this user may not read, or of which the compiled form alone was kept."""
    if access.is_closed(path):
        return False
    if path.endswith(".so"):
        return bool(elf.damage(path))
    if access.is_gone(path):
        return access.is_gone(path + "c")
    return os.path.isfile(path) and not os.path.getsize(
        path
    )  # as a crash or a full disk leaves it; none of these is empty


def cuda_of(name: str, folder: str | None, provider: dict[str, Any] | None, requires: list[Any]) -> list[int] | None:
    """(major, minor) that the wheel was built for: as its build info says, else as the provider's libraries say."""
    info = build_info(folder)
    if info.get("package_name") == name and info.get("cuda_version"):
        match = re.match(r"(\d+)\.(\d+)", info["cuda_version"])
        if match:
            return [int(match.group(1)), int(match.group(2))]
    for soname in (provider or {}).get("needed", []):
        match = re.match(r"lib(?:cublas|cudart)\.so\.(\d+)", soname)
        if match:
            return [int(match.group(1)), 0]
    for requirement in requires:
        match = re.match(r"nvidia-cuda-runtime(?:-cu(\d+))?\s*~=\s*(\d+)\.(\d+)", requirement.replace("(", ""))
        if match:
            return [int(match.group(1) or match.group(2)), 0]
    return None


def cudnn_of(provider: dict[str, Any] | None, requires: list[Any]) -> int | None:
    """Major of cuDNN: from the needed libraries, or, where it is opened only when used, from the extra `cudnn`."""
    for soname in (provider or {}).get("needed", []):
        match = re.match(r"libcudnn\.so\.(\d+)", soname)
        if match:
            return int(match.group(1))
    for requirement in requires:
        match = re.match(r"nvidia-cudnn(?:-cu\d+)?\s*\(?~=\s*(\d+)", requirement)
        if match:
            return int(match.group(1))
    return None


def build_info(folder: str | None) -> dict[str, Any]:
    """The plain assignments of capi/build_and_package_info.py."""
    values: dict[str, Any] = {}
    try:
        with open(os.path.join(folder or "", "capi", "build_and_package_info.py"), encoding="utf-8") as file:
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError):
        return values
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            try:
                values[node.targets[0].id] = ast.literal_eval(node.value)
            except ValueError:
                pass
    return values


def owner(found: list[Any]) -> str | None:
    """Whose compiled module is on the disk: by size, then by the hash in RECORD; None where it is nobody's."""
    claims = [
        (one["facts"]["name"], entry)
        for one in found
        for path, entry in one["files"].items()
        if BINARY.match(path) and os.path.isfile(entry.place)
    ]
    same_size = [c for c in claims if c[1].size is None or c[1].size == os.path.getsize(c[1].place)]
    if len(same_size) == 1:
        return str(same_size[0][0])
    return next((str(name) for name, entry in same_size if entry.digest == installed.sha256(entry.place)), None)


def preloaded_by() -> str | None:
    """insightface with its version, where its own source calls onnxruntime.preload_dlls (2.x does)."""
    for site in places.site_folders():
        folder = os.path.join(site, "insightface")
        for pattern in ("*.py", "model_zoo/*.py", "app/*.py", "utils/*.py"):
            for path in places.matching(folder, pattern):
                try:
                    with open(path, "rb") as file:
                        called = b"preload_dlls" in file.read()
                except OSError:
                    continue
                if called:
                    own = installed.distributions(re.compile("insightface$")).get("insightface")
                    return "insightface " + own.version if own else "insightface"
    return None
