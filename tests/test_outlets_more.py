"""Planted secrets in outlets that are easily forgotten: what nodes and programs say when they fail, files of state, samples."""

from __future__ import annotations

import json
import os
import shlex
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from retina_doctor.fixing.hand import CannotFix, Hand
from retina_doctor.fleet.sending import LONGEST, NodeAnswer, NodeAsking
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.model import Severity
from retina_doctor.redaction import redact, without_secrets
from retina_doctor.reports import formats
from retina_doctor.reports.report import PLAIN, report_of
from retina_doctor.settings import Settings
from retina_doctor.support_file import load, save
from tests import doctor as runs
from tests.machines import raw
from tests.planted import Making
from tests.rejudging import CATALOGUE
from tests.test_outlets import MACHINE, SECRETS, Fleet, said
from tests.test_secrets import IDENTITIES, seen_in

SPEAK = """
import json, sys
text = json.load(open("texts.json"))[sys.argv[1]]
sys.stdin.close()
(sys.stdout if int(sys.argv[1][1:]) % 2 else sys.stderr).write(text + "\\n")
sys.exit(7)
"""


def test_what_nodes_say_that_fail(tmp_path: Path) -> None:
    """On standard error or before the program begins; in the table, in the folder, and in the reports made of it."""
    secrets, texts = {}, {}
    for number, form in enumerate({**SECRETS, **IDENTITIES}):
        text, secrets[form] = {**SECRETS, **IDENTITIES}[form](Making(f"node {form}"))
        texts[f"n{number}"] = text
    (tmp_path / "speak.py").write_text(SPEAK)
    (tmp_path / "texts.json").write_text(json.dumps(texts))
    words = ["-w", f"n[0-{len(texts) - 1}]", "--via", f"{sys.executable} speak.py {{node}}", "-o", "out", "--quick"]
    told = said("fleet", "collect", *words, cwd=tmp_path)
    assert f"told by 0 of {len(texts)} nodes" in told
    kept = (tmp_path / "out" / "collected.json").read_text(encoding="utf-8")
    assert len(json.loads(kept)["missing"]) == len(texts)
    told += said("fleet", "report", "out", "--format", "json", cwd=tmp_path)
    told += said("fleet", "report", "out", "--format", "html", cwd=tmp_path)
    assert [form for form in SECRETS if seen_in(told, secrets[form])] == []
    assert [form for form, secret in secrets.items() if seen_in(kept, secret)] == []


def test_last_words_that_begin_in_the_middle() -> None:
    """Of a line of which only the end was kept, nobody knows what it speaks of."""
    asking = NodeAsking(Settings(), CATALOGUE, ("python3",))
    for form, make in SECRETS.items():
        text, secret = make(Making(f"long {form}"))
        answer = NodeAnswer(asking)
        answer.complain(f"password {text} ".encode())
        answer.complain(b"is a word " * 500 + secret.encode())
        assert not seen_in(answer.last_words, secret), form
        assert len(answer.last_words) <= LONGEST + 4


