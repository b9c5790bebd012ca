"""Whom the doctor looks at unasked: real services beside it on a machine on which nothing else runs."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.doctor import DEV_PYTHON, environment, found, uv, verdicts
from tests.test_behind_proxies import ANSWERS
from tests.test_other_users import NOBODY, UNNAMED, User, system_python

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a machine on which nothing else runs takes root")

APP = """
import mmap, os, socket, sys, time
library = open(os.path.join(sys.argv[1], "onnxruntime", "library.so"), "rb")
mapped = mmap.mmap(library.fileno(), 0, access=mmap.ACCESS_READ)
server = socket.create_server(("0.0.0.0", int(sys.argv[2])))
open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "ready"), "w").write("1")
time.sleep(600)
"""
APART = "unshare --mount --pid --net --fork --mount-proc --kill-child"
CODE = (
    ":".join(path for path in sys.path if path.endswith(("site-packages", "checks"))) + f":{Path(__file__).parents[1]}"
)
"""Where our packages are, for a Python that has none."""
ELSEWHERE = "import flask\nfrom insightface.app import FaceAnalysis\n"


@dataclass(frozen=True)
class Seen:
    told: dict[str, Any]
    stderr: str
    status: int

    @property
    def attached(self) -> bool:
        return self.told["target"]["chosen"] in ("found", "port", "service")

    @property
    def line(self) -> str:
        """The one that says what was seen and not looked at."""
        [line] = [line for line in self.stderr.splitlines() if "--pid" in line]
        return line


@dataclass
class World:
    """A folder that all users may read, with an environment and folders of services."""

    folder: Path
    services: list[str] = field(default_factory=list)

    def serves(
        self, port: int = 8080, by: User | None = None, start: str = "", variables: str = "", words: str = ""
    ) -> None:
        """A service with a folder of its own, named for its port."""
        home = self.folder / str(port)
        home.mkdir()
        (home / "app.py").write_text(APP)
        (home / "ready").touch()
        (home / "ready").chmod(0o666)
        [site] = (self.folder / "venv" / "lib").glob("python3*/site-packages")
        user = by.words if by else ""
        program = f"{self.folder}/venv/bin/python {home}/app.py {site} {port} {words}"
        self.services.append(f"(cd {home}; {start} {user} env {variables} {program} > /dev/null 2>&1 &)")

    def look(
        self, words: str = "", cwd: str = "/", by: User | None = None, terminal: str = "", **variables: str | None
    ) -> Seen:
        """The doctor there. *terminal*: what is typed at one; "": there is none."""
        out = self.folder / "told" / "out.json"  # a folder that anybody may write in, since a report replaces its file
        out.parent.mkdir(exist_ok=True)
        out.parent.chmod(0o777)
        ready = [f"until test -s {self.folder}/{port}/ready; do sleep 0.1; done" for port in self.ports]
        check = f"check --device cpu --only doctor,service --format json={out} {words}"
        # Root's own Python is none that others may run; in the system's the doctor is not installed.
        start = "-P -c 'from retina_doctor.main import main; main()'" if by else "-m retina_doctor"
        call = f"{by.words} env PYTHONPATH={CODE} {system_python()} {start}" if by else f"{DEV_PYTHON} {start}"
        lines = ["ip link set lo up", *self.services, *ready, f"cd {cwd}; exec {call} {check}"]
        env = environment(RETINA_DOCTOR_SERVICE_ATTACH=None, HOME="/", **variables)
        command = [*APART.split(), "sh", "-c", "\n".join(lines)]
        out.unlink(missing_ok=True)
        if terminal:
            told, status = at_a_terminal(command, env, terminal)
        else:
            done = subprocess.run(command, env=env, cwd="/", capture_output=True, text=True, timeout=240, check=False)
            told, status = done.stderr, done.returncode
        assert out.exists(), told
        return Seen(json.loads(out.read_text()), told, status)

    @property
    def ports(self) -> list[str]:
        return [path.parent.name for path in self.folder.glob("*/ready")]


def at_a_terminal(command: list[str], env: dict[str, str], typed: str) -> tuple[str, int]:
    own, other = pty.openpty()
    process = subprocess.Popen(command, stdin=other, stdout=other, stderr=other, env=env, cwd="/", close_fds=True)
    os.close(other)
    said = b""
    try:
        while chunk := os.read(own, 4096):
            said += chunk
            if said.endswith(b"] ") and typed:
                os.write(own, typed.encode())
                typed = ""
    except OSError:  # how a terminal ends
        pass
    os.close(own)
    return said.decode(), process.wait()


@pytest.fixture
def world() -> Iterator[World]:
    folder = Path(tempfile.mkdtemp(prefix="world-"))
    folder.chmod(0o755)
    subprocess.run([uv(), "venv", "--quiet", "--python", system_python(), folder / "venv"], check=True, cwd="/")
    [site] = (folder / "venv" / "lib").glob("python3*/site-packages")
    (site / "onnxruntime").mkdir()
    (site / "onnxruntime" / "library.so").write_bytes(b"\x7fELF" + bytes(4096))
    yield World(folder)
    shutil.rmtree(folder)


# One, for which all speaks


def test_ones_own(world: World) -> None:
    world.serves()
    seen = world.look()
    assert seen.attached and seen.told["standpoint"]["passed_over"] == []
    assert "--pid" not in seen.stderr


def test_ones_own_at_a_terminal_is_not_asked_about(world: World) -> None:
    world.serves()
    seen = world.look(terminal="0\n")
    assert seen.attached and "Which one?" not in seen.stderr


def test_that_of_the_same_model_and_folder(world: World) -> None:
    """What is named, and lies here, speaks for it."""
    world.serves(variables="RETINAFACE_MODEL_PATH=models/a.onnx")
    home = world.folder / "8080"
    (home / "served.py").write_text(ELSEWHERE)
    seen = world.look(f"--model {home}/models/a.onnx", cwd=str(home), RETINAFACE_MODEL_PATH=f"{home}/models/a.onnx")
    assert seen.attached


def test_root_looks_at_another_users_with_that_users_eyes(world: World) -> None:
    world.serves(by=NOBODY)
    seen = world.look()
    assert seen.attached and seen.told["facts"]["interpreter"]["uid"] == NOBODY.number
    assert "belongs to user nobody: its Python is started as that user" in seen.stderr


# Several, or something against it


def test_of_several_none_is_taken(world: World) -> None:
    world.serves(8080)
    world.serves(8000)
    seen = world.look()
    assert not seen.attached and "several services run here; --pid chooses one" in seen.line
    assert [one["why"] for one in seen.told["standpoint"]["passed_over"]] == ["several", "several"]
    assert (seen.told["target"]["command"], seen.told["target"]["problem"]) == ([], "several"), "nor another Python"
    assert seen.told["facts"].get("interpreter", {}) == {}


@pytest.mark.parametrize(
    ("typed", "taken"), [("1\n", 8000), ("2\n", 8080), ("0\n", None), ("00\n\u00b2\n3\n1\n", 8000)]
)
def test_of_several_one_is_chosen_at_a_terminal(world: World, typed: str, taken: int | None) -> None:
    world.serves(8080, by=NOBODY)
    world.serves(8000)
    seen = world.look(terminal=typed)
    assert "Which one? [0-2]" in seen.stderr
    assert seen.attached == (taken is not None)
    if taken is not None:
        first = re.search(rf"  {typed.split()[-1]}  --pid (\d+)", seen.stderr)
        assert first and seen.told["target"]["chosen_by"] == first[1]


AGAINST: dict[str, tuple[str, dict[str, str | None], str]] = {
    # what is there: (flags, variables, why)
    "another model": ("--model /models/other.onnx", {}, "model"),
    "a model of this folder": ("--model models/a.onnx", {}, "model"),
    "another variable": ("", {"RETINAFACE_MODEL_PATH": "/models/typo.onnx"}, "variable"),
    "another service's folder": ("", {}, "folder"),
}


@pytest.mark.parametrize("case", AGAINST)
def test_what_speaks_against_it(world: World, case: str) -> None:
    words, variables, why = AGAINST[case]
    world.serves(variables="RETINAFACE_MODEL_PATH=/models/a.onnx")
    mine = world.folder / "mine"
    (mine / "models").mkdir(parents=True)
    if why == "folder":
        (mine / "served.py").write_text(ELSEWHERE)
    seen = world.look(words, str(mine), None, "", **variables)
    assert not seen.attached and "is not looked into unless you name it: --pid" in seen.line
    [one] = seen.told["standpoint"]["passed_over"]
    assert one["why"] == why
    asked = world.look(words, str(mine), None, "1\n", **variables)
    assert "A service runs here that may not be meant" in asked.stderr and asked.attached
    named = world.look(f"{words} --pid $(pgrep -f 'app.py .* 8080' | head -1)", str(mine), None, "", **variables)
    assert named.attached


def test_a_port_that_is_named_is_the_one_that_is_meant(world: World) -> None:
    world.serves(8080, variables="RETINAFACE_MODEL_PATH=/models/a.onnx")
    world.serves(8000)
    seen = world.look("--port 8080 --model /models/other.onnx")
    assert seen.attached and seen.told["target"]["chosen"] == "port"


# A caller who is not root


def test_an_unprivileged_caller_beside_services_of_all(world: World) -> None:
    """Looks at his own, names none of the others'."""
    world.serves(8080, by=UNNAMED)
    world.serves(8000, by=NOBODY)
    world.serves(5000)
    seen = world.look(by=UNNAMED)
    assert seen.attached and seen.told["facts"]["interpreter"]["uid"] == UNNAMED.number
    assert seen.status in (0, 1, 3) and seen.told["standpoint"]["user"] == str(UNNAMED.number)


