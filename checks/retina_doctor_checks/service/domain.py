"""Does the service run, can it bind its port, can others reach it, and does it detect?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from retina_doctor.authoring import Domain, Probe, Side
from retina_doctor.settings import Settings

from ..facts.service import Binding, Ports
from ..facts.service_log import NamedLog, OwnLog
from ..facts.service_process import Processes
from ..facts.service_start import Start
from ..settings import DetectionSettings, ServiceSettings
from . import (
    answering_checks,
    binding_checks,
    checks,
    endpoint_checks,
    load_checks,
    log_checks,
    login_checks,
    own_model_checks,
    process_checks,
    reach_checks,
    start_checks,
    url_checks,
)
from .logs import named_log

PROBES = "retina_doctor_checks.probes.service"


def asked(settings: Settings) -> Mapping[str, Any]:
    """What to look at, and until when: seconds that leave the probe time to tell what it has seen."""
    service, timeout = settings.of(ServiceSettings), settings.gate.timeout
    load = service.load
    return {
        "host": service.host,
        "port": service.port,
        "url": service.url,
        "pid": service.pid,
        # Two askings at most, of the intended port and of the URL: neither may cost the facts that were told before.
        "patience": min(3.0, timeout / 5),
        **pictures(posted=service.url is not None and not settings.gate.quick),
        "photo": settings.of(DetectionSettings).image,
        "form": service.response.form,
        "field": service.response.field,
        "faces": service.response.faces,
        "header_file": service.header_file,
        "until": min(40.0, 0.6 * timeout),
        "load": {"requests": load.requests, "at_once": load.at_once} if load else None,
        "load_until": 0.9 * timeout,
    }


def names_a_service(settings: Settings) -> bool:
    named = settings.of(ServiceSettings)
    return any(one is not None for one in (named.host, named.port, named.url, named.pid))


def pictures(posted: bool) -> dict[str, str | None]:
    """The known ones, where any is *posted*."""
    from retina_doctor_checks.inference.known import BROAD, CLOSE, NOBODY, POSTED, WIDE, encoded

    names = {"picture": POSTED, "wide": WIDE, "broad": BROAD, "close": CLOSE, "nobody": NOBODY}
    return {name: encoded(file) if posted else None for name, file in names.items()}


ports = Probe(
    name="ports",
    facts=Ports,
    module=f"{PROBES}.look_ports",
    side=Side.OWN,
    long=True,  # by its own patience with the service, which it is told
    wanted=names_a_service,
    arguments=asked,
)
binding = Probe(
    name="binding",
    facts=Binding,
    module=f"{PROBES}.look_binding",
    side=Side.TARGET,
    share=True,
    arguments=lambda settings: {
        "host": settings.of(ServiceSettings).host,
        "port": settings.of(ServiceSettings).port,
    },
)
processes = Probe(
    name="processes",
    facts=Processes,
    module=f"{PROBES}.look_processes",
    side=Side.OWN,
    share=True,
    arguments=lambda settings: {"pid": settings.process.pid},
)
start = Probe(
    name="start",
    since="0.3",
    facts=Start,
    module=f"{PROBES}.look_start",
    share=True,  # it reads files, and --quick has the time
    side=Side.TARGET,
    wanted=lambda settings: settings.of(ServiceSettings).start is not None or start_checks.may_lie_there(settings),
    arguments=lambda settings: {
        "start": settings.of(ServiceSettings).start,
        "lying": start_checks.may_lie_there(settings),
    },
)
own_log = Probe(
    name="service_log",
    since="0.3",
    facts=OwnLog,
    module=f"{PROBES}.look_log",
    local="retina_doctor_checks.triage.look_log",
    share=True,  # not in fact, for what is local is alone; but it is files, which --quick reads
    side=Side.TARGET,
    arguments=lambda settings: {"pid": settings.process.pid, "own": True},
)
named = Probe(
    name="named_log",
    since="0.3",
    facts=NamedLog,
    module=f"{PROBES}.look_named_log",
    local="retina_doctor_checks.triage.look_log",
    share=True,  # not in fact, for what is local is alone; but it is files, which --quick reads
    side=Side.CALLER,
    wanted=lambda settings: named_log(settings) is not None,
    arguments=lambda settings: {"log": named_log(settings), "own": False, "seconds": settings.gate.seconds(long=False)},
)

domain = Domain(
    name="service",
    probes=(ports, binding, processes, own_log, named, start),
    checks=(
        checks.service_not_running,
        checks.service_loopback_only,
        binding_checks.port_in_use,
        binding_checks.port_forbidden,
        binding_checks.host_not_on_this_machine,
        answering_checks.service_crashed_or_not_ready,
        url_checks.service_wrong_url,
        reach_checks.port_blocked,
        reach_checks.docker_daemon_not_running,
        process_checks.service_on_cpu,
        process_checks.ort_provider_not_requested,
        process_checks.service_needs_restart,
        log_checks.service_log_shows_cause,
        login_checks.service_wants_login,
        endpoint_checks.service_bad_response,
        own_model_checks.service_misses_faces,
        own_model_checks.service_wrong_preprocessing,
        endpoint_checks.service_too_slow,
        load_checks.service_fails_under_load,
        start_checks.service_module_missing,
        start_checks.service_start_failed,
    ),
    pages=Path(__file__).parent / "pages",
)