def test_why_nodes_are_missing_is_masked_as_one_text(tmp_path: Path) -> None:
    """A node's name within another word is no label; the same host has the same mark in all rows."""
    way = ["--via", "sh -c 'echo connect to host zhang-box at 10.20.30.40 failed >&2; exit 7' {node}"]
    done = runs.doctor("fleet", "collect", "-w", "10,gpu1", *way, "-o", "out", "--quick", cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    told = json.loads((tmp_path / "out" / "collected.json").read_text(encoding="utf-8"))
    why = {one["label"]: one["why"] for one in told["missing"]}
    assert why["10"] == why["gpu1"]
    assert "10.20.30.40" not in why["10"] and "<address1>" in why["10"]


def test_last_words_are_the_nodes_own() -> None:
    """srun tells how the program ended on the same stream, before or after what the program said."""
    asking = NodeAsking(Settings(), CATALOGUE, ("python3",))
    carried, own = b"srun: error: gpu-2: task 0: Exited with exit code 127\n", b"no python3 here\n"
    for lines, last in (((own, carried), own), ((carried, own), own), ((carried,), carried)):
        answer = NodeAnswer(asking)
        for line in lines:
            answer.complain(line)
        assert answer.last_words == last.decode().strip()


def test_words_of_the_way_to_a_node(tmp_path: Path) -> None:
    """`--via` is the operator's own; a password in it is in no snapshot, and in no complaint."""
    secrets = {}
    words = ["env", "NODE={node}"]
    for form in [*SECRETS][::7]:
        text, secrets[form] = SECRETS[form](Making(f"via {form}"))
        words.append(f"X={text}".replace("\n", " ").replace("\0", " ").replace("{", "("))
    via = shlex.join([*words, sys.executable])
    told = said(
        "fleet", "collect", "-w", "n[1-2]", "--via", via, "-o", "out", "--quick", "--only", "python_env", cwd=tmp_path
    )
    told += (tmp_path / "out" / "n1.json").read_text(encoding="utf-8")
    assert "env" in json.loads((tmp_path / "out" / "n1.json").read_text(encoding="utf-8"))["target"]["command"]
    wrong = runs.doctor("fleet", "collect", "-w", "n1", "--via", via.replace("{node}", "x"), cwd=tmp_path)
    assert wrong.returncode == 2
    assert [form for form, secret in secrets.items() if seen_in(told + wrong.stderr, secret)] == []


class Index(BaseHTTPRequestHandler):
    """Of packages, which has one or none of them."""

    page = ""

    def do_GET(self) -> None:
        data = self.page.encode()
        self.send_response(200 if data else 404)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def index() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Index)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    "url", ["http://ci:Kx7vbq91mm@{}/simple", "http://{}/simple?token=Kx7vbq91mm", "http://{}/t/Kx7vbq91mm/x"]
)
def test_a_bundle_of_a_private_index(url: str, index: str, tmp_path: Path) -> None:
    """Neither its complaint nor what it made says what the index was told."""
    env = runs.environment(PIP_INDEX_URL=url.format(index), PIP_CONFIG_FILE=os.devnull)
    done = runs.doctor("bundle", "-o", "doctor.pyz", "--python", "3.11", cwd=tmp_path, env=env)
    assert done.returncode == 2
    assert "cannot be fetched" in done.stderr
    assert "Kx7vbq91mm" not in done.stdout + done.stderr
    assert [*tmp_path.iterdir()] == []


def test_what_a_program_of_a_fix_says(tmp_path: Path) -> None:
    """pip repeats what an index answers, and the hand repeats pip. Some forms: all are masked by the same rules."""
    hand = Hand(None, os.environ)
    for form, make in [*SECRETS.items()][::6]:
        text, secret = make(Making(f"fix {form}"))
        (tmp_path / "text").write_text("error: " + text.replace("\n", " "), encoding="utf-8")
        with pytest.raises(CannotFix) as refused:
            hand.run(["sh", "-c", f"cat {tmp_path}/text >&2; exit 1"])
        assert not seen_in(str(refused.value), secret), form


def test_samples_lines_and_properties(tmp_path: Path) -> None:
    """Each form of a secret, in one place or another, in each format and both languages."""
    fleet = Fleet(tmp_path)
    for file in fleet.files:
        snapshot = load(file.read_bytes())
        diagnosis = diagnose(without_secrets(snapshot, CATALOGUE), CATALOGUE)
        for language in ("en", "zh"):
            report = report_of(diagnosis, CATALOGUE, language, Severity.WARNING)
            for name in formats.names():
                assert fleet.seen(formats.load(name).write(report, PLAIN), file) == [], (name, file)


@pytest.mark.parametrize("form", [*SECRETS][::40])
def test_a_label_is_shown_and_its_secret_is_not(form: str, tmp_path: Path) -> None:
    text, secret = SECRETS[form](Making(f"label {form}"))
    label = "node 7 " + text.replace("\n", " ").replace("\0", " ")
    done = runs.doctor("collect", "-o", "-", "--quick", "--label", label, cwd=tmp_path)
    told = done.stdout + done.stderr
    assert done.returncode == 0, done.stderr
    assert "node 7" in json.loads(done.stdout)["label"]
    assert not seen_in(told, secret)


def test_names_of_readings(tmp_path: Path) -> None:
    """Of a pack that is not installed here: they come from whoever made the file."""
    data = raw(MACHINE)
    secrets = {}
    for form in SECRETS:
        text, secrets[form] = SECRETS[form](Making(f"reading {form}"))
        data["readings"][text] = {"outcome": "crashed", "facts": {}, "detail": "x", "seconds": 1.0}
    data["readings"]["\x1b[2Jred"] = {"outcome": "ok", "facts": {}}
    file = tmp_path / "made.json"
    file.write_text(save(load(json.dumps(data))), encoding="utf-8")
    told = save(redact(load(file.read_bytes()), CATALOGUE))
    words = [word for name in formats.names() for word in ("--format", f"{name}={name}.out")]
    told += said("diagnose", file, "--profile", *words, cwd=tmp_path)
    told += "".join((tmp_path / f"{name}.out").read_text(encoding="utf-8") for name in formats.names())
    assert [form for form, secret in secrets.items() if seen_in(told, secret)] == []
    assert "\x1b" not in told
