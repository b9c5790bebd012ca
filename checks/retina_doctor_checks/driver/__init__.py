"""Is there an NVIDIA GPU, and does its driver work?"""

from pathlib import Path

from retina_doctor.authoring import Domain, Probe, Side

from . import checks
from .facts import GpuEnvironment, Host, NvidiaSmi, Nvml

NAME = "retina_doctor_checks.driver"

nvml_probe = Probe(
    name="nvml",
    facts=Nvml,
    module=f"{NAME}.look_nvml",
    # One file that needs the standard library alone, so that a target needs nothing installed.
    sends=("pynvml",),
    side=Side.OWN,
)
nvidia_smi_probe = Probe(name="nvidia_smi", facts=NvidiaSmi, module=f"{NAME}.look_nvidia_smi", side=Side.OWN)
host_probe = Probe(
    name="host",
    facts=Host,
    module=f"{NAME}.look_host",
    sends=("retina_doctor.own_checks.look_interpreter",),
    side=Side.OWN,
)
environment_probe = Probe(
    name="gpu_environment", facts=GpuEnvironment, module=f"{NAME}.look_gpu_environment", side=Side.TARGET
)

domain = Domain(
    name="driver",
    probes=(nvml_probe, nvidia_smi_probe, host_probe, environment_probe),
    checks=(
        checks.no_nvidia_gpu,
        checks.driver_not_installed,
        checks.driver_module_not_loaded,
        checks.driver_library_mismatch,
        checks.driver_too_old,
        checks.nvml_library_not_found,
        checks.nvidia_smi_hangs,
        checks.nvml_fails,
        checks.cuda_visible_devices_hides_gpu,
    ),
    pages=Path(__file__).parent / "pages",
)
