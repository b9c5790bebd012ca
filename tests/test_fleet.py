"""`fleet report`: many recorded machines judged together, whatever state their files are in."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import junitparser
import pytest

from retina_doctor.codec import replace
from retina_doctor.fleet import cores, node_sets
from retina_doctor.fleet.documents import Document, content_of
from retina_doctor.fleet.judging import How
from retina_doctor.fleet.reporting import read
from retina_doctor.fleet.summing import allowed
from retina_doctor.model import Snapshot
from retina_doctor.support_file import save
from tests.doctor import doctor, environment
from tests.machines import machine

HEALTHY, SICK = "t4-healthy", "ort-cpu-package"


def edited(snapshot: Snapshot, probe: str, **facts: object) -> Snapshot:
    recorded = snapshot.readings[probe]
    reading = replace(recorded, facts={**recorded.facts, **facts})
    return replace(snapshot, readings={**snapshot.readings, probe: reading})


def put(folder: Path, label: str, name: str = HEALTHY, **changes: Any) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / f"{label}.json"
    file.write_text(save(replace(machine(name).snapshot, label=label, **changes)), encoding="utf-8")
    return file


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    """Twelve nodes: 03 to 05 and 09 have the CPU build of onnxruntime, 07 an older driver."""
    folder = tmp_path / "nodes"
    for number in range(1, 13):
        put(folder, f"gpu-{number:02d}", SICK if number in (3, 4, 5, 9) else HEALTHY)
    older = edited(machine(HEALTHY).snapshot, "nvml", driver="580.65.06")
    (folder / "gpu-07.json").write_text(save(replace(older, label="gpu-07")), encoding="utf-8")
    return folder


def told(*words: str | Path, cwd: Path) -> dict[str, Any]:
    done = doctor("fleet", "report", *words, "--format", "json", cwd=cwd)
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["exit_code"] == done.returncode
    return report


def test_roots_and_what_differs_are_told_by_node(fleet: Path, tmp_path: Path) -> None:
    report = told(fleet, cwd=tmp_path)
    assert report["exit_code"] == 1
    assert [one["label"] for one in report["nodes"]] == [f"gpu-{number:02d}" for number in range(1, 13)]
    [group] = [one for one in report["groups"] if one["name"] == machine(SICK).roots[0]]
    assert (group["nodes"], group["count"]) == ("gpu-[03-05,09]", 4)
    by_what = {one["what"]: one for one in report["drift"]}
    assert by_what["nvml.driver"]["majority"] == machine(HEALTHY).snapshot.readings["nvml"].facts["driver"]
    assert by_what["nvml.driver"]["others"] == {"580.65.06": "gpu-07"}
    steps = [one for one in report["plan"] if group["code"] in one["fixes"]]
    assert steps
    assert all(one["nodes"] == "gpu-[03-05,09]" for one in steps)
    alone = json.loads(doctor("diagnose", fleet / "gpu-03.json", "--format", "json", cwd=tmp_path).stdout)
    assert [c for one in report["plan"] for c in one["commands"]] == [
        c for one in alone["plan"][:-1] for c in one["commands"]
    ], "the same steps as for one node alone"


def test_people_read_folded_names(fleet: Path, tmp_path: Path) -> None:
    done = doctor("fleet", "report", fleet, cwd=tmp_path)
    assert "4 nodes  gpu-[03-05,09]" in done.stdout
    assert "12 nodes: 8 healthy, 4 with findings" in done.stdout
    zh = doctor("fleet", "report", fleet, "--lang", "zh", cwd=tmp_path)
    assert "12 个节点：8 个健康，4 个有问题" in zh.stdout


@pytest.mark.parametrize(("share", "code"), [("34%", 0), ("33%", 1), ("4", 0), ("3", 1), ("0", 1)])
def test_so_many_sick_nodes_are_tolerated(fleet: Path, tmp_path: Path, share: str, code: int) -> None:
    assert doctor("fleet", "report", fleet, "--tolerate", share, cwd=tmp_path).returncode == code


@pytest.mark.parametrize("share", ["some", "-1", "101%", "nan", "inf"])
def test_no_share(share: str, tmp_path: Path) -> None:
    done = doctor("fleet", "report", tmp_path, f"--tolerate={share}", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "--tolerate" in done.stderr
    assert allowed("2%", 1000) == 20


def test_a_bad_file_costs_itself_alone(fleet: Path, tmp_path: Path) -> None:
    whole = (fleet / "gpu-01.json").read_text(encoding="utf-8")
    (fleet / "gpu-20.json").write_text(whole[:5000], encoding="utf-8")
    (fleet / "gpu-21.json").write_text(whole.replace('"retina_doctor_snapshot": 1', '"retina_doctor_snapshot": 9'))
    (fleet / "gpu-22.json").write_text("{}", encoding="utf-8")
    (fleet / "copy.json").write_text(whole.replace('"created": "2', '"created": "9'), encoding="utf-8")
    done = doctor("fleet", "report", fleet, "--format", "json", cwd=tmp_path)
    report = json.loads(done.stdout)
    assert done.returncode == report["exit_code"] == 2
    assert len(report["nodes"]) == 12
    [first] = [one for one in report["nodes"] if one["label"] == "gpu-01"]
    assert first["file"].endswith("copy.json"), "the newer of two"
    assert [one["label"] for one in report["missing"]] == ["gpu-20", "gpu-21"]
    lines = done.stderr.splitlines()
    assert len(lines) == 4
    for words in (
        "gpu-20.json: is not a whole snapshot",
        "gpu-21.json: has snapshot format 9",
        "gpu-22.json: passed over",
    ):
        assert any(words in line for line in lines), words
    assert any("gpu-01: two snapshots" in line for line in lines)


def test_bad_files_among_a_thousand(tmp_path: Path) -> None:
    """One line each, and all others are judged."""
    folder = tmp_path / "nodes"
    whole = put(folder, "n0000").read_text(encoding="utf-8")
    for number in range(1, 1000):
        (folder / f"n{number:04d}.json").write_text(whole.replace('"n0000"', f'"n{number:04d}"'), encoding="utf-8")
    format_1, doctor_now = '"retina_doctor_snapshot": 1', machine(HEALTHY).snapshot.doctor
    bad = {
        "n0100": (whole[: len(whole) // 2], "is not a whole snapshot"),
        "n0200": ("", "is not a whole snapshot"),
        "n0300": ("\x01\x02", "is not a whole snapshot"),
        "n0400": (whole.replace(format_1, '"retina_doctor_snapshot": 9'), "has snapshot format 9"),
        "n0500": (whole.replace(format_1, '"retina_doctor_snapshot": "x"'), "has snapshot format x"),
        "n0600": (whole + whole, "is not a whole snapshot"),
    }
    for name, (text, _) in bad.items():
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    (folder / "n0700.json").unlink()
    (folder / "n0700.json").symlink_to("nowhere")
    (folder / "n0800.json").unlink()
    os.mkfifo(folder / "n0800.json")
    older = whole.replace('"n0000"', '"n0900"').replace(f'"doctor": "{doctor_now}"', '"doctor": "0.0.1"')
    (folder / "n0900.json").write_text(older, encoding="utf-8")
    (folder / "other.json").write_text("[]", encoding="utf-8")
    (folder / "twice.json").write_text(whole.replace('"n0000"', '"n0007"'), encoding="utf-8")
    done = doctor("fleet", "report", folder, "--format", "json", cwd=tmp_path)
    report = json.loads(done.stdout)
    said = {**{name: why for name, (_, why) in bad.items()}, "n0700": "cannot be read", "n0800": "is no regular file"}
    assert (done.returncode, len(report["nodes"])) == (2, 1000 - len(said))
    assert {one["label"] for one in report["missing"]} == set(said)
    lines = done.stderr.splitlines()
    for name, words in {**said, "other.json": "passed over", "n0007": "two snapshots"}.items():
        assert (
            len([line for line in lines if f"{name}.json: " in line or f": {name}: " in line or f"/{name}: " in line])
            == 1
        )
        assert any(name in line and words in line for line in lines), (name, lines)
    assert len(lines) == len(said) + 2
    [version] = [one for one in report["drift"] if one["what"] == "doctor"]
    assert version["others"] == {"0.0.1": "n0900"}, "mixed versions are told, and judged"


def test_many_on_all_processors(tmp_path: Path) -> None:
    """Enough for several processes, and the same answer as one by one."""
    folder = tmp_path / "nodes"
    for number in range(200):
        put(folder, f"n{number:03d}", SICK if number % 50 == 0 else HEALTHY)
    (folder / "n117.json").write_text("{", encoding="utf-8")
    report = told(folder, cwd=tmp_path)
    assert len(report["nodes"]) == 199
    assert [one["label"] for one in report["missing"]] == ["n117"]
    [group] = [one for one in report["groups"] if one["name"] == machine(SICK).roots[0]]
    assert group["nodes"] == "n[000,050,100,150]"


def test_a_stream_of_snapshots(tmp_path: Path) -> None:
    """As of `kubectl logs` of a Job: whole or a line each, with lines of others before them."""
    files = [put(tmp_path / "nodes", f"pod-{number}") for number in range(3)]
    lines = "".join(json.dumps(json.loads(file.read_text(encoding="utf-8"))) + "\n" for file in files[1:])
    stream = "starting\n" + files[0].read_text(encoding="utf-8") + lines + '{"cut'
    command = [sys.executable, "-m", "retina_doctor", "fleet", "report", "-", "--format", "json"]
    done = subprocess.run(
        command, input=stream, capture_output=True, text=True, cwd=tmp_path, env=environment(), check=False
    )
    report = json.loads(done.stdout)
    assert [one["label"] for one in report["nodes"]] == ["pod-0", "pod-1", "pod-2"]
    assert [one["label"] for one in report["missing"]] == ["stdin-4"]
    assert done.returncode == 2


def test_a_redacted_host_name_makes_no_two_nodes_one(tmp_path: Path) -> None:
    nameless = save(replace(machine(HEALTHY).snapshot, redacted=True, label=""))
    for name in ("a/x0", "a/x1", "b/x0"):
        file = tmp_path / f"{name}.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(nameless, encoding="utf-8")
    assert [one["label"] for one in told("a", "b", cwd=tmp_path)["nodes"]] == ["b/x0.json", "x0", "x1"]


def test_names_in_hexadecimal_digits_are_names(tmp_path: Path) -> None:
    """As machine ids and containers have them: masked, two nodes would be one, and the older of them lost."""
    for label in ("0123456789abcdef" * 2, "fedcba9876543210" * 2):
        put(tmp_path, label)
    assert len(told(*[file.name for file in tmp_path.glob("*.json")], cwd=tmp_path)["nodes"]) == 2


def test_history_keeps_each_of_them(tmp_path: Path) -> None:
    nameless = save(replace(machine(HEALTHY).snapshot, redacted=True, label=""))
    for name in ("a/x0", "a/x1", "b/x0"):
        file = tmp_path / f"{name}.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(nameless, encoding="utf-8")
    doctor("fleet", "report", "a", "b", "--into", "h.sqlite", cwd=tmp_path)
    with contextlib.closing(sqlite3.connect(tmp_path / "h.sqlite")) as database:
        rows = database.execute("SELECT label FROM nodes ORDER BY label").fetchall()
    assert rows == [("b/x0.json",), ("x0",), ("x1",)]


def test_a_node_that_kills_whoever_judges_it_costs_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a parser that crashes would. The processes are forked, and inherit the trap."""
    folder = tmp_path / "nodes"
    for number in range(3 * cores.AT_ONCE):
        put(folder, f"n{number:03d}")

    def deadly(document: Document) -> bytes | str:
        if document.stem == "n040":
            os.kill(os.getpid(), signal.SIGKILL)
        return content_of(document)

    monkeypatch.setattr(cores, "content_of", deadly)
    monkeypatch.setattr(cores, "processors", lambda: 2)
    fleet = read([str(folder)], How(language="en"))
    assert len(fleet.nodes) == 3 * cores.AT_ONCE - 1
    assert [(one.label, "died" in one.why) for one in fleet.missing] == [("n040", True)]


