"""Is there an NVIDIA GPU, does its driver work, and does CUDA start in the target?"""

from collections.abc import Mapping
from pathlib import Path

from retina_doctor.authoring import Domain, Probe, Side
from retina_doctor.model import Recorded

from ..facts.driver import CudaDriver, GpuEnvironment, Host, NvidiaSmi, Nvml
from . import answer_checks, card_checks, checks, slowing_checks, version_checks

PROBES = "retina_doctor_checks.probes.driver"

NOT_FOUND = 12  # nvml.h NVML_ERROR_LIBRARY_NOT_FOUND


def only_the_service_finds_it(readings: Mapping[str, Recorded]) -> bool:
    """NixOS, GKE, WSL: the driver's folder is in LD_LIBRARY_PATH of the service alone."""
    nvml, its = readings.get("nvml"), readings.get("gpu_environment")
    lacks = nvml is not None and nvml.facts.get("error_code") == NOT_FOUND
    return lacks and its is not None and its.facts.get("libnvidia_ml") is not None


nvml_probe = Probe(
    name="nvml",
    facts=Nvml,
    module=f"{PROBES}.look_nvml",
    carries=("pynvml",),  # one file that needs the standard library alone
    side=Side.OWN,
    share=True,
    again=only_the_service_finds_it,
)
nvidia_smi_probe = Probe(
    name="nvidia_smi",
    facts=NvidiaSmi,
    module=f"{PROBES}.look_nvidia_smi",
    side=Side.OWN,
    share=True,
)
host_probe = Probe(
    name="host",
    facts=Host,
    module=f"{PROBES}.look_host",
    side=Side.OWN,
    share=True,
)
environment_probe = Probe(
    name="gpu_environment",
    facts=GpuEnvironment,
    module=f"{PROBES}.look_gpu_environment",
    side=Side.TARGET,
    share=True,
)
cuda_probe = Probe(
    name="cuda_driver",
    facts=CudaDriver,
    module=f"{PROBES}.look_cuda_driver",
    side=Side.TARGET,
    heavy=True,
    long=False,
)

domain = Domain(
    name="driver",
    probes=(nvml_probe, host_probe, nvidia_smi_probe, environment_probe, cuda_probe),
    checks=(
        checks.no_nvidia_gpu,
        checks.driver_not_installed,
        checks.driver_module_not_loaded,
        checks.driver_library_mismatch,
        version_checks.driver_too_old,
        checks.nvml_library_not_found,
        answer_checks.nvidia_smi_hangs,
        answer_checks.nvml_fails,
        checks.cuda_visible_devices_hides_gpu,
        checks.driver_blocked_by_secure_boot,
        checks.driver_state_lost,
        checks.fabric_manager_not_running,
        card_checks.gpu_exclusive_mode,
        checks.mig_device_not_selected,
        checks.wsl_wrong_libcuda,
        checks.cuda_stub_library,
        answer_checks.cuda_init_fails,
        card_checks.gpu_slowed_down,
        card_checks.gpu_hardware_errors,
        checks.driver_dropped_gpu,
        checks.gpu_adapter_init_failed,
        card_checks.gpu_fallen_off_bus,
        checks.cuda_mps_not_running,
        slowing_checks.cuda_slowed_by_variable,
    ),
    pages=Path(__file__).parent / "pages",
)
