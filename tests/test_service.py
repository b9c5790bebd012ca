"""Ports with real listeners: other processes, other users, other addresses, other network namespaces. Loopback only."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from retina_doctor_checks.probes.service import look_answers, look_ports, look_sockets
from retina_doctor_checks.service.response import wrong_in
from retina_doctor_checks.settings import ResponseSettings

from retina_doctor.sending import sent_for, source_of
from tests.doctor import DEV_PYTHON, doctor, environment, found, report, roots, verdicts

needs_root = pytest.mark.skipif(
    os.getuid() != 0, reason="starts processes as other users or in namespaces of their own"
)
NOBODY = 65534

LISTENER = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
server = socket.socket(family)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind((sys.argv[1], 0))
server.listen(8)
print(server.getsockname()[1], flush=True)
"""
SILENT = ["service-crashed-or-not-ready"]
"""It is the service, and answers nobody."""
WAIT = LISTENER + "import time\ntime.sleep(600)\n"
CLOSES = LISTENER + "while True:\n    server.accept()[0].close()\n"
RESETS = (
    LISTENER
    + r"""
while True:
    one = server.accept()[0]
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # so that its end is a reset
    one.close()
"""
)
SERVICE = """
import http.server, sys
class Detect(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200 if self.path == "/detect" else 404)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"faces": []}')
    def do_GET(self):
        self.send_error(405 if self.path == "/detect" else 404)
    def log_message(self, *words):
        pass
server = http.server.ThreadingHTTPServer((sys.argv[1], 0), Detect)
print(server.server_address[1], flush=True)
server.serve_forever()
"""

SERVICE_6 = SERVICE.replace(
    "server = http", "http.server.ThreadingHTTPServer.address_family = __import__('socket').AF_INET6\nserver = http"
)


@contextlib.contextmanager
def running(
    program: str, address: str = "127.0.0.1", *, python: str = sys.executable, user: int | None = None
) -> Iterator[tuple[int, int]]:
    """(process, port) of a program that prints the port that it listens on."""
    words = [python, "-c", program, address]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd="/", user=user, group=user)
    try:
        assert process.stdout
        yield process.pid, int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout and process.stdout.close()


def free_port(address: str = "127.0.0.1") -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def service(folder: Path, *flags: str | int, target: str = DEV_PYTHON) -> dict[str, Any]:
    words = ["check", "--only", "service", "--target", target, *map(str, flags)]
    return report(*words, cwd=folder, env=environment())


def evidence(told: dict[str, Any], name: str) -> dict[str, Any]:
    shown: dict[str, Any] = next(f["evidence"] for f in told["findings"] if f["name"] == name)
    return shown


def severity(told: dict[str, Any], name: str) -> str:
    return next(str(f["severity"]) for f in told["findings"] if f["name"] == name)


@pytest.fixture(scope="module")
def other_python() -> str:
    """A Python that is not the target's: what it runs is not the service by its process."""
    base = os.path.realpath(sys.executable)
    assert Path(base).parent != Path(sys.executable).parent, "the tests run in a virtual environment"
    return base


# Nothing named, nothing wrong


def test_nobody_meant_a_service(tmp_path: Path) -> None:
    told = service(tmp_path)
    judged = {v for name, v in verdicts(told).items() if name.startswith(("service-", "port-", "host-"))}
    assert judged == {"inapplicable"}
    assert "ports" not in [probe["name"] for probe in told["probes"]], "no port is looked at"


def test_a_free_port_is_free(tmp_path: Path) -> None:
    told = service(tmp_path, "--port", free_port("0.0.0.0"))
    assert found(told) == []
    assert told["exit_code"] == 0
    assert verdicts(told)["port-in-use"] == "passed"
    assert verdicts(told)["port-forbidden"] == "passed"


