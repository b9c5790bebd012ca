"""Services that only loopback, or a Unix socket, reaches: what stands before them is a real process of a proxy's name, with a
configuration of its own; no proxy is installed for it."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from retina_doctor_checks import running

from tests.doctor import DEV_PYTHON, found, report, verdicts
from tests.networks import into, own_network
from tests.test_service import free_port

LISTENS = """
import socket, sys, time
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print("up", flush=True)
time.sleep(600)
"""
WAITS = "while :; do sleep 1; done"


@contextlib.contextmanager
def started(*words: str | Path, cwd: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([str(word) for word in words], cwd=cwd, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def service(folder: Path) -> Iterator[tuple[int, int]]:
    port = free_port()
    with started(DEV_PYTHON, "-c", LISTENS, str(port), cwd=folder) as process:
        assert process.stdout and process.stdout.readline() == "up\n"
        yield process.pid, port


def proxy(folder: Path, name: str, *words: str) -> contextlib.AbstractContextManager[subprocess.Popen[str]]:
    """A shell under that name, with those words behind its own."""
    program = folder / name
    if not program.exists():
        shutil.copy(str(shutil.which("dash") or shutil.which("bash")), program)
    return started(program, "-c", WAITS, *words, cwd=folder)


def told_of(folder: Path, pid: int, *words: str) -> dict[str, Any]:
    return report("check", "--device", "cpu", "--only", "service", "--no-source", "--pid", str(pid), *words, cwd=folder)


PASSES_ON = {
    "nginx": ("face.conf", "server {{\n  location / {{ proxy_pass http://127.0.0.1:{port}/; }}\n}}\n"),
    "haproxy": ("haproxy.cfg", "backend face\n    server one localhost:{port} check\n"),
    "caddy": ("Caddyfile", "face.example.com {{\n    reverse_proxy :{port}\n}}\n"),
    "frpc": ("frpc.toml", "[[proxies]]\nlocalPort = {port}\n"),
    "envoy": ("envoy.yaml", "socket_address:\n  address: 127.0.0.1\n  port_value: {port}\n"),
}


@pytest.mark.parametrize("name", PASSES_ON)
def test_loopback_behind_a_proxy_is_meant(name: str, tmp_path: Path) -> None:
    file, text = PASSES_ON[name]
    with service(tmp_path) as (pid, port), proxy(tmp_path, name, "-c", file):
        (tmp_path / file).write_text(text.format(port=port))
        told = told_of(tmp_path, pid)
    assert "service-loopback-only" not in found(told)
    assert verdicts(told)["service-loopback-only"] == "passed"
    [one] = told["facts"]["ports"]["proxies"]
    assert (one["to"], one["file"]) == (port, str(tmp_path / file))


def test_a_tunnel_says_it_on_its_command_line(tmp_path: Path) -> None:
    with service(tmp_path) as (pid, port):
        for words in (("cloudflared", "--url", f"http://localhost:{port}"), ("ngrok", "http", str(port))):
            with proxy(tmp_path, *words):
                assert "service-loopback-only" not in found(told_of(tmp_path, pid))


def test_a_proxy_that_was_updated_since(tmp_path: Path) -> None:
    with service(tmp_path) as (pid, port), proxy(tmp_path, "caddy", "--to", f":{port}"):
        (tmp_path / "caddy").unlink()
        assert "service-loopback-only" not in found(told_of(tmp_path, pid))


NOT_TO_IT = {
    "in a comment": "# proxy_pass http://127.0.0.1:{port};\n",
    "in a comment behind words": "proxy_pass http://10.0.0.7; # was http://127.0.0.1:{port}\n",
    "as where its log goes": "log 127.0.0.1:{port} local0\n",
    "to a longer number": "proxy_pass http://127.0.0.1:{port}0;\n",
    "to another machine": "proxy_pass http://10.0.0.7:{port};\n",
    "as its own port": "listen {port};\n",
}


@pytest.mark.parametrize("name", NOT_TO_IT)
def test_a_proxy_that_passes_on_elsewhere_is_none(name: str, tmp_path: Path) -> None:
    with service(tmp_path) as (pid, port), proxy(tmp_path, "nginx", "-c", "nginx.conf"):
        (tmp_path / "nginx.conf").write_text(NOT_TO_IT[name].format(port=port))
        (tmp_path / "app.py").write_text(f'URL = "http://127.0.0.1:{port}"\n')
        assert "service-loopback-only" in found(told_of(tmp_path, pid))


def test_files_beside_a_configuration_are_none_unless_it_takes_them_in(tmp_path: Path) -> None:
    """Nor what Debian's nginx and Apache keep beside what is enabled."""
    with service(tmp_path) as (pid, port), proxy(tmp_path, "nginx", "-c", "nginx.conf"):
        passes = f"proxy_pass http://127.0.0.1:{port}/;\n"
        (tmp_path / "nginx.conf").write_text("events {}\n")
        (tmp_path / "retina-doctor.toml").write_text(f'service.url = "http://127.0.0.1:{port}"\n')
        # It listens and answers nobody: who asks it waits.
        assert "service-loopback-only" in found(told_of(tmp_path, pid, "--timeout", "2"))
        (tmp_path / "retina-doctor.toml").unlink()
        (tmp_path / "nginx.conf").write_text("http {\n  include sites-enabled/*;\n}\n")
        for name in ("sites-available", "sites-enabled"):
            (tmp_path / name).mkdir()
        (tmp_path / "sites-available" / "face").write_text(passes)
        assert "service-loopback-only" in found(told_of(tmp_path, pid))
        (tmp_path / "sites-enabled" / "face").symlink_to("../sites-available/face")
        assert "service-loopback-only" not in found(told_of(tmp_path, pid))


