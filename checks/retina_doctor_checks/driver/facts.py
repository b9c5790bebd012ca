"""What is known of the GPUs and of the driver: by NVML, by nvidia-smi, by files of the kernel and on the disk."""

from __future__ import annotations

from retina_doctor.authoring import Facts


class GpuProcess(Facts, frozen=True, kw_only=True):
    """A process with a CUDA context on a GPU. *pid* as NVML counts it: the host's, whatever the namespace.

    *used_memory* in bytes; None where the driver does not tell (WSL, MIG, another container's process).
    """

    pid: int
    used_memory: int | None
    name: str | None
    user: str | None


class Gpu(Facts, frozen=True, kw_only=True):
    """One device of NVML's list (PCI order, CUDA_VISIBLE_DEVICES does not count). Memory in bytes.

    *error*: the first NVML error that this device gave where a healthy one answers ("15: GPU is lost").
    *compute_mode*: nvml.h nvmlComputeMode_t: 0 default, 1 exclusive thread, 2 prohibited, 3 exclusive process.
    *mig_devices*: UUIDs of the instances where *mig* is on.
    """

    index: int
    name: str | None
    uuid: str | None
    bus_id: str | None
    memory_total: int | None
    memory_free: int | None
    memory_used: int | None
    memory_reserved: int | None = None
    compute_capability: tuple[int, int] | None
    compute_mode: int | None
    mig: bool | None
    mig_devices: tuple[str, ...] = ()
    processes: tuple[GpuProcess, ...]
    error: str | None


class Nvml(Facts, frozen=True, kw_only=True):
    """*error_code*: of nvmlInit, or of the first call for all GPUs that failed (nvml.h nvmlReturn_t); None: no error.

    *driver*: "580.95.05"; *cuda*: the CUDA version that the driver supports, not an installed toolkit.
    *own_pids*: the numbers of processes are those that this pid namespace uses; in a container they are the host's.
    """

    error_code: int | None
    error: str | None
    driver: str | None
    cuda: tuple[int, int] | None
    gpus: tuple[Gpu, ...]
    own_pids: bool = True


class NvidiaSmi(Facts, frozen=True, kw_only=True):
    """*path* None: no such program on PATH, and the rest is None. *lines*: its first lines of standard output."""

    path: str | None
    exit_code: int | None
    lines: tuple[str, ...]
    errors: tuple[str, ...]


class PciGpu(Facts, frozen=True, kw_only=True):
    """A display controller of vendor 0x10de. *device* like "0x1eb8"; *bound_to*: its kernel driver's name."""

    address: str
    device: str | None
    bound_to: str | None


class Node(Facts, frozen=True, kw_only=True):
    """A device node. *usable*: this process may read and write it."""

    path: str
    usable: bool


class DriverLibrary(Facts, frozen=True, kw_only=True):
    """A file libnvidia-ml.so* or libcuda.so*. *version*: from the name of the file that it leads to.

    *on_loader_path*: it lies in a folder that the loader searches (ldconfig's cache, LD_LIBRARY_PATH, its defaults).
    """

    path: str
    name: str
    version: str | None
    on_loader_path: bool


class Host(Facts, frozen=True, kw_only=True):
    """*loaded_version*: of the kernel module that runs, from /proc/driver/nvidia/version. *pci_gpus* None: /sys/bus/pci
    cannot be read, so nothing is known."""

    kernel: str
    container: str | None
    wsl: bool
    nvidia_loaded: bool | None
    loaded_version: str | None
    nouveau_loaded: bool | None
    pci_gpus: tuple[PciGpu, ...] | None
    nodes: tuple[Node, ...]
    libraries: tuple[DriverLibrary, ...]


class GpuEnvironment(Facts, frozen=True, kw_only=True):
    """Variables as the target sees them: None unset, "" set and empty."""

    cuda_visible_devices: str | None
    cuda_device_order: str | None
    nvidia_visible_devices: str | None
    nvidia_driver_capabilities: str | None
    ld_library_path: str | None
    cuda_module_loading: str | None