def test_a_running_service_is_healthy(tmp_path: Path) -> None:
    with running(SERVICE, "0.0.0.0") as (pid, port):
        told = service(tmp_path, "--url", f"http://127.0.0.1:{port}/detect", "--pid", pid, "--port", port)
        assert found(told) == []
        assert told["exit_code"] == 0
        judged = {n: v for n, v in verdicts(told).items() if n.startswith(("service-", "port-"))}
        # --load, scan and --start do
        not_asked = {"service-fails-under-load", "port-not-published", "service-debug-mode"}
        not_asked |= {
            "service-model-per-request",
            "service-module-missing",
            "service-start-failed",
            "service-log-shows-cause",
            "service-misses-faces",
            "service-wrong-preprocessing",
        }
        assert {n for n, v in judged.items() if v != "passed"} == {*not_asked, "service-on-cpu"}
        assert judged["service-on-cpu"] == "inapplicable", "it has no framework loaded"


# Who holds the port


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::", "::1"])
def test_a_port_that_another_program_holds(tmp_path: Path, address: str) -> None:
    host = "::1" if address == "::1" else "0.0.0.0"
    with running(WAIT, address) as (pid, port):
        told = service(tmp_path, "--host", host, "--port", port)
        assert set(found(told)[:2]) <= {"port-in-use", "service-loopback-only"} and "port-in-use" in found(told)
        assert ("service-loopback-only" in found(told)) == (host == "::1")
        shown = evidence(told, "port-in-use")
        assert (shown["pid"], shown["port"], shown["state"]) == (pid, port, "LISTEN")
        assert "-c" in shown["command"]


def test_the_service_itself_is_told_by_its_answer(tmp_path: Path, other_python: str) -> None:
    with running(SERVICE, "0.0.0.0", python=other_python) as (_, port):
        told = service(tmp_path, "--port", port)
        assert found(told) == []
        assert verdicts(told)["port-in-use"] == "passed"


def test_the_service_itself_is_told_by_its_libraries(tmp_path: Path, other_python: str) -> None:
    with running("import cv2\n" + WAIT, "0.0.0.0") as (_, port):
        assert found(service(tmp_path, "--port", port)) == SILENT
        told = service(tmp_path, "--port", port, target=other_python)
        assert found(told) == ["port-in-use"], "another Python's libraries are another program's"


def test_the_service_itself_is_told_by_its_number(tmp_path: Path) -> None:
    with running(WAIT, "0.0.0.0") as (pid, port), running(WAIT, "0.0.0.0") as (other, _):
        assert found(service(tmp_path, "--port", port, "--pid", pid)) == SILENT
        told = service(tmp_path, "--port", port, "--pid", other)
        assert found(told) == ["port-in-use"]
        assert evidence(told, "port-in-use")["named_pid"] == other


def test_a_worker_that_shares_its_masters_socket_is_the_master(tmp_path: Path) -> None:
    forking = LISTENER + "import os, time\nchild = os.fork()\ntime.sleep(600)\n"
    with running(forking, "0.0.0.0") as (pid, port):
        shown = evidence(service(tmp_path, "--port", port), "port-in-use")
        assert shown["pid"] == pid
        child = int(Path(f"/proc/{pid}/task/{pid}/children").read_text())
        assert found(service(tmp_path, "--port", port, "--pid", child)) == SILENT
        os.kill(child, 9)


def test_another_address_of_the_machine_is_not_in_the_way(tmp_path: Path) -> None:
    with running(WAIT, "127.0.0.2") as (_, port):
        told = service(tmp_path, "--host", "127.0.0.1", "--port", port)
        assert "port-in-use" not in found(told)
        assert verdicts(told)["port-in-use"] == "passed"


def test_an_ipv6_only_listener_leaves_ipv4_free(tmp_path: Path) -> None:
    only = WAIT.replace("server.bind", "server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)\nserver.bind")
    with running(only, "::") as (_, port):
        assert found(service(tmp_path, "--host", "0.0.0.0", "--port", port)) == []
        assert found(service(tmp_path, "--host", "::", "--port", port)) == ["port-in-use"]


