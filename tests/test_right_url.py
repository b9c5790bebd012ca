"""Which URL is said to be the right one, and where none is said."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any, Literal

import pytest
from retina_doctor_checks.facts.service import Detection, ServedRoute, Socket, Url
from retina_doctor_checks.facts.source import OwnSource, Sign
from retina_doctor_checks.facts.source_lines import SourceLine
from retina_doctor_checks.probes.service import look_ports, posting
from retina_doctor_checks.service.right_url import corrected, leads_to

from retina_doctor.codec import replace
from tests.doctor import DEV_PYTHON, report, roots
from tests.test_live_service import free_port, listens


def url(text: str, loopback: bool = True) -> Url:
    """As the probe parses it."""
    told = look_ports.parsed(text)
    del told["path"]
    return Url(**told, local=True, loopback=loopback, answer=None)


def listener(address: str, family: Literal["ipv4", "ipv6"] = "ipv4") -> Socket:
    wildcard, loopback = address in ("0.0.0.0", "::"), address in ("::1", "127.0.0.1")
    about: dict[str, Any] = {"wildcard": wildcard, "loopback": loopback, "user": None, "holder": None}
    return Socket(address=address, port=8080, family=family, state="LISTEN", **about)


def answered(path: str, status: int, **more: Any) -> Detection:
    about = {**posting.EMPTY, "path": path, "kind": "http", "status": status, **more}
    return Detection(**{**about, "routes": tuple(about["routes"]), "asked_for": (), "header_names": ()})


def source(*routes: str, file: str = "/srv/app.py") -> OwnSource:
    at = SourceLine(file=file, line=1, column=1, text="", marks=())
    lists = ("missing", "unread", "hits", "figures", "servers", "meant", "bundles", "images", "containers", "tags")
    signs = tuple(Sign(at=at, kind="route", what=one) for one in routes)
    nothing: dict[str, Any] = dict.fromkeys((*lists, "routes"), ())
    return OwnSource(paths=("/srv",), files=1, cut=False, signs=signs, executed=(file,), **nothing)


def right(
    text: str, kind: str, detection: Detection | None = None, own: OwnSource | None = None, *listeners: Socket
) -> object:
    return corrected(url(text), kind, listeners, detection, own)["right"]


BASE = "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("127.0.0.1:8080/detect", f"{BASE}/detect"),
        ("faces:8080/detect", "http://faces:8080/detect"),
        ("http:/127.0.0.1:8080/detect", f"{BASE}/detect"),
        ("https:127.0.0.1:8080/detect", "https://127.0.0.1:8080/detect"),
        (":8080/detect", f"{BASE}/detect"),
        ("http://:8080/detect", f"{BASE}/detect"),
        ("http://user:pw@:8080/x", "http://user:pw@127.0.0.1:8080/x"),
        ("ftp://127.0.0.1:8080/detect", f"{BASE}/detect"),
        ("[::1]:8080/detect", "http://[::1]:8080/detect"),
        ("[fe80::1%eth0]:8080/detect", "http://[fe80::1%eth0]:8080/detect"),
        ("/detect", None),
        ("8080", None),
        ("http:///detect", None),
        ("unix:///run/x.sock", None),
        ("unix:/run/x.sock", None),
        ("http+unix://%2Frun%2Fx.sock/detect", None),
        ("[fe80::1]:8080/detect", None),
        ("0.0.0.0:8080/detect", None),
    ],
)
def test_what_is_said_for_a_text_without_a_proper_form(text: str, wanted: str | None) -> None:
    kind = url(text).problem
    assert kind is not None
    assert right(text, kind) == wanted


@pytest.mark.parametrize(
    ("text", "kind", "wanted"),
    [
        ("https://127.0.0.1/detect?a=1", "plain-http", "http://127.0.0.1:443/detect?a=1"),
        ("http://127.0.0.1/detect", "tls", "https://127.0.0.1:80/detect"),
        ("https://127.0.0.1:8080/detect", "plain-http", f"{BASE}/detect"),
    ],
)
def test_another_scheme_keeps_the_port(text: str, kind: str, wanted: str) -> None:
    assert right(text, kind) == wanted


@pytest.mark.parametrize(
    ("listeners", "wanted"),
    [
        ([listener("0.0.0.0")], f"{BASE}/detect"),
        ([listener("::", "ipv6")], None),
        ([listener("192.0.2.7"), listener("127.0.0.1")], f"{BASE}/detect"),
        ([listener("fe80::1", "ipv6"), listener("192.0.2.7")], "http://192.0.2.7:8080/detect"),
        ([listener("fe80::1", "ipv6")], None),
    ],
)
def test_an_address_that_can_be_connected_to(listeners: list[Socket], wanted: str | None) -> None:
    """The URL's own is not given again."""
    assert right("http://[::1]:8080/detect", "listens-elsewhere", None, None, *listeners) == wanted


