"""Imports torch in a process of its own and asks what it can do with CUDA. No CUDA context is created."""

from __future__ import annotations

import warnings
from typing import Any

from retina_doctor_checks.torch_cuda import look_import


def look(probe: Any, _arguments: dict[str, Any]) -> None:
    probe.tell(installed=False, version=None, file=None, cuda=None, arch_list=None)
    probe.tell(available=None, warnings=[], device_count=None)
    if look_import.folder() is None:
        return
    probe.tell(installed=True)
    probe.stage("importing torch")
    import torch

    probe.tell(version=str(torch.__version__), file=getattr(torch, "__file__", None), cuda=torch.version.cuda)
    probe.stage("asking torch for its CUDA architectures")
    probe.tell(arch_list=arch_list(torch))
    probe.stage("asking torch whether CUDA is available")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        available = bool(torch.cuda.is_available())
        count = int(torch.cuda.device_count())
    probe.tell(available=available, device_count=count, warnings=[str(one.message) for one in caught][:5])


def arch_list(torch: Any) -> list[str]:
    """What the build holds code for. torch.cuda.get_arch_list() is empty where there is no device, so ask below it."""
    try:
        return list(torch._C._cuda_getArchFlags().split())
    except AttributeError:
        return list(torch.cuda.get_arch_list())