def test_closed_connections_are_no_false_alarm(tmp_path: Path) -> None:
    """TIME_WAIT on the server's side: a bind without SO_REUSEADDR would fail, a server's works."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        accepted, _ = server.accept()
        accepted.close()
        client.close()
    waiting = [r for r in look_sockets.rows() or [] if r["port"] == port and r["state"] == "TIME_WAIT"]
    assert waiting
    with socket.socket() as plain, pytest.raises(OSError, match="in use"):
        plain.bind(("127.0.0.1", port))
    assert found(service(tmp_path, "--port", port)) == []


def test_a_connections_own_port_cannot_be_bound(tmp_path: Path) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        with socket.create_connection(server.getsockname()) as client:
            port = client.getsockname()[1]
            told = service(tmp_path, "--port", port)
            assert found(told) == ["port-in-use"]
            shown = evidence(told, "port-in-use")
            assert (shown["state"], shown["pid"]) == ("ESTABLISHED", os.getpid())


@needs_root
def test_another_users_listener(tmp_path: Path, other_python: str) -> None:
    with running(
        WAIT, "0.0.0.0", user=NOBODY, python="/usr/bin/python3" if Path("/usr/bin/python3").exists() else other_python
    ) as (pid, port):
        shown = evidence(service(tmp_path, "--port", port), "port-in-use")
        assert shown["pid"] == pid
        assert shown["user"] == look_sockets.user_name(NOBODY)


# As a user who may not see or bind everything


def as_nobody(*words: str | Path) -> dict[str, Any]:
    """What the probe tells as an ordinary user without capabilities: its own source, run by the system's Python."""
    program = f"""
import json, sys
sys.path[:0] = sys.argv[1:2]
from {look_ports.__name__} import look
told = {{}}
class Probe:
    def tell(self, **facts): told.update(facts)
    def stage(self, name): pass
look(Probe(), json.loads(sys.argv[2]))
print(json.dumps(told))
"""
    command = [
        "setpriv",
        f"--reuid={NOBODY}",
        f"--regid={NOBODY}",
        "--clear-groups",
        "--bounding-set=-all",
        "--inh-caps=-all",
    ]
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin") or os.path.realpath(sys.executable)
    with tempfile.TemporaryDirectory() as sources:
        Path(sources).chmod(0o755)  # that user has to read what he runs
        for module in sent_for(look_ports.__name__, frozenset({"retina_doctor", "retina_doctor_checks"})):
            file = Path(sources, *module.split(".")).with_suffix(".py")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(source_of(module), encoding="utf-8")
        done = subprocess.run(
            [*command, python, "-I", "-", sources, *map(str, words)],
            input=program,
            capture_output=True,
            text=True,
            cwd="/",
            check=False,
        )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def asked(**named: Any) -> str:
    return json.dumps({"host": None, "port": None, "url": None, "pid": None, **named})


@needs_root
def test_a_privileged_port_is_forbidden_to_an_ordinary_user() -> None:
    with contextlib.suppress(OSError):
        first = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    assert first > 1, (
        "this machine has no privileged ports; run the tests where net.ipv4.ip_unprivileged_port_start is set"
    )
    told = as_nobody(asked(port=first - 1))
    assert told["bind"]["error"] == "EACCES"
    assert (told["uid"], told["first_unprivileged_port"]) == (NOBODY, first)


@needs_root
def test_a_hidden_process_leaves_its_user() -> None:
    with running(WAIT, "0.0.0.0") as (_, port):
        held = as_nobody(asked(port=port))["sockets"][0]
        assert (held["holder"], held["user"]) == (None, "root")


# Addresses


def test_loopback_is_an_error_whatever_found_it(tmp_path: Path) -> None:
    told = service(tmp_path, "--host", "127.0.0.1", "--port", free_port())
    assert found(told) == ["service-loopback-only"]
    assert (severity(told, "service-loopback-only"), told["exit_code"]) == ("error", 1)
    assert found(service(tmp_path, "--host", "localhost")) == ["service-loopback-only"]


