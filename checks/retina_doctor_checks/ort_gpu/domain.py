"""Is onnxruntime there, is it the GPU build, and does a real session get the GPU?"""

from pathlib import Path

from retina_doctor.authoring import Domain, Probe, Side

from ..facts.ort_gpu import OrtFiles, OrtRuntime
from ..settings import GpuSettings
from . import build_checks, checks, library_checks

PROBES = "retina_doctor_checks.probes.ort_gpu"

files_probe = Probe(
    name="ort_files",
    facts=OrtFiles,
    module=f"{PROBES}.look_files",
    side=Side.TARGET,
    share=True,
)
runtime_probe = Probe(
    name="ort_runtime",
    facts=OrtRuntime,
    module=f"{PROBES}.look_runtime",
    side=Side.TARGET,
    heavy=True,
    group="onnxruntime",
    hangs_with=("cuda_driver",),
    arguments=lambda settings: {"gpu": settings.of(GpuSettings).device != "cpu"},
)

domain = Domain(
    name="onnxruntime",
    probes=(files_probe, runtime_probe),
    checks=(
        checks.ort_missing,
        checks.ort_import_fails,
        checks.ort_broken_install,
        checks.ort_both_packages,
        checks.ort_cpu_package,
        library_checks.ort_cuda_major_mismatch,
        library_checks.ort_cuda_libs_missing,
        library_checks.ort_cuda_libs_not_on_path,
        library_checks.ort_cudnn_mismatch,
        checks.ort_session_on_cpu,
        build_checks.ort_arch_unsupported,
        build_checks.ort_tensorrt_libs_missing,
        build_checks.ort_wheel_wrong_platform,
        build_checks.ort_nodes_on_cpu,
        library_checks.cuda_libs_mixed_releases,
        library_checks.cudnn_incomplete,
        library_checks.cpu_affinity_refused,
    ),
    pages=Path(__file__).parent / "pages",
)
