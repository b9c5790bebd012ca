"""What support engineers run on laptops: no command of theirs needs what only POSIX systems have."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from retina_doctor.authoring import Side
from retina_doctor.looking import desk
from tests.doctor import doctor, environment
from tests.machines import machine
from tests.odd_probes.pack import odd_probe

HERE = Path(__file__).parent
MACHINES = HERE.parent / "fixtures" / "machines"
DESK = (HERE / "desk.py").read_text()
BAD, GOOD = str(MACHINES / "both-packages-vm" / "snapshot.json"), str(MACHINES / "no-gpu-vm" / "snapshot.json")
TEXT = str(HERE / "triage_texts" / "sick" / "driver-too-old.txt")
SOURCE = str(HERE.parent / "fixtures" / "service")


@pytest.fixture
def python(tmp_path: Path) -> str:
    """A Python of such a system, for the processes that the doctor starts: it runs what is sent, or named by -c."""
    file = tmp_path / "python-of-a-desk"
    words = f"exec {shlex.quote(sys.executable)} -I -c {shlex.quote(DESK)}"
    file.write_text(
        f'#!/bin/sh\n[ "$3" = -c ] || exit 7\n{{ printf "%s" "$4"; }} > "$0.program"\n{words} --run "$0.program"\n'
    )
    file.chmod(0o755)
    return str(file)


def at_a_desk(*words: str, cwd: Path, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    env = environment(DESK_PYTHON=python)
    command = [sys.executable, "-I", "-c", DESK, *words]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=240, check=False)


@pytest.mark.parametrize(
    "words",
    [
        ("diagnose", BAD),
        ("diagnose", BAD, "--format", "json"),
        ("diagnose", BAD, "--format", "sarif", "--lang", "zh"),
        ("diagnose", BAD, GOOD, "--format", "json"),
        ("diff", BAD, GOOD),
        ("explain", "ort-both-packages"),
        ("list",),
        ("triage", TEXT),
        ("triage", TEXT, "--format", "json"),
        ("scan", SOURCE),
        ("--help",),
        ("demo",),
    ],
    ids=" ".join,
)
def test_a_command_says_the_same_without_posix(words: tuple[str, ...], tmp_path: Path) -> None:
    here, there = doctor(*words, cwd=tmp_path), at_a_desk(*words, cwd=tmp_path)
    assert there.stderr == here.stderr == ""
    assert there.returncode == here.returncode
    if words[0] == "scan":  # the interpreter, of which it says nothing, is told of on Linux alone
        assert there.stdout.splitlines()[-3:-2] == here.stdout.splitlines()[-3:-2]
    else:
        assert there.stdout == here.stdout


def test_scan_finds_the_same_in_processes_that_lack_posix_as_well(tmp_path: Path, python: str) -> None:
    words = ("scan", SOURCE, "--format", "json")
    here, there = doctor(*words, cwd=tmp_path), at_a_desk(*words, cwd=tmp_path, python=python)
    assert there.stderr == ""
    assert [(f["code"], f["location"]) for f in json.loads(there.stdout)["findings"]] == [
        (f["code"], f["location"]) for f in json.loads(here.stdout)["findings"]
    ]


def test_a_report_is_written_to_a_file(tmp_path: Path) -> None:
    (tmp_path / "out.json").write_text("old")
    done = at_a_desk("diagnose", BAD, "--format", f"json={tmp_path / 'out.json'}", cwd=tmp_path)
    assert done.returncode == 1
    assert json.loads((tmp_path / "out.json").read_text())["exit_code"] == 1


def test_a_machine_is_not_looked_at_there(tmp_path: Path) -> None:
    done = at_a_desk("check", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Linux" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_what_is_taken_away_is_gone(tmp_path: Path, python: str) -> None:
    """Else none of this would show anything."""
    done = at_a_desk("collect", "-o", "x.json", cwd=tmp_path)
    assert done.returncode == 2
    for command in ([sys.executable, "-I", "-c", DESK], [python, "-I", "-S", "-c", "import pwd"]):
        done = subprocess.run(command, input="import pwd", capture_output=True, text=True, check=False)
        assert "No module named 'pwd'" in done.stderr


def test_the_last_words_of_a_process_have_a_limit_there() -> None:
    """In bytes as well: one line may be as long as a program likes."""
    settings = machine("no-gpu-vm").snapshot.settings
    loud = desk._reading(odd_probe("one_long_line", side=Side.CALLER), settings)
    assert loud.stderr_tail == ("the end",), loud
    quiet = desk._reading(odd_probe("two_lines", side=Side.CALLER), settings)
    assert quiet.stderr_tail == ("one", "two"), quiet
