"""RD503 to RD505: can the service bind its port?"""

from __future__ import annotations

from retina_doctor.authoring import EVERYWHERE, Action, Answer, Gathered, Scope, check
from retina_doctor.model import Inapplicable, Interpreter, Passed, Problem, Reason, SeenFrom, Severity, Unknown
from retina_doctor.settings import Settings

from ..combined.asides import Asides, asides
from ..combined.port_owner import is_run_by, owner_of
from ..combined.server_command import ALL
from ..combined.starting import StartKnown
from ..facts.service import Bind, Binding, Ports, Socket
from ..facts.service_start import Start
from ..facts.source import OwnSource
from ..settings import ServiceSettings
from .checks import NOT_TOLD, held, in_the_way, service_named

FORBIDDEN = ("EACCES", "EPERM")


BIND_RIGHT = "CAP_NET_BIND_SERVICE"


def bind_of(ports: Ports) -> Bind | Inapplicable:
    """The intended bind of a port, or why there is none to judge."""
    if ports.bind is None or ports.bind.port is None:
        return Inapplicable(Reason("no-port-named"))
    return ports.bind


def _how_taken(socket: Socket | None, ephemeral: bool) -> str:
    """By the socket that is in the way; None: the system does not tell."""
    if socket is None:
        return "untold"
    if socket.state == "TIME_WAIT":
        return "time-wait"
    if socket.state != "LISTEN":
        return "outgoing" if ephemeral else "local-end"
    if socket.holder is None:
        return "unseen"
    return "published" if "docker-proxy" in (socket.holder.command or "") else "listening"


def _of_holder(socket: Socket | None, named: int | None, same_python: bool) -> Asides:
    """What else is known of who has the port."""
    if socket is None:
        return []
    holder, user = socket.holder, held(socket)["user"]
    return asides(
        Reason("process-holds-connection", {"pid": holder.pid}) if holder and socket.state != "LISTEN" else None,
        Reason("socket-of-user", {"user": user}) if user else None,
        Reason("not-the-named-process", {"pid": named}) if named else None,
        Reason("may-be-the-service") if same_python else None,
    )


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
    same_python = bool(holder and holder.holder and interpreter and is_run_by(interpreter, holder.holder))
    ephemeral = ports.ephemeral is not None and ports.ephemeral[0] <= (bind.port or 0) <= ports.ephemeral[1]
    return Problem(
        subject=f"port:{bind.port}",
        evidence={
            **held(holder),
            "host": bind.host,
            "port": bind.port,
            "state": holder.state if holder else None,
            "ephemeral": ephemeral,
            "named_pid": settings.process.pid,
            "same_python": same_python,
            "more": _of_holder(holder, settings.process.pid, same_python),
        },
        variant=_how_taken(holder, ephemeral),
    )


def held_already(settings: Settings, ports: Ports, interpreter: Interpreter | None) -> Answer:
    """The bind was not tried: our own service did it before us, or nobody can say for the other's presence."""
    assert ports.bind
    owners = [owner_of(s, settings, ports, interpreter) for s in in_the_way(ports.bind, ports)]
    if owners and all(owner.ours for owner in owners):
        return None
    return Inapplicable(Reason("port-held", {"port": ports.bind.port}))


def _port_of_source(own: OwnSource | None) -> int | None:
    """Of the only server that what is run starts, where nothing may change it."""
    ports = {one.port for one in own.servers if one.sure and one.at.file in own.executed} if own is not None else set()
    return ports.pop() if len(ports) == 1 else None


class BindSeen(Gathered, frozen=True, kw_only=True):
    """The intended bind, as the doctor and the service's user tried it."""

    settings: Settings
    ports: Ports | None
    binding: Binding | None
    interpreter: Interpreter | None
    seen_from: SeenFrom | None


def bind_known(settings: Settings) -> Scope:
    return EVERYWHERE if settings.of(ServiceSettings).start is not None else service_named(settings)


@check("RD504", "port-forbidden", Severity.ERROR, pitfall=5, scope=bind_known, action=Action.EDIT)
def port_forbidden(start: Start | None, own: OwnSource | None, seen: BindSeen) -> Answer:
    """By what the start command and the source that it runs name, else as it was tried."""
    refused = start.refused if start is not None else None
    port = (refused.port or _port_of_source(own)) if refused is not None else None
    if start is not None and refused is not None and port is not None and port < refused.first:
        told = {"user": refused.user, "uid": refused.uid, "first_unprivileged_port": refused.first}
        return Problem(subject=f"port:{port}", evidence={**told, "port": port, "named": start.named}, variant="start")
    if seen.ports is None:
        named = service_named(seen.settings).inapplicable
        return Inapplicable(named) if named is not None else NOT_TOLD
    return _as_tried(seen.settings, seen.ports, seen.binding, seen.interpreter, seen.seen_from)


def _as_tried(
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
            "uid": uid,
            "words": words,
        }
        variant = "untold" if first is None else "privileged" if bind.port < first else "policy"
        return Problem(subject=f"port:{bind.port}", evidence=evidence, variant=variant)
    if error not in (None, "EADDRINUSE"):
        return Inapplicable(Reason("host-not-usable", {"host": bind.host}))
    return None


@check("RD505", "host-not-on-this-machine", Severity.ERROR, pitfall=5, scope=service_named, action=Action.EDIT)
def host_not_on_this_machine(ports: Ports, interpreter: Interpreter | None, known: StartKnown) -> Answer:
    """The address cannot be bound whatever the port: it belongs to another machine, or leads nowhere."""
    bind = ports.bind
    if bind is None:
        return Inapplicable(Reason("no-host-named"))
    if bind.error in (None, "EADDRINUSE", *FORBIDDEN):
        return None
    container = interpreter.container if interpreter else None
    started = known.on_all_addresses(bind.port, lambda host: host == bind.host)
    evidence = {
        "host": bind.host,
        "port": bind.port,
        "addresses": list(bind.addresses) or [bind.host],
        "resolved": bind.error != "resolve",
        "error": bind.error,
        "words": bind.words,
        "more": asides(Reason("looked-inside-container", {"container": container}) if container else None),
        "again_with": [["--host", bind.host], ["--host", ALL]],
        **started,
    }
    variant = "unresolved" if bind.error == "resolve" else "elsewhere"
    by_command = Action.RESTART if started["start"] else None
    return Problem(subject="service", evidence=evidence, variant=variant, action=by_command)
