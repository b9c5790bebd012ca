"""Files that do not answer, as those of a server that is gone: the doctor ends in time, and says so."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from retina_doctor.apart import LOCAL, apart
from retina_doctor.probing import waiting
from tests.doctor import DEV_PYTHON, doctor, environment, uv
from tests.test_other_users import system_python
from tests.test_views import folder

__all__ = ["folder"]
T = TypeVar("T")
ROOT = pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/dev/fuse").exists(), reason="to mount what never answers takes root and FUSE"
)


def test_what_answers_is_told() -> None:
    assert apart(lambda: ("x" * 300_000, {1: None})) == ("x" * 300_000, {1: None})


def test_what_does_not_answer_is_left_behind() -> None:
    before = time.monotonic()
    with pytest.raises(TimeoutError, match=r"no answer in 0\.2 s"):
        apart(lambda: time.sleep(60), 0.2)
    assert time.monotonic() - before < 30


def test_what_raises_or_dies_there_is_done_here() -> None:
    here = os.getpid()
    with pytest.raises(ValueError, match="of this process"):
        apart(lambda: _raises(here))
    assert apart(lambda: here if os.getpid() == here else os._exit(9)) == here


DIES = """
import os, signal, subprocess
from retina_doctor.apart import apart
here = os.getpid()
def work():
    if os.getpid() == here:
        return "done here"
    # The doctor does not read, so the pipe is full when the child is killed.
    ends = f"sleep 1; kill -KILL {os.getpid()}; kill -CONT {here}"
    subprocess.Popen(["sh", "-c", ends], start_new_session=True)
    os.kill(here, signal.SIGSTOP)
    return "x" * 1_000_000
