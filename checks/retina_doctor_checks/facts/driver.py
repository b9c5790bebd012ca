"""What is known of the GPUs and of the driver: by NVML, by nvidia-smi, by files of the kernel and on the disk."""

from typing import Literal

from retina_doctor.authoring import Facts, varying
from retina_doctor.kinds import CommandLine, Name, Path, Serial, User, Variable, Version


class GpuProcess(Facts, frozen=True, kw_only=True):
    """A process with a CUDA context on a GPU. *pid* as NVML counts it: the host's, whatever the namespace.

    *used_memory* in bytes; None where the driver does not tell (WSL, MIG, another container's process). *ancestors*: from its
    parent upwards, where *pid* is a number of ours. *trial*: it is one of the doctor's own.
    """

    varies = varying(pid=None, used_memory=0.1, ancestors=None)

    pid: int
    used_memory: int | None
    name: CommandLine | None
    user: User | None
    framework: Literal["tensorflow", "jax"] | None = None
    """One that takes the whole card unless it is told otherwise, as the libraries that it has mapped tell."""
    ancestors: tuple[int, ...] = ()
    trial: bool = False


class Health(Facts, frozen=True, kw_only=True):
    """What slows a card down or lets it die; a field is None where the card has no such answer.

    *slowed_by*: names of the clock-event reasons that no healthy card shows (nvml.h nvmlClocksEventReason*).
    *temperature* in degrees Celsius. *ecc_errors*: uncorrected memory errors since the driver was loaded.
    *remapping*: "pending" (a reset mends it) or "failed" (the card is worn out), of rows or, on older cards, pages.
    """

    varies = varying(temperature=None)

    slowed_by: tuple[Name, ...] | None
    temperature: int | None
    ecc_errors: int | None
    remapping: Literal["none", "pending", "failed"] | None


class Gpu(Facts, frozen=True, kw_only=True):
    """One device of NVML's list (PCI order, CUDA_VISIBLE_DEVICES does not count). Memory in bytes.

    *error*: the first NVML error that this device gave where a healthy one answers ("15: GPU is lost").
    *compute_mode*: nvml.h nvmlComputeMode_t: 0 default, 1 exclusive thread, 2 prohibited, 3 exclusive process.
    *mig_devices*: UUIDs of the instances where *mig* is on. *health*: None where this card tells nothing of it.
    """

    varies = varying(memory_free=0.1, memory_used=None)

    index: int
    name: Name | None
    uuid: Serial | None
    bus_id: Name | None
    memory_total: int | None
    memory_free: int | None
    memory_used: int | None
    memory_reserved: int | None = None
    compute_capability: tuple[int, int] | None
    compute_mode: int | None
    mig: bool | None
    mig_devices: tuple[Serial, ...] = ()
    processes: tuple[GpuProcess, ...]
    error: str | None
    health: Health | None = None


class Nvml(Facts, frozen=True, kw_only=True):
    """*error_code*: of nvmlInit, or of the first call for all GPUs that failed (nvml.h nvmlReturn_t); None: no error.

    *driver*: "580.95.05"; *cuda*: the CUDA version that the driver supports, not an installed toolkit.
    *own_pids*: the numbers of processes are those that this pid namespace uses; in a container they are the host's.
    """

    error_code: int | None
    error: str | None
    driver: Version | None
    cuda: tuple[int, int] | None
    gpus: tuple[Gpu, ...]
    own_pids: bool = True


class NvidiaSmi(Facts, frozen=True, kw_only=True):
    """*path* None: no such program on PATH, and the rest is None. *lines*: its first lines of standard output."""

    varies = varying(lines=None)

    path: Path | None
    exit_code: int | None
    lines: tuple[str, ...]
    errors: tuple[str, ...]


class PciGpu(Facts, frozen=True, kw_only=True):
    """A display controller of vendor 0x10de. *device* like "0x1eb8"; *bound_to*: its kernel driver's name."""

    address: Name
    device: Name | None
    bound_to: Name | None


class DeviceNode(Facts, frozen=True, kw_only=True):
    """A device node. *usable*: this process may read and write it; *refused*: else why, as errno's name: "EACCES" (its
    owner and mode forbid it), "EPERM" (the container's device rules forbid it). *moved_to*: its driver's number, where the node
    bears another one, which nobody answers."""

    path: Path
    usable: bool
    refused: Name | None = None
    moved_to: int | None = None


class DriverLibrary(Facts, frozen=True, kw_only=True):
    """A file libnvidia-ml.so* or libcuda.so*. *version*: from the name of the file that it leads to.

    *on_loader_path*: it lies in a folder that the loader searches (ldconfig's cache, LD_LIBRARY_PATH, its defaults).
    """

    path: Path
    name: Name
    version: Version | None
    on_loader_path: bool


class ModuleFile(Facts, frozen=True, kw_only=True):
    """A file of the NVIDIA kernel module below /lib/modules. *signed* None: not known, or Secure Boot is off."""

    kernel: Version
    path: Path
    signed: bool | None


