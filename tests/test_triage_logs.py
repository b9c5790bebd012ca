"""Logs as docker, journald, kubectl and the kernel's tools really give them: what was said is read, not how it is wrapped."""

from __future__ import annotations

import base64
import itertools
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from retina_doctor_checks.commands.triage.examining import without_secrets
from retina_doctor_checks.triage.dates import Clock
from retina_doctor_checks.triage.diagnosing import case_of, diagnoses
from retina_doctor_checks.triage.log_forms import by_speaker
from retina_doctor_checks.triage.look_log import FetchedLog, _fell_back, understood
from retina_doctor_checks.triage.text import read

from tests.doctor import doctor

SICK = sorted((Path(__file__).parent / "triage_texts" / "sick").glob("*.txt"))
JOURNAL = {
    "__REALTIME_TIMESTAMP": "1764000003123456", "_HOSTNAME": "gpu-7", "_TRANSPORT": "stdout", "PRIORITY": "3",
    "SYSLOG_IDENTIFIER": "python", "_PID": "2211", "_CMDLINE": "/opt/face/bin/python -m uvicorn main:app",
    "_SYSTEMD_CGROUP": "/system.slice/face.service", "_SYSTEMD_UNIT": "face.service",
}  # fmt: skip
"""Fields of a service's line, as journalctl 255 tells them."""
TRACE = """Traceback (most recent call last):
  File "/opt/face/app.py", line 12, in <module>
    app = FaceAnalysis(name="buffalo_l")
  File "/opt/face/lib/python3.11/site-packages/insightface/app/face_analysis.py", line 43, in __init__
    assert 'detection' in self.models
           ^^^^^^^^^^^^^^^^^^^^^^^^^^
AssertionError"""
OTHERS = [
    "LOG:  checkpoint starting: time",
    'GET /healthz HTTP/1.1" 200 2',
    "INFO:     10.0.0.7:51234 - GET /metrics 200 OK",
    "LOG:  checkpoint complete: wrote 12 buffers",
]


def leading(text: str) -> set[str]:
    return {one.name for one in diagnoses(case_of(read(text), people_wrote=False), {}) if one.leads}