print(apart(work))
"""


def test_what_dies_in_the_middle_of_its_answer_is_done_here() -> None:
    done = subprocess.run([DEV_PYTHON, "-c", DIES], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("done here\n", "")


MANY_OPEN = """
import os, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (2048, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
held = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
"""


def test_a_caller_that_has_a_thousand_files_open() -> None:
    program = MANY_OPEN + "from retina_doctor.apart import apart; print(apart(lambda: 7))"
    done = subprocess.run([DEV_PYTHON, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("7\n", "")


def test_a_library_that_has_a_thousand_files_open() -> None:
    captures = "with captured() as lines: os.write(1, b'said\\n')\nprint(lines)"
    program = f"{MANY_OPEN}from retina_doctor_checks.probes.native.output import captured\n{captures}"
    done = subprocess.run([DEV_PYTHON, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "['said']\n", done.stderr


def _raises(here: int) -> None:
    raise ValueError("of this process" if os.getpid() == here else "of the other")


def test_which_file_systems_may_hang() -> None:
    assert {"ext4", "xfs", "btrfs", "overlay", "tmpfs"} <= LOCAL
    assert not LOCAL & {"nfs", "nfs4", "cifs", "fuse", "fuse.juicefs", "ceph", "9p", "lustre", "virtiofs", "autofs"}


def test_it_holds_nobodys_output() -> None:
    """Who reads the doctor's output does not wait for what was left behind."""
    waits = "try: apart(lambda: time.sleep(600), 0.1)\nexcept TimeoutError: print(1)"
    program = f"import time; from retina_doctor.apart import apart\n{waits}"
    done = subprocess.run([DEV_PYTHON, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "1\n"


HANGS = """
import ctypes, os, sys, time
server = os.open("/dev/fuse", os.O_RDWR)  # nobody ever answers there
words = b"fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other" % server
libc = ctypes.CDLL(None, use_errno=True)
assert libc.mount(b"hangs", os.fsencode(sys.argv[1]), b"fuse", 0, words) == 0, os.strerror(ctypes.get_errno())
print(1, flush=True)
time.sleep(600)
"""
SERVICE = "import http.server as http; http.HTTPServer(('', 8080), http.BaseHTTPRequestHandler).serve_forever()"


def beside(folder: Path, mount: str, words: str) -> subprocess.CompletedProcess[str]:
    """The doctor beside a service over whose environment something is mounted once it runs."""
    subprocess.run([uv(), "venv", "--quiet", "--python", system_python(), folder / "venv"], check=True, cwd="/")
    (folder / "hangs.py").write_text(HANGS)
    lines = [
        "ip link set lo up",
        f'{folder}/venv/bin/python -c "{SERVICE}" &',
        "PID=$!",
        "sleep 1",
        mount,
        f"{DEV_PYTHON} -m retina_doctor check --only service,doctor --device cpu --timeout 8 --format json {words}",
    ]
    apart = "unshare --mount --pid --net --fork --mount-proc --kill-child sh -c".split()
    env = environment(RETINA_DOCTOR_SERVICE_ATTACH=None)
    return subprocess.run(
        [*apart, "\n".join(lines)], env=env, cwd="/", capture_output=True, text=True, timeout=120, check=False
    )


def target(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(done.stdout)["target"]
    return told


@ROOT
def test_an_environment_on_a_disk_that_does_not_answer(folder: Path) -> None:
    """No other Python is judged in its place, and nobody waits for it."""
    hangs = f"{DEV_PYTHON} {folder}/hangs.py {folder}/venv > {folder}/mounted &"
    mount = f"{hangs}\nuntil test -s {folder}/mounted; do sleep 0.1; done"
    done = beside(folder, mount, "--pid $PID")
    assert (target(done)["command"], target(done)["problem"]) == ([], "no-answer"), done.stderr
    assert done.returncode == 3
    assert not [one for one in json.loads(done.stdout)["findings"] if one["severity"] == "error"]


@ROOT
def test_an_environment_on_a_disk_that_does(folder: Path) -> None:
    done = beside(folder, f"mount --bind {folder}/venv {folder}/venv", "--pid $PID")
    assert (target(done)["command"], target(done).get("problem")) == ([f"{folder}/venv/bin/python"], None), done.stderr


@ROOT
@pytest.mark.parametrize(("before", "words"), [("", "--target @/bin/python"), ("VIRTUAL_ENV=@ ", "")])
def test_a_named_python_on_a_disk_that_does_not_answer(before: str, words: str, folder: Path) -> None:
    hangs = f"{DEV_PYTHON} {folder}/hangs.py {folder}/venv > {folder}/mounted &"
    mount = f"{hangs}\nuntil test -s {folder}/mounted; do sleep 0.1; done"
    if before:
        mount += f"\nkill $PID; export {before.replace('@', f'{folder}/venv')}"
    done = beside(folder, mount, words.replace("@", f"{folder}/venv"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "the disk does not answer" in done.stderr and f"{folder}/venv" in done.stderr


# What a Python waits for


def hanging(folder: Path, name: str) -> str:
    """Shell lines that mount at folder/name what does not answer."""
    (folder / name).mkdir()
    (folder / "hangs.py").write_text(HANGS)
    mount = f"{DEV_PYTHON} {folder}/hangs.py {folder}/{name} > {folder}/mounted &"
    return f"{mount}\nuntil test -s {folder}/mounted; do sleep 0.1; done"


def looked_at(folder: Path, before: str, words: str, path: str = "/usr/bin:/bin") -> subprocess.CompletedProcess[str]:
    """The doctor, whose shell looks for no program in *path*."""
    check = f"{DEV_PYTHON} -m retina_doctor check --only doctor --device cpu --timeout 6 --format json {words}"
    lines = f"{before}\nexec /usr/bin/env PATH={path} {check}"
    apart = "unshare --mount --pid --net --fork --mount-proc --kill-child sh -c".split()
    return subprocess.run(
        [*apart, lines], env=environment(), cwd="/", capture_output=True, text=True, timeout=90, check=False
    )


def broken(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    [finding] = json.loads(done.stdout)["findings"]
    assert finding["name"] == "target-python-broken", done.stderr
    told: dict[str, Any] = finding
    return told


@ROOT
def test_a_folder_of_the_services_path_that_does_not_answer_is_named(folder: Path) -> None:
    python = f"/usr/bin/env PATH={folder}/hung:/usr/bin {system_python()}"
    done = looked_at(folder, hanging(folder, "hung"), f'--target "{python}"')
    finding = broken(done)
    assert finding["evidence"]["file"].startswith(f"{folder}/hung/")
    assert f"{folder}/hung" in finding["message"] and done.returncode == 1
    assert all("ls -ld" in command for command in finding["fix"]["commands"])


@ROOT
def test_an_environment_beside_a_disk_that_does_not_answer(folder: Path) -> None:
    """Nobody asks for it, so it is no trouble of the service's."""
    done = looked_at(folder, hanging(folder, "hung"), f"--target {system_python()}")
    assert json.loads(done.stdout)["findings"] == [], done.stderr


CUSTOMIZE = {
    "a pipe": "open('@/pipe')",
    "the time": "import time; time.sleep(600)",
    "a socket": "os.read(0, 1 << 20)\n" * 9,
}


@pytest.mark.parametrize("waits", CUSTOMIZE)
def test_a_pipe_that_nobody_writes_to_is_named(waits: str, tmp_path: Path) -> None:
    """What waits for no file is no disk that hangs."""
    os.mkfifo(tmp_path / "pipe")
    text = f"import os, threading\n{CUSTOMIZE[waits].replace('@', str(tmp_path))}\nthreading.Event().wait()\n"
    (tmp_path / "sitecustomize.py").write_text(text)
    target = f"/usr/bin/env PYTHONPATH={tmp_path} {system_python() if os.geteuid() == 0 else DEV_PYTHON}"
    words = ("check", "--only", "doctor", "--device", "cpu", "--timeout", "6", "--format", "json", "--target", target)
    finding = broken(doctor(*words, cwd=tmp_path))
    assert finding["evidence"]["file"] == (f"{tmp_path}/pipe" if waits == "a pipe" else None)
    looks = [command for command in finding["fix"]["commands"] if command.startswith("fuser -v ")]
    assert bool(looks) == (waits == "a pipe"), "what is asked about a pipe answers always; who has it open does tell"


@ROOT
@pytest.mark.parametrize("words", ["", '--target "python3 -I"'], ids=["no target", "a target by its name"])
def test_a_folder_of_the_callers_path_that_does_not_answer(words: str, folder: Path) -> None:
    """Nobody waits for it, for ever; and none is asked that comes after the one with the program."""
    before = hanging(folder, "hung")
    done = looked_at(folder, before, words, f"{folder}/hung:/usr/bin:/bin")
    assert (done.returncode, done.stdout) == (2, "")
    assert "PATH: the disk does not answer" in done.stderr and f"({folder}/hung)" in done.stderr


@ROOT
@pytest.mark.parametrize("words", ["--target @", ""], ids=["a target", "no target"])
def test_a_late_folder_of_path_that_does_not_answer_is_left_out(words: str, folder: Path) -> None:
    """Where the service's Python does not come from behind it: what looks for other programs would wait for it."""
    path = f"/usr/bin:/bin:{folder}/hung"
    done = looked_at(folder, hanging(folder, "hung"), words.replace("@", system_python()), path)
    assert f"PATH: {folder}/hung does not answer" in done.stderr
    assert json.loads(done.stdout)["findings"] == [], done.stderr


def test_memory_that_only_an_ancestor_may_open_is_read_by_its_fork(tmp_path: Path) -> None:
    """As where Yama restricts ptrace; here another user is who may not open it."""
    os.mkfifo(tmp_path / "pipe")
    words = [system_python(), "-I", "-S", "-c", f"open({str(tmp_path / 'pipe')!r})"]
    with subprocess.Popen(words, start_new_session=True) as process, contextlib.ExitStack() as opened:
        try:
            asked: list[waiting.Called] = []
            while not waiting._named(asked):
                asked = list(waiting._asked(process.pid, opened))
            named = apart(lambda: as_nobody(lambda: waiting._named(asked)))
            assert named == [(process.pid, f"{tmp_path}/pipe")]
            if os.geteuid() == 0:
                assert apart(lambda: as_nobody(lambda: [one.pid for one in waiting._asked(process.pid, opened)])) == []
        finally:
            process.kill()


def as_nobody(work: Callable[[], T]) -> T:
    if os.geteuid() == 0:
        os.setresuid(65534, 65534, 65534)
    return work()
