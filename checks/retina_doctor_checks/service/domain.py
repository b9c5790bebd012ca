"""Does the service run, can it bind its port, can others reach it?"""

from pathlib import Path

from retina_doctor.authoring import Domain, Probe, Side

from . import checks
from .facts import Ports

probe = Probe(
    name="ports",
    facts=Ports,
    module="retina_doctor_checks.service.look_ports",
    sends=("retina_doctor_checks.service.look_sockets", "retina_doctor_checks.service.look_answers"),
    side=Side.OWN,
    arguments=lambda settings: {
        "host": settings.service.host,
        "port": settings.service.port,
        "url": settings.service.url,
        "pid": settings.service.pid,
        # Two askings at most, of the intended port and of the URL: neither may cost the facts that were told before.
        "patience": min(3.0, settings.gate.timeout / 5),
    },
)

domain = Domain(
    name="service",
    probes=(probe,),
    checks=(
        checks.service_not_running,
        checks.service_loopback_only,
        checks.port_in_use,
        checks.port_forbidden,
        checks.host_not_on_this_machine,
        checks.service_crashed_or_not_ready,
        checks.service_wrong_url,
    ),
    pages=Path(__file__).parent / "pages",
)
