"""Imports torch in a process of its own, asks what it can do with CUDA, and has the card compute something."""

from __future__ import annotations

import warnings

from retina_doctor.hints import Any
from retina_doctor_checks.probes.native import mapped, output
from retina_doctor_checks.probes.torch_cuda import look_import


def look(probe: Any, arguments: dict[str, Any]) -> None:
    probe.tell(installed=False, version=None, file=None, cuda=None, arch_list=None)
    probe.tell(available=None, warnings=[], launch=None, mapped=[])
    if look_import.folder() is None:
        return
    probe.tell(installed=True)
    probe.stage("importing torch")
    import torch

    probe.tell(version=str(torch.__version__), file=getattr(torch, "__file__", None), cuda=torch.version.cuda)
    probe.stage("asking torch for its CUDA architectures")
    probe.tell(arch_list=arch_list(torch))
    if not arguments["gpu"]:
        return
    probe.stage("asking torch whether CUDA is available")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        available = bool(torch.cuda.is_available())
        count = int(torch.cuda.device_count())
    probe.tell(available=available, warnings=[str(one.message) for one in caught][:5])
    if available and count:
        probe.stage("computing on the GPU")
        probe.tell(launch=launch(torch))
    probe.tell(mapped=mapped.cuda_libraries())


def arch_list(torch: Any) -> list[str]:
    """What the build holds code for. torch.cuda.get_arch_list() is empty where there is no device, so ask below it."""
    try:
        return list(torch._C._cuda_getArchFlags().split())
    except AttributeError:
        return list(torch.cuda.get_arch_list())


def launch(torch: Any) -> dict[str, Any]:
    """Whatever is_available says: only a kernel that ran shows that one can."""
    told: dict[str, Any] = {"name": None, "error": None}
    try:
        told["name"] = str(torch.cuda.get_device_name(0))
        total = float((torch.arange(8.0, device="cuda:0") * 2).sum().item())
        if total != 56.0:
            told["error"] = "0 + 2 + … + 14 gave %s" % total
    except Exception as error:
        told["error"] = output.cut(str(error), 2000)
    return told