def test_a_service_that_listens_on_loopback_only(tmp_path: Path) -> None:
    with running(SERVICE) as (pid, port):
        told = service(tmp_path, "--port", port, "--pid", pid)
        assert found(told) == ["service-loopback-only"]
        assert severity(told, "service-loopback-only") == "error"
        shown = evidence(told, "service-loopback-only")
        assert (shown["address"], shown["port"], shown["pid"]) == ("127.0.0.1", port, pid)
        told = service(tmp_path, "--url", f"http://127.0.0.1:{port}/detect")
        assert severity(told, "service-loopback-only") == "error", "asked for by its loopback address"


def test_a_host_of_another_machine(tmp_path: Path) -> None:
    told = service(tmp_path, "--host", "192.0.2.1", "--port", free_port())  # RFC 5737: nobody's address
    assert found(told) == ["host-not-on-this-machine"]
    assert evidence(told, "host-not-on-this-machine")["error"] == "EADDRNOTAVAIL"


def test_a_host_of_another_machine_although_the_port_is_held(tmp_path: Path) -> None:
    with running(WAIT, "0.0.0.0") as (_, port):
        assert found(service(tmp_path, "--host", "192.0.2.1", "--port", port)) == ["host-not-on-this-machine"]


def test_a_name_that_leads_nowhere(tmp_path: Path) -> None:
    told = service(tmp_path, "--host", "no-such-host.invalid")  # RFC 2606
    assert found(told) == ["host-not-on-this-machine"]
    assert evidence(told, "host-not-on-this-machine")["resolved"] is False


# A service that should be running


def test_nothing_listens_at_the_url(tmp_path: Path) -> None:
    told = service(tmp_path, "--url", f"http://127.0.0.1:{free_port()}/detect")
    assert found(told) == ["service-not-running"]
    assert told["exit_code"] == 1


