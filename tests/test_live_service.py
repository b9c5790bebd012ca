"""The real Flask service of fixtures/service with real weights: found without a flag, and each fault of it named as the root."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from retina_doctor_checks.service.response import wrong_in
from retina_doctor_checks.settings import ResponseSettings

from tests.doctor import DEV_PYTHON, SIX_FACES, environment, found, install, make_venv, report, roots, run_fix, verdicts
from tests.standins import Machine, Report, library_path, needs_root, toolkit_folder

APP = Path(__file__).parents[1] / "fixtures" / "service" / "app.py"
SERVICE = "service"
SERVICE_BAD = "service-bad-response"


@dataclass(frozen=True, kw_only=True)
class Service:
    pid: int
    port: int
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/detect"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("0.0.0.0", 0))
        return int(one.getsockname()[1])


@contextlib.contextmanager
def serving(
    folder: Path, model: Path, fault: str = "", *, python: str | Path = DEV_PYTHON, ready: bool = True, **variables: str
) -> Iterator[Service]:
    """The service in *folder*, listening when this returns, unless it is not to become *ready*."""
    port = free_port()
    told = {"PORT": str(port), "RETINAFACE_MODEL_PATH": str(model), "SERVICE_FAULT": fault, **variables}
    with (folder / "service.log").open("wb") as log:
        process = subprocess.Popen([python, APP], cwd=folder, env=environment(**told), stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while ready and not listens(port):
            assert process.poll() is None and time.monotonic() < deadline, (folder / "service.log").read_text()
            time.sleep(0.05)
        yield Service(pid=process.pid, port=port, process=process)
    finally:
        process.kill()
        process.wait()


def listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def asked(folder: Path, *flags: str | int) -> dict[str, Any]:
    """The report on the service alone, on a machine where the GPU is not meant."""
    return report("check", "--device", "cpu", "--only", SERVICE, *map(str, flags), cwd=folder)


def finding(told: dict[str, Any], name: str) -> dict[str, Any]:
    [one] = [one for one in told["findings"] if one["name"] == name]
    return dict(one["evidence"])


# Healthy, and without a flag


@pytest.mark.parametrize("fault", ["finds-nobody", "finds-another", ""])
def test_faces_that_only_its_model_finds_are_missed(fault: str, tmp_path: Path, real_model: Path) -> None:
    with serving(tmp_path, real_model, fault) as service:
        flags = ("--device", "cpu", "--pid", str(service.pid), "--url", service.url)
        told = report("check", "--only", "RD412,RD511", *flags, cwd=tmp_path)
        assert found(told) == (["service-misses-faces"] if fault else [])
        assert verdicts(told)["service-misses-faces"] == ("failed" if fault else "passed")


@pytest.mark.parametrize(
    ("fault", "severity"), [("large-faces-only", "warning"), ("largest-face-only", None), ("finds-nobody", "error")]
)
def test_what_is_left_out_on_purpose_is_no_error(
    fault: str, severity: str | None, tmp_path: Path, real_model: Path
) -> None:
    with serving(tmp_path, real_model, fault) as service:
        flags = ("--device", "cpu", "--pid", str(service.pid), "--url", service.url)
        told = report("check", "--only", "RD412,RD511,RD531", *flags, cwd=tmp_path)
        severities = [one["severity"] for one in told["findings"]]
        assert severities == ([severity] if severity else [])


@pytest.mark.parametrize("fault", ["photographs-only", "finds-nobody"])
def test_a_filter_of_what_is_drawn_is_told_by_a_photograph(fault: str, tmp_path: Path, real_model: Path) -> None:
    with serving(tmp_path, real_model, fault) as service:
        flags = ("--device", "cpu", "--pid", str(service.pid), "--url", service.url)
        told = report("check", "--only", "RD412,RD511", *flags, "--image", SIX_FACES, cwd=tmp_path)
        assert found(told) == ([] if fault == "photographs-only" else ["service-misses-faces"])
        assert verdicts(told)["service-misses-faces"] == ("passed" if fault == "photographs-only" else "failed")


@pytest.mark.parametrize(
    ("fault", "side"),
    [
        *(("channels-exchanged", side) for side in ("", "1024")),
        *(("no-mean", side) for side in ("", "480", "1024")),
        *(("", side) for side in ("480", "1024")),
    ],
)
def test_a_usual_mistake_before_the_model_is_known_by_its_faces(
    fault: str, side: str, tmp_path: Path, real_model: Path
) -> None:
    with serving(tmp_path, real_model, fault, SIDE=side or "0") as service:
        flags = ("--device", "cpu", "--pid", str(service.pid), "--url", service.url)
        told = report("check", "--only", "RD412,RD511,RD531", *flags, cwd=tmp_path)
        assert found(told) == (["service-wrong-preprocessing"] if fault else [])
        if fault:
            evidence = finding(told, "service-wrong-preprocessing")
            assert evidence["mistake"] == ("mean" if fault == "no-mean" else "channels")
            assert evidence["size"] == (f"{side}x{side}" if side else "640x640")


@pytest.mark.parametrize("side", ["320", "352", "672", "704"])
def test_an_input_of_another_size_is_no_mistake(side: str, tmp_path: Path, real_model: Path) -> None:
    with serving(tmp_path, real_model, "whole-pixels", SIDE=side) as service:
        flags = ("--device", "cpu", "--pid", str(service.pid), "--url", service.url)
        assert found(report("check", "--only", "RD412,RD511,RD531", *flags, cwd=tmp_path)) == []


def test_boxes_elsewhere_are_one_root(tmp_path: Path, real_model: Path) -> None:
    with serving(tmp_path, real_model, "of-half-the-size") as service:
        flags = ("--device", "cpu", "--pid", str(service.pid), "--url", service.url)
        assert roots(report("check", "--only", "RD412,RD511,RD531", *flags, cwd=tmp_path)) == ["service-bad-response"]


@pytest.mark.parametrize(
    ("fault", "hint", "by"),
    [
        ("pressed-into-a-square", "scaled-by", (0.8, 1)),
        ("middle-alone", "shifted-by", (-80, 0)),
        ("pressed-and-told-of-the-picture", None, None),
    ],
)
def test_what_a_square_input_does_to_other_pictures(
    fault: str, hint: str | None, by: tuple[float, float] | None, tmp_path: Path, real_model: Path
) -> None:
    """These weights find nobody in the wide picture, once it is pressed so; the square one shows nothing."""
    with serving(tmp_path, real_model, fault) as service:
        told = asked(tmp_path, "--url", service.url)
        assert roots(told) == ([SERVICE_BAD] if hint else [])
        if by:
            [wrong] = finding(told, SERVICE_BAD)["wrong"]
            assert wrong["hint"] == hint
            assert [float(one) for one in wrong["by"].split(", ")] == pytest.approx(by, abs=0.05 * abs(by[0]))


def test_of_a_model_that_nobody_named_nothing_is_missed(tmp_path: Path, real_model: Path) -> None:
    with serving(tmp_path, real_model, "finds-nobody") as service:
        told = report("check", "--device", "cpu", "--only", "RD412", "--url", service.url, cwd=tmp_path)
        assert verdicts(told)["service-misses-faces"] == "inapplicable"


def test_the_healthy_service_is_silent(tmp_path: Path, real_model: Path) -> None:
    with serving(tmp_path, real_model) as service:
        told = report(  # its source holds the faults that it can be given
            "check", "--no-source", "--device", "cpu", "--pid", str(service.pid), "--url", service.url, cwd=tmp_path
        )
        assert found(told) == []
        assert verdicts(told)["service-bad-response"] == "passed"
        assert len(told["facts"]["ports"]["detection"]["body"]["faces"]) == 2, "real weights find the drawn faces"
        assert told["facts"]["models"]["path"] == str(real_model), "by the service's own variable"


START = f"{DEV_PYTHON} {APP} > service.log 2>&1 &"


def until_listening(port: int) -> str:
    """A line of shell."""
    program = f'import socket; socket.create_connection(("127.0.0.1", {port}))'
    return f"until {DEV_PYTHON} -c '{program}' 2> /dev/null; do sleep 0.1; done"


def alone(
    folder: Path,
    model: Path,
    *words: str,
    services: tuple[str, ...] = (START,),
    ports: tuple[int, ...] = (8080,),
    by: str = "",
) -> subprocess.CompletedProcess[str]:
    """The doctor beside *services* on a machine on which nothing else runs: pid and network namespaces of their own.

    *by*: what starts the doctor.
    """
    needs_root()
    waits = [until_listening(port) for port in ports]
    check = f"cd / && exec {by} {DEV_PYTHON} -m retina_doctor {' '.join(words)} --device cpu --format json"
    program = "\n".join(["ip link set lo up", f"cd {folder}", *services, *waits, check])
    apart = ["unshare", "--pid", "--net", "--mount", "--fork", "--mount-proc", "--kill-child", "sh", "-c", program]
    env = environment(RETINAFACE_MODEL_PATH=str(model), RETINA_DOCTOR_SERVICE_ATTACH=None)
    return subprocess.run(apart, env=env, cwd=folder, capture_output=True, text=True, timeout=240, check=False)


def test_a_running_service_is_found_without_a_flag(tmp_path: Path, real_model: Path) -> None:
    done = alone(tmp_path, real_model, "check", "--no-source")
    told = json.loads(done.stdout)
    assert found(told) == [], done.stderr
    facts = told["facts"]
    assert facts["interpreter"]["executable"] == DEV_PYTHON
    assert facts["interpreter"]["working_directory"] == str(tmp_path)
    assert facts["models"]["path"] == str(real_model)
    assert facts["processes"]["service"]["command"] == f"{DEV_PYTHON} {APP}"
    assert any("onnxruntime_pybind11" in one["path"] for one in facts["processes"]["service"]["libraries"])
    assert [one["port"] for one in facts["ports"]["process"]["sockets"]] == [8080]
    assert verdicts(told)["service-not-running"] == "passed"


def test_the_model_of_the_command_line_is_the_services(tmp_path: Path, real_model: Path) -> None:
    shutil.copy(real_model, tmp_path / "own.onnx")
    words = [DEV_PYTHON, "-c", "import sys, time; time.sleep(600)", "--model=own.onnx"]
    process = subprocess.Popen(words, cwd=tmp_path)
    try:
        told = report("check", "--only", "models", "--pid", str(process.pid), cwd=Path("/"))
        assert told["facts"]["models"]["path"] == str(tmp_path / "own.onnx")
    finally:
        process.kill()
        process.wait()


def test_a_service_is_found_by_its_port(tmp_path: Path, real_model: Path) -> None:
    with serving(tmp_path, real_model) as service:
        words = ["check", "--device", "cpu", "--only", SERVICE, "--port", str(service.port)]
        told = report(*words, cwd=tmp_path, env=environment(RETINA_DOCTOR_SERVICE_ATTACH=None))
        assert found(told) == []
        assert told["facts"]["processes"]["service"]["pid"] == service.pid


LISTENS_AND_LOADS = """
import socket, sys, time
listener = socket.create_server(("0.0.0.0", 0))
print(listener.getsockname()[1], flush=True)
time.sleep(600)
"""
"""As gunicorn's master does while its first worker imports the detector."""


