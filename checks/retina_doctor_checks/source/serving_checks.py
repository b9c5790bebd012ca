"""Who can reach the service, as its source and its deployment files say."""

from __future__ import annotations

from retina_doctor.authoring import Answer, check
from retina_doctor.model import Severity

from .facts import Server, Source
from .judging import Place, answer, scanned


def is_loopback(host: str | None) -> bool:
    return host is not None and (host.startswith("127.") or host in ("localhost", "::1", "[::1]"))


@check("RD521", "service-loopback-only", Severity.ERROR, pitfall=5, scope=scanned)
def service_loopback_only(source: Source) -> Answer:
    places = (bound(server) for server in source.servers if is_loopback(server.host))
    return answer(source, "RD521", "service-loopback-only", places, of=("python",))


def bound(server: Server) -> Place:
    may_be_meant = not server.sure
    return Place(
        at=server.at,
        why=server.why,
        what=server.host or "",
        fixed=server.fixed,
        at_most=Severity.WARNING if may_be_meant else None,
        more={"by": server.by, "port": server.port},
    )
