"""Endpoints whose boxes are right in form and not where the faces are, and endpoints behind certificates that clients refuse:
real servers that find the known faces, and tell them as a usual slip has them."""

from __future__ import annotations

import contextlib
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from retina_doctor_checks.inference.known import FOLDER, POSTED, WIDE, expected

from tests.doctor import DEV_PYTHON, environment, found, report, roots, verdicts
from tests.test_endpoint_forms import Request, Service

SIZES = {POSTED: (640, 640), WIDE: (517, 333)}
NAMES = ("right_eye", "left_eye", "nose", "mouth_right", "mouth_left")
Move = Callable[..., tuple[float, float]]
"""(x, y, width, height) -> where it is told to be."""


def detector(move: Move, most: int = 9, drawn: float = 1.0) -> Service:
    """Finds the known faces, *most* of them, draws its boxes so much larger, and tells each place as *move* has it."""

    def answers(one: Request) -> None:
        name = next((name for name in SIZES if (FOLDER / name).read_bytes() in one.body), None)
        known = [face for picture in expected() if picture.name == name for face in picture.faces][:most]
        if one.command != "POST" or one.path != "/detect" or name is None:
            one.say(404, {"detail": "Not Found"})
            return
        one.say(200, {"faces": [told(face.box, face.points, face.score, *SIZES[name]) for face in known]})

    def told(box: Any, points: Any, score: float, width: int, height: int) -> dict[str, Any]:
        wider, higher = ((drawn - 1) * (box[axis + 2] - box[axis]) / 2 for axis in (0, 1))
        ends = [
            move(*end, width, height) for end in ((box[0] - wider, box[1] - higher), (box[2] + wider, box[3] + higher))
        ]
        (left, right), (top, bottom) = (sorted(axis) for axis in zip(*ends, strict=True))
        named = {key: move(*point, width, height) for key, point in zip(NAMES, points, strict=True)}
        return {"bbox": [left, top, right, bottom], "keypoints": named, "confidence": score}

    return answers


@contextlib.contextmanager
def serving(answers: Service, certificate: Path | None = None) -> Iterator[str]:
    """The scheme, host and port of its URL."""
    handler = type("Handler", (Request,), {"answers": answers})
    server = ThreadingHTTPServer(("0.0.0.0", 0), handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http{'s' if certificate else ''}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def asked(folder: Path, url: str, *words: str, **variables: str) -> dict[str, Any]:
    command = ("check", "--only", "service", "--skip", "RD512", "--target", DEV_PYTHON, "--url", url, *words)
    return report(*command, cwd=folder, env=environment(**variables))


def judged(folder: Path, answers: Service) -> dict[str, Any]:
    with serving(answers) as origin:
        return asked(folder, f"{origin}/detect")


def margins(side: int) -> Move:
    def move(x: float, y: float, width: int, height: int) -> tuple[float, float]:
        scale = side / max(width, height)
        return x * scale + (side - width * scale) / 2, y * scale + (side - height * scale) / 2

    return move


@pytest.mark.parametrize(
    ("move", "hint", "by"),
    [
        pytest.param(lambda x, y, *_: (x / 2, y / 2), "scaled-by", "0.50", id="half"),
        pytest.param(lambda x, y, *_: (x * 0.75, y * 0.5), "scaled-by", "0.75, 0.50", id="input-of-480x320"),
        pytest.param(lambda x, y, *_: (y, x), "swapped", "", id="swapped"),
        pytest.param(lambda x, y, w, h: (100 * x / w, 100 * y / h), "scaled-by", "0.16", id="percent"),
        pytest.param(lambda x, y, w, _: (w - x, y), "mirrored", "", id="mirrored"),
        pytest.param(lambda x, y, _, h: (x, h - y), "upside-down", "", id="upside-down"),
        pytest.param(lambda x, y, *_: (x + 90, y + 60), "shifted-by", "90, 60", id="of-a-part"),
        # A picture of the network's own size does not show these.
        pytest.param(lambda x, y, w, h: (640 * x / w, 640 * y / h), "scaled-by", "1.24, 1.92", id="square-input"),
        pytest.param(margins(640), "with-margins", "640x640", id="with-margins"),
    ],
)
def test_boxes_that_are_beside_the_faces_by_one_mistake(tmp_path: Path, move: Move, hint: str, by: str) -> None:
    told = judged(tmp_path, detector(move))
    assert roots(told) == ["service-bad-response"]
    [one] = told["findings"]
    [wrong] = one["evidence"]["wrong"]
    assert (one["severity"], one["evidence"]["kind"]) == ("error", "misplaced")
    assert (wrong["hint"], wrong["by"]) == (hint, by)


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param(detector(lambda x, y, *_: (x, y)), id="right"),
        pytest.param(detector(lambda x, y, *_: (x, y), most=1), id="one-face"),
        pytest.param(detector(lambda x, y, *_: (x, y), most=0), id="nobody"),
        pytest.param(detector(lambda x, y, *_: (x, y), drawn=1.35), id="wider"),
        pytest.param(detector(lambda x, y, *_: (x, y), drawn=0.75), id="narrower"),
        pytest.param(detector(lambda x, y, *_: (round(x) + 3, round(y) - 2)), id="a-little-off"),
    ],
)
def test_what_a_detector_finds_where_it_is_is_right(tmp_path: Path, answers: Service) -> None:
    told = judged(tmp_path, answers)
    assert found(told) == []
    assert verdicts(told)["service-bad-response"] == "passed"


