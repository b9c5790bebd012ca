"""Which GPU the service will use."""

from __future__ import annotations

from ..facts.driver import CudaDevice, CudaDriver, Gpu, GpuEnvironment, Nvml
from .visible_gpus import alike, hidden, left


def candidates(nvml: Nvml, environment: GpuEnvironment | None, cuda: CudaDriver | None = None) -> tuple[Gpu, ...]:
    """The GPU that a CUDA program calls 0; several where it cannot be told which of them that is; none: all are hidden.

    CUDA itself tells by the card's UUID, where it could be asked. Else: CUDA numbers the fastest card first and NVML goes
    by the PCI bus, so with different cards an index says little unless CUDA_DEVICE_ORDER=PCI_BUS_ID (CUDA programming
    guide, "Environment variables").
    """
    gpus = nvml.gpus
    if cuda is not None and cuda.devices and cuda.devices[0].uuid:
        first = tuple(gpu for gpu in gpus if _same(gpu, cuda.devices[0].uuid))
        if first:
            return first
    if environment is None:
        return gpus
    value = environment.cuda_visible_devices
    if hidden(value, gpus) not in (None, "unknown"):
        return ()
    named = (value or "0").split(",")[0].strip()
    if not named.isdigit():
        return left(environment, nvml)[:1] if named.startswith(("GPU-", "MIG-")) else gpus
    if not alike(gpus) and environment.cuda_device_order != "PCI_BUS_ID":
        return gpus
    return gpus[int(named) : int(named) + 1]


def _same(gpu: Gpu, uuid: str) -> bool:
    """CUDA gives an instance of a MIG card the instance's own UUID."""
    number = uuid.partition("-")[2]
    return any(one.partition("-")[2] == number for one in (gpu.uuid, *gpu.mig_devices) if one)


def meant(nvml: Nvml, environment: GpuEnvironment | None, cuda: CudaDriver | None = None) -> tuple[Gpu, ...]:
    """The cards that a build must fit: the candidates; where all are hidden, any, for one of them is to be used."""
    return candidates(nvml, environment, cuda) or nvml.gpus


def as_cuda_tells(device: CudaDevice) -> Gpu:
    """A card that NVML does not list: on a Jetson, or where a container was given CUDA alone."""
    return Gpu(
        index=device.ordinal,
        name=device.name,
        uuid=device.uuid,
        bus_id=None,
        memory_total=None,
        memory_free=None,
        memory_used=None,
        compute_capability=device.compute_capability,
        compute_mode=None,
        mig=None,
        processes=(),
        error=None,
    )
