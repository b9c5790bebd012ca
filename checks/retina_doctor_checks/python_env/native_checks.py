"""RD282, RD283, RD285, RD286: compiled modules and the libraries under them, by file and by a real import."""

from __future__ import annotations

import re
from collections.abc import Iterator

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Inapplicable, Interpreter, Problem, Reason, Severity, Unknown
from retina_doctor.patterns import pattern
from retina_doctor.settings import Settings

from ..combined.asides import Asides, asides
from ..combined.distribution_names import distribution_of
from ..combined.loader_path import searched, without
from ..combined.numpy_2 import CUDA, FIRST
from ..facts.driver import GpuEnvironment
from ..facts.ort_gpu import OrtRuntime
from ..facts.python_env import Extension, Extensions, Imported, Imports, Packages
from ..facts.torch_cuda import TorchRuntime
from ..scopes import gpu_meant
from ..versions import named, release

LAST_PYTHON_OF_NUMPY_1 = (3, 12)
"""NumPy 1.26 has wheels up to CPython 3.12 (PyPI)."""
NUMPY_ABI = pattern(
    r"compiled using NumPy 1|numpy\.core\.multiarray failed|numpy\.dtype size changed|_ARRAY_API not found"
)
NEEDS_NEWER = pattern(
    r"compiled against (?:NumPy \S+|API) version (?P<asked>0x[0-9a-f]+)(?: \(NumPy (?P<numpy>[\d.]+)\))? but "
    r"(?:the running NumPy has \S+ version|this version of numpy is) (?P<there>0x[0-9a-f]+)"
)
"""numpy/_core/include/numpy/__multiarray_api.h, _import_array: the NumPy that runs is older than the one it was compiled for.
A support file may have hidden "C-API", which looks like a name."""
NOT_IMPORTED = pattern(r"numpy\._?core\.(?:multiarray|umath) failed to import")
"""What import_array raises when it has printed that."""
DEBIAN = {
    "libGL.so.1": "libgl1",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libSM.so.6": "libsm6",
    "libICE.so.6": "libice6",
    "libXext.so.6": "libxext6",
    "libXrender.so.1": "libxrender1",
    "libX11.so.6": "libx11-6",
}
"""Debian's package of a library (packages.debian.org, "Search the contents of packages", bookworm)."""
LATER = ("scipy", "skimage", "sklearn", "matplotlib")
"""Their import loads nothing that was compiled for NumPy: that it works says nothing of what comes after it."""
SYSTEM_LIBRARIES = ("/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/")
HEADLESS = {"opencv-python": "opencv-python-headless", "opencv-contrib-python": "opencv-contrib-python-headless"}


def imported(imports: Imports | None, module: str) -> bool:
    return imports is not None and any(one.module == module and one.error is None for one in imports.tried)


@check("RD282", "cudnn-shadowed", Severity.ERROR, pitfall=2, scope=gpu_meant, action=Action.EDIT)
def cudnn_shadowed(
    extensions: Extensions, torch: TorchRuntime | None, ort: OrtRuntime | None, environment: GpuEnvironment | None
) -> Answer:
    """By the order in which the loader searches; where a process had loaded the library, by the file that it had mapped, and by
    whether it then computed on the GPU.

    cuDNN refuses or crashes with parts of different releases. Of CUDA's other libraries an older minor version may do.
    """
    tried = [(torch.mapped, torch.works)] if torch else []
    tried += [(ort.service.mapped, ort.service.on_cuda)] if ort and ort.service else []
    problems: list[Problem] = []
    for one in extensions.shadowed:
        if one.version is None or one.bundled_version is None or release(one.version) >= release(one.bundled_version):
            continue
        used = [worked for mapped, worked in tried if one.file in mapped]
        if not used and any(one.bundled_file in mapped for mapped, _ in tried):
            continue
        evidence = {
            "soname": one.soname,
            "path": one.path,
            "folder": one.path.rpartition("/")[0],
            "version": one.version,
            "bundled": one.bundled,
            "bundled_version": one.bundled_version,
            "mapped": bool(used),
            "change": _without(one.path.rpartition("/")[0], environment),
            "more": asides(Reason("was-loaded", {"path": one.path}) if used else None),
        }
        computed = bool(used) and all(used)
        at_most = Severity.NOTE if computed else None if "cudnn" in one.soname else Severity.WARNING
        problems.append(Problem(subject=one.soname, evidence=evidence, at_most=at_most))
    return problems


