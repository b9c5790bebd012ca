"""Endpoints that answer, refuse and wrap in other ways than expected: real servers, each with what is said of it."""

from __future__ import annotations

import base64
import contextlib
import gzip
import http.server
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from email.parser import BytesParser
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.doctor import DEV_PYTHON, doctor, environment, found, report

POINTS = {
    "left_eye": [366, 378],
    "right_eye": [303, 380],
    "nose": [338, 417],
    "mouth_left": [360, 442],
    "mouth_right": [308, 444],
}
FACES = {"faces": [{"bbox": [266, 326, 393, 488], "confidence": 0.99, "keypoints": POINTS}]}
KEY = "k3y-that-nobody-may-read"


class Request(http.server.BaseHTTPRequestHandler):
    """One exchange; *answers*: what the service does with it."""

    answers: ClassVar[Any]

    def do_GET(self) -> None:
        self.body = b""
        self.answers()

    def do_POST(self) -> None:
        self.body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answers()

    def log_message(self, *_: object) -> None:
        pass

    def say(self, status: int, body: object, kind: str | None = "application/json", **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content_Type": kind, **headers, "Content_Length": str(len(data))}.items():
            if value is not None:
                self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    @property
    def fields(self) -> set[str]:
        """Names of the fields of a multipart form."""
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        parts = BytesParser().parsebytes(head + self.body)
        if not parts.is_multipart():
            return set()
        return {str(part.get_param("name", header="content-disposition")) for part in parts.get_payload()}  # type: ignore[union-attr]


Service = Callable[[Request], None]


@contextlib.contextmanager
def serving(answers: Service) -> Iterator[int]:
    handler = type("Handler", (Request,), {"answers": answers})
    server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def asked(folder: Path, answers: Service, *words: str, path: str = "/detect") -> dict[str, Any]:
    with serving(answers) as port:
        url = f"http://127.0.0.1:{port}{path}"
        command = ("check", "--only", "service", "--target", DEV_PYTHON, "--url", url, *words)
        return report(*command, cwd=folder, env=environment())


def at(path: str, then: Service) -> Service:
    """404 elsewhere."""
    return lambda one: (
        then(one) if one.path == path and one.command == "POST" else one.say(404, {"detail": "Not Found"})
    )


def says(status: int, body: object, kind: str | None = "application/json", **headers: str) -> Service:
    return at("/detect", lambda one: one.say(status, body, kind, **headers))


def missing(place: str, name: str) -> dict[str, Any]:
    return {"detail": [{"type": "missing", "loc": [place, name], "msg": "Field required", "input": None}]}


def wants_field(name: str) -> Service:
    return at("/detect", lambda one: one.say(200, FACES) if name in one.fields else one.say(422, missing("body", name)))


def wants_json(key: str) -> Service:
    def answers(one: Request) -> None:
        if one.headers["Content-Type"] != "application/json":
            one.say(415, b"Unsupported Media Type", "text/plain")
        elif key in json.loads(one.body):
            one.say(200, FACES)
        else:
            one.say(422, missing("body", key))

    return at("/detect", answers)


def takes_bytes(one: Request) -> None:
    one.say(200, FACES) if one.body.startswith(b"\x89PNG") else one.say(400, {"error": "not a picture"})


def with_document(one: Request) -> None:
    """A router with a prefix, and FastAPI's own document, behind a reference as FastAPI writes it."""
    schema = {"properties": {"photo_of_face": {"type": "string", "format": "binary"}}}
    content = {"multipart/form-data": {"schema": {"$ref": "#/components/schemas/Body_detect"}}}
    document = {
        "paths": {"/api/v2/faces": {"post": {"requestBody": {"content": content}}}, "/health": {"get": {}}},
        "components": {"schemas": {"Body_detect": schema}},
    }
    if one.path == "/openapi.json":
        one.say(200, document)
    elif one.path == "/api/v2/faces" and "photo_of_face" in one.fields:
        one.say(200, FACES)
    else:
        one.say(404, {"detail": "Not Found"})


def without_document(one: Request) -> None:
    if one.path == "/api/v1/detect":
        one.say(405, b"", None, Allow="POST") if one.command == "GET" else one.say(200, FACES)
    else:
        one.say(404, b"nothing here", "text/plain")


def circle(one: Request) -> None:
    one.say(307, b"", None, Location="/v2/detect" if one.path == "/detect" else "/detect")


def with_key(one: Request) -> None:
    if one.headers["X-API-Key"] == KEY:
        one.say(200, FACES)
    else:
        one.say(401, {"error": f"{one.headers['X-API-Key']} is no key of ours"}, WWW_Authenticate="ApiKey")


def in_envelope(one: Request) -> None:
    """A status in the answer, 200 on the wire for everything."""
    if one.path == "/detect":
        one.say(200, {"code": 0, "msg": "ok", "data": FACES})
    else:
        one.say(200, {"code": 404, "msg": "no such path", "data": None})


def counts(one: Request) -> None:
    """A health check for every path, with a clock, a counter and the path in it."""
    counts.calls += 1  # type: ignore[attr-defined]
    one.say(200, {"status": "ok", "time": time.time(), "id": 100000 + counts.calls, "path": one.path})  # type: ignore[attr-defined]


counts.calls = 0  # type: ignore[attr-defined]
BAD, WRONG, LOGIN = "service-bad-response", "service-wrong-url", "service-wants-login"
FAULTS: dict[str, tuple[Service, str, str, dict[str, Any]]] = {
    "a field that only its refusal names": (wants_field("snapshot_7"), BAD, "field", {"works_with": "snapshot_7"}),
    "base64 in JSON": (wants_json("image"), BAD, "form", {"works_form": "json", "works_with": "image"}),
    "base64 in JSON under another key": (wants_json("img"), BAD, "form", {"works_form": "json", "works_with": "img"}),
    "the picture as the whole body": (at("/detect", takes_bytes), BAD, "form", {"works_form": "raw"}),
    "a parameter of the URL": (says(422, missing("query", "model")), BAD, "refused", {}),
    "a token of a browser's form": (says(403, b"<h1>CSRF verification failed.</h1>", "text/html"), BAD, "csrf", {}),
    "a limit on requests": (
        says(429, {"error": "slow down"}, Retry_After="30"),
        BAD,
        "rate-limited",
        {"retry_after": "30"},
    ),
    "too large": (says(413, b"", None), BAD, "too-large", {}),
    "JSON in JSON": (says(200, json.dumps(FACES)), BAD, "twice", {}),
    "JSON lines": (says(200, b'{"bbox": 1}\n{"bbox": 2}\n', "application/x-ndjson"), BAD, "lines", {}),
    "events": (says(200, b'data: {"bbox": 1}\n\n', "text/event-stream"), BAD, "lines", {}),
    "gzip without a word": (says(200, gzip.compress(json.dumps(FACES).encode())), BAD, "packed", {"packed": "unsaid"}),
    "a compression that nobody asked for": (
        says(200, b"\x0b\x02\x80", Content_Encoding="br"),
        BAD,
        "packed",
        {"packed": "br"},
    ),
    "two hundred headers": (
        says(200, FACES, **{f"X_Face_{number}": "1" for number in range(200)}),
        BAD,
        "head",
        {"head_refused": "got more than 100 headers"},
    ),
    "a header of 70 kB": (says(200, FACES, X_Faces="1" * 70_000), BAD, "head", {"status": 200}),
    "JSON as a web page": (says(200, FACES, "text/html"), BAD, "content-type", {}),
    "JSON without a type": (says(200, FACES, None), BAD, "content-type", {}),
    "a page for every path": (lambda one: one.say(200, b"<!doctype html>", "text/html"), BAD, "everywhere", {}),
    "a health check for every path": (lambda one: one.say(200, {"status": "ok"}), BAD, "everywhere", {}),
    "a health check with a clock": (counts, BAD, "everywhere", {}),
    "faces in an envelope": (in_envelope, BAD, "own-form", {"status": 200}),
    "an error with status 200": (says(200, {"error": "no memory"}), BAD, "schema", {}),
    "a prefix, told by its document": (with_document, WRONG, "path", {}),
    "a prefix, found where it is usual": (without_document, WRONG, "path", {}),
    "another method": (says(405, b"", None, Allow="GET, HEAD"), WRONG, "method", {"allow": "GET, HEAD"}),
    "a circle of redirects": (circle, WRONG, "redirect-loop", {}),
    "a redirect to itself": (says(308, b"", None, Location="/detect"), WRONG, "redirect-loop", {}),
    "a redirect to https": (says(308, b"", None, Location="https://127.0.0.1/detect"), WRONG, "redirect", {}),
    "a host that it refuses": (says(400, b"Invalid host header", "text/plain"), WRONG, "host-refused", {}),
    "a key": (with_key, LOGIN, "status", {"scheme": "ApiKey", "status": 401}),
    "a login page": (says(302, b"", None, Location="/login?next=/detect"), LOGIN, "page", {"location": "/login"}),
}
GRADES = {"rate-limited": "warning", "content-type": "warning", "status": "note", "page": "note"}
GRADES.update({"own-form": "note", "field": "note", "form": "note"})  # it detects, and nobody said what clients expect


@pytest.mark.parametrize("name", FAULTS)
def test_what_an_endpoint_does_is_named(name: str, tmp_path: Path) -> None:
    answers, root, variant, shown = FAULTS[name]
    [finding] = asked(tmp_path, answers)["findings"]
    assert (finding["name"], finding["severity"]) == (root, GRADES.get(variant, "error"))
    assert {key: finding["evidence"][key] for key in ["kind", *shown]} == {"kind": variant, **shown}


@pytest.mark.parametrize("name", ["a prefix, told by its document", "a prefix, found where it is usual"])
def test_the_route_that_takes_pictures_is_told(name: str, tmp_path: Path) -> None:
    [finding] = asked(tmp_path, FAULTS[name][0])["findings"]
    assert ("/api/v2/faces" if "document" in name else "/api/v1/detect") in finding["message"]


def test_a_missing_parameter_is_told(tmp_path: Path) -> None:
    [finding] = asked(tmp_path, says(422, missing("query", "model")))["findings"]
    assert "a parameter in the URL: model" in finding["message"]


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("'NoneType' object has no attribute 'shape'", None),
        ("could not convert: got 'str', not 'bytes'", None),
        ("Missing field 'snapshot_7'", "snapshot_7"),
        ("the fields `snapshot_7` and `camera` are required", "snapshot_7, camera"),
        ("缺少参数 'snapshot_7'", "snapshot_7"),
    ],
)
def test_only_what_is_said_to_be_missing_is_asked_for(said: str, names: str | None, tmp_path: Path) -> None:
    tried: set[str] = set()

    def refuses(one: Request) -> None:
        tried.update(one.fields)
        one.say(400, {"error": said})

    [finding] = asked(tmp_path, at("/detect", refuses))["findings"]
    told = f"It asks for the field: {names}." if names else "It asks for"
    assert (told in finding["message"]) == (names is not None)
    assert tried.isdisjoint({"NoneType", "shape", "str", "bytes"})
    assert names is None or set(names.split(", ")) <= tried


