"""Connects to a port of this machine by each of its own addresses. Python 3.8, standard library alone."""

from __future__ import annotations

import binascii
import re
import socket
import time

from retina_doctor.hints import Any
from retina_doctor_checks.probes.service import look_answers

LOCAL = re.compile(r"\|-- ([\d.]+)\n\s+/32 host LOCAL")
MOST_ADDRESSES = 16


def reached(listeners: list[Any], deadline: float) -> list[dict[str, Any]]:
    """[{"address", "port", "kind", "words"}] for the first of these sockets that listens on every address; [] without one.

    *kind*: connected (also where it is reset at once), refused, unreachable or timed-out. Of a listener on 0.0.0.0 only IPv4
    is asked for.
    """
    row = next((r for r in listeners if r["state"] == "LISTEN" and r["wildcard"]), None)
    if row is None:
        return []
    own = ipv4_addresses() + (ipv6_addresses() if row["family"] == "ipv6" else [])
    return [dict(connected(address, row["port"], deadline), address=address, port=row["port"]) for address in own]


def connected(address: str, port: int, deadline: float) -> dict[str, Any]:
    left = min(1.0, deadline - time.monotonic())
    try:
        socket.create_connection((address, port), max(0.05, left)).close()
    except OSError as error:
        kind = look_answers.no_connection(error)
        if kind != "closed":  # which was connected
            return {"kind": kind, "words": error.strerror or str(error)}
    return {"kind": "connected", "words": None}


def ipv4_addresses() -> list[str]:
    """As the kernel's routing table has them."""
    try:
        with open("/proc/net/fib_trie") as file:
            found = LOCAL.findall(file.read())
    except OSError:
        return []
    return sorted(set(found))[:MOST_ADDRESSES]


def ipv6_addresses() -> list[str]:
    """Without those of one link, which are used with the link's name."""
    try:
        with open("/proc/net/if_inet6") as file:
            lines = [line.split() for line in file]
    except OSError:
        return []
    link_local = "20"  # include/net/ipv6.h, IPV6_ADDR_LINKLOCAL
    numbers = [binascii.unhexlify(words[0]) for words in lines if words[3] != link_local]
    return sorted(socket.inet_ntop(socket.AF_INET6, number) for number in numbers)[:MOST_ADDRESSES]
