"""What is wrong between a card and its driver. Each function gives evidence, or None; at most one of them does."""

from __future__ import annotations

from .facts import DriverLibrary, Host, Nvml

DRIVER_NOT_LOADED, LIBRARY_NOT_FOUND, VERSION_MISMATCH = 9, 12, 18  # nvml.h nvmlReturn_t

WSL = "/usr/lib/wsl/"  # where Windows puts its driver's libraries for Linux

Evidence = dict[str, object]


def card(host: Host, nvml: Nvml | None) -> bool | None:
    """Whether this machine has an NVIDIA GPU; None: cannot be known.

    WSL shows no PCI device, and its /dev/dxg is a GPU of any vendor: there it is Windows' libcuda that tells.
    """
    nodes = [node for node in host.nodes if node.path != "/dev/dxg"]
    if (nvml is not None and nvml.gpus) or host.pci_gpus or nodes:
        return True
    if host.wsl and any(f.name.startswith("libcuda.so.") and f.path.startswith(WSL) for f in host.libraries):
        return True
    if host.pci_gpus is None or (host.wsl and host.container is not None):
        return None
    return False


def answers(nvml: Nvml | None) -> bool:
    return nvml is not None and nvml.error_code is None


def is_integrated(host: Host) -> bool:
    """Jetson and its like: the GPU is no PCI device, its module is not called nvidia, and older ones have no NVML."""
    return any(node.path in ("/dev/nvhost-gpu", "/dev/nvmap") for node in host.nodes)


def _shown(host: Host) -> Evidence:
    return {
        "kernel": host.kernel,
        "container": host.container,
        "wsl": host.wsl,
        "module_loaded": host.nvidia_loaded,
        "nouveau": bool(host.nouveau_loaded),
        "cards": [gpu.address for gpu in host.pci_gpus or ()],
        "libraries": [library.path for library in host.libraries],
    }


def not_installed(host: Host, nvml: Nvml | None) -> Evidence | None:
    """Neither kernel module nor libraries, or a module without any library of the driver."""
    if answers(nvml) or not card(host, nvml) or host.libraries or is_integrated(host):
        return None
    # A container has the host's modules, but gets its libraries from the runtime: that is the container's trouble.
    if host.nvidia_loaded is not False and not host.wsl and (host.container is not None or host.nvidia_loaded is None):
        return None
    return _shown(host)


def module_not_loaded(host: Host, nvml: Nvml | None) -> Evidence | None:
    if answers(nvml) or not card(host, nvml) or host.wsl or is_integrated(host) or not host.libraries:
        return None
    told = nvml is not None and nvml.error_code == DRIVER_NOT_LOADED
    if host.nvidia_loaded is False or (host.nvidia_loaded is None and told):
        return {**_shown(host), "library_version": library_version(host)}
    return None


def library_mismatch(host: Host, nvml: Nvml | None) -> Evidence | None:
    if answers(nvml) or card(host, nvml) is False:
        return None
    library = library_version(host)
    differ = None not in (library, host.loaded_version) and library != host.loaded_version
    told = nvml is not None and nvml.error_code == VERSION_MISMATCH
    if told or (nvml is None and differ):
        return {
            "module_version": host.loaded_version,
            "library_version": library,
            "container": host.container,
            "error": nvml.error if nvml else None,
        }
    return None


def library_not_found(host: Host, nvml: Nvml | None) -> Evidence | None:
    """NVML's library is on the disk, but in no folder where the loader looks."""
    if nvml is None or nvml.error_code != LIBRARY_NOT_FOUND or card(host, nvml) is False:
        return None
    files = [library for library in host.libraries if library.name.startswith("libnvidia-ml.so.")]
    if not files or loader_finds(host):
        return None
    path = min(files, key=lambda f: (f.name != "libnvidia-ml.so.1", f.path)).path
    return {"path": path, "folder": path.rpartition("/")[0], "found": [f.path for f in files], "error": nvml.error}


def loader_finds(host: Host) -> DriverLibrary | None:
    """The file that the loader takes for libnvidia-ml.so.1."""
    return next((f for f in host.libraries if f.name == "libnvidia-ml.so.1" and f.on_loader_path), None)


def library_version(host: Host) -> str | None:
    """The release of NVML's library, by its file's name; libcuda may differ by design (forward compatibility)."""
    first = loader_finds(host)
    files = [f for f in host.libraries if f.name.startswith("libnvidia-ml.so.") and f.version]
    return first.version if first and first.version else next((f.version for f in files), None)


EXPLANATIONS = {
    "driver-not-installed": not_installed,
    "driver-module-not-loaded": module_not_loaded,
    "driver-library-mismatch": library_mismatch,
    "nvml-library-not-found": library_not_found,
}


def explanation(host: Host | None, nvml: Nvml | None) -> str | None:
    """Name of the check that says why NVML does not answer."""
    if host is None:
        return None
    if card(host, nvml) is False:
        return "no-nvidia-gpu"
    return next((name for name, look in EXPLANATIONS.items() if look(host, nvml) is not None), None)
