"""RD506: does what listens on the service's port answer, and all that share it?"""

from __future__ import annotations

from collections.abc import Sequence

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.codec import replace
from retina_doctor.model import Inapplicable, Interpreter, Problem, Reason, Severity
from retina_doctor.settings import Settings

from ..combined.asides import asides
from ..combined.port_owner import owner_of
from ..combined.server_limits import without_limit
from ..combined.starting import StartKnown, split
from ..facts.service import Answer as Answered
from ..facts.service import Crew, Detection, Ports, ServiceProcess, Socket, Url
from .checks import NOT_TOLD, UNCONNECTED, held, in_the_way, listens_nowhere, service_named, url_listeners, who_holds
from .endpoint_checks import OF_THE_PROXY

FAILED = 500


@check("RD506", "service-crashed-or-not-ready", Severity.ERROR, pitfall=5, scope=service_named, action=Action.RESTART)
def service_crashed_or_not_ready(
    settings: Settings, ports: Ports, interpreter: Interpreter | None, known: StartKnown
) -> Answer:
    """Something listens at the URL, but does not answer: a server that hangs, still loads, or lost its worker."""
    url = ports.url
    if ports.process is not None and listens_nowhere(ports.process):
        return _nowhere(ports.process, ports, known)
    if url is None:
        return _silent_listener(settings, ports, interpreter, known)
    if url.problem:
        return Inapplicable(Reason("url-unusable"))
    if not url.local or url.answer is None:
        return NOT_TOLD
    listeners, answer = url_listeners(ports), url.answer
    last = ports.detection or answer
    if url.tls and url.scheme == "http":
        return None
    hangs = last.kind == "silent" or (last.kind == "timed-out" and bool(listeners))
    ended = last.status == FAILED and bool(_ended(ports.crew))  # gunicorn answers for a worker that it ends (--timeout)
    fails = _is_closed(last, url) or last.status in OF_THE_PROXY or ended
    evidence = {"url": url.text, "port": url.port, "kind": last.kind, "status": last.status}
    if hangs or fails:
        posted = ports.detection is not None
        variant = _why_unanswered(ports.crew, last, "silent-to-picture" if posted else "silent")
        # One worker that is busy with a picture is as silent as one that hangs; half a minute later it is not.
        at_most = Severity.WARNING if variant == "silent" else None
        return _problem({**evidence, "posted": posted}, ports, listeners, known, variant, at_most)
    if answer.kind in UNCONNECTED:
        return Inapplicable(Reason("nothing-listens"))
    sick = _among_others(ports, listeners)
    if sick is None:
        return None
    at_most = _at_most_of(sick, ports, listeners)
    return _problem({**evidence, "posted": False}, ports, listeners, known, sick, at_most)


def _nowhere(process: ServiceProcess, ports: Ports, known: StartKnown) -> Problem:
    """Its process is there and no port is open: it loads its models first, cannot bind, or hangs."""
    its_command = asides(Reason("its-command", {"command": process.command}) if process.command else None)
    evidence = {"url": None, "port": None, "kind": "listens-nowhere", "status": None, "posted": False}
    about = {"pid": process.pid, "command": process.command, "more": its_command}
    problem = _problem({**evidence, **about}, ports, [], known, "listens-nowhere", None)
    return replace(problem, subject=f"process:{process.pid}")


def _is_closed(last: Answered | Detection, url: Url) -> bool:
    """Without a word. Of https that counts once TLS was agreed on: a GET is asked without."""
    agreed = isinstance(last, Detection) and last.seconds is not None
    return last.kind == "closed" and (url.scheme == "http" or agreed)


def _silent_listener(settings: Settings, ports: Ports, interpreter: Interpreter | None, known: StartKnown) -> Answer:
    """No URL was named: the service's own port takes connections, and nobody answers. Where none of those that share the socket
    has a detection library loaded, none has booted; else one may be busy with a picture."""
    listeners = [s for s in in_the_way(ports.bind, ports) if s.state == "LISTEN"] if ports.bind else []
    ours = [s for s in listeners if owner_of(s, settings, ports, interpreter).ours]
    if not ours:
        return _stopped_process(ports, known) or Inapplicable(Reason("no-url-named"))
    if ports.answer is None:
        return NOT_TOLD
    first = ours[0]
    evidence = {
        "url": f"http://{first.address}:{first.port}",
        "port": first.port,
        "kind": ports.answer.kind,
        "status": None,
        "posted": False,
    }
    if ports.answer.kind not in ("silent", "timed-out") and not (ports.answer.kind == "closed" and _ended(ports.crew)):
        # Another process at the same port (SO_REUSEPORT) may be stopped, though this one answered.
        sick = _among_others(ports, listeners)
        return (
            _problem(evidence, ports, ours, known, sick, _at_most_of(sick, ports, listeners), ours=True)
            if sick
            else None
        )
    variant = _why_unanswered(ports.crew, ports.answer, "silent")
    loaded = any(one.holder is None or one.holder.packages is None or one.holder.packages for one in ours)
    at_most = Severity.WARNING if loaded and variant == "silent" else None
    return _problem(evidence, ports, ours, known, variant, at_most, ours=True)