@pytest.mark.parametrize(("python", "is_it"), [(DEV_PYTHON, True), ("/usr/bin/python3", False)])
def test_what_listens_at_the_named_port_may_be_loading_still(python: str, is_it: bool, tmp_path: Path) -> None:
    """Its Python has a detector installed; one without is another program."""
    with subprocess.Popen([python, "-c", LISTENS_AND_LOADS], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        port = process.stdout.readline().strip()
        env = environment(RETINA_DOCTOR_SERVICE_ATTACH=None)
        told = report("check", "--device", "cpu", "--only", SERVICE, "--port", port, cwd=tmp_path, env=env)
        process.kill()
    assert (told["target"]["chosen"] == "port") == is_it


def test_several_services_are_listed_and_none_is_taken(tmp_path: Path, real_model: Path) -> None:
    both = (START, f"PORT=8000 {DEV_PYTHON} {APP} > second.log 2>&1 &")
    done = alone(tmp_path, real_model, "check", "--only", SERVICE, services=both, ports=(8080, 8000))
    assert "several services run here; --pid chooses one:" in done.stderr
    assert done.stderr.count(str(APP)) == 2
    assert {"8000", "8080"} <= set(done.stderr.split())
    told = json.loads(done.stdout)
    verdicts = {one["verdict"] for one in told["checks"] if one["code"].startswith("RD5")}
    assert verdicts == {"inapplicable", "unknown"}, "what hangs on a Python is not judged by another one"
    assert (found(told), told["exit_code"]) == ([], 3)


def test_a_service_that_this_user_may_not_look_into_is_named(tmp_path: Path, real_model: Path) -> None:
    """In a user namespace of its own, root may no more look into the processes of others than anybody else."""
    words = ("check", "--only", SERVICE)
    done = alone(tmp_path, real_model, *words, by="unshare --user --map-root-user")
    assert "this may be the service, and belongs to another user:" in done.stderr
    assert str(APP) in done.stderr and "run the doctor as root" in done.stderr
    assert json.loads(done.stdout)["exit_code"] == 0


def test_what_merely_has_the_library_loaded_is_no_service(tmp_path: Path, real_model: Path) -> None:
    """A job that listens nowhere, and a server without a detector's library."""
    job = f"{DEV_PYTHON} -c 'import onnxruntime, time; print(1, flush=True); time.sleep(600)' > job.log &"
    loaded = "until test -s job.log; do sleep 0.1; done"
    server = f"{os.path.realpath(sys.executable)} -m http.server 8080 > /dev/null 2>&1 &"
    done = alone(tmp_path, real_model, "check", "--only", SERVICE, services=(job, loaded, server))
    told = json.loads(done.stdout)
    assert "processes" not in told["facts"], "no service is known, so no process is looked at"


STARTS_IT = """
import socket, subprocess, sys
own = socket.create_server(("127.0.0.1", 9001))
subprocess.call([sys.argv[1], sys.argv[2]])
"""


@pytest.mark.parametrize("name", ["supervisord", "jupyter-lab"])
def test_a_service_that_another_server_started(name: str, tmp_path: Path, real_model: Path) -> None:
    """A supervisor or a notebook's server listens on a port of its own, and is no master of what it starts."""
    (tmp_path / name).write_text(STARTS_IT)
    start = f"{os.path.realpath(sys.executable)} {name} {DEV_PYTHON} {APP} > service.log 2>&1 &"
    for words in (("check",), ("check", "--port", "8080")):
        done = alone(tmp_path, real_model, *words, "--only", SERVICE, services=(start,))
        told = json.loads(done.stdout)
        assert found(told) == []
        assert told["facts"]["processes"]["service"]["command"] == f"{DEV_PYTHON} {APP}"


def test_a_service_in_a_folder_of_an_odd_name(tmp_path: Path, real_model: Path) -> None:
    folder = tmp_path / "jupyter-pytest-debugpy"
    folder.mkdir()
    shutil.copy(APP, folder / "app.py")
    start = f"{DEV_PYTHON} {folder}/app.py > service.log 2>&1 &"
    told = json.loads(alone(tmp_path, real_model, "check", "--only", SERVICE, services=(start,)).stdout)
    assert told["facts"]["processes"]["service"]["command"] == f"{DEV_PYTHON} {folder}/app.py"


FORWARDS = """
import socket, threading
def copy(one, other):
    while data := one.recv(65536):
        other.sendall(data)
    other.shutdown(socket.SHUT_WR)
with socket.create_server(("127.0.0.1", 7777)) as server:
    while True:
        client, service = server.accept()[0], socket.create_connection(("127.0.0.1", 8080))
        for pair in ((client, service), (service, client)):
            threading.Thread(target=copy, args=pair, daemon=True).start()
"""


def test_a_service_behind_a_proxy(tmp_path: Path, real_model: Path) -> None:
    (tmp_path / "proxy.py").write_text(FORWARDS)
    proxy = f"{os.path.realpath(sys.executable)} proxy.py > proxy.log 2>&1 &"
    words = ("check", "--only", SERVICE, "--url", "http://127.0.0.1:7777/detect")
    told = json.loads(alone(tmp_path, real_model, *words, services=(START, proxy), ports=(8080, 7777)).stdout)
    assert told["facts"]["processes"]["service"]["command"] == f"{DEV_PYTHON} {APP}"
    assert verdicts(told)["service-bad-response"] == "passed"


# Faults of its endpoint, each with the healthy service as its twin

ANSWERS: dict[str, tuple[str, dict[str, Any]]] = {
    # fault: (root, what its evidence says)
    "other-path": ("service-wrong-url", {"kind": "path"}),
    "get-only": ("service-wrong-url", {"kind": "method"}),
    "redirects": ("service-wrong-url", {"kind": "redirect", "location": "/v2/detect"}),
    "trailing-slash": ("service-wrong-url", {"kind": "redirect", "location": "/detect/"}),
    "other-field": ("service-bad-response", {"kind": "field", "works_with": "file"}),
    "small-uploads": ("service-bad-response", {"kind": "too-large", "status": 413}),
    "picture-not-read": ("service-bad-response", {"kind": "server-error", "status": 500}),
    "first-face-of-none": ("service-bad-response", {"kind": "server-error", "status": 500}),
    "answers-html": ("service-bad-response", {"kind": "html"}),
    "answers-text": ("service-bad-response", {"kind": "not-json"}),
    "cut-short": ("service-bad-response", {"kind": "broken-json"}),
    "error-as-success": ("service-bad-response", {"kind": "schema"}),
    "other-names": ("service-bad-response", {"kind": "own-form"}),
    "answers-nothing": ("service-bad-response", {"kind": "empty", "status": 204}),
    "error-beside-faces": ("service-bad-response", {"kind": "own-error"}),
    "box-as-size": ("service-bad-response", {"kind": "schema"}),
    "box-as-shares": ("service-bad-response", {"kind": "schema"}),
    "box-of-network": ("service-bad-response", {"kind": "schema"}),
    "box-as-rows-first": ("service-bad-response", {"kind": "schema"}),
    "each-face-twice": ("service-bad-response", {"kind": "schema"}),
    "eyes-exchanged": ("service-bad-response", {"kind": "schema"}),
    "score-in-percent": ("service-bad-response", {"kind": "schema"}),
    "score-not-a-number": ("service-bad-response", {"kind": "schema"}),
    "points-in-a-list": ("service-bad-response", {"kind": "own-form"}),
    "points-missing": ("service-bad-response", {"kind": "own-form"}),
    "bad-gateway": ("service-crashed-or-not-ready", {"status": 502}),
    "dies-detecting": ("service-crashed-or-not-ready", {"kind": "closed"}),
    "slow": ("service-too-slow", {}),
}
FIELDS = {
    "error-as-success": ("faces", None),
    "other-names": ("faces[0].bbox", None),
    "box-as-size": ("faces[0].bbox", "size"),
    "box-as-shares": ("faces[0].bbox", "shares"),
    "box-of-network": ("faces[0].bbox", "scaled"),
    "box-as-rows-first": ("faces[0].bbox", "beside-points"),
    "each-face-twice": ("faces[1].bbox", "repeated"),
    "eyes-exchanged": ("faces[0].keypoints", "sides-crossed"),
    "score-in-percent": ("faces[0].confidence", "percent"),
    "score-not-a-number": ("faces[0].confidence", None),
    "points-in-a-list": ("faces[0].keypoints", None),
    "points-missing": ("faces[0].keypoints", None),
}
"""Which field the message names first, and what it is said to look like."""


@pytest.mark.parametrize("fault", ANSWERS)
def test_a_fault_of_the_endpoint_is_the_root(fault: str, tmp_path: Path, real_model: Path) -> None:
    name, expected = ANSWERS[fault]
    with serving(tmp_path, real_model, fault) as service:
        told = asked(tmp_path, "--url", service.url)
        assert roots(told) == [name], told["findings"]
        shown = finding(told, name)
        assert {key: shown[key] for key in expected} == expected
        if fault in FIELDS:
            assert (shown["wrong"][0]["where"], shown["wrong"][0]["hint"]) == FIELDS[fault]


@pytest.mark.parametrize(
    ("fault", "fails"),
    [
        *((fault, True) for fault in ("largest-of-none", "largest-of-none-pressed")),
        *((fault, False) for fault in ("nobody-is-an-error", "nobody-is-not-found", "nobody-is-told-in-words")),
        *((fault, False) for fault in ("large-pictures-only", "each-once-and-slowly")),
    ],
)
def test_a_picture_of_nobody_is_posted_too(fault: str, fails: bool, tmp_path: Path, real_model: Path) -> None:
    """What is said in JSON, in words of its own or by another status, somebody has meant; who fails at a smaller picture with
    faces as well has another trouble, and who takes each picture once has none."""
    with serving(tmp_path, real_model, fault) as service:
        told = asked(tmp_path, "--url", service.url)
        assert roots(told) == ([SERVICE_BAD] if fails else [])
        if fails:
            assert finding(told, SERVICE_BAD)["kind"] == "nobody"


def test_a_service_that_never_answers(tmp_path: Path, real_model: Path) -> None:
    """A GET is answered at once (405), so only a picture shows it."""
    with serving(tmp_path, real_model, "never-answers") as service:
        told = asked(tmp_path, "--url", service.url, "--timeout", 6)
        assert roots(told) == ["service-crashed-or-not-ready"]
        assert finding(told, "service-crashed-or-not-ready")["kind"] == "silent"


def test_a_service_that_wants_a_login_is_told_what_it_wants(tmp_path: Path, real_model: Path) -> None:
    """A note, since only the doctor lacks it; with the header the answer is judged."""
    header = tmp_path / "header.txt"
    header.write_text("Authorization: Bearer t0ken-0f-a-client\n")
    with serving(tmp_path, real_model, "wants-token") as service:
        told = asked(tmp_path, "--url", service.url)
        assert (found(told), told["exit_code"]) == (["service-wants-login"], 0)
        assert verdicts(told)["service-bad-response"] == "inapplicable"
        told = asked(tmp_path, "--url", service.url, "--header-file", str(header))
        assert found(told) == []
        assert verdicts(told)["service-bad-response"] == "passed"


OWN_FORM = '[service.response]\nfield = "{field}"\nbox = "box"\npoints = "landmarks"\nscore = "score"\n'


def test_another_form_may_be_meant(tmp_path: Path, real_model: Path) -> None:
    settings = tmp_path / "retina-doctor.toml"
    settings.write_text(OWN_FORM.format(field="image"))
    with serving(tmp_path, real_model, "other-names") as service:
        assert found(asked(tmp_path, "--url", service.url)) == []
        settings.write_text(OWN_FORM.format(field="photo"))
        told = asked(tmp_path, "--url", service.url)
        assert finding(told, "service-bad-response")["works_with"] == "image"


def test_tls_where_http_is_asked_and_a_name_that_its_certificate_does_not_bear(
    tmp_path: Path, real_model: Path
) -> None:
    certificate = tmp_path / "certificate.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=face.example"]
    more = ["-addext", "subjectAltName=DNS:face.example", "-keyout", str(certificate), "-out", str(tmp_path / "cert")]
    subprocess.run([*words, *more], check=True, capture_output=True)
    certificate.write_text(certificate.read_text() + (tmp_path / "cert").read_text())
    with serving(tmp_path, real_model, "tls", CERTIFICATE=str(certificate)) as service:
        told = asked(tmp_path, "--url", service.url)
        assert roots(told) == ["service-wrong-url"]
        assert finding(told, "service-wrong-url")["kind"] == "tls"
        env = environment(SSL_CERT_FILE=str(tmp_path / "cert"))
        url = service.url.replace("http://", "https://")
        told = report("check", "--device", "cpu", "--only", SERVICE, "--url", url, cwd=tmp_path, env=env)
        assert roots(told) == ["service-wrong-url"]
        shown = finding(told, "service-wrong-url")
        assert shown["kind"] == "certificate"
        assert "not valid for" in shown["words"] or "mismatch" in shown["words"].lower()