def test_a_redirect_s_last_hop_counts() -> None:
    at_last = answered("/detect", 301, location="https://api.example/v2/detect", redirected="/detect/")
    assert leads_to(at_last) == right(f"{BASE}/detect", "redirect", at_last) == "https://api.example/v2/detect"
    followed = answered("/detect", 201, location="/results/7", redirected="/detect/")
    assert right(f"{BASE}/detect", "redirect", followed) == f"{BASE}/detect/"
    assert right(f"{BASE}/a/detect", "redirect", answered("/a/detect", 308, location="../v2")) == f"{BASE}/v2"


@pytest.mark.parametrize(
    ("own", "wanted"),
    [
        (source("GET /health", "POST /v2/faces"), f"{BASE}/v2/faces"),
        (source("POST /detect", "* *"), None),
        (source("POST /a", "POST /b"), None),
        (source("POST /nowhere"), None),
        (source("POST /login"), None),
        (source("POST /auth/token"), None),
        (source("POST /v2/faces", file="/srv/tests/test_app.py"), None),
        (replace(source("POST /v2/faces"), cut=True), None),
    ],
)
def test_the_only_route_of_a_source_that_shows_all(own: OwnSource, wanted: str | None) -> None:
    assert right(f"{BASE}/nowhere", "path", answered("/nowhere", 404), own) == wanted


@pytest.mark.parametrize(
    ("routes", "wanted"),
    [
        ([ServedRoute(path="/api/faces", form="multipart", field="file")], f"{BASE}/api/faces"),
        ([ServedRoute(path="/api/faces", form=None, field=None)], f"{BASE}/detect"),
        ([ServedRoute(path="/items", form="json", field=None)], None),
        ([ServedRoute(path=f"/{name}", form="multipart", field="file") for name in "ab"], None),
    ],
)
def test_the_service_s_own_document_comes_before_its_source(routes: list[ServedRoute], wanted: str | None) -> None:
    told = answered("/nowhere", 404, routes=routes)
    assert right(f"{BASE}/nowhere", "path", told, source("POST /detect")) == wanted


@pytest.mark.parametrize("kind", ["certificate", "redirect-loop", "host-refused"])
def test_no_other_url_is_looked_for_where_the_server_is_to_be_set(kind: str) -> None:
    told = corrected(url(f"{BASE}/detect"), kind, [], answered("/detect", 400), None)
    assert (told["right"], told["look"], told["hints"]) == (None, [], [])


def test_the_plan_says_the_right_url_and_checks_by_it(tmp_path: Path) -> None:
    told = report("check", "--only", "service", "--target", DEV_PYTHON, "--url", "127.0.0.1:9/detect", cwd=tmp_path)
    edit, _, again = told["plan"]
    assert edit["commands"] == [], "a check fixes nothing"
    assert "http://127.0.0.1:9/detect" in edit["text"]
    assert "--url http://127.0.0.1:9/detect" in again["commands"][0]


def test_the_port_of_a_process_that_has_one() -> None:
    """Beside its own it may listen for metrics, or for a debugger."""
    both = (listener("0.0.0.0"), listener("::", "ipv6"))
    metrics = replace(listener("0.0.0.0"), port=9090)
    asked = "http://127.0.0.1:80/detect"
    assert right(asked, "another-program", None, None, *both) == f"{BASE}/detect"
    assert right(asked, "another-program", None, None, metrics, *both) is None
    assert right(asked, "another-program") is None


def test_a_program_that_hands_out_files_is_not_the_service(tmp_path: Path) -> None:
    """Nor is it to be started again on all addresses, where it would hand them out to everybody."""
    port = free_port()
    words = [DEV_PYTHON, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(tmp_path)]
    other = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not listens(port):
            time.sleep(0.05)
        told = report("check", "--only", "service", "--url", f"http://127.0.0.1:{port}/detect", cwd=tmp_path)
        assert roots(told) == ["service-wrong-url"]
        [finding] = told["findings"]
        assert finding["evidence"]["kind"] == "no-post" and "0.0.0.0" not in str(finding["fix"])
    finally:
        other.kill()
        other.wait()