def test_a_process_that_has_ended(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    told = service(tmp_path, "--pid", ended.pid)
    assert (found(told), evidence(told, "service-not-running")["kind"]) == (["service-not-running"], "process-gone")


def test_a_zombie_is_not_running(tmp_path: Path) -> None:
    zombie = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    told = service(tmp_path, "--pid", zombie.pid)
    assert found(told) == ["service-not-running"]
    zombie.wait()


def test_a_process_that_listens_nowhere(tmp_path: Path) -> None:
    idle = "import time\nprint(0, flush=True)\ntime.sleep(600)"
    with running(idle) as (pid, _):
        told = service(tmp_path, "--pid", pid)
        assert evidence(told, "service-crashed-or-not-ready")["kind"] == "listens-nowhere"


def test_a_process_behind_a_unix_socket_runs(tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    program = f"""
import socket, time
server = socket.socket(socket.AF_UNIX)
server.bind({str(path)!r})
server.listen()
print(0, flush=True)
time.sleep(600)
"""
    with running(program) as (pid, _):
        assert found(service(tmp_path, "--pid", pid)) == []


def test_a_service_on_another_machine_is_not_contacted_and_not_called_healthy(tmp_path: Path) -> None:
    told = service(tmp_path, "--url", "http://192.0.2.1:8080/detect")
    assert found(told) == []
    assert told["exit_code"] == 3
    assert verdicts(told)["service-not-running"] == "unknown"


def test_a_server_that_closes_without_a_word(tmp_path: Path) -> None:
    with running(CLOSES, "0.0.0.0") as (_, port):
        told = service(tmp_path, "--url", f"http://127.0.0.1:{port}/")
        assert found(told) == ["service-crashed-or-not-ready"]
        assert evidence(told, "service-crashed-or-not-ready")["kind"] == "closed"


def test_a_server_that_resets_what_it_accepts_is_not_behind_a_firewall(tmp_path: Path) -> None:
    """Whether the reset comes while we connect or after it, is chance: neither is a blocked port."""
    with running(RESETS, "0.0.0.0") as (_, port):
        told = service(tmp_path, "--url", f"http://127.0.0.1:{port}/detect")
        assert found(told) == ["service-crashed-or-not-ready"]
        assert evidence(told, "service-crashed-or-not-ready")["kind"] == "closed"


@pytest.mark.parametrize(("number", "kind"), [(errno.ECONNRESET, "closed"), (errno.ECONNREFUSED, "refused")])
def test_what_a_failed_connect_means(number: int, kind: str) -> None:
    assert look_answers.no_connection(OSError(number, "")) == kind


def test_a_server_that_says_nothing_is_a_warning(tmp_path: Path) -> None:
    with running(WAIT, "0.0.0.0") as (_, port):
        told = service(tmp_path, "--url", f"http://127.0.0.1:{port}/", "--quick")
        assert found(told) == ["service-crashed-or-not-ready"]
        assert severity(told, "service-crashed-or-not-ready") == "warning"
        told = service(tmp_path, "--url", f"http://127.0.0.1:{port}/", "--timeout", 6)
        assert found(told) == ["service-crashed-or-not-ready"]
        assert severity(told, "service-crashed-or-not-ready") == "error", (
            "nor to a picture, in more than half of that time"
        )


DRIPS = (
    LISTENER
    + """
import time
peers = []
while True:
    peer = server.accept()[0]
    try:
        peer.sendall(b"HTTP/1.0 200 OK\\r\\n")
        while True:
            peer.sendall(b"x")
            time.sleep(0.2)
    except OSError:
        peer.close()
"""
)


@pytest.mark.parametrize("program", [WAIT, DRIPS], ids=["silent", "dripping"])
def test_a_slow_service_costs_no_other_facts(tmp_path: Path, program: str) -> None:
    """It is asked for a fifth of the probe's time at most, however it spreads its bytes."""
    with running(program, "0.0.0.0") as (_, port):
        told = service(tmp_path, "--port", port, "--url", f"http://127.0.0.1:{port}/", "--timeout", 5)
        probe = next(one for one in told["probes"] if one["name"] == "ports")
        assert probe["outcome"] == "ok"
        assert probe["seconds"] < 4
        judged = {v for name, v in verdicts(told).items() if name.startswith(("service-", "port-", "host-"))}
        assert "unknown" not in judged


def test_the_name_of_a_url_is_asked_of_no_name_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 localhost\n127.0.3.1 Face.local face # ours\n\n")
    monkeypatch.setattr(look_ports, "HOSTS_FILE", str(hosts))
    asked_for = []
    real = socket.getaddrinfo

    def watched(host: Any, *words: Any, **more: Any) -> Any:
        if not more.get("flags", 0) & socket.AI_NUMERICHOST:
            asked_for.append(host)
        return real(host, *words, **more)

    monkeypatch.setattr(socket, "getaddrinfo", watched)
    assert look_ports.resolved_here("face.local") == [(socket.AF_INET, "127.0.3.1")]
    assert look_ports.resolved_here("192.0.2.1") == [(socket.AF_INET, "192.0.2.1")]
    assert look_ports.resolved_here("::1") == [(socket.AF_INET6, "::1")]
    assert (socket.AF_INET, "127.0.0.1") in look_ports.resolved_here("localhost")
    assert look_ports.resolved_here("face.example.com") == []
    assert asked_for == []


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("127.0.0.1:{port}/detect", "no-scheme"),
        ("ftp://127.0.0.1:{port}/detect", "scheme"),
        ("http://:{port}/detect", "no-host"),
        ("http://127.0.0.1:99{port}/detect", "port"),
        ("http://127.0.0.1:{port}/detct", "path"),
        ("https://127.0.0.1:{port}/detect", "plain-http"),
    ],
)
def test_a_url_that_misses_the_service(tmp_path: Path, url: str, kind: str) -> None:
    with running(SERVICE, "0.0.0.0") as (_, port):
        told = service(tmp_path, "--url", url.format(port=port))
        assert (found(told), evidence(told, "service-wrong-url")["kind"]) == (["service-wrong-url"], kind)