def test_https_towards_plain_http(tmp_path: Path, real_model: Path) -> None:
    with serving(tmp_path, real_model) as service:
        told = asked(tmp_path, "--url", service.url.replace("http://", "https://"))
        assert roots(told) == ["service-wrong-url"]
        assert finding(told, "service-wrong-url")["kind"] == "plain-http"


def test_a_load_is_borne_and_told(tmp_path: Path, real_model: Path) -> None:
    with serving(tmp_path, real_model) as service:
        told = asked(tmp_path, "--url", service.url, "--load", "20,4")
        assert found(told) == []
        load = told["facts"]["ports"]["load"]
        assert (load["answered"], load["errors"], load["gpu"]) == (20, {}, None)
        assert 0 < load["median"] <= load["p95"] <= load["seconds"]
        assert verdicts(told)["service-fails-under-load"] == "passed"


def test_pictures_for_which_the_time_did_not_suffice_are_no_fault(tmp_path: Path, real_model: Path) -> None:
    with serving(tmp_path, real_model) as service:
        told = asked(tmp_path, "--url", service.url, "--load", "100000,4", "--timeout", 5)
        assert found(told) == []
        load = told["facts"]["ports"]["load"]
        assert load["answered"] + load["left"] == 100_000 and load["left"] > 0