def test_an_unprivileged_caller_beside_one_of_his_own_that_is_closed(world: World) -> None:
    """It forbids to be dumped, as services with secrets do: it is no other user's, and only root may look."""
    world.serves(by=UNNAMED)
    app = world.folder / "8080" / "app.py"
    app.write_text("import ctypes; ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)\n" + app.read_text())
    out = world.folder / "told"
    out.mkdir()
    out.chmod(0o777)
    call = (
        f"{UNNAMED.words} env PYTHONPATH={CODE} {system_python()} -P -c 'from retina_doctor.main import main; main()'"
    )
    look = f"{call} check --device cpu --only doctor --pid $(pgrep -u {UNNAMED.number} -f app.py | head -1)"
    lines = ["ip link set lo up", *world.services, f"until test -s {world.folder}/8080/ready; do sleep 0.1; done", look]
    command = [*APART.split(), "sh", "-c", "\n".join(lines)]
    done = subprocess.run(
        command, env=environment(HOME="/"), cwd="/", capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 2 and "lets nobody but root look into it" in done.stderr, done.stderr
    assert "another user" not in done.stderr


@pytest.mark.parametrize("owner", [NOBODY, None], ids=["nobody's", "root's"])
def test_an_unprivileged_caller_beside_a_strangers_service(world: World, owner: User | None) -> None:
    world.serves(by=owner)
    seen = world.look(by=UNNAMED)
    assert not seen.attached and "run the doctor as root" in seen.line
    [one] = seen.told["standpoint"]["passed_over"]
    assert one["why"] == "user"


def test_a_port_that_is_a_strangers_gives_no_other_python(world: World) -> None:
    """What the Python on this user's PATH lacks, that service does not need."""
    world.serves(8080)
    seen = world.look("--port 8080", by=UNNAMED)
    assert not seen.attached and "run the doctor as root" in seen.line
    assert (seen.told["target"]["command"], seen.told["target"]["problem"]) == ([], "not-permitted")


# What was found is a guess


def test_what_answers_at_the_url_is_not_called_another_program_for_one_that_was_found(world: World) -> None:
    """Nobody named that process: what is at the URL, which has a queue and no detector library, may be the service."""
    world.serves(5901)
    there = world.folder / "9333"
    there.mkdir()
    (there / "answers.py").write_text(ANSWERS)
    (there / "ready").touch()
    said = """'{"code": 0, "data": {"task_id": "a1b2"}}'"""
    world.services.append(f"({DEV_PYTHON} {there}/answers.py 0.0.0.0 9333 200 {said} > {there}/ready 2>&1 &)")
    seen = world.look("--url http://127.0.0.1:9333/detect")
    assert seen.told["target"]["chosen"] == "found" and seen.told["facts"]["ports"]["passed_to"] == []
    assert "service-wrong-url" not in found(seen.told)
    assert verdicts(seen.told)["service-wrong-url"] == "passed"
