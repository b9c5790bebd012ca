"""RD514, RD515: what is between the service and those who ask for it."""

from __future__ import annotations

import posixpath

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Inapplicable, Interpreter, Outcome, Problem, Reading, Reason, Severity, Unknown
from retina_doctor.settings import Settings

from ..combined.starting import StartKnown
from ..facts.service import Holder, Ports
from .checks import service_named


@check("RD514", "port-blocked", Severity.WARNING, pitfall=5, scope=service_named, action=Action.ROOT)
def port_blocked(ports: Ports, known: StartKnown) -> Answer:
    """It listens on every address, and this machine itself does not get through to it by one of its own."""
    if not ports.reached:
        return Inapplicable(Reason("listens-not-on-all"))
    if all(one.kind == "timed-out" for one in ports.reached):
        return Inapplicable(Reason("accepts-nobody"))
    blocked = [one for one in ports.reached if one.kind != "connected"]
    if not blocked:
        return None
    connected = {":" in one.address for one in ports.reached if one.kind == "connected"}
    only_ipv6 = connected == {True} and all(one.kind == "refused" for one in blocked)
    port = blocked[0].port
    evidence = {
        "port": port,
        "addresses": [one.address for one in blocked],
        "words": blocked[0].words,
        "only_ipv6": only_ipv6,
        **known.on_all_addresses(port, lambda host: host.strip("[]") == "::", _holder(ports, port)),
    }
    return Problem(subject=f"port:{port}", evidence=evidence, variant="ipv6-only" if only_ipv6 else "blocked")


def _holder(ports: Ports, port: int) -> Holder | None:
    return next((one.holder for one in ports.sockets or () if one.port == port and one.state == "LISTEN"), None)


@check("RD515", "docker-daemon-not-running", Severity.ERROR, pitfall=5, action=Action.ROOT)
def docker_daemon_not_running(interpreter: Reading[Interpreter], settings: Settings) -> Answer:
    """The target is in a container, and its engine does not answer: in docker's own words."""
    if not any(posixpath.basename(word) == "docker" for word in settings.target.command or ()):
        return Inapplicable(Reason("no-docker-named"))
    if interpreter.outcome is Outcome.OK:
        return None
    said = [line for line in interpreter.recorded.stderr_tail if "docker daemon" in line.lower()]
    if not said:
        return Unknown(missing=(interpreter.probe,))
    forbidden = "permission denied" in said[0].lower()
    evidence = {"said": said[0].strip()[:300], "forbidden": forbidden}
    return Problem(subject="docker", evidence=evidence, variant="forbidden" if forbidden else "stopped")
