"""Somebody who does what the plan says, to the letter: its commands as they are printed, in one shell, and its lines as they are
printed, where they are printed. What only people can do, a test does for them, and only if the plan asks for it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.doctor import environment

PROGRAMS = Path(sys.executable).parent
KEPT_BY_SHELLS = ("_", "SHLVL", "PWD", "OLDPWD")


@dataclass(kw_only=True)
class Desk:
    """A folder, a shell in it with *variables*, and what is started from it. *python*: the service's. *service*: its command;
    "" where none runs. *shown*: the last report as it was printed; *told*: the same as data. *ends*: what undoes what was made
    outside the folder."""

    folder: Path
    python: Path
    variables: dict[str, str] = field(default_factory=dict)
    service: str = ""
    process: subprocess.Popen[bytes] | None = None
    shown: str = ""
    told: dict[str, Any] = field(default_factory=dict)
    ends: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def home(self) -> Path:
        return Path(self.variables["HOME"])

    @property
    def site(self) -> Path:
        return next((self.python.parents[1] / "lib").glob("python3*/site-packages"))

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def shell(self, line: str) -> subprocess.CompletedProcess[str]:
        """What it exports is there for all that follows."""
        kept = self.folder.parent / "variables"
        words = ["bash", "-c", f"{line}\nstatus=$?; env -0 > {shlex.quote(str(kept))}; exit $status"]
        done = subprocess.run(
            words, cwd=self.folder, env=self.variables, capture_output=True, text=True, timeout=600, check=False
        )
        pairs = dict(one.split("=", 1) for one in kept.read_text().split("\0") if "=" in one)
        self.variables = {name: value for name, value in pairs.items() if name not in KEPT_BY_SHELLS}
        return done

    def look(self, line: str) -> None:
        """A command of the doctor's that writes both reports."""
        file = self.folder.parent / "report.json"
        file.unlink(missing_ok=True)
        done = self.shell(line)
        assert file.is_file(), done.stdout + done.stderr
        self.shown, self.told = done.stdout, json.loads(file.read_text())

    def first_look(self, *words: str | Path) -> None:
        formats = ("--format", "terminal", "--format", f"json={self.folder.parent / 'report.json'}")
        self.look(shlex.join(map(str, ("retina-doctor", *words, *formats))))

    @property
    def roots(self) -> set[str]:
        return {one["name"] for one in self.told["findings"] if one["root"] is None}

    def start(self) -> None:
        """The service, until it listens."""
        log = self.folder.parent / "service.log"
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                ["bash", "-c", f"exec {self.service}"], cwd=self.folder, env=self.variables, stdout=out, stderr=out
            )
        self.wait(log)

    def wait(self, log: Path) -> None:
        """Until what runs listens."""
        end = time.monotonic() + 60
        while not listens(int(self.variables["PORT"])):
            assert self.process is not None and self.process.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def restart(self) -> None:
        if self.service:
            self.stop()
            self.start()


def listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def desk_at(folder: Path, python: Path, **more: str | None) -> Desk:
    """*folder*: empty. The doctor is on PATH, as its reader's shell has it, behind programs of the desk's own."""
    for name in ("work", "home", "bin"):
        (folder / name).mkdir()
    path = os.pathsep.join(map(str, (folder / "bin", PROGRAMS, os.environ["PATH"])))
    variables = environment(HOME=str(folder / "home"), PATH=path, UV_NO_CONFIG="1", COLUMNS="300", **more)
    return Desk(folder=folder / "work", python=python, variables=variables)


Hands = Mapping[str, Callable[[Desk], object]]
"""What the plan asks of people, by words of the plan."""


def follow(desk: Desk, hands: Hands) -> None:
    """The plan of the last look, from top to bottom; the last command looks again."""
    plan = desk.told["plan"]
    assert plan, desk.shown
    printed = [line.strip() for line in desk.shown.splitlines()]
    left = dict(hands)
    for step in plan:
        done = _by_hand(desk, step, left)
        for edit in step["edits"]:
            if edit["instead"] is not None:
                _write(edit, printed)
                done = True
        for command in step["commands"]:
            assert command in printed, f"{command}\nis not in\n{desk.shown}"
            if step is plan[-1]:
                desk.look(command)
            else:
                ended = desk.shell(command)
                assert ended.returncode == 0, f"{command}\n{ended.stdout}{ended.stderr}"
            done = True
        if step["kind"] == "restart":
            desk.restart()
            done = True
        assert done, f"nobody does this step: {step}"
    assert not left, f"the plan does not say {set(left)}: {plan}"


def _by_hand(desk: Desk, step: dict[str, Any], left: dict[str, Callable[[Desk], object]]) -> bool:
    asked = [words for words in left if words in step["text"]]
    for words in asked:
        left.pop(words)(desk)
    return bool(asked)


def _write(edit: dict[str, Any], printed: list[str]) -> None:
    """The line as it is printed, indented as the one that stands there."""
    path, number = Path(edit["location"]["file"]), edit["location"]["line"]
    assert any(line.startswith(f"{path}:{number}") for line in printed), printed
    lines = path.read_text().split("\n")
    indent = re.match(r"\s*", lines[number - 1])
    assert indent is not None
    written = [indent[0] + line for line in edit["instead"].split("\n")] if edit["instead"] else []
    assert all(line.strip() in printed for line in written), printed
    lines[number - 1 : number] = written
    path.write_text("\n".join(lines))
