"""One function of bytes per thing that the doctor reads; it returns for all that is refused in words, and raises else."""

from __future__ import annotations

import functools
import json
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from retina_doctor_checks.probes.models import contents
from retina_doctor_checks.probes.service.answer_body import pruned
from retina_doctor_checks.probes.service.look_answers import understood
from retina_doctor_checks.probes.service.own_headers import Headers
from retina_doctor_checks.triage.diagnosing import case_of, diagnoses
from retina_doctor_checks.triage.readings import judged
from retina_doctor_checks.triage.text import read

from retina_doctor.catalogue.registry import installed
from retina_doctor.codec import decode, encode
from retina_doctor.errors import UsageError
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.masking.words import beginning
from retina_doctor.model import Recorded
from retina_doctor.probing.process import Child
from retina_doctor.probing.request import LookRequest, Request
from retina_doctor.redaction import redact, without_secrets
from retina_doctor.redaction.marks import Marks
from retina_doctor.redaction.rules import Rules
from retina_doctor.redaction.secrets_only import SecretsOnly
from retina_doctor.reports.formats import writer
from retina_doctor.reports.report import PLAIN, report_of
from retina_doctor.settings.sources import load_settings
from retina_doctor.support_file import SnapshotError, load, save
from tests.machines import names, raw
from tools.fuzz import trees
from tools.fuzz_models import seeds as model_seeds

ROOT = Path(__file__).parents[2]
FOLDER = Path(tempfile.mkdtemp(prefix="fuzz"))
Target = Callable[[bytes], None]
Seeds = Callable[[], list[bytes]]


def snapshot(data: bytes) -> None:
    """Load, redact, judge, report."""
    try:
        seen = load(data)
    except SnapshotError:
        return
    catalogue = installed()
    try:
        shown = without_secrets(seen, catalogue)
        report = report_of(diagnose(shown, catalogue), catalogue, "zh", None)
    except UsageError:
        return  # settings that name no check
    for name in ("terminal", "json"):
        writer(name)(report, PLAIN)
    once = redact(seen, catalogue)
    load(save(once))


def settings(data: bytes) -> None:
    file = FOLDER / "retina-doctor.toml"
    file.write_bytes(data)
    try:
        load_settings(file, {}, {}, FOLDER)
    except UsageError as error:
        str(error).encode("utf-8", "replace")


@functools.cache
def _ended() -> subprocess.Popen[bytes]:
    process = subprocess.Popen(["true"])
    process.wait()
    return process


def frames(data: bytes) -> None:
    """What a target says over the private stream."""
    request = Request(command=["x"], modules={}, looks=[LookRequest(probe="nvml", run="x", arguments={}, seconds=1)])
    child = Child(request, "token ", _ended())
    for line in data.split(b"\n"):
        child._take(b"token " + line)
    told = child.recorded(1.0)["nvml"]
    decode(encode(told), Recorded)


def answers(data: bytes) -> None:
    """What stands behind a port."""
    json.dumps(understood("/detect", data))
    try:
        document = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return
    json.dumps(pruned(document, Headers({})), allow_nan=False)


def models(data: bytes) -> None:
    file = FOLDER / "model.onnx"
    file.write_bytes(data)
    json.dumps(contents.examine(str(file)))


def redaction(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    for rules in (Rules(Marks()), SecretsOnly(Marks())):
        for rule in rules.of.values():
            rule(text)
        rules.words(text.split())
        rules.document({text[:50]: [text]})
    beginning(text, 300)


def triage(data: bytes) -> None:
    """A pasted log, in whatever form: each line keeps its number, and none is made up."""
    text = read(data.decode("utf-8", "replace"))
    numbers = [line.number for line in text.lines]
    assert len(numbers) == len(set(numbers)), "a line twice"
    case, catalogue = case_of(text), installed()
    for one in diagnoses(case, catalogue.explains, judged(case, catalogue)):
        assert 0 <= one.score <= 1 and one.evidence, one


def _logs() -> list[bytes]:
    return [*(file.read_bytes() for file in sorted((ROOT / "tests" / "triage_texts").rglob("*.txt"))), JOURNAL, RECORDS]


def _machines() -> list[bytes]:
    return [json.dumps(raw(name)).encode() for name in names()[::9]]


def _texts() -> list[bytes]:
    found = []
    for name in names()[::9]:
        for reading in raw(name)["readings"].values():
            found.append(json.dumps(reading.get("facts", {}), ensure_ascii=False).encode()[:3000])
    return found


SETTINGS = b"""[gate]
only = ["RD401"]
ignore = { RD401 = "x" }
[model]
path = "/x"
[service]
port = 80
[detection]
size = [640, 640]
"""
FRAMES = b"""{"hello": [3, 11, 0]}
{"begin": "nvml"}
{"tell": {"gpus": []}}
{"stage": "x"}
{"end": "nvml", "failed": null}
{"done": true}"""
JOURNAL = b"""__CURSOR=s=1;i=2
__REALTIME_TIMESTAMP=1764000003123456
SYSLOG_IDENTIFIER=python
_PID=2211
MESSAGE=CUDA failure 2: out of memory ; GPU=0

__CURSOR=s=1;i=3
__REALTIME_TIMESTAMP=1764000003123457
SYSLOG_IDENTIFIER=kernel
MESSAGE=NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus."""
RECORDS = b"""{"log":"libcublasLt.so.12: cannot open shared object file\\n","stream":"stderr","time":"2026-11-23T09:00:03Z"}
{"__CURSOR":"s=1","SYSLOG_IDENTIFIER":"a","_PID":"7","MESSAGE":[67,85,68,65]}
{"ts":1764000003.1,"level":"error","msg":"driver 470, CUDA 12.4, onnxruntime-gpu 1.20"}
face-1  | Traceback (most recent call last):
db-1    | LOG: checkpoint
face-1  | RuntimeError: CUDA error: out of memory"""
ANSWERS = [
    b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{"faces": []}',
    b'{"faces": [{"bbox": [1, 2, 3, 4], "confidence": 0.9}]}',
]
TARGETS: dict[str, tuple[Target, Seeds]] = {
    "snapshot": (snapshot, _machines),
    "settings": (settings, lambda: [SETTINGS]),
    "frames": (frames, lambda: [FRAMES]),
    "answers": (answers, lambda: ANSWERS),
    "source": (trees.source, trees.source_seeds),
    "deployment": (trees.deployment, trees.deployment_seeds),
    "models": (models, lambda: list(model_seeds().values())),
    "redaction": (redaction, _texts),
    "triage": (triage, _logs),
}