def _without(folder: str, environment: GpuEnvironment | None) -> list[str]:
    """The words that set LD_LIBRARY_PATH without the folder; none where it is not known to name it."""
    variable = environment.ld_library_path if environment is not None else None
    return ["export", f"LD_LIBRARY_PATH={without(folder, variable)}"] if searched(folder, variable) else []


@check("RD283", "numpy-abi", Severity.ERROR, action=Action.PIP)
def numpy_abi(
    extensions: Extensions, packages: Packages, imports: Imports | None, interpreter: Interpreter, settings: Settings
) -> Answer:
    """A module that knows only NumPy 1's C interface, under NumPy 2: as its binary says, and as its import ends. The reverse, one
    that asks for a newer interface than there is, NumPy says itself."""
    numpy = packages.installed.get("numpy")
    if numpy is None:
        return Inapplicable(Reason("no-numpy"))
    for one in imports.tried if imports else ():
        said = _said_by_numpy(one)
        if said is not None and int(said["asked"], 16) > int(said["there"], 16):
            return _for_newer_numpy(one, said, numpy, packages)
    if release(numpy)[:1] < (2,):
        if imports is not None:
            return None
        return Inapplicable(Reason("quick")) if settings.gate.quick else Unknown(("imports",))
    by_file = {
        one.module: one
        for one in extensions.extensions
        if one.numpy_abi == 1 and (one.module in LATER or not imported(imports, one.module))
    }
    by_import = {
        one.module: one
        for one in (imports.tried if imports else ())
        if one.error and NUMPY_ABI.search("\n".join([one.error, *one.output]))
    }
    # A module that imports a broken one fails with it; the first is the one to mend.
    first = next(iter(by_import), None)
    names = [*by_file, *([first] if first and first not in by_file else [])]
    return [
        _for_numpy_1(name, numpy, by_file.get(name), by_import.get(name), interpreter, bool(by_import))
        for name in names
    ]


def _said_by_numpy(tried: Imported) -> re.Match[str] | None:
    """What was merely printed may be of an optional module, which the package that failed does without."""
    if tried.error is None:
        return None
    printed = NEEDS_NEWER.search("\n".join(tried.output)) if NOT_IMPORTED.search(tried.error) else None
    return NEEDS_NEWER.search(tried.error) or printed


def _for_newer_numpy(tried: Imported, said: re.Match[str], numpy: str, packages: Packages) -> Problem:
    """*tried*: the first that fails; what it imports may have raised it."""
    module = tried.raised_in or tried.module
    distribution = distribution_of(module, packages) or module
    version = packages.installed.get(distribution)
    return Problem(
        subject=f"module:{tried.module}",
        evidence={
            "module": module,
            "distribution": distribution,
            "version": version,
            "numpy": numpy,
            "wanted": f"numpy>={said['numpy']}" if said["numpy"] else "numpy",
            "error": said[0],
            "more": asides(Reason("part-of-package", {"package": named(distribution, version)}) if version else None),
        },
        variant="older",
    )