def test_secrets_of_a_command_line_are_not_shown(tmp_path: Path, real_model: Path) -> None:
    words = ["--api-key", "p@ss w0rd", "--token=abc123", "DB_PASSWORD=hunter2", "--port", "80"]
    process = subprocess.Popen([DEV_PYTHON, "-c", "import time; time.sleep(600)", *words])
    try:
        told = asked(tmp_path, "--pid", process.pid)
        command = told["facts"]["processes"]["service"]["command"]
        assert command.endswith("--api-key <secret> --token=<secret> DB_PASSWORD=<secret> --port 80")
        assert not any(secret in json.dumps(told) for secret in ("w0rd", "abc123", "hunter2"))
    finally:
        process.kill()
        process.wait()


def test_a_service_that_breaks_under_load(tmp_path: Path, real_model: Path) -> None:
    """It bears one picture at a time, and fails when it has several in work."""
    with serving(tmp_path, real_model, "one-picture-only") as service:
        told = asked(tmp_path, "--url", service.url, "--load", "30,6")
        assert roots(told) == ["service-fails-under-load"]
        assert set(finding(told, "service-fails-under-load")["errors"]) == {"HTTP 500"}


# Faults of its process


def test_a_service_that_listens_on_loopback_alone(tmp_path: Path, real_model: Path) -> None:
    with serving(tmp_path, real_model, HOST="127.0.0.1") as service:
        told = asked(tmp_path, "--pid", service.pid)
        assert roots(told) == ["service-loopback-only"]


