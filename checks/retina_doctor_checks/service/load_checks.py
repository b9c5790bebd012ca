"""RD513: does the service bear several pictures at a time?"""

from __future__ import annotations

from retina_doctor.authoring import Action, Answer, Scope, check
from retina_doctor.model import Inapplicable, Passed, Problem, Reason, Severity, Target
from retina_doctor.settings import Settings

from ..combined.asides import asides
from ..facts.service import Detection, Ports
from ..settings import ServiceSettings
from .checks import NOT_TOLD, service_named
from .endpoint_checks import asked


def load_asked(settings: Settings) -> Scope:
    if settings.of(ServiceSettings).load is None:
        return Scope(inapplicable=Reason("no-load-asked"))
    return service_named(settings)


@check("RD513", "service-fails-under-load", Severity.ERROR, pitfall=3, scope=load_asked, action=Action.EDIT)
def service_fails_under_load(ports: Ports, settings: Settings, target: Target) -> Answer:
    load, url = ports.load, ports.url
    if load is None or url is None:
        one = asked(ports, settings, target)
        return Inapplicable(Reason("endpoint-fails")) if isinstance(one, Detection) else one
    figures = {
        "answered": load.answered,
        "at_once": load.at_once,
        "asked": load.requests - load.left,
        "rate": f"{load.answered / load.seconds:.1f}" if load.seconds else "0",
        "p95": f"{load.p95:.2f}" if load.p95 is not None else "?",
        "gpu": load.gpu,
    }
    if not load.errors and not load.answered:
        return NOT_TOLD  # the time did not suffice for one
    if not load.errors:
        return Passed(Reason("load-borne" if load.gpu is None else "load-borne-by-gpu", figures))
    evidence = {
        **figures,
        "requests": load.requests,
        "errors": load.errors,
        "failures": [f"answer {kind} × {count}" for kind, count in load.errors.items()],
        "url": url.text,
        "more": asides(
            Reason("load-cut-short", {"requests": load.requests}) if load.left else None,
            Reason("gpu-busy-up-to", {"gpu": load.gpu}) if load.gpu is not None else None,
        ),
    }
    return Problem(subject=f"port:{url.port}", evidence=evidence)