def _for_numpy_1(
    name: str, numpy: str, file: Extension | None, tried: Imported | None, interpreter: Interpreter, fails: bool
) -> Problem:
    """*fails*: something that was imported failed for it. What nothing has asked for yet may never be needed."""
    distribution, version = (file.distribution, file.version) if file is not None else (None, None)
    error = tried.error if tried is not None else None
    old_numpy = interpreter.version[:2] <= LAST_PYTHON_OF_NUMPY_1
    return Problem(
        subject=f"module:{name}",
        evidence={
            "module": name,
            "distribution": distribution,
            "version": version,
            "numpy": numpy,
            "old_numpy": old_numpy,
            "error": error,
            "upgrade": [distribution] if distribution else [],
            "newer": newer(distribution, version) if old_numpy else asides(),
            "more": asides(
                Reason("part-of-package", {"package": named(distribution, version)}) if distribution else None,
                Reason("its-import-fails", {"error": error[:200]}) if error else None,
            ),
        },
        variant="old-numpy" if old_numpy else "upgrade",
        at_most=Severity.WARNING if name in LATER and not fails else None,
    )


def newer(distribution: str | None, version: str | None) -> Asides:
    """From which release on the package itself runs with NumPy 2, where that is known and is not the one that is installed."""
    first = FIRST.get(distribution or "")
    old = first is not None and (version is None or release(version) < release(first))
    if not old:
        return asides()
    if distribution in CUDA:
        return asides(
            Reason("supports-numpy-2-with-cuda", {"package": distribution, "first": first, "cuda": CUDA[distribution]})
        )
    return asides(Reason("supports-numpy-2", {"package": distribution, "first": first}))


@check("RD285", "opencv-system-libs-missing", Severity.ERROR, action=Action.PIP)
def opencv_system_libs_missing(
    extensions: Extensions, interpreter: Interpreter | None, imports: Imports | None
) -> Answer:
    """All that cv2 needs of the system, asked of the loader at once; an import names only the first. Where the loader cannot be
    asked, an import that works says as much."""
    cv2 = next((one for one in extensions.extensions if one.module == "cv2"), None)
    if cv2 is None:
        return Inapplicable(Reason("no-opencv"))
    if cv2.problem is not None:
        return None if imported(imports, "cv2") else Unknown(("extensions",))
    if not cv2.missing:
        return None
    name = HEADLESS.get(cv2.distribution or "")
    debian = sorted({DEBIAN[soname] for soname in cv2.missing if soname in DEBIAN})
    evidence = {
        "missing": list(cv2.missing),
        "distribution": cv2.distribution,
        "version": cv2.version,
        "headless": f"{name}=={cv2.version}" if name and cv2.version else name,
        "debian": debian,
        "package": named(cv2.distribution or "cv2", cv2.version),
        "sudo": [] if interpreter is not None and interpreter.uid == 0 else ["sudo"],
        "notes": asides(Reason("or-install-libraries", {"packages": debian}) if debian else None),
    }
    variant = "headless" if name else "libraries" if debian else "other"
    return Problem(subject="module:cv2", evidence=evidence, variant=variant)


@check("RD286", "libstdcxx-too-old", Severity.ERROR, action=Action.EDIT)
def libstdcxx_too_old(extensions: Extensions, environment: GpuEnvironment | None) -> Iterator[Problem]:
    """The loader takes a libstdc++ that lacks symbol versions which compiled modules were linked with, or the provider that a
    session of onnxruntime opens."""
    lacking: dict[str, list[Extension]] = {}
    for one in extensions.extensions:
        for version in one.versions:
            if "libstdc++" in version.library and one not in lacking.setdefault(version.library, []):
                lacking[version.library].append(one)
    for library, modules in lacking.items():
        versions = {v.version for one in modules for v in one.versions if v.library == library}
        evidence = {
            "library": library,
            "folder": library.rpartition("/")[0],
            "newest": max(versions, key=lambda v: (v.startswith("GLIBCXX"), release(v.rpartition("_")[2]))),
            "modules": [one.module for one in modules],
            "prefix": library.rpartition("/")[0].removesuffix("/lib"),
            "change": _without(library.rpartition("/")[0], environment),
        }
        system = library.startswith(SYSTEM_LIBRARIES)
        variant = "variable" if evidence["change"] else "system" if system else "environment"
        yield Problem(subject="libstdc++", evidence=evidence, variant=variant)