def test_a_service_that_died_while_loading(tmp_path: Path, real_model: Path) -> None:
    with serving(tmp_path, real_model, "dies-loading", ready=False) as service:
        service.process.wait(60)
        assert roots(asked(tmp_path, "--url", service.url)) == ["service-not-running"]
        assert roots(asked(tmp_path, "--pid", service.pid)) == ["service-not-running"]


def test_a_service_that_loads_for_ever(tmp_path: Path, real_model: Path) -> None:
    with serving(tmp_path, real_model, "loads-for-ever", ready=False) as service:
        told = asked(tmp_path, "--pid", service.pid)
        assert roots(told) == ["service-crashed-or-not-ready"]
        assert finding(told, "service-crashed-or-not-ready")["kind"] == "listens-nowhere"
        assert verdicts(told)["service-not-running"] == "passed"


@pytest.mark.parametrize("flag", ["--url", "--port"])
def test_a_service_that_loads_before_it_listens_is_found(flag: str, tmp_path: Path, real_model: Path) -> None:
    with serving(tmp_path, real_model, "loads-for-ever", ready=False) as service:
        words = [
            "check",
            "--device",
            "cpu",
            "--only",
            SERVICE,
            flag,
            service.url if flag == "--url" else str(service.port),
        ]
        told = report(*words, cwd=tmp_path, env=environment(RETINA_DOCTOR_SERVICE_ATTACH=None))
        assert told["target"]["chosen_by"] == str(service.pid)
        assert roots(told) == ["service-crashed-or-not-ready"]