def each(form: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: "\n".join(form(line) for line in text.splitlines())


def _pretty(line: str) -> str:
    rows = ",\n".join(f'\t"{name}" : {json.dumps(value)}' for name, value in {**JOURNAL, "MESSAGE": line}.items())
    return f"{{\n{rows}\n}}"


def _export(line: str) -> str:
    fields = {"__CURSOR": "s=1;i=2", **JOURNAL, "MESSAGE": line, "_UID": "1000"}
    return "\n".join(f"{name}={value}" for name, value in fields.items()) + "\n"


def _verbose(line: str) -> str:
    rows = "\n".join(f"    {name}={value}" for name, value in {**JOURNAL, "MESSAGE": line}.items())
    return f"Sun 2026-11-23 09:00:03.123456 UTC [s=1f;i=2;b=3;m=4;t=5;x=6]\n{rows}"


def _numbers(line: str) -> str:
    return json.dumps({"__CURSOR": "s=1", **JOURNAL, "MESSAGE": list(line.encode())})


FORMS: dict[str, Callable[[str], str]] = {
    "docker-json": each(lambda line: json.dumps({"log": line + "\n", "stream": "stderr", "time": "2026-11-23T09:00:03Z"})),
    "docker-json-spaced": each(lambda line: json.dumps({"stream": "stderr", "attrs": {"tag": "a"}, "log": line + "\n"})),
    "docker-times": each(lambda line: f"2026-11-23T09:00:03.123456789Z {line}"),
    "docker-service": each(lambda line: f"face_api.1.x7k2m9q4w8e1@node-3    | {line}"),
    "compose-times": each(lambda line: f"face-api-1  | 2026-11-23T09:00:03.123456789Z {line}"),
    "compose-v1": each(lambda line: f"\x1b[36mapi_1  |\x1b[0m {line}"),
    "journal-json": each(lambda line: json.dumps({"__CURSOR": "s=1", **JOURNAL, "MESSAGE": line})),
    "journal-json-bytes": each(_numbers),
    "journal-json-pretty": each(_pretty),
    "journal-export": each(_export),
    "journal-verbose": each(_verbose),
    "journal-short-precise": each(lambda line: f"Nov 23 09:00:03.123456 gpu-7 python[2211]: {line}"),
    "journal-short-full": each(lambda line: f"Mon 2026-11-23 09:00:03 UTC gpu-7 python[2211]: {line}"),
    "journal-short-iso-precise": each(lambda line: f"2026-11-23T09:00:03.123456+0000 gpu-7 python[2211]: {line}"),
    "journal-short-unix": each(lambda line: f"1764000003.123456 gpu-7 python[2211]: {line}"),
    "journal-short-monotonic": each(lambda line: f"[12345.678901] gpu-7 python[2211]: {line}"),
    "journal-short-delta": each(lambda line: f"[12345.678901 <    0.000001 >] gpu-7 python[2211]: {line}"),
    "dmesg-T": each(lambda line: f"[Mon Nov 23 09:00:03 2026] {line}"),
    "dmesg-x": each(lambda line: f"kern  :err   : [12345.678901] {line}"),
    "dmesg-raw": each(lambda line: f"<3>[12345.678901] {line}"),
    "kubectl-prefix": each(lambda line: f"[pod/face-7d9c5b6f4-x2x8q/api] {line}"),
    "kubelet-file": each(lambda line: f"2026-11-23T09:00:03.123456789Z stderr F {line}"),
    "stern": each(lambda line: f"face-7d9c5b6f4-x2x8q api {line}"),
    "pm2": each(lambda line: f"0|face-api  | {line}"),
    "go-record": each(lambda line: json.dumps({"ts": 1764000003.1, "level": "error", "msg": line})),
    "python-record": each(lambda line: json.dumps({"asctime": "2026-11-23", "levelname": "ERROR", "message": line})),
}  # fmt: skip


@pytest.mark.parametrize("how", FORMS)
def test_every_sick_text_in_each_form(how: str) -> None:
    for file in SICK:
        text = file.read_text(encoding="utf-8").strip()
        assert leading(FORMS[how](text)) == leading(text), file.stem


SPEAKERS = {
    "compose": ("face-api-1  | {}", "db-1        | {}"),
    "journal": ("Nov 23 09:00:03 gpu-7 python[2211]: {}", "Nov 23 09:00:03 gpu-7 postgres[17]: {}"),
    "kubectl": ("[pod/face-7d9c5b6f4-x2x8q/api] {}", "[pod/db-0/postgres] {}"),
    "workers": ("(Worker pid=2211) {}", "(Worker pid=2212) {}"),
}


@pytest.mark.parametrize("how", SPEAKERS)
@pytest.mark.parametrize("often", [1, 2])
def test_a_traceback_between_the_lines_of_another_service(how: str, often: int) -> None:
    mine, others = SPEAKERS[how]
    lines = []
    for line, other in zip(TRACE.splitlines(), itertools.cycle(OTHERS), strict=False):
        lines += [mine.format(line), *[others.format(other)] * often]
    assert leading("\n".join(lines)) == leading(TRACE) == {"model-nested-directory"}


def test_each_line_keeps_its_number() -> None:
    text = read("a-1 | libcublas.so.12: cannot open\nb-1 | LOG: checkpoint\na-1 | shared object file\n")
    assert [line.number for line in text.lines] == [1, 3, 2]
    [found] = diagnoses(case_of(text, people_wrote=False), {})[:1]
    assert [line.number for line in found.evidence] == [1, 3]


def test_no_sentence_is_made_of_two_programs() -> None:
    one, two = "GPU has fallen", "off the bus"
    assert leading(f"a-1 | {one}\nb-1 | {two}\na-1 | x\nb-1 | y") == set()
    assert leading(f"a-1 | {one}\na-1 | {two}") == {"gpu-fallen-off-bus"}


def test_lines_of_one_speaker_stay_where_they_are() -> None:
    assert by_speaker(["a", "a", None, "b", "b"], [False] * 5) == ([0, 1, 2, 3, 4], frozenset())
    assert by_speaker(["a", "b", None, "a"], [False] * 4) == ([0, 3, 1, 2], frozenset({2}))


@pytest.mark.parametrize(
    "line",
    ['{"detail": "Not Found"}', '{"message": 1}', "{" + "[" * 3000 + "}", '{"log": null, "time": 1}', "{not json}"],
)
def test_what_is_no_record_is_left_as_it_is(line: str) -> None:
    assert [one.number for one in read(line).lines] == [1]


SECRET_SAID = "Sommer2026!"
MEMORY = "CUDA out of memory in worker"
RECORDS: dict[str, dict[str, Any]] = {
    "go": {"level": "error", "ts": 1764000003.1, "msg": MEMORY, "db_password": SECRET_SAID},
    "python": {"asctime": "2026-11-23", "levelname": "ERROR", "message": MEMORY, "api_key": SECRET_SAID, "path": "/detect"},
    "google": {"severity": "ERROR", "textPayload": MEMORY, "labels": {"auth": {"password": SECRET_SAID}}, "node": "a1"},
    "structlog": {"timestamp": "2026-11-23", "event": MEMORY, "passwords": [SECRET_SAID], "token": f"it's {SECRET_SAID}"},
    "docker": {"time": "2026-11-23T09:00:03Z", "stream": "stderr", "log": f"{MEMORY}\npassword: {SECRET_SAID}\n"},
    "docker-of-record": {
        "time": "2026-11-23T09:00:03Z", "log": json.dumps({"level": "error", "msg": MEMORY, "db_password": SECRET_SAID}) + "\n"
    },
    "journal": {"__CURSOR": "s=1", **JOURNAL, "MESSAGE": f"{MEMORY}\ndb_password={SECRET_SAID}", "DB_PASSWORD": SECRET_SAID},
    "long": {"level": "error", "msg": MEMORY, "body": "x y " * 90, "db_password": SECRET_SAID * 40, "more": "x y " * 900},
}  # fmt: skip


@pytest.mark.parametrize("how", RECORDS)
def test_a_record_is_shown_with_its_keys_and_without_its_secrets(how: str) -> None:
    line = json.dumps(RECORDS[how])
    text = read(line)
    [first, *_] = diagnoses(case_of(text), {})
    told = without_secrets(first.evidence[0], text)
    assert MEMORY in told and "\n" not in first.evidence[0].shown
    fetched = FetchedLog(
        kind="file", name="a.log", problem=None, words=None, size=len(line),
        data=base64.b64encode(zlib.compress(line.encode())).decode(),
    )  # fmt: skip
    kept = understood(fetched, Clock(now=1764000100.0, offset=0.0, started=None, pids=()))
    assert MEMORY in kept.shown[0].lines[0]
    for one in (told, repr(kept)):
        assert "Sommer" not in one


def test_what_is_read_of_a_record_is_shown_whole(tmp_path: Path) -> None:
    said = {"level": "info", "msg": "driver 470.82.01", "extra": "onnxruntime-gpu 1.20.1", "worker": "w1"}
    (tmp_path / "a.log").write_text(json.dumps(said))
    done = doctor("triage", "a.log", "--format", "json", cwd=tmp_path)
    facts = json.loads(done.stdout)["facts"]
    assert "470.82.01" in json.dumps(facts) and "<secret>" not in json.dumps(facts)


def test_where_a_line_tells_of_the_fallback_no_other_field_is_kept() -> None:
    said = "Failed to create CUDAExecutionProvider. Require cuDNN 9.* and CUDA 12.*"
    line = json.dumps({"level": "warn", "msg": said, "note": "x y " * 40, "db_password": "Sommer2026! " * 40})
    assert "Sommer" not in "".join(_fell_back([line]))


HEALTHY_LOG = (Path(__file__).parent / "triage_texts" / "healthy" / "service-log.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("line", HEALTHY_LOG.splitlines())
def test_what_clients_get_wrong_is_no_complaint_of_the_service(line: str) -> None:
    assert leading(f"{line}\nINFO: onnxruntime, model buffalo_l, POST /detect") == set()


def test_what_a_client_is_told_is_its_complaint() -> None:
    assert leading(
        "requests.exceptions.HTTPError: 422 Client Error: Unprocessable Entity for url: http://a:8000/detect"
    )
    assert leading("< HTTP/1.1 503 Service Unavailable\n< server: uvicorn") == {"service-crashed-or-not-ready"}
