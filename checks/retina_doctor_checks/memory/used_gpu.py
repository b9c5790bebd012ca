"""Which GPU the service will use."""

from __future__ import annotations

from retina_doctor_checks.driver.facts import Gpu, GpuEnvironment, Nvml
from retina_doctor_checks.driver.visible import hidden


def candidates(nvml: Nvml, environment: GpuEnvironment | None) -> tuple[Gpu, ...]:
    """The GPU that a CUDA program calls 0; several where it cannot be told which of them that is; none: all are hidden.

    CUDA numbers the fastest card first and NVML goes by the PCI bus, so with different cards an index says little unless
    CUDA_DEVICE_ORDER=PCI_BUS_ID (CUDA programming guide, "Environment variables").
    """
    gpus = nvml.gpus
    if environment is None:
        return gpus
    value = environment.cuda_visible_devices
    if hidden(value, gpus) not in (None, "unknown"):
        return ()
    first = (value or "0").split(",")[0].strip()
    if not first.isdigit():
        named = tuple(gpu for gpu in gpus if gpu.uuid and gpu.uuid.startswith(first))
        return named or gpus
    alike = len({(gpu.name, gpu.memory_total) for gpu in gpus}) == 1
    if not alike and environment.cuda_device_order != "PCI_BUS_ID":
        return gpus
    return gpus[int(first) : int(first) + 1]