@pytest.mark.parametrize("flag", ["--url", "--port"])
@pytest.mark.parametrize("way", ["a client", "a number", "another's port"])
def test_what_only_speaks_of_the_port_is_not_the_service(way: str, flag: str, tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "client.py").write_text(f"import time\nURL = 'http://127.0.0.1:{port}'\ntime.sleep(600)\n")
    words = {"a client": [f"--url=http://127.0.0.1:{port}"], "a number": ["--samples", str(port)]}.get(way, [])
    env = environment(**({"FACE_SERVICE_PORT": str(port)} if way == "another's port" else {}))
    with subprocess.Popen([DEV_PYTHON, "client.py", *words], cwd=tmp_path, env=env) as client:
        value = f"http://127.0.0.1:{port}" if flag == "--url" else str(port)
        called = ["check", "--device", "cpu", "--only", SERVICE, flag, value]
        told = report(*called, cwd=tmp_path, env=environment(RETINA_DOCTOR_SERVICE_ATTACH=None))
        client.kill()
    assert told["target"]["chosen_by"] != str(client.pid)
    assert roots(told) == (["service-not-running"] if flag == "--url" else [])


def test_a_process_that_listens_nowhere_beside_what_has_its_port(tmp_path: Path) -> None:
    words = [DEV_PYTHON, "-c", "import time; time.sleep(600)"]
    with socket.create_server(("127.0.0.1", 0)) as other, subprocess.Popen(words) as process:
        told = asked(tmp_path, "--pid", process.pid, "--url", f"http://127.0.0.1:{other.getsockname()[1]}")
        process.kill()
    assert finding(told, "service-crashed-or-not-ready")["kind"] == "listens-nowhere"