def test_any_other_program_is_no_proxy(tmp_path: Path) -> None:
    with service(tmp_path) as (pid, port), proxy(tmp_path, "curl", f"http://127.0.0.1:{port}/detect"):
        assert "service-loopback-only" in found(told_of(tmp_path, pid))


ON_A_SOCKET = """
import socket, sys, time, {module}
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1].replace("@", chr(0)))
listener.listen()
print("up", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize(
    ("module", "place", "seen"),
    [
        ("onnxruntime", "face.sock", True),
        ("json", "face.sock", False),
        ("onnxruntime", "pymp-7x/listener-1", False),
        ("onnxruntime", "@listener-71-0", False),
    ],
)
def test_a_service_on_a_unix_socket_is_found(module: str, place: str, seen: bool, tmp_path: Path) -> None:
    (tmp_path / "pymp-7x").mkdir()
    words = (DEV_PYTHON, "-c", ON_A_SOCKET.format(module=module), place)
    with started(*words, cwd=tmp_path) as process:
        assert process.stdout and process.stdout.readline() == "up\n"
        time.sleep(0.1)
        assert (process.pid in [one.pid for one in running.on_unix_sockets()]) == seen


ANSWERS = """
import json, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
host, port, status, said = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4].encode()
class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()
    def do_GET(self):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)
server = ThreadingHTTPServer((host, port), Handler)
print("up", flush=True)
server.serve_forever()
"""
PASSES = """
import socket, sys, threading
def copied(one, other):
    while data := one.recv(65536):
        other.sendall(data)
    other.shutdown(socket.SHUT_WR)
listener = socket.create_server(("0.0.0.0", int(sys.argv[1])))
print("up", flush=True)
while True:
    one = listener.accept()[0]
    other = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
    for pair in ((one, other), (other, one)):
        threading.Thread(target=copied, args=pair, daemon=True).start()