def wants_multipart(one: Request) -> None:
    one.say(200, FACES) if "image" in one.fields else one.say(415, b"Unsupported Media Type", "text/plain")


FORMS: dict[str, tuple[str, Service, str, str, str]] = {
    "a form where JSON is set": (
        'form = "json"',
        wants_multipart,
        "form",
        "expects the picture as multipart, not as json",
        '{ form = "multipart" }',
    ),
    "another key of JSON": (
        'form = "json"',
        wants_json("img"),
        "field",
        "expects the field img, not image",
        '{ form = "json", field = "img" }',
    ),
    "JSON where raw is set": (
        'form = "raw"',
        wants_json("image"),
        "form",
        "expects the picture as json, not as raw",
        '{ form = "json" }',
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_refusal_is_told_in_words_of_the_form_that_is_set(name: str, tmp_path: Path) -> None:
    form, service, kind, title, variable = FORMS[name]
    settings = tmp_path / "retina-doctor.toml"
    settings.write_text(f"[service.response]\n{form}\n")
    [finding] = asked(tmp_path, at("/detect", service))["findings"]
    assert (finding["evidence"]["kind"], title in finding["title"]) == (kind, True), finding["title"]
    assert variable in finding["evidence"]["describe"][1]
    settings.write_text(f"[service]\nresponse = {variable}\n")
    assert found(asked(tmp_path, at("/detect", service))) == []


@pytest.mark.parametrize(("form", "field"), [("multipart", "a b"), ("json", "a b"), ("raw", "image")])
def test_the_printed_look_posts_as_is_set(form: str, field: str, tmp_path: Path) -> None:
    seen: list[bytes] = []

    def takes(one: Request) -> None:
        seen.append(one.body if form != "json" else base64.b64decode(json.loads(one.body)[field]))
        one.say(500, {"kind": one.headers["Content-Type"], "fields": sorted(one.fields)})

    picture = tmp_path / "my face.png"
    picture.write_bytes(b"\x89PNG" + bytes(range(256)))
    table = f'[detection]\nimage = "my face.png"\n[service.response]\nform = "{form}"\nfield = "{field}"\n'
    (tmp_path / "retina-doctor.toml").write_text(table)
    with serving(at("/detect", takes)) as port:
        url = f"http://127.0.0.1:{port}/detect"
        command = ("check", "--only", "service", "--target", DEV_PYTHON, "--url", url)
        [finding] = report(*command, cwd=tmp_path, env=environment())["findings"]
        look = finding["evidence"]["look"]
        done = subprocess.run(look, cwd=tmp_path, capture_output=True, text=True)
    assert "HTTP/1.0 500" in done.stdout, done.stderr
    assert picture.read_bytes() in seen[-1]
    assert (form == "multipart") == (f'"fields": ["{field}"]' in done.stdout)


FINE: dict[str, Service] = {
    "a created answer": says(201, FACES),
    "gzip that is said": says(200, gzip.compress(json.dumps(FACES).encode()), Content_Encoding="gzip"),
    "a type of its own": says(200, FACES, "application/vnd.faces+json"),
    "a page for all other paths": lambda one: (
        one.say(200, FACES) if one.path == "/detect" else one.say(200, b"<p>", "text/html")
    ),
    "no face": says(200, {"faces": []}),
}


@pytest.mark.parametrize("name", FINE)
def test_a_healthy_twin_is_silent(name: str, tmp_path: Path) -> None:
    assert found(asked(tmp_path, FINE[name])) == []


def test_a_bomb_is_unpacked_no_further_than_an_answer_is_read(tmp_path: Path) -> None:
    told = asked(tmp_path, says(200, gzip.compress(b" " * 2**26), Content_Encoding="gzip"))
    assert told["facts"]["ports"]["detection"]["cut"] is True


def test_the_form_that_is_meant_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "retina-doctor.toml").write_text('[service.response]\nform = "json"\nfield = "img"\n')
    assert found(asked(tmp_path, wants_json("img"))) == []
    assert found(asked(tmp_path, wants_json("img"), "--load", "5,2")) == []


SLASHED = "hunter2/Qx91zzkk"


def repeats(wrap: Callable[[str], bytes], kind: str = "application/json", **headers: str) -> Service:
    """401 that repeats the key."""
    return at("/detect", lambda one: one.say(401, wrap(one.headers["X-Face-Pass"]), kind, **headers))


REPEATED: dict[str, Service] = {
    "in gzip": repeats(
        lambda key: gzip.compress(json.dumps({"error": f"{key} is unknown"}).encode()), Content_Encoding="gzip"
    ),
    "in gzip without a word": repeats(lambda key: gzip.compress(json.dumps({"error": key}).encode())),
    "with its slash escaped": repeats(lambda key: json.dumps({"error": key}).replace("/", "\\/").encode()),
    "in code points": repeats(
        lambda key: ('{"error": "' + "".join(f"\\u{ord(letter):04x}" for letter in key) + '"}').encode()
    ),
    "in JSON in JSON": repeats(lambda key: json.dumps(json.dumps({"error": key})).replace("/", "\\/").encode()),
    "as a key": repeats(lambda key: json.dumps({key: "unknown"}).encode()),
    "where a text is cut": repeats(lambda key: json.dumps({"error": "x" * 290 + key}).encode()),
    "in a URL": repeats(lambda key: f"see /login?key={key.replace('/', '%2F')}".encode(), "text/plain"),
    "in JSON that is broken": repeats(lambda key: json.dumps({"error": key}).replace("/", "\\/").encode()[:-1]),
    "in a header": at("/detect", lambda one: one.say(401, b"", WWW_Authenticate=one.headers["X-Face-Pass"])),
}


@pytest.mark.parametrize("name", REPEATED)
def test_a_key_is_hidden_however_it_is_repeated(name: str, tmp_path: Path) -> None:
    header = tmp_path / "header.txt"
    header.write_text(f"X-Face-Pass: {SLASHED}\n")
    told = asked(tmp_path, REPEATED[name], "--header-file", str(header))
    [finding] = told["findings"]
    assert (finding["name"], finding["evidence"]["kind"]) == (LOGIN, "refused")
    assert "hunter2" not in json.dumps(told) and "Qx91" not in json.dumps(told)


@pytest.mark.parametrize(
    "line",
    [
        "Accept: application/json",
        "X-Mode: faces",
        "X-Mode: keypoints",
        "X-Form: application/json",
        "Authorization: Bearer x",
    ],
)
def test_a_word_that_is_no_secret_falsifies_no_answer(line: str, tmp_path: Path) -> None:
    header = tmp_path / "header.txt"
    header.write_text(line + "\n")
    assert found(asked(tmp_path, says(200, FACES), "--header-file", str(header))) == []


def test_the_word_of_a_scheme_is_told(tmp_path: Path) -> None:
    header = tmp_path / "header.txt"
    header.write_text("Authorization: Bearer n0-such-k3y\n")
    refuses = says(401, {"error": "Bearer token n0-such-k3y has expired"}, WWW_Authenticate="Bearer")
    told = asked(tmp_path, refuses, "--header-file", str(header))
    [finding] = told["findings"]
    assert finding["evidence"]["scheme"] == "Bearer"
    assert "has expired" in finding["message"] and "k3y" not in json.dumps(told)


def test_a_redirect_to_a_word_of_a_header_is_followed(tmp_path: Path) -> None:
    """The answer is judged as it is: only what is told is masked."""
    header = tmp_path / "header.txt"
    header.write_text("X-API-Key: s3cr3t-route\n")

    def moved(one: Request) -> None:
        if one.path == "/s3cr3t-route":
            one.say(200, FACES)
        else:
            one.say(307, b"", None, Location="/s3cr3t-route")

    told = asked(tmp_path, moved, "--header-file", str(header))
    [finding] = told["findings"]
    assert (finding["name"], finding["severity"]) == (WRONG, "warning")
    assert "s3cr3t" not in json.dumps(told)


def test_a_key_is_sent_and_told_to_nobody(tmp_path: Path) -> None:
    """A wrong one is repeated by the service: the doctor masks it."""
    header, snapshot = tmp_path / "header.txt", tmp_path / "snapshot.json"
    header.write_text(f"# for the doctor\nX-API-Key: {KEY}\n")
    assert found(asked(tmp_path, with_key, "--header-file", str(header), "--load", "5,2")) == []
    header.write_text("X-API-Key: n0-such-k3y-at-all\n")
    told = asked(tmp_path, with_key, "--header-file", str(header))
    [finding] = told["findings"]
    assert (finding["name"], finding["severity"], finding["evidence"]["kind"]) == (LOGIN, "error", "refused")
    assert finding["evidence"]["headers"] == ["X-API-Key"]
    with serving(with_key) as port:
        words = ("--target", DEV_PYTHON, "--url", f"http://127.0.0.1:{port}/detect", "--header-file", header)
        done = doctor("collect", *words, "-o", snapshot, "--only", "service", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    for text in (json.dumps(told), done.stdout + done.stderr, snapshot.read_text()):
        assert "n0-such-k3y" not in text


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "No such file"),
        ("", "has no header"),
        ("no header\n", "Line 1 has no colon"),
        ("\nContent-Length: 3\n", "Line 2 names a header that the doctor sets itself"),
        ("A B: c\n", "Line 1 does not begin with the name of a header"),
    ],
)
def test_a_file_of_headers_that_cannot_be_used(content: str | None, problem: str, tmp_path: Path) -> None:
    header = tmp_path / "header.txt"
    if content is not None:
        header.write_text(content)
    [finding] = asked(tmp_path, says(200, FACES), "--header-file", str(header))["findings"]
    assert (finding["name"], finding["evidence"]["kind"]) == (LOGIN, "file")
    assert problem in finding["message"]


def test_a_key_goes_nowhere_else(tmp_path: Path) -> None:
    """Not to the port to which a redirect leads."""
    seen: list[str | None] = []

    def elsewhere(one: Request) -> None:
        seen.append(one.headers["X-API-Key"])
        one.say(200, FACES)

    header = tmp_path / "header.txt"
    header.write_text(f"X-API-Key: {KEY}\n")
    with serving(elsewhere) as other:
        redirects = says(307, b"", None, Location=f"http://127.0.0.1:{other}/detect")
        [finding] = asked(tmp_path, redirects, "--header-file", str(header))["findings"]
    assert (finding["name"], finding["evidence"]["kind"], seen) == (WRONG, "redirect", [])
