"""One exchange with a service of this machine: a request, sent to an address that is known to be this machine's, and its answer.

What the URL calls that address is told to the service alone. Python 3.8, standard library.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from urllib.parse import quote

from retina_doctor.hints import Any
from retina_doctor.masking.words import beginning
from retina_doctor_checks.probes.service import answer_body, own_headers

MULTIPART, JSON, RAW = FORMS = ("multipart", "json", "raw")
"""How a picture is posted: as a field of a form, in base64 as a value of a JSON object, or as the whole body."""
BOUNDARY = "retina-doctor-9f2c71d05b"
LOGIN_PAGE = re.compile(r"(?i)(?:^|/)(?:log[-_]?in|sign[-_]?in|sso|saml2?|oauth2?|authorize|authenticate)(?:[/?.]|$)")
EMPTY: dict[str, Any] = {
    "path": None, "kind": None, "status": None, "words": None, "seconds": None, "first_seconds": None, "content_type": None,
    "json": False, "body": None, "text": None, "location": None, "redirected": None, "works_with": None, "cut": False,
    "works_form": None, "works_body": None, "shape": "plain", "packed": None, "allow": None,
    "retry_after": None, "authenticate": None,
    "loops": False, "login_page": False, "everywhere": None, "routes": [], "asked_for": [], "header_names": [],
    "header_problem": None, "header_line": None, "refused_certificate": None, "wide_body": None, "broad_body": None,
    "close_body": None, "nobody_fails": None,
    "photo_faces": None, "broken_off": False, "head_refused": None,
}  # fmt: skip
MOST_WORDS = (("words", 200), ("text", answer_body.MOST_TEXT), ("retry_after", 40))  # characters that are told


class Client(object):
    """Who asks: *url* (its scheme, host, port and path), the *address* of this machine that it leads to, *headers* of the
    operator's, and until when (*deadline*, of time.monotonic()). Where the certificate is not *verified*, the headers are
    kept back, for nobody knows who would read them."""

    def __init__(
        self,
        url: dict[str, Any],
        address: str,
        headers: own_headers.Headers,
        deadline: float,
        verified: bool = True,
    ) -> None:
        self.url, self.address, self.headers, self.deadline = url, address, headers, deadline
        self.verified = verified

    def trusting(self) -> Client:
        return Client(self.url, self.address, own_headers.Headers({}), self.deadline, verified=False)

    def late(self) -> bool:
        return time.monotonic() >= self.deadline

    def post(self, path: str, body: bytes, content_type: str) -> dict[str, Any]:
        return self.exchange("POST", path, body, {"Content-Type": content_type})

    def exchange(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> dict[str, Any]:
        """What came back, as it is, to be judged; told() makes facts of Detection of it."""
        told = dict(EMPTY, path=path)
        start = time.monotonic()
        connection = Connection(self.url, self.address, self.deadline, self.verified)
        try:
            connection.connect()
        except ssl.SSLCertVerificationError as error:
            return dict(told, kind="certificate", words=error.verify_message)
        except ssl.SSLError as error:
            return dict(told, kind="other", words=error.reason or str(error))
        except OSError as error:
            late, reset = isinstance(error, socket.timeout), isinstance(error, ConnectionResetError)
            kind = "timed-out" if late else "closed" if reset else "refused"
            return dict(told, kind=kind, words=error.strerror or str(error))
        with connection.ended_in_time():
            try:
                sent = dict(self.headers.sent, **headers)
                connection.request(method, quoted(path), body, dict(sent, **{"User-Agent": "retina-doctor"}))
            except OSError:
                pass  # a service may refuse an upload, answer, and close before it has all of it
            answer = None
            try:
                answer = connection.getresponse()
                data = whole(answer)
            except TooMuch as error:
                refused, status = error.args
                return dict(told, kind="http", status=status, seconds=time.monotonic() - start, head_refused=refused)
            except (OSError, http.client.HTTPException) as error:
                seconds = time.monotonic() - start
                garbled = isinstance(error, http.client.BadStatusLine) and not isinstance(error, ConnectionError)
                kind = "silent" if self.late() else "other" if garbled else "closed"
                broken_off = kind == "closed" and answer is not None
                return dict(told, kind=kind, seconds=seconds, words=str(error) or None, broken_off=broken_off)
            finally:
                connection.close()
        told.update(kind="http", status=answer.status, seconds=time.monotonic() - start)
        if self.late() and len(data) <= answer_body.MOST:
            return dict(told, kind="silent", status=None)  # we have cut it, in the middle of what it said
        told.update(headed(answer))
        return dict(told, **answer_body.read(data, answer.headers.get("Content-Encoding")))

    def told(self, raw: dict[str, Any]) -> dict[str, Any]:
        """What exchange() gave and what was found with it, as facts: cut, and without our secrets, which a service may repeat."""
        hidden, name = self.headers.hidden, self.headers.hidden_name
        told = dict(raw, **self.headers.told())
        for key, most in MOST_WORDS:
            told[key] = beginning(hidden(raw[key]), most) or None if raw[key] else raw[key]
        for key in ("path", "redirected", "works_with", "content_type", "location", "authenticate"):
            told[key] = name(raw[key]) if raw[key] else raw[key]
        told["authenticate"] = beginning(told["authenticate"] or "", 40) or None
        told["allow"] = beginning(name(raw["allow"] or ""), 80) or None
        for key in ("body", "works_body", "wide_body", "broad_body", "close_body"):
            told[key] = answer_body.pruned(raw[key], self.headers)
        if told["login_page"]:
            # Where people log in, the rest of the address says where they come from, and with what.
            told["location"] = told["location"].partition("?")[0]
        for key in ("routes", "asked_for"):
            told[key] = [{part: name(text) if text else text for part, text in one.items()} for one in raw[key]]
        return told


def headed(answer: Any) -> dict[str, Any]:
    """What the first line and the headers of an answer say."""
    authenticate = (answer.headers.get("WWW-Authenticate") or "").split(None, 1)
    location = answer.headers.get("Location")
    return {
        "words": answer.reason,
        "content_type": answer.headers.get("Content-Type"),
        "location": location,
        "login_page": LOGIN_PAGE.search(location or "") is not None,
        "allow": answer.headers.get("Allow"),
        "retry_after": answer.headers.get("Retry-After"),
        "authenticate": authenticate[0] if authenticate else None,
    }


def picture_in(form: str, fields: Sequence[str], picture: bytes) -> tuple[bytes, str]:
    """(body, its Content-Type) of a request with that PNG, in each of these fields."""
    if form == JSON:
        text = base64.b64encode(picture).decode("ascii")
        return json.dumps(dict.fromkeys(fields, text)).encode(), "application/json"
    if form == RAW:
        return picture, "image/png"
    body = b""
    for field in fields:
        head = 'Content-Disposition: form-data; name="%s"; filename="known.png"\r\nContent-Type: image/png' % field
        body += ("--%s\r\n%s\r\n\r\n" % (BOUNDARY, head)).encode() + picture + b"\r\n"
    return body + ("--%s--\r\n" % BOUNDARY).encode(), "multipart/form-data; boundary=" + BOUNDARY


def quoted(path: str) -> str:
    """A path as a request line takes it: what is no plain ASCII in percents, what is there already left alone."""
    return quote(path, safe="/?&=%:@!$'()*+,;~-._[]")


def whole(answer: http.client.HTTPResponse) -> bytes:
    """The body, or a byte more than is told of one. Raises OSError, http.client.HTTPException where less comes than was
    announced, as for a read without a limit (http/client.py)."""
    data = answer.read(answer_body.MOST + 1)
    if answer.length and len(data) <= answer_body.MOST:
        raise http.client.IncompleteRead(data, answer.length)
    return data


class TooMuch(http.client.HTTPException):
    """The status came, and more headers than http.client reads: more than a hundred, or 64 KiB in one (http/client.py)."""


class Response(http.client.HTTPResponse):
    def begin(self) -> None:
        try:
            http.client.HTTPResponse.begin(self)
        except (http.client.BadStatusLine, http.client.IncompleteRead):
            raise
        except http.client.HTTPException as error:
            if isinstance(self.status, int):  # else it is the first line that is too long
                raise TooMuch(str(error), self.status) from None
            raise


class Connection(http.client.HTTPConnection):
    """To one address, whatever the URL calls it. It is cut at the deadline: a service that drips bytes must not hold us."""

    response_class = Response

    def __init__(self, url: dict[str, Any], address: str, deadline: float, verified: bool = True) -> None:
        http.client.HTTPConnection.__init__(self, url["host"], url["port"])
        self.url, self.address, self.deadline, self.verified = url, address, deadline, verified

    def connect(self) -> None:
        left = max(0.01, self.deadline - time.monotonic())
        plain = socket.create_connection((self.address, self.url["port"]), left)
        if self.url["scheme"] == "https":
            try:
                plain = context(self.verified).wrap_socket(plain, server_hostname=self.url["host"])
            except BaseException:
                plain.close()
                raise
        self.sock = plain

    def ended_in_time(self) -> Any:
        return Cut(self.sock, self.deadline)


def context(verified: bool) -> ssl.SSLContext:
    made = ssl.create_default_context()
    if not verified:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    return made


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
