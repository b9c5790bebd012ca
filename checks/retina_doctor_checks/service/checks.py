"""RD5xx: does the service run, can it bind its port, can others reach it?"""

from __future__ import annotations

from collections.abc import Sequence

from retina_doctor.authoring import EVERYWHERE, Action, Answer, Scope, check
from retina_doctor.model import Inapplicable, Interpreter, Passed, Problem, Reason, SeenFrom, Severity, Unknown
from retina_doctor.settings import Settings

from ..combined.port_owner import is_run_by, owner_of
from ..facts.service import Answer as Answered
from ..facts.service import Bind, Binding, Detection, Ports, Socket, Url
from ..settings import ServiceSettings

NOT_TOLD = Unknown(missing=("ports",))
FORBIDDEN = ("EACCES", "EPERM")
BIND_RIGHT = "CAP_NET_BIND_SERVICE"
REDIRECTS = (301, 302, 303, 307, 308)
UNCONNECTED = ("refused", "unreachable", "timed-out")


def service_named(settings: Settings) -> Scope:
    """Nobody meant a service: the question does not arise, and no port is looked at."""
    named = settings.of(ServiceSettings)
    if named.host is None and named.port is None and named.url is None and named.pid is None:
        return Scope(inapplicable=Reason("no-service-named"))
    return EVERYWHERE


def held(socket: Socket | None) -> dict[str, object]:
    """Evidence of who holds a socket; all None where nobody can be named."""
    holder = socket.holder if socket else None
    return {
        "address": socket.address if socket else None,
        "pid": holder.pid if holder else None,
        "command": holder.command if holder else None,
        "user": (holder.user if holder else None) or (socket.user if socket else None),
    }


def url_listeners(ports: Ports) -> list[Socket]:
    """Listening sockets on the URL's port."""
    return [s for s in ports.sockets or () if ports.url and s.state == "LISTEN" and s.port == ports.url.port]


def in_the_way(bind: Bind, ports: Ports) -> list[Socket]:
    return [ports.sockets[i] for i in bind.conflicts] if ports.sockets else []


@check("RD501", "service-not-running", Severity.ERROR, pitfall=5, scope=service_named, action=Action.RESTART)
def service_not_running(ports: Ports) -> Answer:
    """Judged where a service was named that should be running: --url or --pid."""
    if ports.url is None and ports.process is None:
        return Inapplicable(Reason("no-running-service-named"))
    process, url = ports.process, ports.url
    evidence = {"pid": None, "url": None, "port": None, "words": None, "command": None}
    if process is not None:
        about = {**evidence, "pid": process.pid, "command": process.command}
        if not process.alive:
            return Problem(subject=f"process:{process.pid}", evidence={**about, "kind": "process-gone"})
        if process.sockets is not None and not process.sockets and not process.unix_sockets:
            return Problem(subject=f"process:{process.pid}", evidence={**about, "kind": "process-listens-nowhere"})
    if url is not None and url.problem is None:
        if not url.local or url.answer is None or ports.sockets is None:
            return NOT_TOLD
        if url.answer.kind in UNCONNECTED and not url_listeners(ports):
            told = {"kind": "refused", "url": url.text, "port": url.port, "words": url.answer.words}
            return Problem(subject=f"port:{url.port}", evidence={**evidence, **told})
        return None
    if process is not None and process.sockets is not None:
        return None
    return NOT_TOLD if process is not None else Inapplicable(Reason("url-unusable"))


@check("RD502", "service-loopback-only", Severity.ERROR, pitfall=5, scope=service_named, action=Action.EDIT)
def service_loopback_only(settings: Settings, ports: Ports, interpreter: Interpreter | None) -> Answer:
    """Only this machine can reach it. No graver than a warning where loopback was asked for by name."""
    if ports.url and ports.url.problem is None and not ports.url.local and not ports.bind and not ports.process:
        return NOT_TOLD
    bind, url = ports.bind, ports.url
    listeners = list(ports.process.sockets or ()) if ports.process else []
    listeners += [s for s in url_listeners(ports) if url and url.local]
    if bind is not None:
        ours = [s for s in in_the_way(bind, ports) if owner_of(s, settings, ports, interpreter).ours]
        listeners += [s for s in ours if s.state == "LISTEN"]
    if listeners and not all(s.loopback for s in listeners):
        return None
    asked_for = (bind is not None and bind.loopback) or (url is not None and url.loopback)
    if not listeners:
        if bind is None:
            return NOT_TOLD if ports.sockets is None else Inapplicable(Reason("nothing-listens"))
        if not bind.loopback:
            return None
    first = listeners[0] if listeners else None
    port = first.port if first else bind.port if bind else None
    evidence = {
        **held(first),
        "address": first.address if first else bind.host if bind else None,
        "port": port,
        "listens": first is not None,
        "container": interpreter.container if interpreter else None,
    }
    return Problem(
        subject=f"port:{port}" if port else "service",
        evidence=evidence,
        at_most=Severity.WARNING if asked_for else None,
    )


def bind_of(ports: Ports) -> Bind | Inapplicable:
    """The intended bind of a port, or why there is none to judge."""
    if ports.bind is None or ports.bind.port is None:
        return Inapplicable(Reason("no-port-named"))
    return ports.bind