@pytest.mark.parametrize("box", [[500, 500, 560, 580], [40, 230, 200, 410], [580, 165, 606, 182], [0, 0, 640, 640]])
def test_what_else_it_takes_for_a_face_is_not_judged(tmp_path: Path, box: list[int]) -> None:
    """Buttons, frames, all of it: no simple mistake makes faces of the picture of them."""
    centre = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2]
    face = {"bbox": box, "keypoints": dict.fromkeys(NAMES, centre), "confidence": 0.7}
    told = judged(tmp_path, lambda one: one.say(200 if one.command == "POST" else 405, {"faces": [face]}))
    assert found(told) == []


# Certificates


def certificate(folder: Path, *more: str, name: str = "IP:127.0.0.1") -> Path:
    """Signed by itself; its key beside it in one file."""
    made, key = folder / "certificate.pem", folder / "key.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=faces", "-days", "2", *more]
    words += ["-addext", f"subjectAltName={name}", "-keyout", str(key), "-out", str(made)]
    subprocess.run(words, check=True, capture_output=True)
    (folder / "both.pem").write_text(made.read_text() + key.read_text())
    return folder / "both.pem"


def right(x: float, y: float, *_: int) -> tuple[float, float]:
    return x, y


def test_a_refused_certificate_is_one_finding_and_the_answer_another(tmp_path: Path) -> None:
    made = certificate(tmp_path)
    with serving(detector(right), made) as origin:
        told = asked(tmp_path, f"{origin}/detect")
        assert found(told) == ["service-wrong-url"]
        assert told["findings"][0]["evidence"]["words"] in ("self-signed certificate", "self signed certificate")
        assert verdicts(told)["service-bad-response"] == "passed"
        told = asked(tmp_path, f"{origin}/detection")
        assert [(one["name"], one["evidence"]["kind"]) for one in told["findings"]] == [
            ("service-wrong-url", "certificate"),
            ("service-wrong-url", "path"),
        ]
        told = asked(tmp_path, f"{origin}/detect", SSL_CERT_FILE=str(tmp_path / "certificate.pem"))
        assert found(told) == [], "whoever trusts it has no complaint"
    with serving(detector(lambda x, y, *_: (x / 2, y / 2)), made) as origin:
        told = asked(tmp_path, f"{origin}/detect")
        assert roots(told) == ["service-wrong-url", "service-bad-response"]
        [look] = told["findings"][1]["fix"]["commands"]
        assert "curl -sS -k " in look


def test_another_name_than_this_machines_is_a_warning(tmp_path: Path) -> None:
    """Clients elsewhere may well use the name that is in it."""
    made = certificate(tmp_path, name="DNS:faces.example")
    with serving(detector(right), made) as origin:
        told = asked(tmp_path, f"{origin}/detect", SSL_CERT_FILE=str(tmp_path / "certificate.pem"))
        assert [(one["name"], one["severity"]) for one in told["findings"]] == [("service-wrong-url", "warning")]


def test_a_token_is_not_sent_to_whom_no_certificate_vouches_for(tmp_path: Path) -> None:
    seen: list[str] = []

    def answers(one: Request) -> None:
        seen.append(str(one.headers["Authorization"]))
        if one.headers["Authorization"]:
            detector(right)(one)
        else:
            one.say(401, {"error": "token missing"})

    header = tmp_path / "header.txt"
    header.write_text("Authorization: Bearer t0ken-0f-a-client\n")
    made = certificate(tmp_path)
    with serving(answers, made) as origin:
        told = asked(tmp_path, f"{origin}/detect", "--header-file", str(header))
        assert set(seen) == {"None"}
        kinds = [(one["name"], one["severity"]) for one in told["findings"]]
        assert kinds == [("service-wrong-url", "error"), ("service-wants-login", "note")]
        trusting = {"SSL_CERT_FILE": str(tmp_path / "certificate.pem")}
        told = asked(tmp_path, f"{origin}/detect", "--header-file", str(header), **trusting)
        assert found(told) == []


def test_a_service_behind_tls_that_ends_the_connection_has_crashed(tmp_path: Path) -> None:
    def answers(one: Request) -> None:
        one.connection.close()

    made = certificate(tmp_path)
    with serving(answers, made) as origin:
        trusting = {"SSL_CERT_FILE": str(tmp_path / "certificate.pem")}
        told = asked(tmp_path, f"{origin}/detect", **trusting)
        assert roots(told) == ["service-crashed-or-not-ready"]
