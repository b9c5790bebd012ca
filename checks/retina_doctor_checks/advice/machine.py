"""What decides which builds of onnxruntime-gpu and torch are right for a machine."""

from retina_doctor.authoring import Gathered
from retina_doctor.model import Interpreter
from retina_doctor.settings import Settings

from ..combined.driver_seen import is_compat
from ..combined.used_gpus import as_cuda_tells, meant
from ..facts.driver import CudaDriver, Gpu, GpuEnvironment, Nvml
from ..facts.ort_gpu import OrtFiles
from ..facts.torch_cuda import TorchFiles
from .builds import Terms
from .gpu_code import covers


class MachineSeen(Gathered, frozen=True, kw_only=True):
    settings: Settings
    interpreter: Interpreter
    nvml: Nvml | None
    environment: GpuEnvironment | None
    cuda: CudaDriver | None
    ort: OrtFiles | None
    torch: TorchFiles | None

    @property
    def gpus(self) -> tuple[Gpu, ...]:
        """The cards that a build must fit; where NVML lists none, the one that CUDA calls 0."""
        if self.nvml is not None and self.nvml.gpus:
            return meant(self.nvml, self.environment, self.cuda)
        return tuple(map(as_cuda_tells, self.cuda.devices[:1])) if self.cuda is not None else ()

    def without(self, code: tuple[str, ...]) -> tuple[Gpu, ...] | None:
        """Of the cards that the service will use those on which GPU code of these architectures does not run.

        None: it cannot be told, for want of a capability, or of a word which of different cards is the one.
        """
        lacking = tuple(g for g in self.gpus if g.compute_capability and not covers(code, g.compute_capability))
        if len(lacking) == len(self.gpus):
            return lacking
        unknown = lacking or any(gpu.compute_capability is None for gpu in self.gpus)
        return None if unknown else ()

    @property
    def driver_cuda(self) -> tuple[int, int] | None:
        """The CUDA version that the target has: as its own libcuda says, which may be a newer one than the driver's
        (cuda-compat); else as NVML does. None: not known."""
        if self.cuda is not None and self.cuda.init_code == 0:
            return self.cuda.version
        if self.cuda is None and self.environment is None:
            return None  # which libcuda is loaded is not known
        loaded = (self.cuda.path if self.cuda else None, self.environment.libcuda if self.environment else None)
        if any(map(is_compat, loaded)):
            return None
        return self.nvml.cuda if self.nvml else None

    @property
    def terms(self) -> Terms:
        capabilities = (gpu.compute_capability for gpu in self.gpus)
        return Terms(
            driver_cuda=self.driver_cuda,
            python=self.interpreter.version[:2],
            processor=self.interpreter.machine,
            cards=tuple(dict.fromkeys(one for one in capabilities if one is not None)),
        )
