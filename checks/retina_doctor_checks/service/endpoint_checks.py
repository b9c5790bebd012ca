"""RD511 to RD513: does the service detect the faces of a picture that is posted to it, and how fast?"""

from __future__ import annotations

from retina_doctor.authoring import Action, Answer, Scope, check
from retina_doctor.codec import encode
from retina_doctor.model import Inapplicable, Passed, Problem, Reason, Severity, Unknown
from retina_doctor.settings import Settings

from ..combined.asides import asides
from ..facts.service import Detection, Ports
from ..settings import ServiceSettings
from . import response
from .checks import NOT_TOLD, service_named

SLOW = 3.0
"""Seconds for one picture of 640x640 when the service is warm. RetinaFace R50 takes 1.8 s on a CPU for 1920x1080, by the
deployment guide's figures."""
WITH_A_GATE = (401, 403)
OF_THE_URL = (404, 405, 301, 302, 303, 307, 308)
"""What says that the picture was posted to the wrong place: another check's finding."""
OF_THE_PROXY = (502, 503, 504)


def asked(ports: Ports, settings: Settings) -> Detection | Inapplicable | Unknown:
    """The answer to a picture, or why there is none to judge."""
    detection = ports.detection
    if ports.url is None:
        return Inapplicable(Reason("no-url-named"))
    if ports.url.problem is None and not ports.url.local:
        return NOT_TOLD
    if detection is None:
        silent = ports.url.answer is not None and ports.url.answer.kind == "timed-out"
        why = "url-unusable" if ports.url.problem else "endpoint-silent" if silent else "nothing-listens"
        return Inapplicable(Reason("quick" if settings.gate.quick else why))
    if detection.status in OF_THE_URL or detection.kind in ("other", "certificate"):
        return Inapplicable(Reason("not-the-endpoint", {"path": detection.path}))
    if detection.status is None or detection.status in OF_THE_PROXY:
        return Inapplicable(Reason("endpoint-silent"))
    if detection.status in WITH_A_GATE:
        return Inapplicable(Reason("endpoint-wants-login", {"status": detection.status}))
    return detection


def _difference(one: response.Wrong) -> tuple[Reason | None, ...]:
    """What stands in a field in place of what should, and the usual slip that it looks like."""
    values = {"where": one.where, "wanted": one.wanted, "got": one.got}
    return Reason("answer-differs", values), Reason(f"looks-like-{one.hint}") if one.hint else None


def unreadable(content_type: str) -> str:
    """What an answer is called that is no JSON, by what it calls itself."""
    if "json" in content_type:
        return "broken-json"
    return "html" if "html" in content_type else "not-json"


@check("RD511", "service-bad-response", Severity.ERROR, pitfall=5, scope=service_named, action=Action.EDIT)
def service_bad_response(ports: Ports, settings: Settings) -> Answer:
    """It answers, but no client could use the answer. How many faces it found is not judged."""
    one = asked(ports, settings)
    if not isinstance(one, Detection):
        return one
    assert ports.url
    wanted = settings.of(ServiceSettings).response
    wrong: list[response.Wrong] = []
    if one.status == 413:
        kind = "too-large"
    elif one.works_with:
        kind = "field"
    elif one.status != 200:
        kind = "server-error" if (one.status or 0) >= 500 else "refused"
    elif one.cut:
        return NOT_TOLD  # it is longer than what was read
    elif not one.json:
        kind = unreadable(one.content_type or "")
    else:
        kind, wrong = "schema", response.wrong_in(one.body, wanted)
        if not wrong:
            faces = response.faces_of(one.body, wanted)
            shown = {"faces": len(faces) if isinstance(faces, list) else 0, "seconds": f"{one.seconds or 0:.2f}"}
            return Passed(Reason("endpoint-detects" if faces else "endpoint-finds-nobody", shown))
    said = response.shown(one.body) if one.json else one.text
    evidence = {
        "kind": kind,
        "url": ports.url.text,
        "path": one.path,
        "status": one.status,
        "content_type": one.content_type,
        "said": said,
        "field": wanted.field,
        "works_with": one.works_with,
        "wrong": [encode(each) for each in wrong],
        "differences": asides(*(reason for each in wrong for reason in _difference(each))),
        "more": asides(Reason("answer-said", {"text": said}) if said else None),
    }
    return Problem(subject=f"port:{ports.url.port}", evidence=evidence, variant=kind)


@check("RD512", "service-too-slow", Severity.WARNING, pitfall=2, scope=service_named, action=Action.LOOK)
def service_too_slow(ports: Ports, settings: Settings) -> Answer:
    """One picture, when the service is warm and nobody else asks."""
    one = asked(ports, settings)
    if not isinstance(one, Detection):
        return one
    assert ports.url and one.seconds is not None
    if one.status != 200:
        return Inapplicable(Reason("endpoint-fails"))
    if one.seconds <= SLOW:
        return None
    if one.first_seconds is None:
        return NOT_TOLD  # it may have been setting things up, and no time was left to ask again
    evidence = {"url": ports.url.text, "seconds": round(one.seconds, 1), "first": one.first_seconds, "most": SLOW}
    return Problem(subject=f"port:{ports.url.port}", evidence=evidence)


def load_asked(settings: Settings) -> Scope:
    if settings.of(ServiceSettings).load is None:
        return Scope(inapplicable=Reason("no-load-asked"))
    return service_named(settings)


@check("RD513", "service-fails-under-load", Severity.ERROR, pitfall=3, scope=load_asked, action=Action.EDIT)
def service_fails_under_load(ports: Ports, settings: Settings) -> Answer:
    load, url = ports.load, ports.url
    if load is None or url is None:
        one = asked(ports, settings)
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
    evidence = {**figures, "requests": load.requests, "errors": load.errors, "url": url.text}
    return Problem(subject=f"port:{url.port}", evidence=evidence)
