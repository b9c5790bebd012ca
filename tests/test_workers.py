"""Servers of several processes: stopped, replaced again and again, full, and two on one port. Real processes and sockets."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.doctor import DEV_PYTHON, environment, found, report, roots
from tests.test_service import SERVICE_6, free_port, running

MASTER = """
import http.server, json, os, signal, socket, sys, time
port, workers, kind = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]

class Detect(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        if kind == "dies-of-a-picture":
            os.kill(os.getpid(), signal.SIGKILL)
        self.answer(200)
    def do_GET(self):
        self.answer(405)
    def answer(self, status):
        if kind == "slow-shares":
            time.sleep(0.5)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"faces": []}')
    def log_message(self, *words):
        pass

listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
if kind in ("shares", "slow-shares"):
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
listener.bind(("0.0.0.0", port))
listener.listen(64)

def serve():
    if kind == "dies-loading":
        time.sleep(0.4)
        os._exit(1)
    server = http.server.HTTPServer(("", 0), Detect, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    while True:
        server.handle_request()
        if kind == "recycled":
            os._exit(0)

if kind == "ran-a-child":
    os.waitpid(os.posix_spawn(sys.executable, [sys.executable, "-c", "1"], os.environ), 0)
    kind = "hangs"
def reload(*_):
    for worker in alive:
        os.kill(worker, signal.SIGTERM)
if kind == "hangs" or workers == 0:
    print("ready", flush=True)
    serve() if kind != "hangs" else time.sleep(600)
alive = set()
signal.signal(signal.SIGHUP, reload)
print("ready", flush=True)
while True:
    while len(alive) < workers:
        worker = os.fork()
        if worker == 0:
            signal.signal(signal.SIGHUP, signal.SIG_DFL)
            serve() if kind != "workers-hang" else time.sleep(600)
        alive.add(worker)
        if kind != "dies-loading":
            print(worker, flush=True)
    alive.discard(os.wait()[0])
"""


@contextlib.contextmanager
def serving(kind: str, workers: int, port: int | None = None) -> Iterator[tuple[int, int, list[int]]]:
    """(master, port, its first workers)."""
    port = port or free_port()
    command = [sys.executable, "-c", MASTER, str(port), str(workers), kind]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        count = 0 if kind == "dies-loading" else workers
        yield process.pid, port, [int(process.stdout.readline()) for _ in range(count)]
    finally:
        os.killpg(process.pid, signal.SIGCONT)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout and process.stdout.close()


def asked(folder: Path, *words: str | int) -> dict[str, Any]:
    command = ("check", "--only", "service", "--target", DEV_PYTHON, *map(str, words))
    return report(*command, cwd=folder, env=environment())


def at(port: int) -> tuple[str, str]:
    return "--url", f"http://127.0.0.1:{port}/detect"


def one(told: dict[str, Any]) -> dict[str, Any]:
    [finding] = told["findings"]
    assert finding["name"] == "service-crashed-or-not-ready"
    return dict(finding)


def stop(*pids: int) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
        while "T (stopped)" not in Path(f"/proc/{pid}/status").read_text():
            time.sleep(0.01)


@pytest.mark.parametrize("named", ["url", "port"])
def test_a_service_whose_workers_are_all_stopped(named: str, tmp_path: Path) -> None:
    with serving("well", 2) as (master, port, workers):
        assert found(asked(tmp_path, *at(port))) == []
        stop(*workers)
        words = at(port) if named == "url" else ("--port", str(port), "--pid", str(master))
        finding = one(asked(tmp_path, *words, "--timeout", 10))
        assert (finding["severity"], finding["evidence"]["stopped"]) == ("error", sorted(workers))
        assert finding["fix"]["commands"] == [f"kill -CONT {' '.join(map(str, sorted(workers)))}"]
        os.system(finding["fix"]["commands"][0])  # as it is printed
        assert found(asked(tmp_path, *at(port))) == []


def test_a_stopped_service_of_which_only_the_process_is_named(tmp_path: Path) -> None:
    """No port is asked then: its state says it."""
    with serving("well", 2) as (master, port, workers):
        assert found(asked(tmp_path, "--pid", master)) == []
        stop(workers[0])
        finding = one(asked(tmp_path, "--pid", master))
        assert (finding["severity"], finding["evidence"]["stopped"]) == ("warning", workers[:1])
        stop(*workers[1:], master)
        finding = one(asked(tmp_path, "--pid", master))
        assert (finding["severity"], finding["evidence"]["port"]) == ("error", port)
        assert finding["fix"]["commands"] == [f"kill -CONT {' '.join(map(str, sorted([master, *workers])))}"]
        os.system(finding["fix"]["commands"][0])  # as it is printed
        assert found(asked(tmp_path, "--pid", master)) == []


def test_one_stopped_worker_of_several_is_a_warning(tmp_path: Path) -> None:
    with serving("well", 3) as (_, port, workers):
        stop(workers[0])
        finding = one(asked(tmp_path, *at(port), "--timeout", 10))
        assert (finding["severity"], finding["evidence"]["stopped"]) == ("warning", workers[:1])


@pytest.mark.parametrize("named", ["url", "port"])
def test_workers_that_end_while_they_load(named: str, tmp_path: Path) -> None:
    with serving("dies-loading", 2) as (master, port, _):
        words = at(port) if named == "url" else ("--port", str(port), "--pid", str(master))
        finding = one(asked(tmp_path, *words, "--timeout", 10))
        assert finding["severity"] == "error"
        assert finding["evidence"]["gone"]
        assert "do not last" in finding["title"]


def test_a_worker_that_dies_of_a_picture(tmp_path: Path) -> None:
    with serving("dies-of-a-picture", 1) as (_, port, workers):
        finding = one(asked(tmp_path, *at(port)))
        assert finding["evidence"]["gone"] == workers
        assert (finding["severity"], finding["evidence"]["kind"]) == ("error", "closed")


def test_workers_that_are_replaced_as_they_are_meant_to_be(tmp_path: Path) -> None:
    """After each request, as gunicorn's --max-requests does after many: it answers."""
    with serving("recycled", 2) as (_, port, _workers):
        assert found(asked(tmp_path, *at(port))) == []


@pytest.mark.parametrize("kind", ["hangs", "ran-a-child"])
def test_a_single_process_that_hangs_has_no_workers(kind: str, tmp_path: Path) -> None:
    """Whether it has run a child before or not."""
    with serving(kind, 0) as (_, port, _none):
        finding = one(asked(tmp_path, *at(port), "--timeout", 10))
        assert "do not last" not in finding["title"]
        assert finding["evidence"]["kind"] == "silent"


def test_workers_that_hang_after_a_reload_last(tmp_path: Path) -> None:
    """They are young beside their master, and go on."""
    with serving("workers-hang", 2) as (master, port, workers):
        time.sleep(1)
        os.kill(master, signal.SIGHUP)
        while any(Path(f"/proc/{pid}").exists() for pid in workers):
            time.sleep(0.01)
        finding = one(asked(tmp_path, *at(port), "--timeout", 10))
        assert "do not last" not in finding["title"]
        assert finding["evidence"]["gone"] == []


@pytest.mark.parametrize("named", ["url", "port"])
def test_a_queue_that_is_full(named: str, tmp_path: Path) -> None:
    code = """
import socket, time
server = socket.socket()
server.bind(("0.0.0.0", 0))
server.listen(1)
print(server.getsockname()[1], flush=True)
time.sleep(600)
"""
    with running(code) as (pid, port), contextlib.ExitStack() as opened:
        for _ in range(4):
            waits = opened.enter_context(socket.socket())
            waits.setblocking(False)
            waits.connect_ex(("127.0.0.1", port))
        words = at(port) if named == "url" else ("--port", str(port), "--pid", str(pid))
        finding = one(asked(tmp_path, *words, "--timeout", 10))
        assert (finding["severity"], finding["evidence"]["kind"]) == ("error", "timed-out")
        assert "is full" in finding["title"]
        assert finding["evidence"]["waiting"] >= 2


def test_two_on_one_port_of_which_one_is_stopped(tmp_path: Path) -> None:
    with serving("shares", 0) as (_, port, _none), serving("shares", 0, port) as (other, _, _none2):
        assert found(asked(tmp_path, *at(port))) == []
        stop(other)
        finding = one(asked(tmp_path, *at(port), "--timeout", 10))
        assert (finding["severity"], finding["evidence"]["stopped"]) == ("error", [other])


def test_two_on_one_port_that_are_slow(tmp_path: Path) -> None:
    """Each takes half a second for a request, one after another: both answer."""
    with serving("slow-shares", 0) as (_, port, _none), serving("slow-shares", 0, port):
        told = asked(tmp_path, *at(port), "--timeout", 20)
        assert found(told) == []
        assert told["facts"]["ports"]["several"]["stuck"] == 0


def test_two_on_one_port_of_which_one_hangs(tmp_path: Path) -> None:
    port = free_port()
    hung = MASTER.replace('("shares", "slow-shares")', '("shares", "hangs")')
    command = [sys.executable, "-c", hung, str(port), "0", "hangs"]
    with serving("shares", 0, port):
        other = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert other.stdout
            assert other.stdout.readline() == "ready\n"
            told = asked(tmp_path, *at(port), "--timeout", 20)
        finally:
            other.kill()
            other.wait()
            other.stdout and other.stdout.close()
    finding = one(told)
    shown = finding["evidence"]
    assert told["facts"]["ports"]["several"]["stuck"] == 1
    if shown["kind"] == "http":  # the picture came to the one that answers
        assert (finding["severity"], shown["sockets"]) == ("warning", 2)
        assert 0 < shown["answered"] < shown["asked"]
        assert "does not respond" in finding["title"]


V6_ONLY = SERVICE_6.replace(
    "server = http.server.ThreadingHTTPServer(",
    """
class Alone(http.server.ThreadingHTTPServer):
    def server_bind(self):
        self.socket.setsockopt(41, 26, 1)  # IPPROTO_IPV6, IPV6_V6ONLY
        super().server_bind()
server = Alone(""",
)


@pytest.mark.parametrize(
    ("program", "address", "root"),
    [(SERVICE_6, "::1", "service-loopback-only"), (V6_ONLY, "::", "service-wrong-url")],
)
def test_a_service_on_ipv6_alone_is_one_root(program: str, address: str, root: str, tmp_path: Path) -> None:
    with running(program, address) as (_, port):
        assert roots(asked(tmp_path, *at(port))) == [root]
