"""Planted secrets, each form of them, in whatever leaves the doctor beside the support file and the report of one machine:
reports of a fleet and their history, comparisons, explanations, plans of fixes, crash files, command lines that are repeated."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import shlex
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from retina_doctor.codec import replace
from retina_doctor.reports import formats
from retina_doctor.running.called import as_called
from retina_doctor.running.crash import write_crash_file
from retina_doctor.support_file import load, save
from tests import doctor as runs
from tests.machines import machine, raw
from tests.planted import Making
from tests.test_secrets import IDENTITIES, PLACES, seen_in
from tests.test_secrets import SECRETS as ALL

SECRETS = {form: make for form, make in ALL.items() if not make(Making(form))[1].isdigit()}
"""Less those that are numbers: a report has fingerprints and figures, which may hold the same digits."""
MACHINE = "port-in-use"
FORMATS_OF_A_FLEET = ("terminal", "json", "junit", "markdown", "csv", "html")


class Fleet:
    """*folder*: snapshots in which each form of a secret stands once, in one place or another. *secrets*: by form; *planted*:
    the forms in each file."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.files = folder, list[Path]()
        self.secrets: dict[str, str] = {}
        self.planted: dict[Path, list[str]] = {}
        forms, places = list(SECRETS), list(PLACES)
        for start in range(0, len(forms), len(places)):
            data = raw(MACHINE)
            for number, form in enumerate(forms[start : start + len(places)]):
                text, self.secrets[form] = SECRETS[form](Making(f"outlet {form}"))
                PLACES[places[(start + number) % len(places)]](data, text)
            file = folder / f"node-{start:03}.json"
            file.write_text(save(load(json.dumps(data))), encoding="utf-8")
            self.files.append(file)
            self.planted[file] = forms[start : start + len(places)]

    def seen(self, text: str, file: Path | None = None) -> list[str]:
        """*file*: of which the text was made; to look for those of all others takes a minute."""
        return [form for form in (self.planted[file] if file else self.secrets) if seen_in(text, self.secrets[form])]


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    return Fleet(tmp_path_factory.mktemp("fleet"))


def said(*words: str | Path, cwd: Path) -> str:
    done = runs.doctor(*words, cwd=cwd)
    assert done.returncode in (0, 1, 3), done.stderr
    return done.stdout + done.stderr


def test_all_forms_are_planted(fleet: Fleet) -> None:
    everything = "".join(file.read_text(encoding="utf-8") for file in fleet.files)
    words = re.sub(r'",\s*"', " ", everything)  # a secret with a blank is two of the words of a command
    assert fleet.seen(everything + words) == list(SECRETS)


def test_reports_of_a_fleet_and_their_history(fleet: Fleet, tmp_path: Path) -> None:
    written = [f"{name}={name}.out" for name in FORMATS_OF_A_FLEET]
    words = [word for one in written for word in ("--format", one)]
    told = said("fleet", "report", fleet.folder, *words, "--into", "kept.db", "--run", "one", cwd=tmp_path)
    for name in FORMATS_OF_A_FLEET:
        text = (tmp_path / f"{name}.out").read_text(encoding="utf-8")
        assert len(text) > 1000
        assert fleet.seen(text + told) == [], name
    assert fleet.seen("".join(everything_in(tmp_path / "kept.db"))) == []


def everything_in(file: Path) -> Iterator[str]:
    """Texts of a history; a snapshot in it is packed."""
    with sqlite3.connect(file) as database:
        tables = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
        cells = [cell for table in tables for row in database.execute(f"select * from {table}") for cell in row]
    database.close()
    packed = [cell for cell in cells if isinstance(cell, bytes)]
    assert packed
    yield from (str(cell) for cell in cells if not isinstance(cell, bytes))
    yield from (unpacked(one) for one in packed)


def unpacked(data: bytes) -> str:
    text = (gzip.decompress if data[:2] == b"\x1f\x8b" else zlib.decompress)(data).decode()
    assert "readings" in text
    return text


def test_what_is_compared_and_explained(fleet: Fleet, tmp_path: Path) -> None:
    for before, after in zip(fleet.files[::2], fleet.files[1::2], strict=False):
        assert fleet.seen(said("diff", before, after, "--format", "json", cwd=tmp_path)) == []
    for file in fleet.files[::6]:
        assert fleet.seen(said("explain", "RD503", "--from", file, "--format", "json", cwd=tmp_path)) == []
        assert fleet.seen(said("explain", "RD503", "--from", file, "--lang", "zh", cwd=tmp_path)) == []


SOURCE = "import onnxruntime\n"
IMAGE = "FROM nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04\n"


def test_lines_of_source_and_of_deployment(tmp_path: Path) -> None:
    """In the line that is shown, and in the difference that would fix it."""
    secrets: dict[str, str] = {}
    lines = {"app.py": SOURCE, "run.sh": "", "Dockerfile": IMAGE}

    def plant(file: str, form: str) -> str:
        text, secrets[f"{file} {form}"] = SECRETS[form](Making(f"{file} {form}"))
        return text.replace("\n", " ")

    for number, form in enumerate(list(SECRETS)[::9]):
        text = plant("app.py", form)
        lines["app.py"] += f"s{number} = onnxruntime.InferenceSession({text!r})  # {text}\n"
        text = shlex.quote(plant("run.sh", form))
        lines["run.sh"] += f"docker run -e X={text} a:cuda12 serve {text}\n"
        lines["Dockerfile"] += f"RUN pip install onnxruntime onnxruntime-gpu # {plant('Dockerfile', form)}\n"
    for name, text in lines.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    written = [word for name in formats.names() for word in ("--format", f"{name}={name}.out")]
    said("scan", "app.py", "run.sh", "Dockerfile", *written, cwd=tmp_path)
    told = {name: (tmp_path / f"{name}.out").read_text(encoding="utf-8") for name in formats.names()}
    told["fix"] = said("fix", "--plan", "app.py", "run.sh", "Dockerfile", cwd=tmp_path)
    assert len(json.loads(told["json"])["findings"]) > 80
    assert "docker run" in told["fix"]
    for name, text in told.items():
        assert [form for form, secret in secrets.items() if seen_in(text, secret)] == [], name