class Xid(Facts, frozen=True, kw_only=True):
    """An error that the driver wrote to the kernel log. *bus_id* like "0000:00:1e"; *line*: the words after it."""

    bus_id: Name
    code: int
    line: str


class LostCard(Facts, frozen=True, kw_only=True):
    """A card that has fallen off the bus, and of which the kernel has not said since that it is there again. *at_load*: it did
    not answer when the module was loaded, which then may not stay."""

    bus_id: Name
    line: str
    at_load: bool


class KernelLog(Facts, frozen=True, kw_only=True):
    """Of this boot. *refusals*: lines by which the kernel refused a module for want of a signature. *said*: what else the
    driver wrote there ("NVRM: RmInitAdapter failed! …"), the last lines."""

    xids: tuple[Xid, ...]
    refusals: tuple[str, ...]
    said: tuple[str, ...] = ()
    lost: tuple[LostCard, ...] = ()


class Host(Facts, frozen=True, kw_only=True):
    """*loaded_version*: of the kernel module that runs, from /proc/driver/nvidia/version; *modules*: which of NVIDIA's two kinds
    it is, or, where none runs, the one on the disk. *pci_gpus* None: /sys/bus/pci
    cannot be read, so nothing is known; the same holds for *module_files*, *secure_boot* and *kernel_log*.

    *uvm_loaded*: of the module nvidia_uvm, without which CUDA cannot start. *switches*: NVSwitches on the PCI bus.
    *fabric_manager*: nvidia-fabricmanager runs; None: the host's processes cannot be seen.
    """

    kernel: Version
    container: Name | None
    wsl: bool
    nvidia_loaded: bool | None
    loaded_version: Version | None
    nouveau_loaded: bool | None
    pci_gpus: tuple[PciGpu, ...] | None
    nodes: tuple[DeviceNode, ...]
    libraries: tuple[DriverLibrary, ...]
    uvm_loaded: bool | None = None
    module_files: tuple[ModuleFile, ...] | None = None
    secure_boot: bool | None = None
    kernel_log: KernelLog | None = None
    switches: int = 0
    fabric_manager: bool | None = None
    modules: Literal["open", "proprietary"] | None = None


class GivenVariable(Facts, frozen=True, kw_only=True):
    name: Name
    value: Variable


class GpuEnvironment(Facts, frozen=True, kw_only=True):
    """What decides which cards and which driver library the target gets. Variables: None unset, "" set and empty.

    *libcuda*, *libnvidia_ml*: the files that the loader takes for libcuda.so.1 and libnvidia-ml.so.1, with links
    followed; None: it finds none, or (*loader_problem*) could not be asked. *nodes*: as the service's user may use them, where
    Host's are as the doctor may. *libraries*: the driver's in the folders of its LD_LIBRARY_PATH, which may be its own alone.
    *mps_pipe_directory*: CUDA_MPS_PIPE_DIRECTORY; *mps_control*: the pipe of an MPS control daemon is in that folder, or in the
    one that CUDA takes without the variable. *slowing*: variables that are set, and that may make CUDA slow.
    """

    cuda_visible_devices: Variable | None
    cuda_device_order: Variable | None
    nvidia_visible_devices: Variable | None
    nvidia_driver_capabilities: Variable | None
    ld_library_path: Variable | None
    libcuda: Path | None = None
    libnvidia_ml: Path | None = None
    loader_problem: str | None = None
    nodes: tuple[DeviceNode, ...] | None = None
    libraries: tuple[DriverLibrary, ...] | None = None
    mps_pipe_directory: Variable | None = None
    mps_control: bool | None = None
    slowing: tuple[GivenVariable, ...] = ()


class CudaDevice(Facts, frozen=True, kw_only=True):
    """A device as CUDA numbers it in the target, after CUDA_VISIBLE_DEVICES. *uuid* as NVML writes it."""

    ordinal: int
    name: Name | None
    uuid: Serial | None
    compute_capability: tuple[int, int] | None


class CudaDriver(Facts, frozen=True, kw_only=True):
    """libcuda as the target loads it. *error*: why it cannot be loaded. *path*: the file that was mapped.

    *version*: the CUDA version that it supports. *init_code*: of cuInit, or of the first call after it that failed (cuda.h
    CUresult; 0: no error); None: it was not reached. *init_name*: its name, like "CUDA_ERROR_NO_DEVICE". *address_space*: bytes
    of addresses that a process of the service may have, None: as many as there are.
    """

    path: Path | None
    error: str | None
    version: tuple[int, int] | None
    init_code: int | None
    init_name: Name | None
    devices: tuple[CudaDevice, ...]
    address_space: int | None = None

    @property
    def works(self) -> bool:
        return self.init_code == 0 and bool(self.devices)

    @property
    def lacks_memory(self) -> bool:
        """CUDA_ERROR_OUT_OF_MEMORY."""
        return self.init_code == 2
