"""Which ports of loopback are reached from outside all the same: by a proxy or a tunnel that passes on to them."""

from __future__ import annotations

from typing import Literal

from retina_doctor.model import Json, Target

from ..facts.service import Ports, Proxy

BY_A_PROXY = (502, 503, 504)
ACCEPTED = 202
"""For processing that is not done yet (RFC 9110, 15.3.3), by whoever takes it from a queue."""
NO_SUCH_METHOD = 501
"""As http.server answers a POST that its program does not define; no proxy says so."""
NUMBERS_OF_A_BOX, DEEP = 4, 8
NOT_NAMED = ("port", "found")
"""How the process of a target was come by that nobody named by its number."""


def proxy_before(ports: Ports | None, number: int | None) -> Proxy | None:
    return next((one for one in ports.proxies if one.to == number), None) if ports is not None else None


def is_passed_on(ports: Ports | None, number: int | None, target: Target) -> bool:
    """A proxy's configuration says so; or what answers at the URL may pass on to it. *number* None: a port that the source does
    not tell, so any of the service's."""
    if ports is None:
        return False
    passed = {one.to for one in ports.proxies}
    if at_url(ports, target) in ("passes-on", "untold"):
        passed |= ports_of_process(ports)
    return number in passed or (number is None and bool(passed))


def ports_of_process(ports: Ports) -> set[int]:
    return {socket.port for socket in (ports.process.sockets or ())} if ports.process is not None else set()


def at_url(ports: Ports, target: Target) -> Literal["passes-on", "another", "untold"] | None:
    """What answers at a URL whose port is open to all, and none of those of the service's process: something that passes on to
    it, or another program. None: there is no such URL.

    A proxy asks the service; or it says that it could not (502), or asks who we are, or refuses, without asking it. Who has
    faces to tell is the service that was meant, whatever else runs here; so is what a Unix socket may lead to. Where the operator
    did not name the process, that one may as well be the other program.
    """
    url, process, one = ports.url, ports.process, ports.detection
    if url is None or process is None or url.answer is None:
        return None
    its = ports_of_process(ports)
    there = [socket for socket in ports.sockets or () if socket.state == "LISTEN" and socket.port == url.port]
    if not its or url.port in its or not there or any(socket.loopback for socket in there):
        return None
    status = one.status if one is not None else url.answer.status
    if status is None:
        return None
    if ports.passed_to is None or process.unix_sockets or its & set(ports.passed_to) or status in BY_A_PROXY:
        return "passes-on"
    if one is not None and 200 <= status < 300 and holds_faces(one.body):
        return "passes-on"
    sure = one is not None and (200 <= status < 300 or status == NO_SUCH_METHOD) and status != ACCEPTED
    return "another" if sure and target.chosen not in NOT_NAMED else "untold"


def no_post(ports: Ports) -> bool:
    """What answers at the URL takes no POST at all, whatever its path, and nobody named its process: it hands out files, say, and
    how it listens is no fault of the service's."""
    return ports.process is None and ports.detection is not None and ports.detection.status == NO_SUCH_METHOD


def holds_faces(body: Json, deep: int = 0) -> bool:
    """Whether an answer tells of faces in any form: four numbers together, which may be a box, or a list that is said to be of
    faces."""
    if deep > DEEP:
        return False
    parts = list(body.values()) if isinstance(body, dict) else body if isinstance(body, list) else []
    if isinstance(body, dict) and any("face" in key.lower() and isinstance(value, list) for key, value in body.items()):
        return True
    numbers = [one for one in parts if isinstance(one, int | float) and not isinstance(one, bool)]
    return len(numbers) >= NUMBERS_OF_A_BOX or any(holds_faces(one, deep + 1) for one in parts)
