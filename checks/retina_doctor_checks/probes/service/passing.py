"""Whether what answers at the URL passes on to the service: who connects to the service's own ports while the URL is asked.

Python 3.8, standard library.
"""

from __future__ import annotations

import os
import socket
import threading
import time

from retina_doctor.hints import Any
from retina_doctor_checks.probes.service import look_sockets

LEAST_PERIOD = (
    0.01  # seconds between two looks; a closed connection stays in the table, on one of its sides, for a minute
)
STATE_ESTABLISHED = 1
STATE_LISTENING = 10


class Onlooker(object):
    """Within: the connections to *ports* are looked at, in the table of *net*, a folder of /proc. *holders*: processes of what
    listens at the URL, which may keep a connection from before.

    reached() afterwards: those ports that a connection was made to, or that one of the holders was connected with, or somebody
    who cannot be told: whose side is not in this table (another network's), or is held by a process that may not be read.
    """

    def __init__(self, net: str, ports: set[int], holders: set[int]) -> None:
        self.net, self.ports, self.holders = net, ports, holders
        self.seen: set[Any] = set()
        self.before: set[Any] = set()
        self.kept: set[int] = set()
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.look_on)
        self.thread.daemon = True

    def __enter__(self) -> Onlooker:
        if self.ports:
            now = connections(self.net, self.ports)
            self.before = set(now)
            kept = [(ends[1], inode) for ends, (established, inode) in now.items() if established]
            held = look_sockets.holders({inode for _, inode in kept if inode}) if kept else {}
            self.kept = {port for port, inode in kept if not held.get(inode) or set(held[inode]) & self.holders}
            self.thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        if self.ports:
            self.done.set()
            self.thread.join()
            self.look()

    def look(self) -> None:
        self.seen |= set(connections(self.net, self.ports))

    def look_on(self) -> None:
        while not self.done.is_set():
            started = time.monotonic()
            self.look()
            self.done.wait(max(LEAST_PERIOD, 3 * (time.monotonic() - started)))

    def reached(self) -> set[int]:
        return self.kept | {port for _, port in self.seen - self.before}


def connections(net: str, ports: set[int]) -> dict[Any, Any]:
    """{(port of the client, port of the server): (whether it is established, inode of the client's side, or 0)} of those to one
    of *ports* of this machine, in any state. One to a port of that number elsewhere is none."""
    table = rows(net)
    addresses = {own for (own, _), _, _, _ in table}
    found: dict[Any, Any] = {}
    for (_, own), (host, other), state, inode in table:
        if state == STATE_LISTENING:
            continue
        if other in ports and (host in addresses or look_sockets.is_loopback(decoded(host))):
            ends, client = (own, other), inode
        elif own in ports:
            ends, client = (other, own), 0
        else:
            continue
        established, known = found.get(ends, (False, 0))
        found[ends] = (established or state == STATE_ESTABLISHED, known or client)
    return found


def rows(net: str) -> list[Any]:
    """[((address, port), (address, port) of the other side, state, inode)], addresses as the kernel writes them."""
    found = []
    for name in ("tcp", "tcp6"):
        try:
            with open(os.path.join(net, name)) as file:
                lines = [line.split() for line in file.read().splitlines()[1:]]
        except OSError:
            continue
        found += [
            (side(words[1]), side(words[2]), int(words[3], 16), int(words[9])) for words in lines if len(words) > 9
        ]
    return found


def side(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    return host, int(port, 16)


def decoded(host: str) -> str:
    return look_sockets.decoded(host, socket.AF_INET if len(host) == 8 else socket.AF_INET6)