"""
KEEPS = """
import http.client, sys, threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
kept, one = http.client.HTTPConnection("127.0.0.1", int(sys.argv[2])), threading.Lock()
kept.connect()
class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.passed_on(self.rfile.read(int(self.headers["Content-Length"])))
    def do_GET(self):
        self.passed_on(b"")
    def passed_on(self, body):
        with one:
            kept.request(self.command, self.path, body, {"Content-Length": str(len(body))})
            answer = kept.getresponse()
            said = answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.headers["Content-Type"])
        self.end_headers()
        self.wfile.write(said)
server = ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Handler)
print("up", flush=True)
server.serve_forever()
"""
FACES = '{"faces": []}'


def beside_each_other(folder: Path, *at_url: str, inside: Sequence[str] = ()) -> dict[str, Any]:
    """The report on a service of loopback, where the URL's port is held by a program with these words behind its port. *inside*:
    words before the service's own."""
    its, port = free_port(), free_port()
    program, *words = at_url
    named = {"ITS": str(its), "PORT": str(port)}
    service_words = (*inside, DEV_PYTHON, "-c", ANSWERS, "127.0.0.1", str(its), "200", FACES)
    with started(*service_words, cwd=folder) as service_itself:
        assert service_itself.stdout and service_itself.stdout.readline() == "up\n", "a proxy may connect at once"
        with started(DEV_PYTHON, "-c", program, *(named.get(word, word) for word in words), cwd=folder) as other:
            assert other.stdout and other.stdout.readline() == "up\n"
            words = ["check", "--device", "cpu", "--only", "service", "--no-source", "--pid", str(service_itself.pid)]
            told = report(*words, "--url", f"http://127.0.0.1:{port}/detect", cwd=folder)
    return {**told, "ports": (its, port)}


@pytest.mark.parametrize(("status", "said"), [("200", '{"status": "ok"}'), ("201", "[]"), ("501", "{}")])
def test_another_program_at_the_url_passes_nothing_on(status: str, said: str, tmp_path: Path) -> None:
    told = beside_each_other(tmp_path, ANSWERS, "0.0.0.0", "PORT", status, said)
    assert sorted(found(told)) == ["service-loopback-only", "service-wrong-url"]
    [wrong] = [one for one in told["findings"] if one["name"] == "service-wrong-url"]
    assert wrong["evidence"]["right"] == f"http://127.0.0.1:{told['ports'][0]}/detect"


def test_no_url_is_right_of_a_service_in_another_network(tmp_path: Path) -> None:
    with own_network() as network:
        told = beside_each_other(tmp_path, ANSWERS, "0.0.0.0", "PORT", "200", "{}", inside=into(network))
    [wrong] = [one for one in told["findings"] if one["name"] == "service-wrong-url"]
    assert wrong["evidence"]["right"] is None


def test_what_passes_on_to_it_is_seen_to_connect(tmp_path: Path) -> None:
    told = beside_each_other(tmp_path, PASSES, "PORT", "ITS")
    assert found(told) == []
    assert told["facts"]["ports"]["passed_to"] == [told["ports"][0]]


def test_a_connection_that_a_proxy_keeps_is_one(tmp_path: Path) -> None:
    told = beside_each_other(tmp_path, KEEPS, "PORT", "ITS")
    assert told["facts"]["ports"]["passed_to"] == [told["ports"][0]]
    assert verdicts(told)["service-loopback-only"] == "passed"


@pytest.mark.parametrize("status", ["202", "401", "404", "413"])
def test_a_proxy_that_answers_by_itself_shows_nothing(status: str, tmp_path: Path) -> None:
    told = beside_each_other(tmp_path, ANSWERS, "0.0.0.0", "PORT", status, "{}")
    assert "service-loopback-only" not in found(told)
    assert verdicts(told)["service-loopback-only"] == "unknown"


def test_who_tells_of_faces_at_the_url_is_the_service(tmp_path: Path) -> None:
    told = beside_each_other(tmp_path, ANSWERS, "0.0.0.0", "PORT", "200", FACES)
    assert found(told) == []
