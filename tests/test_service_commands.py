"""What the pages of the service print under Fix, run as it stands on a real service with the fault: the finding is gone, or the
answer decides as the page says."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.doctor import DEV_PYTHON, SIX_FACES, environment, found, report
from tests.test_live_service import asked, finding, listens
from tests.test_live_service import serving as serving_faces
from tests.test_service import CLOSES, WAIT, evidence, free_port, in_own_network, needs_root, running

BIN = Path(sys.executable).parent
SERVER = """
import http.server, sys, argparse
words = argparse.ArgumentParser()
words.add_argument("--host", default="127.0.0.1")
words.add_argument("--port", type=int)
given = words.parse_args()
class Detect(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"faces": []}')
    def do_GET(self):
        self.send_error(405)
http.server.ThreadingHTTPServer((given.host, given.port), Detect).serve_forever()
"""


def looked(folder: Path, *flags: str | int, **more: str) -> dict[str, Any]:
    words = ["check", "--only", "service", "--target", DEV_PYTHON, *map(str, flags)]
    return report(*words, cwd=folder, env=environment(HOME=str(folder), **more))


def commands(told: dict[str, Any], name: str) -> list[str]:
    printed: list[str] = next(one["fix"]["commands"] for one in told["findings"] if one["name"] == name)
    return printed


def shell(command: str, folder: Path, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """In a shell whose PATH has the doctor, as its reader's has."""
    env = environment(PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}", HOME=str(folder))
    words = ["bash", "-c", command]
    return subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, timeout=timeout, check=False)


