"""Asks a service of this machine to detect faces: the known picture, posted as a client posts one. Python 3.8, standard library.

The connection is made to an address that is known to be this machine's; what the URL calls it is told to the service alone.
"""

from __future__ import annotations

import http.client
import json
import math
import socket
import ssl
import threading
import time
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from retina_doctor.secret_words import beginning

MOST = 16 * 2**20  # bytes of an answer
MOST_TEXT, MOST_ITEMS, MOST_DEPTH = 300, 256, 8
OTHER_FIELDS = ("image", "file", "img", "picture", "photo", "upload")
REFUSED_PICTURE = (400, 415, 422)
KEEPS_METHOD = (307, 308)
MOST_HOPS = 3
COLD = 1.0  # seconds: an answer that took longer is asked for again, since the first one may have set things up
EMPTY: dict[str, Any] = {
    "path": None, "kind": None, "status": None, "words": None, "seconds": None, "first_seconds": None, "content_type": None,
    "json": False, "body": None, "text": None, "location": None, "redirected": None, "works_with": None, "cut": False,
}  # fmt: skip


def detect(url: dict[str, Any], address: str, field: str, picture: bytes, deadline: float) -> dict[str, Any]:
    """What POST PATH with the picture in *field* gives. *url*: its scheme, host, port and path. *deadline*: time.monotonic()."""
    told = followed(url, address, field, picture, deadline)
    if told["status"] in REFUSED_PICTURE:
        for other in OTHER_FIELDS:
            if other != field and followed(url, address, other, picture, deadline)["status"] == 200:
                told["works_with"] = other
                break
    elif told["status"] == 200 and told["seconds"] > COLD and time.monotonic() < deadline:
        again = followed(url, address, field, picture, deadline)
        if again["status"] is not None:
            return dict(again, first_seconds=told["seconds"])
    return told


def followed(url: dict[str, Any], address: str, field: str, picture: bytes, deadline: float) -> dict[str, Any]:
    """Goes after redirects that keep the method and stay on this port; others are told."""
    path, redirected = url["path"], None
    told: dict[str, Any] = {}
    for _ in range(MOST_HOPS):
        told = dict(post(url, address, path, field, picture, deadline), redirected=redirected)
        there = on_the_same_port(url, path, told["location"]) if told["status"] in KEEPS_METHOD else None
        if there is None:
            break
        path = redirected = there
    return told


def on_the_same_port(url: dict[str, Any], path: str, location: str | None) -> str | None:
    """The path that a Location header leads to from *path*; None where that is elsewhere, or nonsense."""
    try:
        there = urlsplit(urljoin("%s://%s:%d%s" % (url["scheme"], url["host"], url["port"], path), location or ""))
        stays = there.hostname == url["host"] and (there.port or url["port"]) == url["port"]
        there_path = quoted(there.path + ("?" + there.query if there.query else ""))
        return there_path if stays and there.scheme == url["scheme"] and there_path != path else None
    except ValueError:
        return None


def quoted(path: str) -> str:
    """A path as a request line takes it: what is no plain ASCII in percents, what is there already left alone."""
    return quote(path, safe="/?&=%:@!$'()*+,;~-._[]")


def post(url: dict[str, Any], address: str, path: str, field: str, picture: bytes, deadline: float) -> dict[str, Any]:
    boundary = "retina-doctor-9f2c71d05b"
    head = 'Content-Disposition: form-data; name="%s"; filename="known.png"\r\nContent-Type: image/png' % field
    body = ("--%s\r\n%s\r\n\r\n" % (boundary, head)).encode() + picture + ("\r\n--%s--\r\n" % boundary).encode()
    headers = {
        "Content-Type": "multipart/form-data; boundary=" + boundary,
        "User-Agent": "retina-doctor",
        "Connection": "close",
    }
    told = dict(EMPTY, path=path)
    path = quoted(path)
    start = time.monotonic()
    connection = Connection(url, address, deadline)
    try:
        connection.connect()
    except ssl.SSLCertVerificationError as error:
        return dict(told, kind="certificate", words=error.verify_message)
    except ssl.SSLError as error:
        return dict(told, kind="other", words=beginning(error.reason or str(error), 200))
    except OSError as error:
        late, reset = isinstance(error, socket.timeout), isinstance(error, ConnectionResetError)
        kind = "timed-out" if late else "closed" if reset else "refused"
        return dict(told, kind=kind, words=error.strerror or str(error))
    with connection.ended_in_time():
        try:
            connection.request("POST", path, body, headers)
        except OSError:
            pass  # a service may refuse an upload, answer, and close before it has all of it
        try:
            answer = connection.getresponse()
            data = answer.read(MOST + 1)
        except (OSError, http.client.HTTPException) as error:
            seconds = time.monotonic() - start
            silent = time.monotonic() >= deadline
            garbled = isinstance(error, http.client.BadStatusLine) and not isinstance(error, ConnectionError)
            kind = "silent" if silent else "other" if garbled else "closed"
            return dict(told, kind=kind, seconds=seconds, words=beginning(str(error), 200) or None)
        finally:
            connection.close()
    told.update(kind="http", status=answer.status, words=beginning(answer.reason, 80), seconds=time.monotonic() - start)
    if time.monotonic() >= deadline and len(data) <= MOST:
        return dict(told, kind="silent", status=None)  # we have cut it, in the middle of what it said
    told.update(
        cut=len(data) > MOST, content_type=answer.headers.get("Content-Type"), location=answer.headers.get("Location")
    )
    try:
        return dict(told, json=True, body=pruned(json.loads(data.decode("utf-8-sig"))))
    except (ValueError, RecursionError):
        return dict(told, text=beginning(data[: 8 * MOST_TEXT].decode("utf-8", "replace"), MOST_TEXT))


class Connection(http.client.HTTPConnection):
    """To one address, whatever the URL calls it. It is cut at the deadline: a service that drips bytes must not hold us."""

    def __init__(self, url: dict[str, Any], address: str, deadline: float) -> None:
        http.client.HTTPConnection.__init__(self, url["host"], url["port"])
        self.url, self.address, self.deadline = url, address, deadline

    def connect(self) -> None:
        left = max(0.01, self.deadline - time.monotonic())
        plain = socket.create_connection((self.address, self.url["port"]), left)
        if self.url["scheme"] == "https":
            try:
                plain = ssl.create_default_context().wrap_socket(plain, server_hostname=self.url["host"])
            except BaseException:
                plain.close()
                raise
        self.sock = plain

    def ended_in_time(self) -> Any:
        return Cut(self.sock, self.deadline)


class Cut(object):
    """Within: the socket is shut down at the deadline, by a thread of its own."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self.timer = threading.Timer(max(0.01, deadline - time.monotonic()), shut, [connection])
        self.timer.daemon = True

    def __enter__(self) -> None:
        self.timer.start()

    def __exit__(self, *_: Any) -> None:
        self.timer.cancel()


def shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


def pruned(value: Any, depth: int = 0) -> Any:
    """The document without what nobody reads: long lists (embeddings), long texts, what lies deep. No NaN, which is no JSON."""
    if depth > MOST_DEPTH:
        return "..."
    if isinstance(value, dict):
        return {beginning(str(key), 80): pruned(one, depth + 1) for key, one in list(value.items())[:MOST_ITEMS]}
    if isinstance(value, list):
        return [pruned(one, depth + 1) for one in value[:MOST_ITEMS]]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**63:
        return str(value)[:MOST_TEXT]
    return beginning(value, MOST_TEXT) if isinstance(value, str) else value
