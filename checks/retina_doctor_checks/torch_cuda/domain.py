"""Can torch be imported, is it a CUDA build, and has it code for these cards?"""

from pathlib import Path

from retina_doctor.authoring import Domain, Probe, Side

from ..facts.torch_cuda import TorchFiles, TorchRuntime
from ..settings import GpuSettings
from . import checks

PROBES = "retina_doctor_checks.probes.torch_cuda"

files_probe = Probe(
    name="torch_files",
    facts=TorchFiles,
    module=f"{PROBES}.look_torch_files",
    side=Side.TARGET,
    share=True,
)
runtime_probe = Probe(
    name="torch_runtime",
    facts=TorchRuntime,
    module=f"{PROBES}.look_torch_runtime",
    side=Side.TARGET,
    heavy=True,
    arguments=lambda settings: {"gpu": settings.of(GpuSettings).device != "cpu"},
)

domain = Domain(
    name="torch",
    probes=(files_probe, runtime_probe),
    checks=(
        checks.torch_missing,
        checks.torch_import_fails,
        checks.torch_cpu_build,
        checks.torch_arch_unsupported,
        checks.torch_cannot_use_gpu,
    ),
    pages=Path(__file__).parent / "pages",
)