def test_the_base_of_the_service_is_no_wrong_url(tmp_path: Path) -> None:
    with running(SERVICE, "0.0.0.0") as (_, port):
        assert found(service(tmp_path, "--url", f"http://127.0.0.1:{port}")) == []


def test_a_service_on_another_address_than_the_urls(tmp_path: Path) -> None:
    with running(SERVICE, "127.0.0.2") as (_, port):
        told = service(tmp_path, "--url", f"http://127.0.0.1:{port}/detect")
        assert "service-not-running" not in found(told)


# Another network namespace


@needs_root
def test_a_process_in_another_network_namespace(tmp_path: Path) -> None:
    """As with a container's process seen from its host: its own loopback, its own listeners."""
    words = ["unshare", "--net", sys.executable, "-c", WAIT, "0.0.0.0"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd="/")
    try:
        assert process.stdout
        int(process.stdout.readline())
        told = service(tmp_path, "--pid", process.pid)
        assert found(told) == []
        assert verdicts(told)["service-not-running"] == "passed"
    finally:
        process.kill()
        process.wait()
        process.stdout and process.stdout.close()


@needs_root
def test_a_target_in_another_network_namespace_is_looked_at_there(tmp_path: Path) -> None:
    with running(WAIT, "0.0.0.0") as (_, port):
        told = service(tmp_path, "--port", port, target=f"unshare --net {DEV_PYTHON}")
        assert found(told) == [], "the port is held here, not there"
        assert verdicts(told)["port-in-use"] == "passed"


# How a report reads


def test_the_remedy_in_chinese_names_the_process(tmp_path: Path) -> None:
    with running(WAIT, "0.0.0.0") as (pid, port):
        done = doctor(
            "check", "--only", "service", "--target", DEV_PYTHON, "--port", str(port), "--lang", "zh", cwd=tmp_path
        )
        assert f"ps -o pid,ppid,user,lstart,args -p {pid}" in done.stdout
        assert "已被占用" in done.stdout


# Who gets through