@contextlib.contextmanager
def started(command: str, folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A printed command that goes on, when something listens on the port."""
    env = environment(PATH=f"{BIN}{os.pathsep}{os.environ['PATH']}")
    process = subprocess.Popen(["bash", "-c", command], cwd=folder, env=env, start_new_session=True)
    try:
        until(lambda: listens(port))
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def until(holds: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def app(folder: Path) -> Path:
    file = folder / "face app.py"
    file.write_text(SERVER)
    return file


@contextlib.contextmanager
def serving(folder: Path, port: int, host: str = "127.0.0.1") -> Iterator[subprocess.Popen[bytes]]:
    file = app(folder)
    words = [sys.executable, file.name, "--host", host, "--port", str(port)]
    process = subprocess.Popen(words, cwd=folder)
    try:
        until(lambda: listens(port))
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_service_on_loopback_is_started_on_all_addresses(tmp_path: Path) -> None:
    port = free_port()
    with serving(tmp_path, port) as process:
        told = looked(tmp_path, "--pid", process.pid)
        kill, start, _ = commands(told, "service-loopback-only")
        assert shell(kill, tmp_path).returncode == 0
        process.wait(timeout=60)
    with started(start, Path("/"), port):
        assert "service-loopback-only" not in found(looked(tmp_path, "--url", f"http://127.0.0.1:{port}/detect"))


def test_a_service_that_is_not_started_is_started(tmp_path: Path) -> None:
    port = free_port()
    start = shlex.join([sys.executable, app(tmp_path).name, "--port", str(port)])
    url = f"http://127.0.0.1:{port}/detect"
    told = looked(tmp_path, "--url", url, "--start", f"env -C {shlex.quote(str(tmp_path))} {start}")
    _, printed, _ = commands(told, "service-not-running")
    with started(printed, tmp_path, port):
        assert "service-not-running" not in found(looked(tmp_path, "--url", url))


def test_where_nothing_listens_the_list_says_whether_the_port_is_wrong(tmp_path: Path) -> None:
    with running(WAIT) as (pid, port):
        told = looked(tmp_path, "--url", f"http://127.0.0.1:{free_port()}/detect")
        shown = shell(commands(told, "service-not-running")[0], tmp_path).stdout
        assert f":{port} " in shown and f"pid={pid}," in shown
    assert any(one["key"] == "start-not-known" for one in evidence(told, "service-not-running")["how"])


def test_a_process_that_listens_nowhere_is_ended_and_started(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "late.py").write_text("import os, time\nif os.path.exists('stuck'):\n    time.sleep(600)\n" + SERVER)
    (tmp_path / "stuck").touch()
    process = subprocess.Popen([sys.executable, "late.py", "--port", str(port)], cwd=tmp_path)
    try:
        told = looked(tmp_path, "--pid", process.pid)
        look, kill, start = commands(told, "service-crashed-or-not-ready")
        assert shell(look.replace("sleep 60", "sleep 1"), tmp_path).stdout == ""
        assert shell(kill, tmp_path).returncode == 0
        process.wait(timeout=60)
    finally:
        process.kill()
    (tmp_path / "stuck").unlink()
    with started(start, Path("/"), port):
        assert "service-crashed-or-not-ready" not in found(looked(tmp_path, "--url", f"http://127.0.0.1:{port}/detect"))


def test_the_second_look_shows_what_was_only_slow(tmp_path: Path) -> None:
    with running(WAIT) as (pid, port):
        assert f":{port} " in shell(f"sleep 1; ss -ltnp | grep pid={pid},", tmp_path).stdout


def test_an_address_of_another_machine_becomes_all_addresses(tmp_path: Path) -> None:
    port = free_port()
    start = shlex.join([sys.executable, str(app(tmp_path)), "--host", "203.0.113.7", "--port", str(port)])
    told = looked(tmp_path, "--host", "203.0.113.7", "--port", port, "--start", start)
    printed = commands(told, "host-not-on-this-machine")[0]
    with started(printed, tmp_path, port):
        again = looked(tmp_path, "--host", "0.0.0.0", "--port", port, "--url", f"http://127.0.0.1:{port}/detect")
        assert found(again) == []


def test_who_hangs_answers_nothing_within_the_minute_and_who_works_does(tmp_path: Path) -> None:
    with running(WAIT) as (pid, port):
        url = f"http://127.0.0.1:{port}/detect"
        told = looked(tmp_path, "--url", url, "--timeout", 6)
        [ask] = commands(told, "service-crashed-or-not-ready")
        assert shell(ask.replace("-m 60", "-m 2"), tmp_path).stdout.startswith("000 ")
        [how] = evidence(told, "service-crashed-or-not-ready")["how"]
        assert (how["key"], how["values"]) == ("is-it-the-service", {"pid": pid}), "anybody's program may listen there"
        told = looked(tmp_path, "--url", url, "--pid", pid, "--timeout", 6)
        _, kill, *_ = commands(told, "service-crashed-or-not-ready")
        assert f"kill {pid} " in kill
    with serving(tmp_path, port):
        assert shell(ask, tmp_path).stdout.startswith("405 ")


def test_a_container_s_closed_port_is_asked_of_docker(tmp_path: Path) -> None:
    with running(CLOSES) as (_, port):
        told = looked(tmp_path, "--url", f"http://127.0.0.1:{port}/detect")
        assert commands(told, "service-crashed-or-not-ready")[0] == f"docker ps --filter publish={port}"


@pytest.mark.parametrize(
    "wrong",
    [
        "127.0.0.1:{port}/detect",
        "https://127.0.0.1:{port}/detect",
        "ftp://127.0.0.1:{port}/detect",
        "http://:{port}/detect",
    ],
)
def test_a_url_that_can_be_put_right_is_printed(wrong: str, tmp_path: Path) -> None:
    port = free_port()
    with serving(tmp_path, port, "0.0.0.0"):
        told = looked(tmp_path, "--url", wrong.format(port=port))
        [command] = commands(told, "service-wrong-url")
        assert evidence(told, "service-wrong-url")["right"] == f"http://127.0.0.1:{port}/detect"
        done = shell(f"{command} --only service --target {DEV_PYTHON} --device cpu", tmp_path)
        assert (done.returncode, "RD507" in done.stdout) == (0, False), done.stdout


FLASK = """
import sys, flask
app = flask.Flask("faces")
@app.get("/health")
def health():
    return "well"
@app.post("/v2/faces")
def faces():
    return {"faces": []}
app.run("0.0.0.0", int(sys.argv[1]))
"""


@pytest.mark.parametrize("path", ["/detect", "/health"])
def test_the_only_route_of_the_source_that_takes_a_picture(path: str, tmp_path: Path) -> None:
    """The path does not exist (404), or takes no POST (405)."""
    port = free_port()
    (tmp_path / "app.py").write_text(FLASK)
    with started(f"{sys.executable} app.py {port}", tmp_path, port) as shell_:
        [pid] = Path(f"/proc/{shell_.pid}/task/{shell_.pid}/children").read_text().split() or [str(shell_.pid)]
        told = looked(tmp_path, "--pid", pid, "--url", f"http://127.0.0.1:{port}{path}", "--only", "source")
        [command] = commands(told, "service-wrong-url")
        assert command.endswith(f"http://127.0.0.1:{port}/v2/faces")
        done = shell(f"{command} --only service --target {DEV_PYTHON} --device cpu", tmp_path)
        assert (done.returncode, "RD507" in done.stdout) == (0, False), done.stdout


@pytest.mark.parametrize("fault", ["redirects", "trailing-slash"])
def test_the_route_of_the_service_is_printed(fault: str, tmp_path: Path, real_model: Path) -> None:
    with serving_faces(tmp_path, real_model, fault) as service:
        told = asked(tmp_path, "--url", service.url, "--pid", service.pid, "--only", "source")
        [command] = commands(told, "service-wrong-url")
        done = shell(f"{command} --only service --target {DEV_PYTHON} --device cpu", tmp_path)
        assert (done.returncode, "RD507" in done.stdout) == (0, False), (command, done.stdout)


def exported(command: str, folder: Path, check: str) -> subprocess.CompletedProcess[str]:
    return shell(f"{command}\n{check} --target {DEV_PYTHON} --device cpu --only service", folder)


@pytest.mark.parametrize("fault", ["other-field", "other-names", "box-as-size", "points-missing"])
def test_an_answer_of_another_form_is_described(fault: str, tmp_path: Path, real_model: Path) -> None:
    with serving_faces(tmp_path, real_model, fault) as service:
        told = asked(tmp_path, "--url", service.url)
        command = commands(told, "service-bad-response")[0]
        assert command.startswith("export ")
        done = exported(command, tmp_path, f"retina-doctor check --url {service.url}")
        assert (done.returncode, "RD511" in done.stdout) == (0, False), (command, done.stdout)


@pytest.mark.parametrize("fault", ["box-as-shares", "box-of-network", "score-in-percent", "each-face-twice"])
def test_what_makes_no_sense_is_not_described(fault: str, tmp_path: Path, real_model: Path) -> None:
    with serving_faces(tmp_path, real_model, fault) as service:
        told = asked(tmp_path, "--url", service.url)
        assert finding(told, "service-bad-response")["describe"] == []
        [command] = commands(told, "service-bad-response")
        assert command.startswith("curl ")


SIGNS = {"small-uploads": "413", "answers-html": "text/html", "picture-not-read": "500", "cut-short": "HTTP/1.1 200"}


@pytest.mark.parametrize("fault", SIGNS)
def test_the_answer_is_shown_and_decides(fault: str, tmp_path: Path, real_model: Path) -> None:
    picture = shutil.copy(SIX_FACES, tmp_path / "six faces.jpg")
    with serving_faces(tmp_path, real_model, fault) as service:
        told = asked(tmp_path, "--url", service.url, "--image", str(picture))
        [command] = commands(told, "service-bad-response")
        assert SIGNS[fault] in shell(command, tmp_path).stdout


def test_where_the_time_goes_is_measured(tmp_path: Path, real_model: Path) -> None:
    shutil.copy(SIX_FACES, tmp_path / "picture.jpg")
    with serving_faces(tmp_path, real_model, "slow") as service:
        told = asked(tmp_path, "--url", service.url)
        [command] = commands(told, "service-too-slow")
        shown = re.findall(r"(\w+) ([\d.]+) s", shell(command, tmp_path).stdout)
        times = {name: float(seconds) for name, seconds in shown}
        assert times["connected"] < 1 < times["done"], shown


@needs_root
def test_a_listener_of_ipv6_alone_is_started_on_all_addresses(tmp_path: Path) -> None:
    words = ("--url", "http://[::1]:8080/detect", "--quick", "--start", "'gunicorn --bind [::]:8080 app:app'")
    told = in_own_network(tmp_path, "", "::", *words)
    _, start, look = commands(told, "port-blocked")
    assert start.endswith("gunicorn --bind 0.0.0.0:8080 app:app")
    assert shell(look, tmp_path).stdout in ("0\n", "1\n")


ONE_AT_A_TIME = SERVER.replace("class Detect", "import threading, time\nbusy = threading.Lock()\nclass Detect").replace(
    "        self.send_response(200)",
    "        free = busy.acquire(blocking=False)\n        time.sleep(0.05)\n        self.send_response(200 if free else 500)\n"
    "        free and busy.release()",
)
EVERY_THIRD = SERVER.replace(
    "class Detect",
    "import time\nlast = number = 0\ndef counted():\n    global last, number\n    now = time.monotonic()\n"
    "    number, last = (number + 1 if now - last < 1 else 0), now\n    return number\nclass Detect",
).replace(
    "        self.send_response(200)",
    "        at = counted()\n        self.send_response(500 if at > 6 and at % 3 == 2 else 200)",
)
"""Not the few that come first, by which the doctor finds out how a picture is posted."""


@pytest.mark.parametrize(("program", "still"), [(ONE_AT_A_TIME, False), (EVERY_THIRD, True)])
def test_the_same_pictures_one_at_a_time_decide(program: str, still: bool, tmp_path: Path) -> None:
    """Whether the number at once is what the service fails at, or the pictures."""
    port = free_port()
    (tmp_path / "app.py").write_text(program)
    with started(f"{sys.executable} app.py --host 0.0.0.0 --port {port}", tmp_path, port):
        url = f"http://127.0.0.1:{port}/detect"
        told = looked(tmp_path, "--url", url, "--load", "24,6")
        command = commands(told, "service-fails-under-load")[0]
        time.sleep(1.2)  # the program counts from 0 again
        done = shell(f"{command} --only service --target {DEV_PYTHON} --device cpu", tmp_path)
        assert ("RD513" in done.stdout) is still, done.stdout


def test_the_name_in_a_certificate_is_shown(tmp_path: Path) -> None:
    port, name = free_port(), "faces.example"
    make = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "key.pem",
        "-out",
        "cert.pem",
        "-days",
        "9",
    ]
    made = [*make, "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
    subprocess.run(made, cwd=tmp_path, check=True, capture_output=True)
    program = SERVER.replace(
        "http.server.ThreadingHTTPServer((given.host, given.port), Detect).serve_forever()",
        "import ssl\nserver = http.server.ThreadingHTTPServer((given.host, given.port), Detect)\n"
        "context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)\ncontext.load_cert_chain('cert.pem', 'key.pem')\n"
        "server.socket = context.wrap_socket(server.socket, server_side=True)\nserver.serve_forever()",
    )
    (tmp_path / "app.py").write_text(program)
    with started(f"{sys.executable} app.py --host 0.0.0.0 --port {port}", tmp_path, port):
        told = looked(tmp_path, "--url", f"https://127.0.0.1:{port}/detect")
        assert evidence(told, "service-wrong-url")["kind"] == "certificate"
        [look] = commands(told, "service-wrong-url")
        assert f"DNS:{name}" in shell(look, tmp_path).stdout
