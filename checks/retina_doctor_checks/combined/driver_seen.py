"""Everything that was seen of card and driver, and what it comes to taken together."""

import re

from retina_doctor.authoring import Gathered

from ..facts.driver import CudaDriver, DeviceNode, DriverLibrary, GpuEnvironment, Host, NvidiaSmi, Nvml
from .refusals import row, understood_by
from .visible_gpus import hides

Evidence = dict[str, object]
WSL = "/usr/lib/wsl/"  # where Windows puts its driver's libraries for Linux


class DriverSeen(Gathered, frozen=True, kw_only=True, dict=True):
    """Everything that was seen of card and driver; None: that looking did not end well, or was not asked for."""

    host: Host
    nvml: Nvml | None
    smi: NvidiaSmi | None = None
    environment: GpuEnvironment | None = None
    cuda: CudaDriver | None = None

    @property
    def card(self) -> bool | None:
        """Whether this machine has an NVIDIA GPU; None: cannot be known.

        WSL shows no PCI device, and its /dev/dxg is a GPU of any vendor: there it is Windows' libcuda that tells.
        """
        host = self.host
        if (self.nvml is not None and self.nvml.gpus) or host.pci_gpus:
            return True
        if any(node.path != "/dev/dxg" for node in host.nodes):
            return True
        if host.wsl and any(f.name.startswith("libcuda.so.") and f.path.startswith(WSL) for f in host.libraries):
            return True
        if host.pci_gpus is None or (host.wsl and host.container is not None):
            return None
        return False

    @property
    def taken_by(self) -> str | None:
        """The kernel's driver that has been given every card, as vfio-pci is for virtual machines: nvidia's then finds none.
        nouveau is none of these: it gives way to the driver's own package."""
        holders = {card.bound_to for card in self.host.pci_gpus or ()}
        taken = holders and not holders & {None, "nvidia", "nouveau"}
        return ", ".join(sorted(filter(None, holders))) if taken else None

    @property
    def nvml_answers(self) -> bool:
        return self.nvml is not None and self.nvml.error_code is None

    @property
    def nvml_code(self) -> int | None:
        """NVML's error; where NVML could not be asked, nvidia-smi's exit status, which is the same number."""
        if self.nvml is not None:
            return self.nvml.error_code
        return self.smi.exit_code if self.smi is not None else None

    @property
    def cuda_works(self) -> bool:
        return self.cuda is not None and self.cuda.works

    @property
    def cuda_code(self) -> int | None:
        return self.cuda.init_code if self.cuda is not None else None

    @property
    def libcuda(self) -> str | None:
        """The file that the target loads as libcuda.so.1."""
        if self.cuda is not None and self.cuda.path is not None:
            return self.cuda.path
        return self.environment.libcuda if self.environment is not None else None

    @property
    def compat(self) -> bool:
        """The target's libcuda is one of NVIDIA's package cuda-compat, which images bring along for older drivers."""
        return is_compat(self.libcuda)

    @property
    def libraries(self) -> tuple[DriverLibrary, ...]:
        """Of the driver: what an image brings itself is none."""
        told = (self.environment.libraries if self.environment is not None else None) or ()
        every = {library.path: library for library in (*self.host.libraries, *told)}
        return tuple(library for path, library in every.items() if not is_compat(path))

    @property
    def nodes(self) -> tuple[DeviceNode, ...]:
        """The device nodes, as the service's user may use them where that is known, else as the doctor may."""
        told = self.environment.nodes if self.environment is not None else None
        return self.host.nodes if told is None else told

    @property
    def loader_lacks_libcuda(self) -> bool:
        """The service's own loader was asked, and finds no libcuda."""
        asked = self.environment is not None and self.environment.loader_problem is None
        return asked and self.environment is not None and self.environment.libcuda is None

    @property
    def driver(self) -> str | None:
        return self.host.loaded_version or (self.nvml.driver if self.nvml else None)

    @property
    def is_integrated(self) -> bool:
        """Jetson and its like: the GPU is no PCI device, its module is not called nvidia, and older ones have no NVML."""
        return any(node.path in ("/dev/nvhost-gpu", "/dev/nvmap") for node in self.host.nodes)

    @property
    def is_hidden(self) -> bool:
        return hides(self.environment, self.nvml)[0] is not None

    @property
    def is_plain(self) -> bool:
        """A card on the PCI bus, driven by Linux' own kernel: where modules and device nodes mean what they usually do."""
        return self.card is True and not self.host.wsl and not self.is_integrated

    def has_node(self, pattern: str) -> bool:
        return any(node.moved_to is None and re.fullmatch(pattern, node.path) for node in self.host.nodes)

    def has_library(self, start: str) -> bool:
        return any(library.name.startswith(start) for library in self.libraries)

    def shown(self) -> Evidence:
        host = self.host
        return {
            "kernel": host.kernel,
            "container": host.container,
            "wsl": host.wsl,
            "module_loaded": host.nvidia_loaded,
            "nouveau": bool(host.nouveau_loaded),
            "cards": [gpu.address for gpu in host.pci_gpus or ()],
            "libraries": [library.path for library in host.libraries],
        }


def lost_by_smi(smi: NvidiaSmi | None, nvml: Nvml | None) -> dict[int, str]:
    """NVML's index of a card -> nvidia-smi's words that it is lost, though NVML may list it still."""
    found: dict[int, str] = {}
    for line in [*smi.lines, *smi.errors] if smi else ():
        meant = understood_by(row("gpu-lost"), line) or understood_by(row("gpu-wants-reset"), line)
        if meant is None:
            continue
        for gpu in nvml.gpus if nvml else ():
            if len(nvml.gpus if nvml else ()) == 1 or same_bus(meant.values.get("gpu", ""), gpu.bus_id):
                found.setdefault(gpu.index, meant.line)
    return found


def same_bus(one: str, other: str | None) -> bool:
    """Addresses on the PCI bus as nvidia-smi, NVML and the kernel's log write them: 0000:00:1e, 00000000:00:1E.0."""
    parts = [[int(part, 16) for part in re.findall(r"[0-9a-fA-F]+", text)][:3] for text in (one, other or "")]
    return len(parts[0]) == 3 and parts[0] == parts[1]


def is_compat(path: str | None) -> bool:
    """NVIDIA's own image and packages put it in /usr/local/cuda*/compat, conda-forge's in PREFIX/cuda-compat."""
    return path is not None and re.search(r"/(cuda-)?compat(-[\w.]+)?/", path) is not None
