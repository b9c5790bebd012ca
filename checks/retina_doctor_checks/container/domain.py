"""Was the container given the GPU, and can this machine give it to one? Part of the domain "driver"."""

from pathlib import Path

from retina_doctor.authoring import Domain, Probe, Side

from ..facts.container import Container, ContainerHost
from . import checks

PROBES = "retina_doctor_checks.probes.container"

container_probe = Probe(
    name="container",
    facts=Container,
    module=f"{PROBES}.look_container",
    side=Side.TARGET,
    share=True,
)
host_probe = Probe(
    name="container_host",
    facts=ContainerHost,
    module=f"{PROBES}.look_container_host",
    side=Side.OWN,
    share=True,
)

domain = Domain(
    name="driver",
    probes=(container_probe, host_probe),
    checks=(
        checks.container_started_without_gpu,
        checks.container_toolkit_missing,
        checks.container_runtime_not_nvidia,
        checks.container_gpu_access_lost,
        checks.container_device_node_missing,
        checks.container_driver_capabilities,
        checks.container_compat_libraries,
        checks.container_shm_too_small,
        checks.compose_too_old_for_gpu,
        checks.gpu_device_not_permitted,
    ),
    pages=Path(__file__).parent / "pages",
)
