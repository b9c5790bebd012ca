"""Services that detect and answer in a form of their own: real servers. Where nobody has set what clients expect, that is a note;
their twins, whose answer no client can use, are errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.doctor import found, verdicts
from tests.test_endpoint_forms import BAD, FACES, Request, Service, asked, at, says

BOX = [266, 326, 393, 488]
"""Of a face in the picture that is posted."""
SHARES = [number / 640 for number in BOX]
SIZED = {"x": 266, "y": 326, "width": 127, "height": 162}
OWN: dict[str, Any] = {
    "an envelope": {"code": 0, "msg": "ok", "data": {"faces": [{"box": BOX, "score": 0.99}]}},
    "lists side by side": {"num_faces": 1, "boxes": [BOX], "scores": [0.99]},
    "a list of each picture's": {"results": [{"filename": "known.png", "faces": [{"bbox": BOX, "confidence": 0.99}]}]},
    "corners beside other numbers": [
        {"id": 3, "age": 31, "xmin": 266, "ymin": 326, "xmax": 393, "ymax": 488, "score": 0.9, "blur": 0.1, "yaw": 2}
    ],
    "corners with names": {
        "faceAnnotations": [{"vertices": [dict(zip("xy", one, strict=True)) for one in ((266, 326), (393, 488))]}]
    },
    "two points": {"faces": [{"p1": [266, 326], "p2": [393, 488]}]},
    "a table of a fixed size": {"detection_boxes": [BOX, *[[0, 0, 0, 0]] * 5], "num_detections": 1},
    "face_recognition's order": {"locations": [[326, 393, 488, 266]]},
    "a table of a box": [{"rectangle": SIZED, "confidence": 0.99}],
    "shares, in another order": {
        "FaceDetails": [{"BoundingBox": dict(zip(("Top", "Left", "Bottom", "Right"), SHARES, strict=True))}]
    },
    "corners as points": {"regions": [{"polygon": [[266, 326], [393, 326], [393, 488], [266, 488]]}]},
    "insightface's names": {"faces": [{"bbox": BOX, "kps": [[1, 2]] * 5, "det_score": 0.99}]},
    "no points": {"faces": [{"bbox": BOX, "confidence": 0.99}]},
}


@pytest.mark.parametrize("name", OWN)
def test_a_form_of_its_own_is_a_note(name: str, tmp_path: Path) -> None:
    told = asked(tmp_path, says(200, OWN[name]))
    [finding] = told["findings"]
    assert (finding["name"], finding["severity"], finding["evidence"]["kind"]) == (BAD, "note", "own-form")
    assert told["exit_code"] == 0


def test_a_stream_of_lines_that_says_so(tmp_path: Path) -> None:
    lines = b"".join(json.dumps({"bbox": BOX, "face": number}).encode() + b"\n" for number in range(2))
    [finding] = asked(tmp_path, says(200, lines, "application/x-ndjson"))["findings"]
    assert (finding["severity"], finding["evidence"]["kind"]) == ("note", "own-form")
    [finding] = asked(tmp_path, says(200, lines))["findings"]
    assert (finding["severity"], finding["evidence"]["kind"]) == ("error", "lines"), "it is called one document"


def test_events_of_a_stream(tmp_path: Path) -> None:
    events = f": begins\n\nid: 1\nevent: face\ndata: {json.dumps({'bbox': BOX})}\n\ndata: [DONE]\n\n".encode()
    [finding] = asked(tmp_path, says(200, events, "text/event-stream"))["findings"]
    assert (finding["severity"], finding["evidence"]["kind"]) == ("note", "own-form")
    broken = b"event: face\ndata: {\n\n"
    [finding] = asked(tmp_path, says(200, broken, "text/event-stream"))["findings"]
    assert (finding["severity"], finding["evidence"]["kind"]) == ("error", "not-json")


UNUSABLE: dict[str, Any] = {
    "no face anywhere": {"result": "ok", "time": 0.1},
    "a number without end": {"boxes": [[10**400, 1, 2, 3]], "scores": [0.9]},
    "one box of many": {"boxes": [BOX, *([300, 20 * n, 340, 20 * n + 30] for n in range(6))]},
    "boxes that are each right in another way": {
        "boxes": [[SIZED[k] for k in SIZED], [42, 115, 114, 171], *[[0, 9, 1, 9]] * 3]
    },
    "shares of something else": {"emotion": dict(zip("abcdefg", [*SHARES, 0.1, 0.2, 0.3], strict=True))},
    "boxes of another picture": {"boxes": [[3, 4, 20, 30]], "scores": [0.9]},
    "percent under the default's names": {"faces": [{"bbox": BOX, "confidence": 99.0, "keypoints": {}}]},
    "shares under the default's name": {"faces": [{"bbox": SHARES, "confidence": 0.99}]},
    "a size under the default's name": {"faces": [{"bbox": [266, 326, 127, 162], "confidence": 0.99}]},
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_no_client_can_use_is_an_error(name: str, tmp_path: Path) -> None:
    [finding] = asked(tmp_path, says(200, UNUSABLE[name]))["findings"]
    assert (finding["name"], finding["severity"]) == (BAD, "error")


def test_what_clients_expect_is_judged_where_it_is_set(tmp_path: Path) -> None:
    (tmp_path / "retina-doctor.toml").write_text('[service.response]\nfaces = "data.people"\n')
    [finding] = asked(tmp_path, says(200, OWN["an envelope"]))["findings"]
    assert (finding["severity"], finding["evidence"]["kind"]) == ("error", "schema")


def fails_without(one: Request) -> None:
    """As a handler that never looks at what it is given: 500 for all but JSON with its key."""
    taken = one.headers["Content-Type"] == "application/json" and "img_base64" in json.loads(one.body)
    one.say(200, OWN["an envelope"]) if taken else one.say(500, b"Internal Server Error", "text/plain")


def test_a_service_that_fails_at_other_forms(tmp_path: Path) -> None:
    [finding] = asked(tmp_path, at("/detect", fails_without))["findings"]
    shown = finding["evidence"]
    assert (finding["severity"], shown["kind"], shown["works_form"], shown["works_with"]) == (
        "note",
        "form",
        "json",
        "img_base64",
    )
    for part in ('field = "img_base64"', 'form = "json"', 'faces = "data.faces"'):
        assert part in shown["describe"][1]


def test_a_service_that_fails_once_is_not_told_another_field(tmp_path: Path) -> None:
    """As one that loads its model with the first picture, and takes whatever field there is."""
    calls: list[str] = []

    def fails_first(one: Request) -> None:
        calls.append(one.command)
        one.say(500, {"error": "loading"}) if calls.count("POST") == 1 else one.say(200, OWN["an envelope"])

    [finding] = asked(tmp_path, at("/detect", fails_first))["findings"]
    assert (finding["severity"], finding["evidence"]["kind"]) == ("error", "server-error")


def test_a_service_that_fails_at_all_is_not_asked_for_each_name(tmp_path: Path) -> None:
    calls = []

    def fails(one: Request) -> None:
        calls.append(one.command)
        one.say(500, {"error": "no such file"})

    [finding] = asked(tmp_path, at("/detect", fails))["findings"]
    assert (finding["severity"], finding["evidence"]["kind"]) == ("error", "server-error")
    assert calls.count("POST") == 4


LATER: dict[str, Service] = {
    "accepted": says(202, {"job": "7f3a", "result": "/result/7f3a"}),
    "a job in a queue": says(200, {"task_id": "7f3a", "status": "PENDING"}),
    "a job in an envelope": says(200, {"code": 0, "message": "ok", "data": {"task_id": "a1b2"}}),
}


@pytest.mark.parametrize("name", LATER)
def test_faces_that_are_fetched_later_are_not_judged(name: str, tmp_path: Path) -> None:
    told = asked(tmp_path, LATER[name])
    assert (found(told), verdicts(told)["service-bad-response"]) == ([], "inapplicable")


def test_a_state_without_a_job_is_an_answer(tmp_path: Path) -> None:
    assert found(asked(tmp_path, says(200, {"status": "running"}))) == [BAD]
    assert found(asked(tmp_path, says(200, {"data": {"task_id": "a1b2", "boxes": []}}))) == [BAD]
    assert found(asked(tmp_path, says(202, FACES))) == []


def test_a_drawn_picture_is_a_note(tmp_path: Path) -> None:
    [finding] = asked(tmp_path, says(200, b"\x89PNG\r\n\x1a\n", "image/png"))["findings"]
    assert (finding["severity"], finding["evidence"]["kind"]) == ("note", "not-json")