@check("RD503", "port-in-use", Severity.ERROR, pitfall=5, scope=service_named, action=Action.EDIT)
def port_in_use(settings: Settings, ports: Ports, interpreter: Interpreter | None) -> Answer:
    bind = bind_of(ports)
    if isinstance(bind, Inapplicable):
        return bind
    sockets = in_the_way(bind, ports)
    if not sockets and bind.error != "EADDRINUSE":
        if bind.error is not None and bind.error not in FORBIDDEN:
            return Inapplicable(Reason("host-not-usable", {"host": bind.host}))
        return Passed(Reason("port-free", {"host": bind.host, "port": bind.port})) if bind.error is None else None
    owners = [(s, owner_of(s, settings, ports, interpreter)) for s in sockets if s.state == "LISTEN"]
    foreign = next((s for s, owner in owners if owner.ours is False), None)
    if foreign is None and owners:
        undecided = next((owner for _, owner in owners if owner.ours is None), None)
        if undecided is not None:
            return Unknown(missing=(undecided.missing or "ports",))
        pid = owners[0][0].holder.pid if owners[0][0].holder else None
        return Passed(Reason("port-held-by-service", {"port": bind.port, "pid": pid or "?"}))
    holder = foreign or next((s for s in sockets if s.holder), None) or next(iter(sockets), None)
    command = holder.holder.command if holder and holder.holder else None
    same_python = bool(holder and holder.holder and interpreter and is_run_by(interpreter, holder.holder))
    return Problem(
        subject=f"port:{bind.port}",
        evidence={
            **held(holder),
            "host": bind.host,
            "port": bind.port,
            "state": holder.state if holder else None,
            "ephemeral": ports.ephemeral is not None and ports.ephemeral[0] <= (bind.port or 0) <= ports.ephemeral[1],
            "named_pid": settings.process.pid,
            "published": "docker-proxy" in (command or ""),
            "same_python": same_python,
        },
    )


def held_already(settings: Settings, ports: Ports, interpreter: Interpreter | None) -> Answer:
    """The bind was not tried: our own service did it before us, or nobody can say for the other's presence."""
    assert ports.bind
    owners = [owner_of(s, settings, ports, interpreter) for s in in_the_way(ports.bind, ports)]
    if owners and all(owner.ours for owner in owners):
        return None
    return Inapplicable(Reason("port-held", {"port": ports.bind.port}))


@check("RD504", "port-forbidden", Severity.ERROR, pitfall=5, scope=service_named, action=Action.EDIT)
def port_forbidden(
    settings: Settings,
    ports: Ports,
    binding: Binding | None,
    interpreter: Interpreter | None,
    seen_from: SeenFrom | None,
) -> Answer:
    """To the service's user, where he tried himself: root may bind what he may not, and the other way round."""
    bind = bind_of(ports)
    if isinstance(bind, Inapplicable):
        return bind
    assert bind.port is not None
    if not bind.tried and bind.error is None:
        return held_already(settings, ports, interpreter)
    uid, error, words = ports.uid, bind.error, bind.words
    if binding is not None and binding.tried and binding.uid != ports.uid:
        uid, words = binding.uid, binding.words
        error = binding.error if binding.error in FORBIDDEN or bind.error in FORBIDDEN else bind.error
    elif binding is None and interpreter is not None and interpreter.uid != ports.uid:
        return Unknown(missing=("binding",))
    if error in FORBIDDEN:
        if seen_from is not None and BIND_RIGHT in seen_from.capabilities and "capabilities" in seen_from.not_taken:
            return Unknown(missing=("binding",))  # the service has the right to; what tried has not
        first = ports.first_unprivileged_port
        evidence = {
            "host": bind.host,
            "port": bind.port,
            "first_unprivileged_port": first,
            "privileged": first is not None and bind.port < first,
            "uid": uid,
            "words": words,
        }
        return Problem(subject=f"port:{bind.port}", evidence=evidence)
    if error not in (None, "EADDRINUSE"):
        return Inapplicable(Reason("host-not-usable", {"host": bind.host}))
    return None


@check("RD505", "host-not-on-this-machine", Severity.ERROR, pitfall=5, scope=service_named, action=Action.EDIT)
def host_not_on_this_machine(ports: Ports, interpreter: Interpreter | None) -> Answer:
    """The address cannot be bound whatever the port: it belongs to another machine, or leads nowhere."""
    bind = ports.bind
    if bind is None:
        return Inapplicable(Reason("no-host-named"))
    if bind.error in (None, "EADDRINUSE", *FORBIDDEN):
        return None
    evidence = {
        "host": bind.host,
        "port": bind.port,
        "addresses": list(bind.addresses),
        "resolved": bind.error != "resolve",
        "error": bind.error,
        "words": bind.words,
        "container": interpreter.container if interpreter else None,
    }
    return Problem(subject="service", evidence=evidence)


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
    fails = (last.kind == "closed" and url.scheme == "http") or last.status in (502, 503, 504)
    if hangs or fails:
        evidence = {**held(next(iter(listeners), None)), "url": url.text, "port": url.port, "kind": last.kind}
        evidence["waiting"] = sum(one.waiting for one in listeners)
        posted = ports.detection is not None
        full = last.kind == "timed-out"  # not even a connection is to be had
        return Problem(
            subject=f"port:{url.port}",
            evidence={**evidence, "status": last.status, "posted": posted},
            # One worker that is busy with a picture is as silent as one that hangs; half a minute later it is not.
            at_most=Severity.WARNING if hangs and not posted and not full else None,
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
        **held(first),
        "url": f"http://{first.address}:{first.port}",
        "port": first.port,
        "kind": "silent",
        "waiting": sum(one.waiting for one in ours),
        "status": None,
        "posted": False,
    }
    loaded = any(one.holder is None or one.holder.packages is None or one.holder.packages for one in ours)
    return Problem(subject=f"port:{first.port}", evidence=evidence, at_most=Severity.WARNING if loaded else None)


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
        return Problem(subject="url", evidence={**evidence, "kind": url.problem})
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
    return Problem(subject="url", evidence={**evidence, "kind": kind, **more}, at_most=at_most)
