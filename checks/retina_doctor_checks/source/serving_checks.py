"""Who can reach the service, as its source and its deployment files say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.codec import replace
from retina_doctor.model import Reason, Severity, Target
from retina_doctor.patterns import pattern

from ..combined.asides import asides
from ..combined.passed_on import is_passed_on
from ..combined.server_command import ALL, BINDING
from ..combined.source_files import is_test, within
from ..facts.deployment import DeployedContainer, Port, Server
from ..facts.service import Ports
from ..facts.source import Source
from .judging import EITHER, Looked, SourcePlace, answer, foretells, of_source, scanned
from .together import bare_file, image_of, is_public, is_store, listening, settled

COMMANDS = ("gunicorn", "uvicorn", "hypercorn", "daphne", "waitress", "fastapi", "flask", "runserver")

FORMS: tuple[tuple[str, Callable[[list[str], str], str]], ...] = (
    (r"[\"'](?:[\w./-]*/)?{}[\"']", lambda words, before: "".join(f", {before[0]}{word}{before[0]}" for word in words)),
    (r"(?<=[\[,])\s*{}(?=\s*[,\]])", lambda words, _: "".join(f", {word}" for word in words)),
    (r"(?<![\w\"'-]){}(?=\s|$)", lambda words, _: " " + " ".join(words)),
)
"""How that word stands: in a JSON list, in a plain YAML list, in a shell's line; and how more words are put behind it."""


def is_loopback(host: str | None) -> bool:
    return host is not None and (host.startswith("127.") or host in ("localhost", "::1", "[::1]"))


@check("RD521", "service-loopback-only", Severity.ERROR, pitfall=5, scope=scanned, action=Action.EDIT)
def service_loopback_only(looked: Looked, ports: Ports | None, target: Target) -> Answer:
    """Of a service that runs, a proxy before it may be seen."""

    def judged(source: Source) -> Answer:
        return answer(source, "RD521", "service-loopback-only", loopback(source, ports, target), of=EITHER)

    return of_source(judged)(looked)


def loopback(source: Source, ports: Ports | None, target: Target) -> Iterator[SourcePlace]:
    for server in source.servers:
        bound = settled(source, server)
        if is_for_itself(source, server):
            continue
        if is_loopback(bound.host) and is_loopback(server.host) and not is_passed_on(ports, bound.port, target):
            # Where another server runs this module, its own is only for development.
            meant = not server.sure or is_run_by_another(source, server)
            yield SourcePlace(
                at=server.at,
                why=server.why,
                what=server.host or "",
                fixed=server.fixed or rebound(server),
                at_most=Severity.WARNING if meant else None,
                more={"by": server.by, "port": server.port},
            )
    for container in source.containers:
        for port in container.ports if belongs(source, container) else ():
            if is_loopback(port.host):
                yield SourcePlace(
                    at=port.at,
                    why="published",
                    what=port.host or "",
                    fixed=re.sub(r"(127\.[\d.]+|localhost|\[::1\]):", "", port.at.text, count=1),
                    more={"by": container.kind, "port": port.number},
                )


def is_for_itself(source: Source, server: Server) -> bool:
    """A test's server, or one at a port that the kernel chooses (0): nobody else could be told where it is."""
    return is_test(source, server.at.file) or (server.port is not None and server.port <= 0)


def belongs(source: Source, container: DeployedContainer) -> bool:
    """Whether it serves what the tree is about: that nobody else reaches its database is meant."""
    own = container.server or container.dockerfile or image_of(source, container) or container.gpu
    return bool(own) or not is_public(container.image or "")


def is_run_by_another(source: Source, server: Server) -> bool:
    if server.runs is not None or not server.at.file.endswith(".py") or server.by == "gunicorn.conf.py":
        return False
    module = bare_file(server.at.file).removesuffix(".py")
    names = (one.runs for one in source.servers if one.by in COMMANDS and one.runs and one.at.file != server.at.file)
    return any(module in re.split(r"[./:]", name.removesuffix(".py").replace(".py:", ":")) for name in names)


def rebound(server: Server) -> str | None:
    """A command's line with all addresses in place of the one that it names, or of the server's default."""
    text = server.at.text
    if server.why == "named":
        named = server.host and text.count(server.host) == 1
        return text.replace(server.host or "", ALL) if named else None
    if server.by not in BINDING:
        return None
    after, words = BINDING[server.by]
    added = [word.format(port=server.port) for word in words]
    for form, join in FORMS:
        found = list(re.finditer(form.format(after), text))
        if len(found) == 1:
            return text[: found[0].end()] + join(added, found[0][0]) + text[found[0].end() :]
    return None


@check("RD522", "port-not-published", Severity.ERROR, pitfall=5, scope=scanned, action=Action.EDIT)
@of_source
def port_not_published(source: Source) -> Answer:
    places = [*exposed(source), *mapped(source), *unmapped(source), *asked(source), *routed(source)]
    return answer(source, "RD522", "port-not-published", places, of=EITHER)


def exposed(source: Source) -> Iterator[SourcePlace]:
    """EXPOSE only documents: a warning."""
    for image in source.images:
        server = settled(source, image.server) if image.server else None
        numbers = [port.number for port in image.ports]
        if server and server.port and numbers and None not in numbers and server.port not in numbers:
            yield other(image.ports[0], server, "expose", Severity.WARNING)


