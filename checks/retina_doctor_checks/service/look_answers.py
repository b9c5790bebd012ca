"""Asks a port of this machine what it speaks: one GET, a bounded read. Python 3.8, standard library alone."""

from __future__ import annotations

import errno
import socket
from typing import Any

PATIENCE = 5.0  # seconds for the connection, and again for the first bytes
MOST = 65536  # bytes


def ask(address: str, port: int, path: str) -> dict[str, Any]:
    """{"kind", "path", "status", "json", "words"} of a GET; HTTP/1.0, which needs no Host header."""
    try:
        connection = socket.create_connection((address, port), PATIENCE)
    except OSError as error:
        return told(path, no_connection(error), words=error.strerror or str(error))
    with connection:
        try:
            request = "GET " + path + " HTTP/1.0\r\nUser-Agent: retina-doctor\r\n\r\n"
            connection.sendall(request.encode("ascii", "replace"))
            data = received(connection)
        except socket.timeout:
            return told(path, "silent")
        except OSError as error:
            return told(path, "closed", words=error.strerror)
    return understood(path, data)


def no_connection(error: OSError) -> str:
    if isinstance(error, socket.timeout) or error.errno == errno.ETIMEDOUT:
        return "timed-out"
    return "refused" if error.errno == errno.ECONNREFUSED else "unreachable"


def received(connection: socket.socket) -> bytes:
    """The answer up to the end of its headers. Raises socket.timeout when not even the first line came in time."""
    data = b""
    while len(data) < MOST and b"\r\n\r\n" not in data and b"\n\n" not in data:
        try:
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
    if not first.startswith(b"HTTP/") or len(words) < 2 or not words[1].isdigit():
        return told(path, "other", words=repr(data[:40]))
    headers = rest.partition(b"\r\n\r\n")[0].lower()
    is_json = any(line.startswith(b"content-type:") and b"json" in line for line in headers.splitlines())
    return told(path, "http", status=int(words[1]), json=is_json, words=" ".join(words[2:])[:80])


def told(
    path: str, kind: str, status: int | None = None, json: bool = False, words: str | None = None
) -> dict[str, Any]:
    return {"kind": kind, "path": path, "status": status, "json": json, "words": words}