def in_own_network(tmp_path: Path, setup: str, address: str, *flags: str) -> dict[str, Any]:
    """The report on a listener on *address*, port 8080, in a network of its own with two addresses besides loopback."""
    server = f"{sys.executable} -c '{LISTENING}' {address} > port &"
    check = f"exec {sys.executable} -m retina_doctor check --only service --target {DEV_PYTHON} --format json"
    link = "ip link set lo up; ip addr add 10.9.9.9/24 dev lo; ip addr add 10.9.8.8/24 dev lo"
    lines = [
        link,
        "ip link set d0 up",
        setup,
        server,
        "until test -s port; do sleep 0.05; done",
        f"{check} {' '.join(flags)}",
    ]
    words = ["unshare", "--net", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", "\n".join(lines)]
    done = subprocess.run(
        words, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


LISTENING = """
import socket, sys, time
six = ":" in sys.argv[1]
server = socket.socket(socket.AF_INET6 if six else socket.AF_INET)
if six:
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(sys.argv[1] == "::"))
server.bind(("::" if six else sys.argv[1], 8080))
server.listen(8)
print(1, flush=True)
time.sleep(600)
"""
FORBID = "ip rule add pref 1 to 10.9.9.9 prohibit; ip rule add pref 2 lookup local; ip rule del pref 0"


@needs_root
def test_an_own_address_that_does_not_get_through(tmp_path: Path) -> None:
    told = in_own_network(tmp_path, FORBID, "0.0.0.0", "--pid", "2")
    assert "port-blocked" not in found(told), "of another process nothing is asked"
    told = in_own_network(tmp_path, FORBID, "0.0.0.0", "--url", "http://127.0.0.1:8080/detect", "--quick")
    shown = evidence(told, "port-blocked")
    assert (shown["addresses"], shown["only_ipv6"]) == (["10.9.9.9"], False)
    told = in_own_network(tmp_path, "", "0.0.0.0", "--url", "http://127.0.0.1:8080/detect", "--quick")
    assert verdicts(told)["port-blocked"] == "passed"
    assert {one["address"] for one in told["facts"]["ports"]["reached"]} >= {"127.0.0.1", "10.9.9.9", "10.9.8.8"}


@needs_root
def test_a_listener_that_takes_ipv6_only(tmp_path: Path) -> None:
    words = ("--url", "http://[::1]:8080/detect", "--quick")
    shown = evidence(in_own_network(tmp_path, "", "::", *words), "port-blocked")
    assert shown["only_ipv6"] is True
    assert set(shown["addresses"]) == {"127.0.0.1", "10.9.9.9", "10.9.8.8"}
    told = in_own_network(tmp_path, "", "::dual", *words)
    assert verdicts(told)["port-blocked"] == "passed"


@needs_root
def test_connections_that_nobody_accepts_are_counted(tmp_path: Path) -> None:
    with running(WAIT, "0.0.0.0") as (_, port), contextlib.ExitStack() as open_ones:
        for _ in range(3):
            open_ones.enter_context(socket.create_connection(("127.0.0.1", port)))
        told = service(tmp_path, "--url", f"http://127.0.0.1:{port}/", "--quick")
        assert evidence(told, "service-crashed-or-not-ready")["waiting"] >= 3


def test_a_docker_daemon_that_does_not_run(tmp_path: Path) -> None:
    """The real docker, asked for a daemon that is not there; where no docker is installed, its words of 28.2."""
    env = environment(DOCKER_HOST=f"unix://{tmp_path}/docker.sock")
    if shutil.which("docker") is None:
        stand_in = tmp_path / "docker"
        words_of_docker = "Cannot connect to the Docker daemon at $DOCKER_HOST. Is the docker daemon running?"
        stand_in.write_text(f'#!/bin/sh\necho "{words_of_docker}" >&2\nexit 1\n')
        stand_in.chmod(0o755)
        env["PATH"] = f"{tmp_path}:{env['PATH']}"
    words = ["check", "--only", "doctor,service", "--target", "docker exec -i face python3"]
    told = report(*words, cwd=tmp_path, env=env)
    assert roots(told) == ["docker-daemon-not-running"]
    assert found(told) == ["docker-daemon-not-running", "target-python-broken"]


def test_a_listener_whose_workers_have_not_booted_is_no_health(tmp_path: Path) -> None:
    """As gunicorn's master listens before a worker has loaded the application; a worker that has may be busy with a picture."""
    for library, severity in (("", "error"), ("import cv2\n", "warning")):
        with running(library + WAIT, "0.0.0.0") as (pid, port):
            told = service(tmp_path, "--port", port, "--pid", pid)
            [finding] = told["findings"]
            assert (finding["name"], finding["severity"]) == ("service-crashed-or-not-ready", severity)
            assert told["exit_code"] == (1 if severity == "error" else 0)


@pytest.mark.parametrize(("bound", "asked"), [("::1", "127.0.0.1"), ("127.0.0.1", "[::1]"), ("127.0.0.3", "127.0.0.1")])
def test_a_named_url_that_is_refused_is_an_error_whatever_the_family(bound: str, asked: str, tmp_path: Path) -> None:
    with running(SERVICE if ":" not in bound else SERVICE_6, bound) as (_, port):
        told = service(tmp_path, "--url", f"http://{asked}:{port}/detect")
        assert told["exit_code"] == 1, found(told)
        assert evidence(told, "service-wrong-url")["kind"] == "listens-elsewhere"
        whole = f"[{bound}]" if ":" in bound else bound
        assert "service-wrong-url" not in found(service(tmp_path, "--url", f"http://{whole}:{port}/detect"))


def test_a_face_that_is_no_object_is_wrong_and_breaks_nothing() -> None:
    face = {"bbox": [1, 2, 3, 4], "keypoints": [[1, 2]] * 5, "confidence": 0.9}
    wrong = wrong_in({"faces": ["x", face]}, ResponseSettings())[0]
    assert (wrong.where, wrong.got) == ("faces[0]", '"x"')
