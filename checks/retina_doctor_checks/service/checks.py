"""RD501 and RD502: does the service run, and do others than its own machine reach it?"""

from __future__ import annotations

from retina_doctor.authoring import EVERYWHERE, Action, Answer, Scope, check
from retina_doctor.model import Inapplicable, Interpreter, Passed, Problem, Reason, Severity, Target, Unknown
from retina_doctor.settings import Settings

from ..combined.asides import asides
from ..combined.passed_on import at_url, no_post, proxy_before
from ..combined.port_owner import owner_of
from ..combined.server_command import is_loopback
from ..combined.starting import StartKnown
from ..facts.service import Bind, Ports, ServiceProcess, Socket
from ..settings import ServiceSettings

NOT_TOLD = Unknown(missing=("ports",))
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


def who_holds(socket: Socket | None) -> Reason | None:
    """The process at a port, where it is known."""
    holder = socket.holder if socket else None
    if socket is None or holder is None:
        return None
    values: dict[str, object] = {"pid": holder.pid, "command": holder.command, "port": socket.port}
    return Reason("command-holds-port", values) if holder.command else Reason("process-holds-port", values)


def url_listeners(ports: Ports) -> list[Socket]:
    """Listening sockets on the URL's port."""
    return [s for s in ports.sockets or () if ports.url and s.state == "LISTEN" and s.port == ports.url.port]


def in_the_way(bind: Bind, ports: Ports) -> list[Socket]:
    return [ports.sockets[i] for i in bind.conflicts] if ports.sockets else []


@check("RD501", "service-not-running", Severity.ERROR, pitfall=5, scope=service_named, action=Action.RESTART)
def service_not_running(ports: Ports, known: StartKnown) -> Answer:
    """Judged where a service was named that should be running: --url or --pid."""
    if ports.url is None and ports.process is None:
        return Inapplicable(Reason("no-running-service-named"))
    process, url = ports.process, ports.url
    evidence = {"pid": None, "url": None, "port": None, "words": None, "command": None}
    if process is not None:
        its_command = asides(Reason("its-command", {"command": process.command}) if process.command else None)
        about = {**evidence, "pid": process.pid, "command": process.command, "more": its_command, **known.again()}
        if not process.alive:
            kind = "process-gone"
            return Problem(subject=f"process:{process.pid}", evidence={**about, "kind": kind}, variant=kind)
        if listens_nowhere(process):
            return None  # it runs, and is not ready (RD506)
    if url is not None and url.problem is None:
        if not url.local or url.answer is None or ports.sockets is None:
            return NOT_TOLD
        if url.answer.kind in UNCONNECTED and not url_listeners(ports):
            if its_ports(ports):
                return None  # it runs, at another port than the URL's
            told = {"kind": "refused", "url": url.text, "port": url.port, "words": url.answer.words, **known.again()}
            return Problem(subject=f"port:{url.port}", evidence={**evidence, **told}, variant="refused")
        return None
    if process is not None and process.sockets is not None:
        return None
    return NOT_TOLD if process is not None else Inapplicable(Reason("url-unusable"))


def listens_nowhere(process: ServiceProcess) -> bool:
    return process.alive and process.sockets is not None and not process.sockets and not process.unix_sockets


def its_ports(ports: Ports) -> list[Socket]:
    """Of the process that was named, where it can be reached from here."""
    process = ports.process
    return list(process.sockets or ()) if process is not None and process.same_network is not False else []


def _its_listeners(
    settings: Settings, ports: Ports, interpreter: Interpreter | None, elsewhere: str | None
) -> list[Socket]:
    """Of its process, at the URL, and at the intended bind. What another program has at the URL is none of the service's."""
    bind, url = ports.bind, ports.url
    listeners = list(ports.process.sockets or ()) if ports.process else []
    listeners += [s for s in url_listeners(ports) if url and url.local and elsewhere in (None, "passes-on")]
    if bind is not None:
        ours = [s for s in in_the_way(bind, ports) if owner_of(s, settings, ports, interpreter).ours]
        listeners += [s for s in ours if s.state == "LISTEN"]
    return listeners


@check("RD502", "service-loopback-only", Severity.ERROR, pitfall=5, scope=service_named, action=Action.EDIT)
def service_loopback_only(
    settings: Settings, ports: Ports, interpreter: Interpreter | None, target: Target, known: StartKnown
) -> Answer:
    """Only this machine can reach it: an error, however that was found (RD521 says the same of its source). Where loopback is
    meant, behind a proxy, the operator says so once, with the reason."""
    if ports.url and ports.url.problem is None and not ports.url.local and not ports.bind and not ports.process:
        return NOT_TOLD
    bind, elsewhere = ports.bind, at_url(ports, target)
    listeners = _its_listeners(settings, ports, interpreter, elsewhere)
    if listeners and not all(s.loopback for s in listeners):
        return None
    if not listeners:
        if bind is None:
            return NOT_TOLD if ports.sockets is None else Inapplicable(Reason("nothing-listens"))
        if not bind.loopback:
            return None
    first = listeners[0] if listeners else None
    port = first.port if first else bind.port if bind else None
    proxy = proxy_before(ports, port)
    if proxy is not None:
        return Passed(Reason("behind-proxy", {"port": port, "pid": proxy.pid, "command": proxy.command or "?"}))
    if elsewhere == "untold" or no_post(ports):
        return NOT_TOLD
    container = interpreter.container if interpreter else None
    inside = Reason("nothing-outside-container", {"container": container})
    started = known.on_all_addresses(port, is_loopback, first.holder if first else None)
    evidence = {
        **held(first),
        "address": first.address if first else bind.host if bind else None,
        "port": port,
        "container": container,
        "reach": asides(inside if container else Reason("nothing-outside-machine"), who_holds(first)),
        "publish": asides(Reason("publish-the-port", {"port": port or 8080}) if container else None),
        **started,
    }
    variant = "listening" if first else "intended"
    return Problem(
        subject=f"port:{port}" if port else "service",
        evidence=evidence,
        variant=variant,
        action=Action.RESTART if started["start"] else None,  # the command itself binds them
    )
