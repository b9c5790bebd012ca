"""Do the service's source and deployment files keep it from the GPU, its faces or its callers? Asked by `retina-doctor scan`,
and of the few files of a service's own in every run."""

from pathlib import Path
from typing import Any

from retina_doctor.authoring import Domain, Probe, Side
from retina_doctor.settings import Settings

from ..facts.source import OwnSource, Source
from ..scopes import reads_own
from ..settings import ScanSettings, ServiceSettings
from . import (
    checks,
    container_checks,
    cuda_major_checks,
    figure_checks,
    image_checks,
    limit_checks,
    low_port_checks,
    model_name_checks,
    numpy_checks,
    package_checks,
    python_checks,
    read_only_checks,
    rival_checks,
    serving_checks,
    shared_memory_checks,
    starting_checks,
    torch_checks,
    variable_checks,
)

PACK = "retina_doctor_checks"


def wanted(settings: Settings) -> dict[str, Any]:
    from ..analysis import kinds  # only where something is scanned

    paths = list(settings.of(ScanSettings).paths)
    return {"paths": paths, "kinds": kinds.wanted()}


probe = Probe(
    name="source",
    facts=Source,
    module=f"{PACK}.probes.source.look_texts",
    local=f"{PACK}.analysis.look",
    side=Side.CALLER,
    long=True,
    arguments=wanted,
    wanted=lambda settings: bool(settings.of(ScanSettings).paths),
)


def own_wanted(settings: Settings) -> dict[str, Any]:
    from ..analysis import kinds

    start = settings.of(ServiceSettings).start
    return {"pid": settings.process.pid, "start": start, "kinds": kinds.wanted()}


own_probe = Probe(
    name="service_source",
    since="0.3",
    facts=OwnSource,
    module=f"{PACK}.probes.source.look_own",
    local=f"{PACK}.analysis.look",
    side=Side.TARGET,
    arguments=own_wanted,
    wanted=reads_own,
)

domain = Domain(
    name="source",
    probes=(probe, own_probe),
    checks=(
        checks.ort_provider_not_requested,
        checks.cuda_hardcoded,
        checks.det_parameter_ignored,
        checks.no_face_not_handled,
        checks.model_wrong_directory,
        checks.image_not_read,
        checks.det_not_prepared,
        checks.image_wrong_form,
        checks.service_model_per_request,
        figure_checks.det_threshold_too_high,
        figure_checks.det_threshold_too_low,
        figure_checks.det_nms_too_high,
        figure_checks.det_nms_too_low,
        figure_checks.det_size_not_multiple_of_32,
        rival_checks.ort_both_packages,
        package_checks.ort_cpu_package,
        cuda_major_checks.ort_cuda_major_mismatch,
        container_checks.container_started_without_gpu,
        serving_checks.service_loopback_only,
        serving_checks.port_not_published,
        starting_checks.cuda_used_before_fork,
        rival_checks.opencv_both_packages,
        package_checks.libc_unsupported,
        python_checks.python_has_no_wheel,
        package_checks.service_module_missing,
        starting_checks.service_debug_mode,
        image_checks.ort_cuda_libs_missing,
        image_checks.ort_cudnn_mismatch,
        image_checks.opencv_system_libs_missing,
        variable_checks.cuda_visible_devices_hides_gpu,
        variable_checks.container_driver_capabilities,
        limit_checks.service_crashed_or_not_ready,
        read_only_checks.model_cache_not_writable,
        numpy_checks.numpy_abi,
        shared_memory_checks.container_shm_too_small,
        container_checks.container_runtime_not_nvidia,
        image_checks.insightface_build_failed,
        package_checks.ort_missing,
        rival_checks.retinaface_import_clash,
        image_checks.ort_tensorrt_libs_missing,
        low_port_checks.port_forbidden,
        model_name_checks.model_unknown_name,
        torch_checks.torch_cpu_build,
    ),
    pages=Path(__file__).parent / "pages",
)
