"""Wrong usage ends with exit code 2, one clear line on standard error, nothing on standard output, no traceback."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from retina_doctor.running import progress
from tests.machines import raw
from tests.odd_probes import runs

SETTINGS = "retina-doctor.toml"


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """The one line of a refusal."""
    assert done.returncode == 2, done
    assert done.stdout == ""
    assert done.stderr.endswith("\n")
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("retina-doctor: ")
    return done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "# ours\n[detection]\nsize = 640\ntreshold = 0.5\n",
            [":4: ", "detection.treshold", "did you mean threshold?"],
        ),
        ("[detecton]\nsize = 640\n", [":1: ", "detecton", "did you mean detection?"]),
        ("model = 3\n", [":1: ", "[model] must be a table"]),
        ("[colours]\nx = 1\n", [":1: ", "no such table", "known are target, model"]),
        ("[[gate]]\nonly = []\n", ["gate", "must be a table"]),
        ("[service]\nport = 70000\n", [":2: ", "service.port", "70000 is not a port"]),
        ('[service]\nport = "8080"\n', [":2: ", "service.port", "'8080' is text, not a whole number"]),
        ('[detection]\n\nsize = "abc"\n', [":3: ", "detection.size", "'abc' is not a size in pixels"]),
        ("[detection]\nthreshold = 60\n", [":2: ", "detection.threshold", "60 is not between 0 and 1"]),
        ("[detection]\nthreshold = nan\n", [":2: ", "detection.threshold"]),
        ("[detection]\nthreshold = true\n", [":2: ", "detection.threshold"]),
        ("[detection]\nnms = -0.1\n", [":2: ", "detection.nms"]),
        ("[gate]\ntimeout = 0\n", [":2: ", "gate.timeout"]),
        ('[gate]\nfail_on = "errors"\n', [":2: ", "gate.fail_on", "errors"]),
        ('[gpu]\ndevice = "tpu"\n', [":2: ", "gpu.device", "tpu"]),
        ('[gate]\nignore = { RD101 = "" }\n', [":2: ", "gate.ignore", "needs a reason"]),
        ('[gate]\nignore = { RD101 = "  " }\n', [":2: ", "gate.ignore", "needs a reason"]),
        ('[gate]\nignore = ["RD101"]\n', [":2: ", "gate.ignore"]),
        ('[target]\ncommand = "python3 \'unclosed"\n', [":2: ", "target.command", "No closing quotation"]),
        ("[target]\ncommand = []\n", [":2: ", "target.command", "no command given"]),
        ("[model\n", ["line 1"]),
        ("[model]\npath = 'a'\npath = 'b'\n", ["line 3"]),
        ("\x00\x01\x02", [SETTINGS, "line 1"]),
    ],
)
def test_settings_file(tmp_path: Path, text: str, words: list[str]) -> None:
    (tmp_path / SETTINGS).write_text(text)
    line = refused(runs.run(cwd=tmp_path))
    assert SETTINGS in line
    for word in words:
        assert word in line


@pytest.mark.parametrize("key", ['ignore = { RD999 = "we like it" }', 'only = ["models", "RD999"]', 'skip = "RD999"'])
def test_unknown_codes(tmp_path: Path, key: str) -> None:
    (tmp_path / SETTINGS).write_text(f"[gate]\n{key}\n")
    line = refused(runs.run(cwd=tmp_path))
    assert f"gate.{key.split(' ')[0]}: no check has the code or name 'RD999'; `retina-doctor list` shows all" in line


def test_binary_file_as_settings(tmp_path: Path) -> None:
    (tmp_path / "settings.bin").write_bytes(bytes(range(256)) * 40)
    line = refused(runs.run("--config", "settings.bin", cwd=tmp_path))
    assert "settings.bin: is not a text file in UTF-8" in line


def test_settings_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    assert "folder: cannot be read: Is a directory" in refused(runs.run("--config", "folder", cwd=tmp_path))
    assert "gone.toml: cannot be read: No such file" in refused(runs.run("--config", "gone.toml", cwd=tmp_path))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[tool.retina-doctor.detection]\nsise = 640\n", [":2: ", "did you mean size?"]),
        ("[tool]\nretina-doctor = 3\n", ["pyproject.toml", "tool.retina-doctor must be a table"]),
        ("[tool.retina-doctor]\ngate = 3\n", ["pyproject.toml", "[gate] must be a table"]),
    ],
)
def test_pyproject_table(tmp_path: Path, text: str, words: list[str]) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    line = refused(runs.run(cwd=tmp_path))
    for word in words:
        assert word in line


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("RETINA_DOCTOR_MODEL_PAHT", "x", "did you mean path?"),
        ("RETINA_DOCTOR_MODLE_PATH", "x", "did you mean model?"),
        ("RETINA_DOCTOR_MODEL", "x", "no such key in [model]"),
        ("RETINA_DOCTOR_SERVICE_PORT", "http", "'http' is not a number"),
        ("RETINA_DOCTOR_SERVICE_PORT", "70000", "70000 is not a port"),
        ("RETINA_DOCTOR_GATE_QUICK", "perhaps", "neither true nor false"),
        ("RETINA_DOCTOR_GATE_IGNORE", "RD101", "write it as"),
        ("RETINA_DOCTOR_GATE_IGNORE", '{ RD101 = "" }', "needs a reason"),
        ("RETINA_DOCTOR_GATE_IGNORE", '{ RD101 = "\udcff" }', "is not text in UTF-8"),
        ("RETINA_DOCTOR_GATE_SEVERITY", '{ RD101 = { severity = "note", reason = " " } }', "needs a reason"),
        ("RETINA_DOCTOR_GPU_DEVICE", "tpu", "tpu"),
        ("RETINA_DOCTOR_DETECTION_SIZE", "0x0", "is not a size"),
        ("RETINA_DOCTOR_TARGET_COMMAND", "'", "No closing quotation"),
    ],
)
def test_environment(tmp_path: Path, name: str, value: str, words: str) -> None:
    line = refused(runs.run(cwd=tmp_path, more={name: value}))
    assert f"environment variable {name}" in line
    assert words in line


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--port", "70000"], "--port: 70000 is not a port"),
        (["--port", "0"], "--port: 0 is not a port"),
        (["--port", "abc"], "'abc' is not a valid int"),
        (["--det-size", "abc"], "--det-size: 'abc' is not a size in pixels such as 640x640"),
        (["--det-size", "640x"], "--det-size"),
        (["--det-thresh", "1.5"], "--det-thresh: 1.5 is not between 0 and 1"),
        (["--nms-thresh", "nan"], "--nms-thresh"),
        (["--pid", "-4"], "--pid: -4 must be at least 1"),
        (["--timeout", "0"], "--timeout: 0.0 is not a number of seconds"),
        (["--timeout", "inf"], "--timeout"),
        (["--format", "xml"], "--format xml: known are github, gitlab, html, json"),
        (["--format", "json", "--format", "github"], "only one report can go to standard output"),
        (["--lang", "fr"], "--lang fr: known are en, zh"),
        (["--fail-on", "errors"], "errors"),
        (["--device", "tpu"], "tpu"),
        (["--only", "RD999"], "RD999"),
        (["--skip", "nonsense"], "nonsense"),
        (["--target", "/bin/ls"], "--target /bin/ls: is not a Python"),
        (["--target", "/nowhere/python3"], "--target /nowhere/python3: cannot be started: No such file"),
        (["--target", "/"], "--target /: cannot be started: Permission denied"),
        (["--target", ""], "--target: no command given"),
        (["--target", "it's"], "--target: No closing quotation"),
        (["--target", "/two\nlines"], "--target"),
        (["--frobnicate"], "See: retina-doctor check --help"),
        (["--model"], "requires an argument"),
        (["check", "surplus"], "surplus"),
        (["frobnicate"], "No such command 'frobnicate'"),
        (["diagnose"], "Missing argument"),
        (["diagnose", "gone.json"], "gone.json: cannot be read: No such file"),
        (["diagnose", "."], ".: no snapshot in this folder"),
        (["collect"], "name a file with -o FILE"),
        (["collect", "--only", "RD001", "-o", "gone/snapshot.json"], "gone/snapshot.json: cannot be written"),
        (["collect", "-o", "snapshot.json", "--format", "junit"], "--format junit: here, known are terminal, json"),
        (["--only", "RD001", "--format", "json=gone/report.json"], "gone/report.json: cannot be written"),
        (["--only", "RD001", "--format", "json=."], ".: cannot be written: Is a directory"),
        (["--format", "json=a.json", "--format", "junit=./a.json"], "two reports go to the same file"),
        (["explain", "RD999"], "no check has the code or name 'RD999'"),
        (["explain", "RD101", "--lang", "de"], "--lang de"),
        (["list", "--format", "junit"], "--format junit"),
    ],
)  # fmt: skip
def test_flags(tmp_path: Path, flags: list[str], words: str) -> None:
    assert words in refused(runs.run(*flags, cwd=tmp_path))


def test_a_target_that_leads_to_what_is_gone(tmp_path: Path) -> None:
    """A virtual environment's Python is a link; the kernel says of both that there is no such file."""
    (tmp_path / "python").symlink_to(tmp_path / "3.11.4" / "bin" / "python3.11")
    line = refused(runs.run("--target", "./python", cwd=tmp_path))
    assert f"it is a link to {tmp_path}/3.11.4/bin/python3.11, which is not here" in line
    (tmp_path / "tool").write_text("#!/nowhere/python3\n")
    (tmp_path / "tool").chmod(0o755)
    assert "names is not on this machine" in refused(runs.run("--target", "./tool", cwd=tmp_path))
    (tmp_path / "python9").touch()  # which is not the one that PATH lacks
    assert "python9: cannot be started: No such file or directory" in refused(
        runs.run("--target", "python9", cwd=tmp_path)
    )