def test_marks_of_redaction_are_held_against_nothing(tmp_path: Path) -> None:
    """<name1> of one file is another thing than that of another."""
    folder = tmp_path / "nodes"
    folder.mkdir()
    for number in range(5):
        one = edited(machine(HEALTHY).snapshot, "nvml", driver="<version2>" if number == 2 else "<version1>")
        text = save(replace(one, label=f"g{number}", redacted=True))
        (folder / f"g{number}.json").write_text(text, encoding="utf-8")
    assert "nvml.driver" not in [one["what"] for one in told(folder, cwd=tmp_path)["drift"]]


def test_stragglers(tmp_path: Path) -> None:
    folder = tmp_path / "nodes"
    for number in range(8):
        median = 0.6 if number == 5 else 0.02 + number / 10_000
        one = replace(edited(machine(HEALTHY).snapshot, "inference", median=median), label=f"g{number}")
        folder.mkdir(exist_ok=True)
        (folder / f"g{number}.json").write_text(save(one), encoding="utf-8")
    report = told(folder, cwd=tmp_path)
    [lag] = [one for one in report["stragglers"] if one["what"] == "inference.median"]
    assert lag["nodes"] == {"g5": 0.6}


class Reader(HTMLParser):
    """What stands in a page: its tags and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        assert not any(name.startswith("on") or name in ("src", "href") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("form", ["html", "junit", "csv", "markdown", "terminal", "json"])
def test_hostile_labels_stay_text(form: str, tmp_path: Path) -> None:
    folder = tmp_path / "nodes"
    evil = "<script>alert(1)</script>\x1b[31m"
    for name, label in (("a", evil), ("b", '=HYPERLINK("x")'), ("c", "gpu-[1-9999999]")):
        put(folder, name, SICK)
        file = folder / f"{name}.json"
        file.write_text(save(replace(machine(SICK).snapshot, label=label)), encoding="utf-8")
    done = doctor("fleet", "report", folder, "--format", form, cwd=tmp_path)
    assert done.returncode == 1
    assert "\x1b" not in done.stdout
    readers: dict[str, Callable[[], None]] = {
        "html": lambda: html_is_safe(done.stdout),
        "csv": lambda: csv_is_safe(done.stdout),
        "junit": lambda: junit_is_read(done.stdout),
        "markdown": lambda: in_backticks(done.stdout),
    }
    if form in readers:
        readers[form]()


def html_is_safe(page: str) -> None:
    reader = Reader()
    reader.feed(page)
    assert "script" not in reader.tags
    assert "<script>alert(1)</script>" in reader.text
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy
    assert policy[1].startswith("default-src 'none'")
    assert "unsafe" not in policy[1]


def csv_is_safe(table: str) -> None:
    rows = list(csv.DictReader(io.StringIO(table)))
    assert len(rows) == 3
    assert not any(re.match("[=+@-]", value) for row in rows for value in row.values())


def junit_is_read(text: str) -> None:
    suites = list(junitparser.JUnitXml.fromstring(text.encode()))
    assert len(suites) == 3
    assert all(suite.failures for suite in suites)


def in_backticks(text: str) -> None:
    assert "<script>" not in re.sub("`[^`]*`", "", text)


def test_names_fold_with_and_without_clustershell(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["gpu-10", "gpu-9", "gpu-11", "a,b"]
    assert node_sets.folded(names) == "gpu-[9-11],a,b"
    monkeypatch.setitem(sys.modules, "ClusterShell", None)
    monkeypatch.setattr(node_sets, "can_fold", lambda: False)
    assert node_sets.folded(names) == "gpu-9,gpu-10,gpu-11,a,b"


def test_help_needs_nothing_of_it() -> None:
    loaded = "[name for name in sys.modules if 'ClusterShell' in name or 'msgspec' in name]"
    code = f"import sys; from retina_doctor.fleet import command; print({loaded})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_commands_are_whole_however_narrow_the_terminal_is(tmp_path: Path) -> None:
    put(tmp_path, "gpu-1", "driver-too-old")
    done = doctor("fleet", "report", tmp_path, cwd=tmp_path, env=environment(COLUMNS="60"))
    told = json.loads(doctor("fleet", "report", tmp_path, "--format", "json", cwd=tmp_path).stdout)
    commands = [command for step in told["plan"] for command in step["commands"]]
    assert max(map(len, commands)) > 60
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert [command for command in commands if command not in lines] == []


def test_history_tells_what_changed_on_which_nodes(fleet: Path, tmp_path: Path) -> None:
    keep: list[str | Path] = ["fleet", "report", fleet, "--into", "fleet.sqlite", "--format", "json"]
    assert doctor(*keep, "--run", "monday", cwd=tmp_path).returncode == 1
    for number in (1, 2):  # the CPU build came with an update
        put(fleet, f"gpu-{number:02d}", SICK)
    put(fleet, "gpu-03")
    older = edited(machine(HEALTHY).snapshot, "nvml", driver="580.65.06")
    (fleet / "gpu-08.json").write_text(save(replace(older, label="gpu-08")), encoding="utf-8")
    (fleet / "gpu-12.json").unlink()
    put(fleet, "gpu-13")
    assert doctor(*keep, cwd=tmp_path).returncode == 1
    done = doctor("fleet", "diff", "fleet.sqlite", "--format", "json", cwd=tmp_path)
    told = json.loads(done.stdout)
    assert done.returncode == told["exit_code"] == 1
    by_nodes = {one["nodes"]: one for one in told["groups"]}
    assert set(by_nodes) == {"gpu-[01-02]", "gpu-03", "gpu-08"}
    root = machine(SICK).roots[0]
    assert root in by_nodes["gpu-[01-02]"]["appeared"]
    assert root in by_nodes["gpu-[01-02]"]["changes"][0]["findings"], "causes first"
    assert root in by_nodes["gpu-03"]["gone"]
    driver = [one for one in by_nodes["gpu-08"]["changes"] if one["what"] == "nvml.driver"]
    assert [one["after"] for one in driver] == ["580.65.06"]
    assert (told["added"], told["removed"]) == ("gpu-13", "gpu-12")
    drawn = doctor("fleet", "diff", "fleet.sqlite", "monday", "2", cwd=tmp_path)
    [code] = {one["code"] for one in by_nodes["gpu-[01-02]"]["causes"] if one["name"] == root}
    assert f"2 nodes  gpu-[01-02]\n  + {code} {root}: " in drawn.stdout
    assert "{" not in drawn.stdout and "…" not in drawn.stdout, "what no line can hold is said to have changed"
    same = doctor("fleet", "diff", "fleet.sqlite", "2", "2", cwd=tmp_path)
    assert (same.returncode, "Nothing changed." in same.stdout) == (0, True)


def test_a_history_that_is_none(fleet: Path, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("hello", encoding="utf-8")
    with contextlib.closing(sqlite3.connect(tmp_path / "other.sqlite")) as database, database:
        database.execute("CREATE TABLE x (y)")
    put(tmp_path / "one", "a")
    keep: list[str | Path] = ["fleet", "report", tmp_path / "one", "--into", "h.sqlite", "--run", "r"]
    assert doctor(*keep, cwd=tmp_path).returncode == 0
    refused: tuple[tuple[list[str | Path], str], ...] = (
        (["diff", "nosuch"], "no such file"),
        (["diff", "text"], "not a database"),
        (["diff", "other.sqlite"], "something else"),
        (["report", fleet, "--into", "text"], "not a database"),
        (["report", fleet, "--into", "other.sqlite"], "something else"),
        (["report", fleet, "--into", "h.sqlite", "--run", "r"], "already"),
        (["diff", "h.sqlite"], "nothing to compare"),
        (["diff", "h.sqlite", "x"], "no run x"),
        (["report", fleet, "--run", "x"], "--into"),
    )
    for words, said in refused:
        done = doctor("fleet", *words, cwd=tmp_path)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done
        assert said in done.stderr
