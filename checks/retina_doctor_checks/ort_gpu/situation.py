"""What the checks of this domain have in common: when a question does not arise, and what to install on this machine."""

from __future__ import annotations

from retina_doctor.model import Inapplicable, Interpreter, Reason
from retina_doctor.settings import Settings

from ..advice.builds import terms
from ..advice.compatible import onnxruntime_advice
from ..driver.facts import CudaDriver, GpuEnvironment, Nvml
from ..torch_cuda.facts import TorchFiles
from .facts import OrtFiles, OrtRuntime

NO_ONNXRUNTIME = Inapplicable(Reason("no-onnxruntime"))
NO_GPU_BUILD = Inapplicable(Reason("no-gpu-build"))
BROKEN = Inapplicable(Reason("onnxruntime-broken"))
SUBJECT = "onnxruntime"


def no_provider(files: OrtFiles, runtime: OrtRuntime | None = None) -> Inapplicable | None:
    """Why the CUDA provider and its libraries are no question here."""
    if not files.distributions and not files.folder:
        return NO_ONNXRUNTIME
    if (runtime is not None and runtime.empty) or files.is_broken:
        return BROKEN
    in_force = files.in_force
    return NO_GPU_BUILD if files.provider is None or in_force is None or not in_force.gpu else None


def advice(
    settings: Settings,
    files: OrtFiles,
    nvml: Nvml | None,
    variables: GpuEnvironment | None,
    cuda: CudaDriver | None,
    torch: TorchFiles | None,
    interpreter: Interpreter | None,
) -> dict[str, object]:
    """Evidence for a remedy: the onnxruntime to install here, with what it was chosen by."""
    return onnxruntime_advice(
        terms(interpreter, nvml, variables, cuda),
        files,
        torch,
        nvml.driver if nvml else None,
        cpu=settings.gpu.device == "cpu",
        card=bool(nvml and nvml.gpus),
    )
