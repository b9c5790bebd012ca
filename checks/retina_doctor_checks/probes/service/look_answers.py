"""Asks a port of this machine what it speaks: one GET, a bounded read. Python 3.8, standard library alone."""

from __future__ import annotations

import errno
import re
import socket
import ssl
import time

from retina_doctor.hints import Any
from retina_doctor.masking.words import beginning

PATIENCE = 3.0  # seconds for all of it; less where the probe has less than five times as much
MOST = 65536  # bytes


def ask(address: str, port: int, path: str, deadline: float) -> dict[str, Any]:
    """{"kind", "path", "status", "json", "words"} of a GET; HTTP/1.0, which needs no Host header.

    *deadline*: of the whole asking, by time.monotonic(). A service that drips bytes must not use up the probe's time.
    """
    try:
        connection = socket.create_connection((address, port), left(deadline))
    except OSError as error:
        return told(path, no_connection(error), words=error.strerror or str(error))
    with connection:
        try:
            request = "GET " + path + " HTTP/1.0\r\nUser-Agent: retina-doctor\r\n\r\n"
            connection.settimeout(left(deadline))
            connection.sendall(request.encode("ascii", "replace"))
            data = received(connection, deadline)
        except socket.timeout:
            return told(path, "silent")
        except OSError as error:
            return told(path, "closed", words=error.strerror)
    return understood(path, data)


def left(deadline: float) -> float:
    """Seconds, never 0, which would mean not to wait at all."""
    return max(0.01, deadline - time.monotonic())


def no_connection(error: OSError) -> str:
    """A reset comes from who had accepted: what refuses, a firewall too, resets a SYN, which is ECONNREFUSED (tcp(7))."""
    if error.errno == errno.ECONNRESET:
        return "closed"
    if isinstance(error, socket.timeout) or error.errno == errno.ETIMEDOUT:
        return "timed-out"
    return "refused" if error.errno == errno.ECONNREFUSED else "unreachable"


def received(connection: socket.socket, deadline: float) -> bytes:
    """The answer up to the end of its headers. Raises socket.timeout when not even the first line came in time."""
    data = b""
    while len(data) < MOST and b"\r\n\r\n" not in data and b"\n\n" not in data:
        try:
            if time.monotonic() >= deadline:
                raise socket.timeout
            connection.settimeout(left(deadline))
            part = connection.recv(4096)
        except socket.timeout:
            if b"\n" in data:
                break
            raise
        if not part:
            break
        data += part
    return data


def understood(path: str, data: bytes) -> dict[str, Any]:
    if not data:
        return told(path, "closed")
    first, _, rest = data.partition(b"\n")
    words = first.decode("latin-1").split()
    if not first.startswith(b"HTTP/") or len(words) < 2 or not re.match(r"[0-9]{1,4}$", words[1]):
        return told(
            path, "other", words=repr(beginning(data[:400].decode("latin-1"), 40).encode("latin-1", "backslashreplace"))
        )
    headers = rest.partition(b"\r\n\r\n")[0].lower()
    is_json = any(line.startswith(b"content-type:") and b"json" in line for line in headers.splitlines())
    return told(path, "http", status=int(words[1]), json=is_json, words=beginning(" ".join(words[2:]), 80))


def understands_tls(address: str, port: int, deadline: float) -> bool:
    """Whether a handshake gets as far as a certificate, whatever that is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with socket.create_connection((address, port), left(deadline)) as plain:
            plain.settimeout(left(deadline))
            with context.wrap_socket(plain):
                return True
    except (OSError, ValueError):
        return False


def told(
    path: str, kind: str, status: int | None = None, json: bool = False, words: str | None = None
) -> dict[str, Any]:
    return {"kind": kind, "path": path, "status": status, "json": json, "words": words}
