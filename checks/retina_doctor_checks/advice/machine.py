"""What decides which builds of onnxruntime-gpu and torch are right for a machine."""

from __future__ import annotations

from retina_doctor.authoring import Gathered
from retina_doctor.model import Interpreter
from retina_doctor.settings import Settings

from ..driver.facts import CudaDriver, Gpu, GpuEnvironment, Nvml
from ..driver.used_gpu import meant
from ..ort_gpu.facts import OrtFiles
from ..torch_cuda.facts import TorchFiles
from .builds import Terms


class Machine(Gathered, frozen=True, kw_only=True):
    settings: Settings
    interpreter: Interpreter
    nvml: Nvml | None
    environment: GpuEnvironment | None
    cuda: CudaDriver | None
    ort: OrtFiles | None
    torch: TorchFiles | None

    @property
    def gpus(self) -> tuple[Gpu, ...]:
        """The cards that a build must fit."""
        return meant(self.nvml, self.environment, self.cuda) if self.nvml else ()

    @property
    def terms(self) -> Terms:
        capabilities = (gpu.compute_capability for gpu in self.gpus)
        return Terms(
            driver_cuda=self.nvml.cuda if self.nvml else None,
            python=self.interpreter.version[:2],
            processor=self.interpreter.machine,
            cards=tuple(dict.fromkeys(one for one in capabilities if one is not None)),
        )
