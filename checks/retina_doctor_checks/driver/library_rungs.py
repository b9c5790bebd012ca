"""The driver's libraries: missing, of another release than the module, or another's found before them."""

from __future__ import annotations

import re

from retina_doctor.model import Reason

from ..combined.asides import asides, on_host
from ..combined.driver_seen import WSL, DriverSeen, Evidence
from ..combined.loader_path import first, searched, without
from ..facts.driver import DriverLibrary, Host
from .ways import BOTH, OF_CUDA, OF_NVML, Way

DRIVER_NOT_LOADED, LIBRARY_NOT_FOUND, VERSION_MISMATCH = 9, 12, 18  # nvml.h nvmlReturn_t
STUB, NO_DEVICE, REFUSED_BY_SYSTEM = 34, 100, 304  # cuda.h CUresult
NOT_READY, MISMATCH, NOT_ON_THIS_CARD, UNKNOWN = 802, 803, 804, 999


def of_mismatch(seen: DriverSeen, evidence: Evidence) -> frozenset[Way]:
    """By NVML's word both, unless CUDA's error is one of another library than the driver's."""
    if not evidence["by_nvml"]:
        return OF_CUDA
    return OF_NVML if seen.cuda_code in (STUB, NOT_READY, NOT_ON_THIS_CARD) else BOTH


def library_mismatch(seen: DriverSeen) -> Evidence | None:
    """By NVML's word (18); by the releases where NVML could not be asked; by CUDA's (803), unless libcuda is of one release with
    the module: what is loaded then is another libcuda than the driver's, whatever its file is called."""
    host, cuda = seen.host, version_of(seen.libcuda)
    library = library_version(host)
    differ = None not in (library, host.loaded_version) and library != host.loaded_version
    by_nvml = seen.nvml_code == VERSION_MISMATCH or (seen.nvml is None and differ)
    same = cuda is not None and cuda == host.loaded_version
    by_cuda = seen.cuda_code == MISMATCH and not same and not seen.compat
    if by_cuda and not by_nvml:
        library = cuda
    elif not by_nvml or seen.card is False:
        return None
    # NVML and the module understand each other: then libcuda is the one that is not the driver's.
    foreign = by_cuda and seen.nvml_answers
    error = (seen.nvml.error if seen.nvml else None) or ""
    return {
        **(_searched_first(seen) if foreign else {}),
        "on_host": on_host(host.container),
        "more": asides(Reason("nvml-says", {"error": error.rstrip(".")}) if error else None),
        "by_nvml": by_nvml,
        "path": seen.libcuda if foreign else None,
        "module_version": host.loaded_version,
        "library_version": library,
        "container": host.container,
        "error": seen.nvml.error if seen.nvml else None,
    }


def _searched_first(seen: DriverSeen) -> Evidence:
    """Of a libcuda that stands before the driver's: its folder, and how the service's loader came to it."""
    folder = (seen.libcuda or "").rpartition("/")[0]
    variable = seen.environment.ld_library_path if seen.environment else None
    return {
        "folder": folder,
        "ld_library_path": variable,
        "by_variable": searched(folder, variable),
        "rest": without(folder, variable),
    }


def library_not_found(seen: DriverSeen) -> Evidence | None:
    """The driver's libraries are on the disk, but in no folder where the loader looks; or only the service's does not, and it
    would need libcuda."""
    said = (seen.cuda.error if seen.cuda is not None else None) or ""
    # A file that is there and damaged is another trouble: the loader says so in other words (glibc, musl).
    absent = "cannot open shared object file" in said or "No such file" in said
    if seen.nvml_answers and seen.loader_lacks_libcuda and seen.cuda is not None and absent:
        return _not_on_path([one for one in seen.libraries if one.name.startswith("libcuda.so.")], seen.cuda.error)
    if seen.nvml is None or seen.nvml.error_code != LIBRARY_NOT_FOUND:
        return None
    files = [library for library in seen.host.libraries if library.name.startswith("libnvidia-ml.so.")]
    if not files or loader_finds(seen):
        return None
    return _not_on_path(files, seen.nvml.error)


def _not_on_path(files: list[DriverLibrary], error: str | None) -> Evidence | None:
    if not files:
        return None
    path = min(files, key=lambda f: (not f.name.endswith(".so.1"), f.path)).path
    return {
        "path": path,
        "folder": path.rpartition("/")[0],
        "found": [file.path for file in files],
        "error": (error or "").rstrip("."),
        "libcuda": "libcuda.so" in path,
    }


def of_unfound(seen: DriverSeen, evidence: Evidence) -> frozenset[Way]:
    """libcuda stands beside it: where it is not found either, that is the same."""
    if "libcuda.so." in str(evidence["path"]):
        return OF_CUDA  # NVML answers
    lacks = seen.cuda is not None and seen.cuda.path is None and "libcuda.so.1" in (seen.cuda.error or "")
    return BOTH if lacks else OF_NVML


def stub(seen: DriverSeen) -> Evidence | None:
    """The toolkit's libcuda, which is only for linking, stands before the driver's."""
    path = seen.libcuda
    if not (path and "/stubs/" in path) and seen.cuda_code != STUB:
        return None
    return {"path": path or "libcuda.so.1", **_searched_first(seen)}


def wsl_wrong_libcuda(seen: DriverSeen) -> Evidence | None:
    path = seen.libcuda
    if not seen.host.wsl or path is None or path.startswith(WSL) or seen.cuda_works:
        return None
    right = [library.path for library in seen.host.libraries if library.path.startswith(WSL)]
    if seen.host.container is not None and not right:
        return None  # a container gets Windows' library where the toolkit puts it
    variable = seen.environment.ld_library_path if seen.environment else None
    return {
        "path": path,
        "right": right[0] if right else f"{WSL}lib/libcuda.so.1",
        "first": first(f"{WSL}lib", variable),
    }


def compat_libraries(seen: DriverSeen) -> Evidence | None:
    """A cuda-compat package, made for data-centre cards and older drivers, stands before the driver's libcuda: 804 is said by no
    other library; 803 by this one where the driver is newer."""
    if seen.cuda_code != NOT_ON_THIS_CARD and not (seen.cuda_code == MISMATCH and seen.compat):
        return None
    return {
        "path": seen.libcuda,
        **_searched_first(seen),
        "code": seen.cuda_code,
        "driver": seen.driver,
    }


def version_of(path: str | None) -> str | None:
    """A driver library's release, by its file's name: libcuda.so.580.95.05."""
    match = re.search(r"\.so\.(\d+\.[\d.]+)$", path or "")
    return match[1] if match else None


def loader_finds(seen: DriverSeen) -> bool:
    """libnvidia-ml.so.1: by the word of the target's loader, where it could be asked; else by the folders it usually searches."""
    if seen.environment is not None and seen.environment.loader_problem is None:
        return seen.environment.libnvidia_ml is not None
    return _usually_found(seen.host) is not None


def _usually_found(host: Host) -> DriverLibrary | None:
    return next((f for f in host.libraries if f.name == "libnvidia-ml.so.1" and f.on_loader_path), None)


def library_version(host: Host) -> str | None:
    """The release of NVML's library, by its file's name; libcuda may differ by design (forward compatibility)."""
    first = _usually_found(host)
    files = [f for f in host.libraries if f.name.startswith("libnvidia-ml.so.") and f.version]
    return first.version if first and first.version else next((f.version for f in files), None)
