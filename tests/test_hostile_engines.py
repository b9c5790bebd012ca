"""What docker, podman and systemd answer of a container or unit is what whoever made that has written: data, and bounded."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.doctor import doctor, environment

DEEP = "[" * 100_000
STATE: dict[str, Any] = {"Running": False, "ExitCode": 1, "OOMKilled": False, "StartedAt": "2026-11-01T09:00:00Z"}


def told(**config: Any) -> str:
    return json.dumps([{"Config": config, "State": STATE, "RestartCount": 1}])


ANSWERS = {
    "words with options": told(Cmd=["--pid=1", "-c", "$(touch ran)", "`touch ran`"], Entrypoint=["python3", "-m"]),
    "newlines and escapes": told(Cmd=["python3", "a\n::error::b.py\u001b]0;x\u0007"], WorkingDir="/srv\n/x"),
    "no texts": told(Cmd=[1, None, {"a": 1}], Entrypoint={"a": 1}, WorkingDir=5),
    "no mapping": json.dumps([{"Config": "text", "State": ["Running"]}]),
    "no list": json.dumps({"Config": {}}),
    "a number": "1",
    "infinite": json.dumps([{"Config": {"Cmd": ["python3", "app.py"]}, "State": {**STATE, "ExitCode": 1e999}}]),
    "a moment that never was": told(Cmd=["x.py"]).replace("2026-11-01", "9999-99-99"),
    "no number of restarts": told(Cmd=["x.py"]).replace('"RestartCount": 1', '"RestartCount": "1\\n2"'),
    "deep": DEEP,
    "cut": told(Cmd=["x" * 70_000]),
    "no UTF-8": "\udcff\udcfe",
    "empty": "",
}
ENGINE = """#!@PYTHON@ -IS
import os, sys, time
words = sys.argv[1:]
open(os.path.join(os.path.dirname(sys.argv[0]), "asked"), "a").write(repr(words) + chr(10))
sys.stdout.buffer.write(open(os.path.join(os.path.dirname(sys.argv[0]), "answer"), "rb").read())
"""


def asked(folder: Path, answer: str, start: str, *, then: str = "") -> Any:
    """The report of a run beside an engine that answers everything with *answer*, and *then* does something."""
    programs = folder / "bin"
    programs.mkdir()
    for name in ("docker", "podman"):
        (programs / name).write_text(ENGINE.replace("@PYTHON@", sys.executable) + then)
        (programs / name).chmod(0o755)
    (programs / "answer").write_bytes(answer.encode("utf-8", "surrogateescape"))
    env = environment(PATH=f"{programs}:/usr/bin:/bin")
    words = ("--device", "cpu", "--only", "doctor,service", "--target", sys.executable, "--start", start)
    return doctor("check", "--format", "json", *words, cwd=folder, env=env)


@pytest.mark.parametrize("engine", ["docker", "podman"])
@pytest.mark.parametrize("answer", ANSWERS)
def test_what_an_engine_answers_is_data(answer: str, engine: str, tmp_path: Path) -> None:
    done = asked(tmp_path, ANSWERS[answer], f"{engine}:face")
    assert done.returncode in (0, 1, 3), done.stderr
    report = json.loads(done.stdout)
    assert [one for one in report["probes"] if one["outcome"] != "ok"] == []
    assert not (tmp_path / "ran").exists() and "\x1b" not in done.stdout
    assert report["facts"]["start"]["source"] == "container"


@pytest.mark.parametrize("name", ["--help", "-v", "a b", "a\nb"])
def test_the_name_of_a_container_is_never_an_option(name: str, tmp_path: Path) -> None:
    done = asked(tmp_path, ANSWERS["empty"], f"docker:{name}")
    assert done.returncode in (0, 1, 2, 3), done.stderr
    lines = (tmp_path / "bin" / "asked").read_text().splitlines() if (tmp_path / "bin" / "asked").exists() else []
    assert all(line == repr(["inspect", "--type", "container", "--", name]) for line in lines if "inspect" in line)


@pytest.mark.parametrize(
    "then", ["time.sleep(600)", "while True: sys.stdout.write('x' * 65536)"], ids=["slow", "without an end"]
)
def test_an_engine_that_is_slow_or_floods_is_ended(then: str, tmp_path: Path) -> None:
    done = asked(tmp_path, "", "docker:face", then=then)
    assert done.returncode in (0, 1, 3), done.stderr
    assert json.loads(done.stdout)["facts"]["start"]["command"] is None
