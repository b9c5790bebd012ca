"""Python and system libraries of the target."""

from pathlib import Path

from retina_doctor.authoring import Domain, Probe, Side

from ..facts.python_env import Extensions, Imports, InstalledFiles, Packages, WorkingDirectory
from . import (
    access_checks,
    build_checks,
    files_checks,
    foreign_checks,
    import_checks,
    insightface_checks,
    native_checks,
    numpy_name_checks,
    one_folder_checks,
    refused_checks,
    search_path_checks,
)

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
files_probe = Probe(
    name="installed_files",
    since="0.3",
    facts=InstalledFiles,
    module=f"{PROBES}.look_files",
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
    probes=(directory_probe, packages_probe, extensions_probe, files_probe, imports_probe),
    checks=(
        search_path_checks.working_directory_shadows_package,
        native_checks.cudnn_shadowed,
        native_checks.numpy_abi,
        numpy_name_checks.numpy_removed_alias,
        native_checks.opencv_system_libs_missing,
        native_checks.libstdcxx_too_old,
        insightface_checks.insightface_build_failed,
        insightface_checks.insightface_api_mismatch,
        one_folder_checks.retinaface_import_clash,
        build_checks.pynvml_deprecated,
        import_checks.package_import_fails,
        insightface_checks.insightface_missing,
        one_folder_checks.cudnn_both_packages,
        refused_checks.dependency_version_conflict,
        refused_checks.executable_stack_refused,
        refused_checks.library_mapping_refused,
        refused_checks.libc_unsupported,
        refused_checks.cpu_instructions_missing,
        one_folder_checks.opencv_both_packages,
        search_path_checks.package_shadowed,
        build_checks.python_has_no_wheel,
        build_checks.tensorflow_cannot_use_gpu,
        files_checks.package_damaged,
        foreign_checks.package_for_other_python,
        access_checks.package_unreadable,
        access_checks.environment_not_recognized,
    ),
    pages=Path(__file__).parent / "pages",
)
