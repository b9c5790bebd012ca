"""Python and system libraries of the target."""

from pathlib import Path

from retina_doctor.authoring import Domain, Probe, Side

from ..facts.python_env import Extensions, Imports, Packages, WorkingDirectory
from . import checks, native_checks, refused_checks

PROBES = "retina_doctor_checks.probes.python_env"

directory_probe = Probe(
    name="working_directory", facts=WorkingDirectory, module=f"{PROBES}.look_directory", side=Side.TARGET, share=True
)
packages_probe = Probe(
    name="packages",
    facts=Packages,
    module=f"{PROBES}.look_packages",
    side=Side.TARGET,
    share=True,
)
extensions_probe = Probe(
    name="extensions",
    facts=Extensions,
    module=f"{PROBES}.look_extensions",
    side=Side.TARGET,
    share=True,
)
imports_probe = Probe(
    name="imports",
    facts=Imports,
    module=f"{PROBES}.look_imports",
    side=Side.TARGET,
    heavy=True,
)

domain = Domain(
    name="python_env",
    probes=(directory_probe, packages_probe, extensions_probe, imports_probe),
    checks=(
        checks.working_directory_shadows_package,
        native_checks.cudnn_shadowed,
        native_checks.numpy_abi,
        checks.numpy_removed_alias,
        native_checks.opencv_system_libs_missing,
        native_checks.libstdcxx_too_old,
        checks.insightface_build_failed,
        checks.insightface_api_mismatch,
        checks.retinaface_import_clash,
        checks.pynvml_deprecated,
        native_checks.package_import_fails,
        checks.insightface_missing,
        checks.cudnn_both_packages,
        refused_checks.dependency_version_conflict,
        refused_checks.executable_stack_refused,
        refused_checks.library_mapping_refused,
        refused_checks.libc_unsupported,
        refused_checks.cpu_instructions_missing,
        checks.opencv_both_packages,
        checks.package_shadowed,
        checks.python_has_no_wheel,
        checks.tensorflow_cannot_use_gpu,
    ),
    pages=Path(__file__).parent / "pages",
)
