"""RD507: does the URL lead to the service?"""

from __future__ import annotations

import re
from collections.abc import Sequence

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Inapplicable, Problem, Reason, Severity, Target, Unknown

from ..combined.asides import asides
from ..combined.passed_on import at_url, no_post
from ..facts.service import Answer as Answered
from ..facts.service import Detection, Ports, Socket, Url
from ..facts.service_process import Processes
from ..facts.source import OwnSource
from .checks import NOT_TOLD, UNCONNECTED, its_ports, service_named, url_listeners, who_holds
from .endpoint_checks import routes_told
from .refusal import REDIRECTS, is_for_another_host, login_of
from .right_url import corrected, leads_to, origin


def _fault_at_once(
    url: Url, answer: Answered, listeners: Sequence[Socket], detection: Detection | None
) -> tuple[str, Severity | None] | None:
    """What the first answer shows: (kind, no graver than)."""
    if answer.kind == "refused" and listeners and (url.loopback or not all(s.loopback for s in listeners)):
        return "listens-elsewhere", None
    if url.scheme == "https":
        return ("plain-http", None) if answer.kind == "http" and (not detection or detection.kind == "other") else None
    if url.tls:
        return "tls", None
    if "other" in (answer.kind, detection and detection.kind):
        return "not-http", None
    if answer.status == 404 and url.path_named and detection is None:
        return "path", Severity.WARNING  # a route that takes a POST alone may well answer a GET so
    return None


def _fault_of_detection(url: Url, detection: Detection | None) -> tuple[str, Severity | None] | None:
    """What the answer to a picture shows: (kind, no graver than)."""
    if detection is None or login_of(detection):
        return None
    if is_for_another_host(detection):
        return "host-refused", None
    if detection.status == 404:
        return "path", None if url.path_named else Severity.WARNING  # where no path was named, /detect was a guess
    if detection.status == 405:
        return "method", None
    if detection.loops:
        return "redirect-loop", None
    if detection.redirected or detection.status in REDIRECTS:
        # curl does not follow any by itself; most libraries follow those that keep the method.
        ends = detection.redirected is not None and detection.status not in REDIRECTS
        return "redirect", Severity.WARNING if ends else None
    return None


@check("RD507", "service-wrong-url", Severity.ERROR, pitfall=5, scope=service_named, action=Action.EDIT)
def service_wrong_url(ports: Ports, own: OwnSource | None, processes: Processes | None, target: Target) -> Answer:
    """The fault is the caller's: scheme, host, port or path of the URL.

    A certificate that is refused hides none of them."""
    url = ports.url
    if url is None:
        return Inapplicable(Reason("no-url-named"))
    evidence: dict[str, object] = {
        "url": url.text,
        "scheme": url.scheme,
        "port": url.port,
        "origin": origin(url),
        **dict.fromkeys(("listens_on", "path", "location", "words", "allow")),
        "more": [],
        "remedy": [],
    }
    evidence["folder"] = processes.service.working_directory if processes and processes.service else None
    answer, refused = _of_place(ports, url, evidence, own, target), _of_certificate(ports.detection, url, evidence)
    if refused is None:
        return answer
    return [refused, answer] if isinstance(answer, Problem) else refused


REFUSED_FOR = {
    "self-signed": re.compile(r"(?i)self[- ]signed"),
    "expired": re.compile(r"(?i)expired"),
    "not-yet-valid": re.compile(r"(?i)not yet valid"),
    "other-name": re.compile(r"(?i)mismatch|not valid for"),
    "unknown-issuer": re.compile(r"(?i)issuer|unable to verify"),
}
"""As OpenSSL words what it refuses (crypto/x509/x509_txt.c)."""


def _of_certificate(detection: Detection | None, url: Url, evidence: dict[str, object]) -> Problem | None:
    """What clients see before anything else. On this machine the name need not be the one that clients elsewhere use."""
    if detection is None:
        return None
    words = detection.refused_certificate or (detection.words if detection.kind == "certificate" else None)
    if words is None:
        return None
    why = next((name for name, pattern in REFUSED_FOR.items() if pattern.search(words)), "refused")
    more = {
        "words": words.rstrip("."),
        "more": asides(Reason("asked-unverified") if detection.refused_certificate else None),
        "remedy": asides(Reason(f"certificate-{why}", {"url": url.text})),
        **corrected(url, "certificate", (), detection, None),
    }
    at_most = Severity.WARNING if why == "other-name" and url.loopback else None
    told = {**evidence, "kind": "certificate", **more}
    return Problem(subject="certificate", evidence=told, at_most=at_most, variant="certificate")


def _of_place(
    ports: Ports, url: Url, evidence: dict[str, object], own: OwnSource | None, target: Target
) -> Problem | Inapplicable | Unknown | None:
    """Where it leads."""
    if url.problem:
        told = {**evidence, "kind": url.problem, **corrected(url, url.problem, [], None, None)}
        return Problem(subject="url", evidence=told, variant=url.problem)
    if not url.local or url.answer is None:
        return NOT_TOLD
    answer, listeners, detection = url.answer, url_listeners(ports), ports.detection
    fault = _fault_at_once(url, answer, listeners, detection) or _fault_of_detection(url, detection)
    if fault is None and at_url(ports, target) == "another":
        return _at_its_own_port(ports, url, listeners, evidence, "another-program")
    if fault is None and answer.kind in UNCONNECTED and not listeners and its_ports(ports):
        return _at_its_own_port(ports, url, listeners, evidence, "other-port")
    if fault is None and no_post(ports):
        fault = "no-post", None
    if fault is None:
        return Inapplicable(Reason("nothing-listens")) if answer.kind in UNCONNECTED else None
    kind, at_most = fault
    addresses = [s.address for s in listeners]
    more = {
        "listens_on": addresses,
        "path": detection.path if detection and kind in ("path", "method") else answer.path,
        "location": leads_to(detection),
        "words": detection.words if detection else None,
        "allow": detection.allow if detection else None,
        "more": asides(
            Reason("path-allows", {"methods": detection.allow})
            if detection and kind == "method" and detection.allow
            else None,
            routes_told(detection) if detection and kind in ("path", "method") else None,
            who_holds(next(iter(listeners), None)) if kind == "no-post" else None,
        ),
        **corrected(url, kind, listeners, detection, own),
    }
    return Problem(subject="url", evidence={**evidence, "kind": kind, **more}, at_most=at_most, variant=kind)


def _at_its_own_port(
    ports: Ports, url: Url, listeners: Sequence[Socket], evidence: dict[str, object], kind: str
) -> Problem:
    """What answers there is neither the service nor something that asks it, or nothing does; the process has ports of its own."""
    its = list(ports.process.sockets or ()) if ports.process is not None else []
    more = {
        "listens_on": [
            f"{one.address}:{one.port}" if ":" not in one.address else f"[{one.address}]:{one.port}" for one in its
        ],
        "pid": ports.process.pid if ports.process is not None else None,
        "more": asides(who_holds(next(iter(listeners), None))),
        **corrected(url, kind, its_ports(ports), ports.detection, None),
    }
    return Problem(subject="url", evidence={**evidence, "kind": kind, **more}, variant=kind)
