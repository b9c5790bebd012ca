"""Servers that mean harm, or are broken beyond HTTP: the doctor ends in time and says something true."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.doctor import DEV_PYTHON, doctor, environment, found, report, verdicts

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
Answering = Callable[[socket.socket], None]


def sends(data: bytes) -> Answering:
    return lambda peer: peer.sendall(data)


def for_ever(first: bytes, again: bytes, pause: float = 0.0) -> Answering:
    def answer(peer: socket.socket) -> None:
        peer.sendall(first)
        while True:
            peer.sendall(again)
            time.sleep(pause)

    return answer


def body(data: bytes) -> bytes:
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(data) + data


SCHEMA, SILENT = {"service-bad-response"}, {"service-crashed-or-not-ready"}
ATTACKS: dict[str, tuple[Answering, set[str]]] = {
    "a body that drips": (for_ever(HEAD + b"Content-Length: 100000\r\n\r\n", b"[", 0.1), SILENT),
    "a body without an end": (for_ever(HEAD + b"\r\n", b"[" * 65536), set()),
    "chunks without an end": (for_ever(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n[\r\n"), SILENT),
    "a chunk of an absurd size": (sends(HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx"), SILENT),
    "headers without an end": (for_ever(HEAD, b"X-A: " + b"a" * 1000 + b"\r\n"), SCHEMA),
    "one header without an end": (for_ever(HEAD + b"X-A: ", b"a" * 65536), SCHEMA),
    "less than it announces": (sends(HEAD + b"Content-Length: 512\r\n\r\n" + b'{"faces": []}'), SILENT),
    "chunks without the last": (sends(HEAD + b"Transfer-Encoding: chunked\r\n\r\nd\r\n" + b'{"faces": []}'), SILENT),
    "continue for ever": (for_ever(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.01), SILENT),
    "a length that is no number": (sends(HEAD + b"Content-Length: many\r\n\r\n{}"), SCHEMA),
    "a negative length": (sends(HEAD + b"Content-Length: -5\r\n\r\n{}"), SCHEMA),
    "a status that is no number": (sends(b"HTTP/1.1 OK fine\r\n\r\n"), {"service-wrong-url"}),
    "a hundred thousand brackets": (sends(body(b"[" * 100_000)), SCHEMA),
    "a number of a hundred thousand digits": (sends(body(b'{"faces": ' + b"9" * 100_000 + b"}")), SCHEMA),
    "a hundred thousand keys": (
        sends(body(b"{" + b",".join(b'"%d": 1' % n for n in range(100_000)) + b"}")),
        SCHEMA,
    ),
    "bytes that are no text": (sends(body(b"\xff\xfe\x00")), SCHEMA),
    "escapes for the terminal": (sends(body(b'{"\\u001b[2J\\u202e": "\\u001b]0;owned\\u0007"}')), SCHEMA),
    "half of a surrogate": (sends(body(b'{"faces": [{"bbox": "\\ud800"}], "\\udfff": 1}')), SCHEMA),
    "a redirect to itself": (
        sends(b"HTTP/1.1 308 x\r\nLocation: /detect\r\nContent-Length: 0\r\n\r\n"),
        {"service-wrong-url"},
    ),
    "a redirect elsewhere": (
        sends(b"HTTP/1.1 307 x\r\nLocation: http://192.0.2.1/detect\r\nContent-Length: 0\r\n\r\n"),
        {"service-wrong-url"},
    ),
    "a redirect to nonsense": (
        sends(b"HTTP/1.1 308 x\r\nLocation: http://[::1:x/\r\nContent-Length: 0\r\n\r\n"),
        {"service-wrong-url"},
    ),
    "a redirect to a path with a blank": (
        sends(b"HTTP/1.1 307 x\r\nLocation: /de tect\r\nContent-Length: 0\r\n\r\n"),
        {"service-wrong-url"},
    ),
    "a redirect in letters that are no ASCII": (
        sends("HTTP/1.1 307 x\r\nLocation: /détect\r\nContent-Length: 0\r\n\r\n".encode()),
        {"service-wrong-url"},
    ),
    "json with a mark of its byte order": (sends(body(b'\xef\xbb\xbf{"faces": []}')), set()),
    "seventy keys before the faces": (
        sends(body(b"{" + b"".join(b'"k%d": 1, ' % n for n in range(70)) + b'"faces": []}')),
        set(),
    ),
    "more than is read": (sends(body(b'{"faces": [], "x": "' + b"a" * (17 * 2**20) + b'"}')), set()),
    "numbers that are none": (sends(body(b'{"faces": [{"bbox": [NaN, Infinity, -Infinity, 1e999]}]}')), SCHEMA),
    "faces that are no faces": (sends(body(b'{"faces": [1, null, [], "x", {"bbox": null}]}')), SCHEMA),
}


@contextlib.contextmanager
def server(answer: Answering) -> Iterator[int]:
    """The port of a server that takes what comes for a GET with 405, and for a POST answers so."""

    def serve(peer: socket.socket) -> None:
        with contextlib.suppress(OSError), peer:
            head = b""
            while b"\r\n\r\n" not in head:
                part = peer.recv(65536)
                if not part:
                    return
                head += part
            if head.startswith(b"GET"):
                peer.sendall(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
            else:
                answer(peer)
                peer.shutdown(socket.SHUT_WR)
                while peer.recv(65536):
                    pass

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield int(listener.getsockname()[1])


def test_a_url_in_letters_that_are_no_ascii(tmp_path: Path) -> None:
    with server(sends(body(b'{"faces": []}'))) as port:
        words = ["check", "--only", "service", "--device", "cpu", "--target", DEV_PYTHON]
        told = report(*words, "--url", f"http://127.0.0.1:{port}/检 测?a=b", cwd=tmp_path, env=environment())
    assert verdicts(told)["service-bad-response"] == "passed"


def test_what_a_failing_service_blurts_out_is_redacted(tmp_path: Path) -> None:
    secrets = (
        b'{"access_token": "tok-123", "config": {"db_password": "hunter2"}, "env": ["AWS_SECRET_ACCESS_KEY", "wJalr"]}'
    )
    failing = b"HTTP/1.1 500 x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(secrets) + secrets
    with server(sends(failing)) as port:
        words = ["collect", "-o", "seen.json", "--only", "service", "--device", "cpu", "--target", DEV_PYTHON]
        done = doctor(*words, "--url", f"http://127.0.0.1:{port}/detect", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    kept = (tmp_path / "seen.json").read_text()
    assert not [secret for secret in ("tok-123", "hunter2", "wJalr") if secret in kept]


@pytest.mark.parametrize("name", ["less than it announces", "chunks without the last"])
def test_an_answer_that_breaks_off_is_called_so(name: str, tmp_path: Path) -> None:
    with server(ATTACKS[name][0]) as port:
        words = ["check", "--only", "service", "--device", "cpu", "--target", DEV_PYTHON]
        told = report(*words, "--url", f"http://127.0.0.1:{port}/detect", cwd=tmp_path)
    [one] = [one for one in told["findings"] if one["name"] == "service-crashed-or-not-ready"]
    assert one["title"].endswith("breaks off its answer")


@pytest.mark.parametrize("name", ATTACKS)
def test_a_server_that_means_harm(name: str, tmp_path: Path) -> None:
    answer, expected = ATTACKS[name]
    with server(answer) as port:
        words = ["check", "--only", "service", "--device", "cpu", "--target", DEV_PYTHON, "--timeout", "6"]
        url = f"http://127.0.0.1:{port}/detect"
        told: dict[str, Any] = report(*words, "--url", url, cwd=tmp_path, env=environment())
    [probe] = [one for one in told["probes"] if one["name"] == "ports"]
    assert probe["outcome"] == "ok", probe
    assert set(found(told)) - {"service-loopback-only"} == expected
    assert "error" not in verdicts(told).values()