def mapped(source: Source) -> Iterator[SourcePlace]:
    """What a container publishes, or a pod says that it listens on."""
    for container in source.containers:
        server = listening(source, container)
        if server is None or server.port is None or not container.ports or container.host_network:
            continue
        numbers = [port.number for port in container.ports]
        if None not in numbers and server.port not in numbers:
            # A pod's containerPort only documents, too.
            at_most = Severity.WARNING if container.kind == "kubernetes" else None
            yield other(container.ports[0], server, container.kind, at_most)


def unmapped(source: Source) -> Iterator[SourcePlace]:
    """A container that listens, and none of whose ports is published, where nothing beside it could pass requests on."""
    for one in source.containers if foretells(source) and not is_passed_on_here(source) else ():
        server = listening(source, one)
        if one.kind == "kubernetes" or server is None or server.port is None or one.reached or not one.known:
            continue
        # That it listens on loopback alone is the first thing to be put right.
        if is_loopback(server.host) or ASIDE.search(within(source, one.at.file)):
            continue
        beside = [two for two in source.containers if two is not one and is_beside(two, one)]
        if not one.ports and not one.host_network and not beside:
            listens = asides(Reason("server-listens-on", {"by": server.by, "port": server.port}))
            more = {"port": server.port, "by": server.by, "listens": listens}
            fixed = publishing(one, server)
            at_most = Severity.WARNING
            yield SourcePlace(at=one.at, why=f"no-{one.kind}", what=one.name, fixed=fixed, at_most=at_most, more=more)


ASIDE = pattern(r"(?:^|[/._-])(?:tests?|testing|ci|e2e)(?:[/._-]|$)")
"""Files of containers whom nobody outside calls."""
PROXY = pattern(
    r"(?i)nginx|caddy|traefik|haproxy|envoy|cloudflare|ngrok|tunnel|tailscale|frp|proxy|gateway|kong|apisix"
)


def is_passed_on_here(source: Source) -> bool:
    """Whether anything of the tree may pass requests on: a proxy, a tunnel, a network that is joined later."""
    named = any(PROXY.search(f"{one.name} {one.image or ''}") for one in source.containers)
    return named or any(one.kind == "passed-on" for one in source.signs)


def is_beside(two: DeployedContainer, one: DeployedContainer) -> bool:
    """Whether another container of the same files may reach it, or is the same with ports, in whatever file: a database does
    neither."""
    if two.name == one.name and two.ports and two.kind == "compose":
        return True
    if one.kind == "run" or two.kind != one.kind or two.at.file.rpartition("/")[0] != one.at.file.rpartition("/")[0]:
        return False
    return bool(two.ports) or (two.name != one.name and not is_store(two.image or ""))


def publishing(one: DeployedContainer, server: Server) -> str | None:
    ports = rf"\g<0> -p {server.port}:{server.port}"
    text, count = re.subn(r"\b(?:docker|podman|nerdctl)(?:\s+container)?\s+run(?=\s)", ports, one.at.text)
    return text if one.kind == "run" and count == 1 else None


def asked(source: Source) -> Iterator[SourcePlace]:
    """Probes: where nothing answers them, the pod is never ready."""
    for container in source.containers:
        for port in container.asked:
            problem = unanswered(source, port, [container])
            if problem is not None:
                yield problem


def routed(source: Source) -> Iterator[SourcePlace]:
    for route in source.routes:
        pods = [one for one in source.containers if one.labels and set(route.selector) <= set(one.labels)]
        problem = unanswered(source, route.port, pods)
        if problem is not None:
            # Without a targetPort the number is the service's own, too, by which its callers know it.
            yield problem if "targetPort" in route.port.at.text else replace(problem, fixed=None)


def unanswered(source: Source, port: Port, containers: list[DeployedContainer]) -> SourcePlace | None:
    """A port that is asked for, and on which none of these containers listens."""
    if not containers:
        return None
    declared = [one for container in containers for one in container.ports]
    if port.name is not None:
        if port.name in [one.name for one in declared]:
            return None
        named = ", ".join(one.name for one in declared if one.name) or "-"
        return SourcePlace(at=port.at, why="name", what=port.name, more={"port": named, "by": "kubernetes"})
    servers = [listening(source, container) for container in containers]
    known = [server for server in servers if server is not None and server.port is not None]
    if len(known) == len(containers):
        return None if port.number in [one.port for one in known] else other(port, known[0], "asked", None)
    numbers = [one.number for one in declared]
    if not numbers or None in numbers or port.number in numbers:
        return None
    more = {
        "port": numbers[0],
        "by": "containerPort",
        "listens": asides(Reason("pod-names-port", {"port": numbers[0]})),
    }
    return SourcePlace(at=port.at, why="asked", what=str(port.number), at_most=Severity.WARNING, more=more)


def other(port: Port, server: Server, why: str, at_most: Severity | None) -> SourcePlace:
    """A port that is not the one on which the server listens."""
    fixed = None
    if port.number is not None and len(re.findall(rf"\b{port.number}\b", port.at.text)) == 1:
        fixed = re.sub(rf"\b{port.number}\b", str(server.port), port.at.text)
    elif re.search(rf":{port.number}\b(?!.*:)", port.at.text):
        fixed = re.sub(rf":{port.number}\b(?!.*:)", f":{server.port}", port.at.text)
    listens = asides(Reason("server-listens-on", {"by": server.by, "port": server.port}))
    more = {"port": server.port, "by": server.by, "listens": listens}
    return SourcePlace(at=port.at, why=why, what=str(port.number), fixed=fixed, at_most=at_most, more=more)
