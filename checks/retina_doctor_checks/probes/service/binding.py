"""Tries to bind an address and a port, as a server does. Python 3.8, standard library alone."""

from __future__ import annotations

import errno
import socket

from retina_doctor.hints import Any
from retina_doctor_checks.probes.service import look_sockets

EVERY_ADDRESS = "0.0.0.0"  # noqa: S104 - what a service means that names a port only


def intended(host: str, port: int) -> dict[str, Any]:
    """The bind that is meant; None where neither host nor port was named."""
    if host is None and port is None:
        return None
    host = EVERY_ADDRESS if host is None else host.strip("[]")
    families, words = resolved(host)
    return {
        "host": host,
        "port": port,
        "addresses": [address for _, address in families],
        "loopback": bool(families) and all(look_sockets.is_loopback(address) for _, address in families),
        "conflicts": [],
        "tried": False,
        "error": None if families else "resolve",
        "words": words,
        "families": families,
    }


def resolved(host: str) -> tuple[Any, ...]:
    """([(family, address)], None), or ([], why not)."""
    try:
        found = socket.getaddrinfo(host or EVERY_ADDRESS, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return [], getattr(error, "strerror", None) or str(error)
    unique = []
    for family, _, _, _, address in found:
        if family in (socket.AF_INET, socket.AF_INET6) and (family, address[0]) not in unique:
            unique.append((family, address[0]))
    return unique, None


def here(wanted: dict[str, Any], families: list[Any]) -> list[Any]:
    """Those of the addresses that are this machine's: a host name may lead to IPv6 where there is none."""
    ends = [(one, bind(one[0], one[1], 0)) for one in families]
    usable = [one for one, (error, _) in ends if error is None]
    if families and not usable:
        wanted["error"], wanted["words"] = ends[0][1]
    return usable


def bind(family: int, address: str, port: int, listen: bool = True) -> tuple[Any, ...]:
    """(errno's name, words), or (None, None). SO_REUSEADDR as servers set it: else TIME_WAIT is a false alarm."""
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
            if listen:
                probe.listen(1)
        return None, None
    except OSError as error:
        return errno.errorcode.get(error.errno or 0, str(error.errno)), error.strerror
