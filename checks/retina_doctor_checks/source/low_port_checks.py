"""RD532: may the service's user bind its port?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Severity
from retina_doctor.patterns import pattern

from ..facts.deployment import DeployedContainer
from ..facts.source import Source
from .judging import EITHER, SourcePlace, answer, foretells, of_source, scanned
from .together import bare_file, image_of, listening, settled

UNPRIVILEGED = 1024
"""The kernel's net.ipv4.ip_unprivileged_port_start. Docker sets 0 in containers with a network of their own since 20.10
(github.com/moby/moby/pull/41030), containerd by default since 2.0 (enable_unprivileged_ports in docs/cri/config.md)."""
ROOT = pattern(r"(?:root|0+)$")


@check("RD532", "port-forbidden", Severity.ERROR, pitfall=5, scope=scanned, action=Action.EDIT)
@of_source
def port_forbidden(source: Source) -> Answer:
    """A port below 1024, and a user who may not bind it."""
    given = any(one.kind == "low-ports" for one in source.signs) or not foretells(source)
    places = () if given else (*_units(source), *_containers(source))
    return answer(source, "RD532", "port-forbidden", places, of=EITHER)


def _units(source: Source) -> Iterator[SourcePlace]:
    changed = {one.what for one in source.signs if one.kind == "drop-in"}
    for server in source.servers:
        if bare_file(server.at.file) in changed:
            continue  # its drop-ins may give it the right
        bound = settled(source, server)
        if server.user is not None and bound.port is not None and 0 < bound.port < UNPRIVILEGED:
            more = {"port": bound.port, "user": server.user}
            yield SourcePlace(at=server.at, why="unit", what=str(bound.port), more=more)


def _containers(source: Source) -> Iterator[SourcePlace]:
    for one in source.containers:
        server, user = listening(source, one), user_of(source, one)
        if server is None or server.port is None or not 0 < server.port < UNPRIVILEGED:
            continue
        why = "pod" if one.kind == "kubernetes" else "host" if one.host_network else None
        if user is not None and why is not None and not one.low_ports:
            at_most = Severity.NOTE if why == "pod" else None
            more = {"port": server.port, "user": user}
            yield SourcePlace(at=one.at, why=why, what=str(server.port), at_most=at_most, more=more)


def user_of(source: Source, one: DeployedContainer) -> str | None:
    """None: root, or it cannot be told."""
    image = image_of(source, one)
    user = one.user or (image.user if image is not None else None)
    name = re.split(r":", user or "root")[0]
    return None if ROOT.match(name) or "$" in name else name