def test_a_service_that_hangs_whole(tmp_path: Path, real_model: Path) -> None:
    with serving(tmp_path, real_model) as service:
        service.process.send_signal(signal.SIGSTOP)
        told = asked(tmp_path, "--url", service.url, "--timeout", 6)
        assert roots(told) == ["service-crashed-or-not-ready"]


def test_a_second_service_finds_the_port_taken(tmp_path: Path, real_model: Path) -> None:
    with serving(tmp_path, real_model) as service, serving(tmp_path, real_model) as other:
        told = asked(tmp_path, "--pid", other.pid, "--port", service.port)
        assert roots(told) == ["port-in-use"]


def test_a_relative_model_path_from_another_directory(tmp_path: Path, real_model: Path) -> None:
    """It died for it; the doctor is asked with what it was started with."""
    (tmp_path / "models").mkdir()
    shutil.copy(real_model, tmp_path / "models" / "retinaface.onnx")
    relative = Path("retinaface.onnx")
    with serving(tmp_path, relative, ready=False) as service:
        assert service.process.wait(60) != 0
        env = environment(RETINAFACE_MODEL_PATH=str(relative))
        words = ["check", "--device", "cpu", "--only", "models", "--target", DEV_PYTHON]
        assert roots(report(*words, cwd=tmp_path, env=env)) == ["model-wrong-directory"]
        assert found(report(*words, cwd=tmp_path / "models", env=env)) == []


def test_a_url_of_another_port_than_the_services(tmp_path: Path, real_model: Path) -> None:
    """It runs, and only the URL is wrong."""
    with serving(tmp_path, real_model) as service:
        url = f"http://127.0.0.1:{free_port()}/detect"
        told = asked(tmp_path, "--pid", service.pid, "--url", url)
        assert roots(told) == ["service-wrong-url"]
        assert finding(told, "service-wrong-url")["listens_on"] == [f"0.0.0.0:{service.port}"]


def test_a_service_whose_folder_was_deleted(tmp_path: Path, real_model: Path) -> None:
    """Following the plan makes the folder again, and a service that is started there has it."""
    (tmp_path / "gone").mkdir()
    with serving(tmp_path / "gone", real_model) as service:
        shutil.rmtree(tmp_path / "gone")
        words = ["check", "--device", "cpu", "--only", "RD004", "--pid", str(service.pid)]
        told = report(*words, cwd=tmp_path)
        assert roots(told) == ["working-directory-missing"]
        run_fix(told, "working-directory-missing", tmp_path)
    assert (tmp_path / "gone").is_dir()
    with serving(tmp_path / "gone", real_model) as service:
        assert found(report(*words[:-1], str(service.pid), cwd=tmp_path)) == []


def test_a_library_that_was_exchanged_under_the_running_service(tmp_path: Path, real_model: Path) -> None:
    python = make_venv(tmp_path / "venv", "uv")
    install(python, "onnxruntime==1.27.0", "flask", "opencv-python-headless", "numpy", "pillow", "imageio")
    site = next((tmp_path / "venv" / "lib").glob("python3*/site-packages"))
    import retinaface

    shutil.copytree(Path(str(retinaface.__file__)).parent, site / "retinaface")
    with serving(tmp_path, real_model, python=python) as service:
        assert found(asked(tmp_path, "--pid", service.pid)) == []
        install(python, "--reinstall-package", "onnxruntime", "onnxruntime==1.26.0")
        told = asked(tmp_path, "--pid", service.pid)
        assert roots(told) == ["service-needs-restart"]
        shown = finding(told, "service-needs-restart")
        assert any("onnxruntime" in name for name in shown["files"])
        assert shown["installed"] == ["onnxruntime 1.26.0"]
        [printed] = [one["fix"]["commands"] for one in told["findings"]]
        subprocess.run(["sh", "-c", printed[0]], check=True)
        service.process.wait(60)
    env = environment(PORT=str(service.port), RETINAFACE_MODEL_PATH=str(real_model))
    again = subprocess.Popen(["sh", "-c", printed[1].replace(" && ", " && exec ")], cwd="/", env=env)
    try:
        deadline = time.monotonic() + 60
        while not listens(service.port):
            assert again.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        assert found(asked(tmp_path, "--pid", again.pid)) == []
    finally:
        again.kill()
        again.wait()


