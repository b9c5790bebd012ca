"""RD506, RD507: does what listens answer, and does the URL lead to it?"""

from __future__ import annotations

from collections.abc import Sequence

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Inapplicable, Interpreter, Problem, Reason, Severity
from retina_doctor.settings import Settings

from ..combined.asides import asides
from ..combined.port_owner import owner_of
from ..facts.service import Answer as Answered
from ..facts.service import Detection, Ports, Socket, Url
from .checks import NOT_TOLD, UNCONNECTED, held, in_the_way, service_named, url_listeners, who_holds
from .endpoint_checks import OF_THE_PROXY

REDIRECTS = (301, 302, 303, 307, 308)


@check("RD506", "service-crashed-or-not-ready", Severity.ERROR, pitfall=5, scope=service_named, action=Action.RESTART)
def service_crashed_or_not_ready(settings: Settings, ports: Ports, interpreter: Interpreter | None) -> Answer:
    """Something listens at the URL, but does not answer: a server that hangs, still loads, or lost its worker."""
    url = ports.url
    if url is None:
        return _silent_listener(settings, ports, interpreter)
    if url.problem:
        return Inapplicable(Reason("url-unusable"))
    if not url.local or url.answer is None:
        return NOT_TOLD
    listeners, answer = url_listeners(ports), url.answer
    last = ports.detection or answer
    if url.tls and url.scheme == "http":
        return None
    hangs = last.kind == "silent" or (last.kind == "timed-out" and bool(listeners))
    fails = (last.kind == "closed" and url.scheme == "http") or last.status in OF_THE_PROXY
    if hangs or fails:
        posted = ports.detection is not None
        evidence = {"url": url.text, "port": url.port, "kind": last.kind, "status": last.status, "posted": posted}
        silent = "silent-to-picture" if posted else "silent"
        full = last.kind == "timed-out"  # not even a connection is to be had
        return Problem(
            subject=f"port:{url.port}",
            evidence={**evidence, **_listening(listeners)},
            # One worker that is busy with a picture is as silent as one that hangs; half a minute later it is not.
            at_most=Severity.WARNING if hangs and not posted and not full else None,
            variant="proxy" if last.status else "closed" if last.kind == "closed" else silent,
        )
    return Inapplicable(Reason("nothing-listens")) if answer.kind in UNCONNECTED else None


def _silent_listener(settings: Settings, ports: Ports, interpreter: Interpreter | None) -> Answer:
    """No URL was named: the service's own port takes connections, and nobody answers. Where none of those that share the socket
    has a detection library loaded, none has booted; else one may be busy with a picture."""
    listeners = [s for s in in_the_way(ports.bind, ports) if s.state == "LISTEN"] if ports.bind else []
    ours = [s for s in listeners if owner_of(s, settings, ports, interpreter).ours]
    if not ours:
        return Inapplicable(Reason("no-url-named"))
    if ports.answer is None:
        return NOT_TOLD
    if ports.answer.kind != "silent":
        return None
    first = ours[0]
    evidence = {
        **_listening(ours),
        "url": f"http://{first.address}:{first.port}",
        "port": first.port,
        "kind": "silent",
        "status": None,
        "posted": False,
    }
    loaded = any(one.holder is None or one.holder.packages is None or one.holder.packages for one in ours)
    at_most = Severity.WARNING if loaded else None
    return Problem(subject=f"port:{first.port}", evidence=evidence, at_most=at_most, variant="silent")


def _listening(listeners: Sequence[Socket]) -> dict[str, object]:
    """Evidence of who holds the port, and who waits there."""
    first, waiting = next(iter(listeners), None), sum(one.waiting for one in listeners)
    queue = Reason("connections-wait", {"count": waiting}) if waiting else None
    return {**held(first), "waiting": waiting, "more": asides(who_holds(first), queue)}


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
    if detection is None:
        return None
    if detection.kind == "certificate":
        return "certificate", None
    if detection.status == 404:
        return "path", None if url.path_named else Severity.WARNING  # where no path was named, /detect was a guess
    if detection.status == 405:
        return "method", None
    if detection.redirected or detection.status in REDIRECTS:
        # curl does not follow any by itself; most libraries follow those that keep the method.
        ends = detection.redirected is not None and detection.status not in REDIRECTS
        return "redirect", Severity.WARNING if ends else None
    return None


@check("RD507", "service-wrong-url", Severity.ERROR, pitfall=5, scope=service_named, action=Action.EDIT)
def service_wrong_url(ports: Ports) -> Answer:
    """The fault is the caller's: scheme, host, port or path of the URL."""
    url = ports.url
    if url is None:
        return Inapplicable(Reason("no-url-named"))
    evidence = {
        "url": url.text,
        "scheme": url.scheme,
        "port": url.port,
        **dict.fromkeys(("listens_on", "path", "location", "words")),
    }
    if url.problem:
        return Problem(subject="url", evidence={**evidence, "kind": url.problem}, variant=url.problem)
    if not url.local or url.answer is None:
        return NOT_TOLD
    answer, listeners, detection = url.answer, url_listeners(ports), ports.detection
    fault = _fault_at_once(url, answer, listeners, detection) or _fault_of_detection(url, detection)
    if fault is None:
        return Inapplicable(Reason("nothing-listens")) if answer.kind in UNCONNECTED else None
    kind, at_most = fault
    addresses = [s.address for s in listeners]
    more = {
        "listens_on": addresses,
        "path": detection.path if detection and kind in ("path", "method") else answer.path,
        "location": (detection.redirected or detection.location) if detection else None,
        "words": detection.words if detection else None,
    }
    return Problem(subject="url", evidence={**evidence, "kind": kind, **more}, at_most=at_most, variant=kind)