def test_names_that_are_no_utf_8(tmp_path: Path) -> None:
    name = os.fsdecode(b"det_\xff.onnx")
    assert "--model: 'det_\\udcff.onnx' is not text in UTF-8" in refused(runs.run("--model", name, cwd=tmp_path))


def whole() -> str:
    return json.dumps(raw("t4-healthy"))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (whole()[: len(whole()) // 2].encode(), "is not a whole snapshot"),
        (b"", "is not a whole snapshot"),
        (bytes(range(256)) * 8, "is not a whole snapshot"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\0", "is not a whole snapshot"),
        (b"all is well\n", "is not a whole snapshot"),
        (b"[" * 200_000, "is not a whole snapshot"),
        (b"[1, 2]", "no snapshot of retina-doctor"),
        (b'{"name": "something else"}', "no snapshot of retina-doctor"),
        (json.dumps(raw("t4-healthy") | {"retina_doctor_snapshot": 99}).encode(), "has snapshot format 99"),
        (json.dumps(raw("t4-healthy") | {"retina_doctor_snapshot": "1"}).encode(), "has snapshot format 1"),
        (json.dumps(raw("t4-healthy") | {"retina_doctor_snapshot": 0}).encode(), "has snapshot format 0"),
        (json.dumps(raw("t4-healthy") | {"retina_doctor_snapshot": True}).encode(), "has snapshot format True"),
        (json.dumps(raw("t4-healthy") | {"readings": [1]}).encode(), "is a damaged snapshot"),
        (json.dumps(raw("t4-healthy") | {"target": None}).encode(), "is a damaged snapshot"),
        (b'{"retina_doctor_snapshot": 1}', "is a damaged snapshot"),
    ],
)
def test_snapshot(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "snapshot.json").write_bytes(data)
    assert words in refused(runs.run("diagnose", "snapshot.json", cwd=tmp_path))


def test_a_snapshot_with_odd_facts_is_judged_without_a_traceback(tmp_path: Path) -> None:
    """Facts that do not fit their type are a failed reading, not a crash of the doctor."""
    data = raw("t4-healthy")
    for reading in data["readings"].values():
        reading["facts"] = {"odd": 1}
    (tmp_path / "snapshot.json").write_text(json.dumps(data))
    done = runs.run("diagnose", "snapshot.json", cwd=tmp_path)
    assert done.returncode in (1, 3)
    assert "Traceback" not in done.stderr


def test_a_reader_that_goes_away_changes_neither_exit_code_nor_shows_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "whole.json").write_text(json.dumps(raw("t4-healthy") | {"readings": {}}))
    doctor = subprocess.Popen(
        [*runs.COMMAND, "diagnose", "whole.json", "--format", "json"],
        cwd=tmp_path,
        env=runs.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert doctor.stdout and doctor.stderr
    doctor.stdout.close()
    errors = doctor.stderr.read()
    doctor.stderr.close()
    assert doctor.wait() == 3
    assert errors == ""


@pytest.mark.parametrize("flags", [["--format", "json=gone/x.json"], ["collect", "-o", "gone/x.json"]])
def test_a_file_that_cannot_be_written_is_told_before_anything_is_looked_at(tmp_path: Path, flags: list[str]) -> None:
    """The target would be started first, and refused."""
    line = refused(runs.run(*flags, "--target", "/bin/ls", cwd=tmp_path))
    assert "gone/x.json: cannot be written: No such file" in line
    assert list(tmp_path.iterdir()) == []


def test_the_report_on_standard_output_is_printed_before_files_are_written(tmp_path: Path) -> None:
    (tmp_path / "whole.json").write_text(json.dumps(raw("t4-healthy")))
    done = runs.run("diagnose", "whole.json", "--format", "json=/dev/full", "--format", "github", cwd=tmp_path)
    assert done.returncode == 0, "nothing is found, and a report is lost"
    assert "/dev/full: cannot be written: No space left" in done.stderr
    assert runs.run("diagnose", "whole.json", "--format", "github", cwd=tmp_path).stdout == done.stdout


def test_a_lost_report_hides_no_finding(tmp_path: Path) -> None:
    (tmp_path / "whole.json").write_text(json.dumps(raw("model-missing")))
    wanted = ("--format", "json=/dev/full", "--format", "github=a.txt", "--format", "json=b.json")
    done = runs.run("diagnose", "whole.json", *wanted, cwd=tmp_path)
    lost, *written = done.stderr.splitlines()
    assert done.returncode == 1 and "/dev/full: cannot be written" in lost and len(written) == 2, done.stderr
    assert json.loads((tmp_path / "b.json").read_text())["exit_code"] == 1
    assert (tmp_path / "a.txt").read_text().startswith("::error")


def test_a_report_to_a_file_needs_no_standard_output(tmp_path: Path) -> None:
    (tmp_path / "whole.json").write_text(json.dumps(raw("t4-healthy")))
    command = " ".join([*runs.COMMAND, "diagnose whole.json --format json=report.json >&- 2>&- <&-"])
    assert subprocess.run(["sh", "-c", command], cwd=tmp_path, env=runs.environment(), check=False).returncode == 0
    assert json.loads((tmp_path / "report.json").read_text())["verdict"] == "healthy"


def test_what_a_child_says_of_its_stage_is_shown_and_not_obeyed() -> None:
    child = SimpleNamespace(current="torch", stage="[red]importing\x1b[2J", seconds=3.2)
    assert progress.line([cast(Any, child)], "en") == "torch: [red]importing\\x1b[2J, 3 s"


def test_a_command_whose_pack_cannot_be_loaded_leaves_the_help_whole(tmp_path: Path) -> None:
    info = tmp_path / "pack" / "odd_command-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-command\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[retina_doctor.commands]\nodd = no_such_module:app\n")
    more = {"PYTHONPATH": str(tmp_path / "pack")}
    told = runs.run("--help", cwd=tmp_path, more=more)
    assert told.returncode == 0 and "diagnose" in told.stdout and "odd" in told.stdout
    assert "odd: its pack (no_such_module:app) cannot be loaded" in refused(
        runs.run("odd", "--x", "1", cwd=tmp_path, more=more)
    )


@pytest.mark.parametrize(
    ("words", "late"),
    [
        (["--lang", "zh", "scan", "."], " The command goes first: retina-doctor scan."),
        (["check", "scan"], None),
        (["--quick", "x"], None),
    ],
)
def test_a_command_behind_a_flag(tmp_path: Path, words: list[str], late: str | None) -> None:
    line = refused(runs.run(*words, cwd=tmp_path))
    assert "unexpected extra argument" in line
    assert late in line if late else "goes first" not in line