# Faults of its session, on a machine whose card works: stand-ins of CUDA under the unmodified onnxruntime-gpu


def with_a_card(
    folder: Path,
    model: Path,
    fault: str,
    *,
    path: str | None = None,
    later: str = "",
    log: str = "service.log",
    **more: str,
) -> Report:
    """The doctor beside the service on such a machine, attached to it. *path*: LD_LIBRARY_PATH of both; *later*: a line of
    shell between the start of the service and the doctor's; *log*: where its output goes."""
    held = folder / "held"
    held.mkdir()
    needs_root()
    port = free_port()
    variables = {
        "LD_LIBRARY_PATH": library_path() if path is None else path,
        "RETINAFACE_MODEL_PATH": str(model),
        "SERVICE_FAULT": fault,
        "PORT": str(port),
        "STANDIN_HELD": str(held),
        **more,
    }
    url = f"http://127.0.0.1:{port}/detect"
    check = f"{DEV_PYTHON} -m retina_doctor check --format json --only service,onnxruntime --pid $PID --url {url}"
    lines = [f"{DEV_PYTHON} {APP} > {log} 2>&1 &", "PID=$!", until_listening(port), later, check, "CODE=$?"]
    program = "\n".join([*lines, "kill $PID", "exit $CODE"])
    command = Machine(folder=folder / "machine").running(["sh", "-c", program], folder)
    env = environment(**variables)
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=240, check=False)
    assert done.stdout, done.stderr
    return Report(exit_code=done.returncode, json=json.loads(done.stdout), stderr=done.stderr)


def test_a_session_on_the_gpu_is_seen_at_the_process(tmp_path: Path, real_model: Path) -> None:
    told = with_a_card(tmp_path, real_model, "")
    # The stand-in computes nothing, so nobody is found; that the session is on CUDA is what is seen here.
    assert told.roots == set(), told.summary()
    assert told.verdict("service-on-cpu") == "passed"


@pytest.mark.parametrize("log", ["service.log", "/dev/null"])
def test_a_service_that_fell_back_is_seen_though_the_provider_is_loaded(
    log: str, tmp_path: Path, real_model: Path
) -> None:
    """The card was busy when it was started, and is free when the doctor looks: only its own process tells."""
    busy = tmp_path / "busy"
    busy.touch()
    told = with_a_card(tmp_path, real_model, "", later=f"rm {busy}", log=log, STANDIN_BUSY=str(busy))
    # Where there is a log, it tells what the machine no longer shows.
    shown = log == "service.log"
    assert told.roots == {"service-log-shows-cause" if shown else "service-on-cpu"}, told.summary()
    assert told.names == {"service-on-cpu", *told.roots}
    evidence = told.finding("service-on-cpu")["evidence"]
    assert evidence["tried"] is True
    if shown:
        seen = told.finding("service-log-shows-cause")["evidence"]
        assert seen["cause"] == "gpu-exclusive-mode"
        assert "busy or unavailable" in seen["line"]
    assert ("Falling back" in (evidence["said"] or "")) == (log == "service.log")
    assert told.verdict("ort-session-on-cpu") == "passed"


@pytest.mark.parametrize("fault", ["no-providers", "cpu-provider"])
def test_a_session_that_did_not_ask_for_the_gpu(fault: str, tmp_path: Path, real_model: Path) -> None:
    told = with_a_card(tmp_path, real_model, fault)
    assert told.roots == {"ort-provider-not-requested"}, told.summary()
    assert told.names == {"ort-provider-not-requested", "service-on-cpu"}
    assert told.finding("ort-provider-not-requested")["severity"] == "error", "it has just detected"


def test_libraries_that_are_missing_explain_the_service(tmp_path: Path, real_model: Path) -> None:
    told = with_a_card(tmp_path, real_model, "", path=library_path(without=(toolkit_folder(),)))
    assert told.roots == {"ort-cuda-libs-missing"}, told.summary()
    assert told.finding("service-on-cpu")["root"]["name"] in told.roots


def test_the_trust_of_tests_in_tls() -> None:
    """SSL_CERT_FILE is what the doctor's default context reads, too: else the test of names would show nothing."""
    assert ssl.get_default_verify_paths().openssl_cafile_env == "SSL_CERT_FILE"


def test_doubtful_boxes_beyond_the_picture_are_no_wrong_form() -> None:
    """A threshold of 0.01 lets boxes through that lie half outside; a sure face there is scaled wrongly."""
    points = {name: [18.0, 78.0] for name in ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")}
    face = {"bbox": [-83.0, -39.0, 119.0, 195.0], "keypoints": points}
    assert wrong_in({"faces": [{**face, "confidence": 0.02}]}, ResponseSettings()) == []
    assert [one.hint for one in wrong_in({"faces": [{**face, "confidence": 0.92}]}, ResponseSettings())] == ["scaled"]