SPREAD = {"seventh-ini-continued", "eighth-tcpdump"}
"""Words of a dictionary, and bytes of a dump: of a command that is split at each blank, each is one of its words; nothing says
where they end."""


@pytest.mark.parametrize("form", [form for form in (*SECRETS, *IDENTITIES) if form not in SPREAD])
def test_a_crash_file(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is masked as a support file is: in the words of the exception, and in those of the command."""
    monkeypatch.chdir(tmp_path)
    make = {**SECRETS, **IDENTITIES}[form]
    (first, secret), (second, other) = make(Making(f"crash {form}")), make(Making(f"command {form}"))
    monkeypatch.setattr(sys, "argv", ["retina-doctor", "check", *second.split()])
    try:
        raise RuntimeError(first)
    except RuntimeError as error:
        file = write_crash_file(error)
    assert file is not None
    text = file.read_text(encoding="utf-8")
    assert not seen_in(text, secret)
    assert not seen_in(text, other)


WAYS: dict[str, Callable[[str], list[str]]] = {
    "words": str.split,
    "address": lambda text: ["--url", f"http://h/?{text}"],
    "target": lambda text: ["--target", f"ssh h {text}"],
}


@pytest.mark.parametrize("way", WAYS)
def test_a_command_that_is_repeated(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the end of a report: how to look again."""
    for form, make in SECRETS.items():
        if way == "words" and form in SPREAD:
            continue
        text, secret = make(Making(f"repeated {way} {form}"))
        monkeypatch.setattr(sys, "argv", ["retina-doctor", "check", *WAYS[way](text)])
        assert not seen_in(as_called(), secret), form


SERVICE = """
import http.server, json, sys
told = json.load(open("answers.json"))
class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(500)
        for number, text in enumerate(told["headers"]):
            self.send_header(f"X-{number}", text)
        self.end_headers()
        self.wfile.write("\\n".join(told["body"]).encode())
    do_POST = do_GET
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
print(server.server_address[1], flush=True)
server.serve_forever()
"""


def test_a_live_service(tmp_path: Path) -> None:
    """Its command line, variables, headers and answers are full of them; not even --no-redact shows one."""
    secrets: dict[str, str] = {}

    def plant(place: str, form: str) -> str:
        text, secrets[f"{place} {form}"] = SECRETS[form](Making(f"{place} {form}"))
        return text.replace("\n", " ").replace("\0", " ")  # no process is given such words

    few = list(SECRETS)[::5]
    (tmp_path / "service.py").write_text(SERVICE)
    heard = {
        "headers": [text for form in few if (text := plant("header", form)).isascii()],
        "body": [plant("body", form) for form in few],
    }
    (tmp_path / "answers.json").write_text(json.dumps(heard))
    words = [word for form in few for word in plant("word", form).split()]
    variables = {f"A{number}": plant("variable", form) for number, form in enumerate(few)}
    variables |= {
        name: plant(name, form) for name, form in zip(("LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES"), few, strict=False)
    }
    service = subprocess.Popen(
        [runs.DEV_PYTHON, "service.py", *words], cwd=tmp_path, env=runs.environment(**variables),
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert service.stdout is not None
        url = f"http://127.0.0.1:{service.stdout.readline().strip()}/detect"
        which = ["--pid", str(service.pid), "--url", url]
        told = said("check", *which, "--format", "json", cwd=tmp_path)
        assert "500" in told
        told += said("check", *which, "--lang", "zh", cwd=tmp_path)
        told += said("collect", "--show", *which, cwd=tmp_path)
        told += said("collect", "--show", "--no-redact", *which, cwd=tmp_path)
    finally:
        service.kill()
        service.wait()
    assert [form for form, secret in secrets.items() if seen_in(told, secret)] == []


FORMULAS = ("=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", " =1", "\r=1", "＝1", "a;=1", 'a";=1', "a,=1", "a\n=1", "a\t=1")


def test_no_cell_of_a_table_is_a_formula(tmp_path: Path) -> None:
    """Also in spreadsheets that end a cell at `;` or a tab: where one begins with a quote, it ends with one."""
    (tmp_path / "nodes").mkdir()
    for number, label in enumerate(FORMULAS):
        snapshot = save(replace(machine(MACHINE).snapshot, label=label))
        (tmp_path / "nodes" / f"{number}.json").write_text(snapshot, encoding="utf-8")
    (tmp_path / "nodes" / "=1+1.json").write_text("{}")
    table = said("fleet", "report", "nodes", "--format", "csv", cwd=tmp_path)
    for delimiter in (",", ";", "\t"):
        rows = list(csv.reader(io.StringIO(table), delimiter=delimiter))
        assert len(rows) == 1 + len(FORMULAS) + 1
        assert not [cell for row in rows for cell in row if re.match(r"\s*[=+\-@＝＋－＠]", cell)]