def _at_most_of(sick: str, ports: Ports, listeners: Sequence[Socket]) -> Severity | None:
    """A socket that stopped processes have for themselves leaves its share of the clients without an answer."""
    alone = any(one.holder and set(one.holder.pids) <= set(_stopped(ports.crew)) for one in listeners)
    return None if sick == "stopped" and alone else Severity.WARNING


def _stopped_process(ports: Ports, known: StartKnown) -> Problem | None:
    """No port was named either: what holds a socket of the service's process is stopped, which no question has to show."""
    for one in (ports.process.sockets if ports.process else None) or ():
        pids = set(one.holder.pids) if one.holder else set()
        if pids & set(_stopped(ports.crew)):
            at_most = None if pids <= set(_stopped(ports.crew)) else Severity.WARNING
            evidence = {"url": f"http://{one.address}:{one.port}", "port": one.port, "kind": "silent", "status": None}
            return _problem({**evidence, "posted": False}, ports, [one], known, "stopped", at_most, ours=True)
    return None


def _problem(
    evidence: dict[str, object],
    ports: Ports,
    listeners: Sequence[Socket],
    known: StartKnown,
    variant: str,
    at_most: Severity | None,
    ours: bool = False,
) -> Problem:
    """*ours*: the listeners were told to be the service's by what they are, not by a URL."""
    crew, several = ports.crew, ports.several
    again, limit = _again(known, listeners, ours, variant)
    about = {
        "limit": limit,
        "stopped": list(_stopped(crew)),
        **_held(crew),
        "gone": list(_ended(crew)),
        "ended": asides(Reason("workers-ended", {"pids": list(_ended(crew))}) if _ended(crew) else None),
        "sockets": several.sockets if several else None,
        "asked": several.asked if several else None,
        "answered": several.answered if several else None,
    }
    shown = {**_listening(listeners), **again, **evidence, **about}
    named = "limited" if limit else variant
    return Problem(subject=f"port:{evidence['port']}", evidence=shown, at_most=at_most, variant=named)


def _stopped(crew: Crew | None) -> tuple[int, ...]:
    return crew.stopped if crew else ()


def _held(crew: Crew | None) -> dict[str, object]:
    """Evidence of what ends the stop: SIGCONT wakes who was stopped by a signal (state T), not who is traced (t)."""
    tracing = {one.pid for one in crew.members if one.state == "t"} if crew else set()
    traced = [str(pid) for pid in _stopped(crew) if pid in tracing]
    others = [str(pid) for pid in _stopped(crew) if pid not in tracing]
    return {
        "go_on": ["kill", "-CONT", *others] if others else [],
        "held_look": ["grep", "TracerPid", *(f"/proc/{pid}/status" for pid in traced)] if traced else [],
        "held_by": asides(
            Reason("stopped-by-signal") if others else None,
            Reason("held-by-debugger", {"pids": ", ".join(traced)}) if traced else None,
        ),
    }


def _ended(crew: Crew | None) -> tuple[int, ...]:
    """Workers that were there before the service was asked, and are there no more. Young workers alone say nothing: a
    reload or max_requests makes them, too."""
    return crew.gone if crew else ()


def _why_unanswered(crew: Crew | None, last: Answered | Detection, silent: str) -> str:
    if _stopped(crew):
        return "stopped"
    if last.status in OF_THE_PROXY:
        return "proxy"
    if _ended(crew):
        return "replaced"
    if last.kind == "timed-out":
        return "full"
    if isinstance(last, Detection) and last.broken_off:
        return "broken-off"
    return "closed" if last.kind == "closed" else silent


def _among_others(ports: Ports, listeners: Sequence[Socket]) -> str | None:
    """What is wrong with one of several, though others answered."""
    if set(_stopped(ports.crew)) & {pid for one in listeners if one.holder for pid in one.holder.pids}:
        return "stopped"
    return "several" if ports.several and ports.several.stuck else None


def _listening(listeners: Sequence[Socket]) -> dict[str, object]:
    """Evidence of who holds the port, and who waits there."""
    first, waiting = next(iter(listeners), None), sum(one.waiting for one in listeners)
    queue = Reason("connections-wait", {"count": waiting}) if waiting else None
    return {**held(first), "waiting": waiting, "more": asides(who_holds(first), queue)}


def _again(
    known: StartKnown, listeners: Sequence[Socket], ours: bool, seen: str
) -> tuple[dict[str, object], str | None]:
    """How the process at the port is started again, and the limit that its command then lacks, which explains what was *seen*.

    Not where it only passes on to a container what is asked of it, or nothing says that it is the service: what stands in a URL
    may lead to anybody's program.
    """
    holder = next((one.holder for one in listeners if one.holder), None)
    if holder is None or "docker-proxy" in (holder.command or ""):
        return known.again(), None
    if not (ours or known.sure or holder.packages):
        how = asides(Reason("is-it-the-service", {"pid": holder.pid}))
        return {"end": [], "start": [], "directory": None, "how": how}, None
    limit, changed = without_limit(known.words or split(holder.command), seen) or (None, [])
    return known.again(holder.pid, holder.command, changed, holder.pids), limit
