"""Patients that kill: targets that answer nonsense, flood, fork or stop; settings, snapshots, logs and sources that are none.

Of each: the exit code is right, there is no traceback, no child is left, and the doctor takes 300 MB at most.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import doctor as runs
from tests.odd_probes.runs import PATIENCE
from tests.test_left_behind import marked
from tests.test_untrusted import LIAR

DOCTOR = Path(sys.executable).parent / "retina-doctor"
MOST = 300 * 2**20
NOTHING, DIES, NO_PYTHON, UNKNOWN = range(4)
"""What ends by itself and is no Python is wrong usage; a Python that dies, hangs or lies is a finding."""
SHELL = {
    "exits at once": "exit 0",
    "reads and exits": "cat > /dev/null",
    "reads and fails": "cat > /dev/null; exit 1",
    "dies of SIGSEGV": "kill -SEGV $$",
    "dies of SIGABRT": "kill -ABRT $$",
    "kills itself": "kill -KILL $$",
    "kills itself after reading": "cat > /dev/null; kill -KILL $$",
    "stops itself": "kill -STOP $$",
    "stops itself after reading": "cat > /dev/null; kill -STOP $$",
    "sleeps": "exec sleep 300",
    "sleeps after reading": "cat > /dev/null; exec sleep 300",
    "ignores SIGTERM": "trap '' TERM INT HUP; while :; do sleep 1; done",
    "closes its streams and sleeps": "exec <&- >&- 2>&-; sleep 300",
    "closes its input": "exec <&-; sleep 1; exit 0",
    "closes its output": "exec >&-; cat > /dev/null; exit 0",
    "closes its standard error": "exec 2>&-; cat > /dev/null; exit 0",
    "floods short lines": "exec yes",
    "floods both streams": "yes >&2 & exec yes",
    "floods standard error": "yes >&2",
    "floods zeros": "exec cat /dev/zero",
    "floods noise": "exec cat /dev/urandom",
    "one line without end": "exec tr '\\0' x < /dev/zero",
    "a huge line": "head -c 50000000 /dev/zero | tr '\\0' x; echo",
    "a huge line of errors": "head -c 50000000 /dev/zero | tr '\\0' x >&2; exit 1",
    "forks twenty": "for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 300 & done; wait",
    "leaves twenty": "for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 300 & done; exit 0",
    "leaves one in a session of its own": "setsid sleep 300 > /dev/null 2>&1 < /dev/null & exit 0",
    "leaves a grandchild with the pipe": "(setsid sh -c 'sleep 300 &' &); cat > /dev/null; exit 0",
    "kills its group": "kill -KILL 0",
    "interrupts its group": "kill -INT 0; kill -TERM 0",
    "says a page": "cat > /dev/null; echo '<html><body>502 Bad Gateway</body></html>'",
    "says JSON": "cat > /dev/null; echo '{\"hello\": [3, 11, 0]}'",
    "says our own words": "exec cat",
    "says escapes": "cat > /dev/null; printf '\\033[2J\\033]0;x\\007\\r\\n\\000'",
    "says what is no UTF-8": "cat > /dev/null; printf '\\377\\376\\355\\240\\200\\n' >&2; exit 1",
    "runs itself": 'cat > /dev/null; n=${N:-0}; [ "$n" -gt 20 ] || N=$((n + 1)) exec "$0"',
    "is another doctor": f"exec {DOCTOR} --version",
    "asks for a password": "echo -n 'Password: ' >&2; read -r x; exit 1",
}
LIES = {
    "says hello and exits": "sys.exit(0)",
    "says hello and is killed": "os.kill(os.getpid(), 9)",
    "says hello and stops": "os.kill(os.getpid(), 19)",
    "says hello and sleeps": "import time; time.sleep(300)",
    "closes the stream in the midst": "os.close(1); sys.exit(0)",
    "tells for another": """say('{"begin": "nobody"}'); say('{"tell": {"x": 1}}')""",
    "begins never": "break",
    "ends twice": """say('{"end": "%s", "failed": null}' % name)""",
    "is done first": """say('{"done": true}')""",
    "is done first and stays": """say('{"done": true}'); import time; time.sleep(300)""",
    "tells a hundred thousand times": """[say('{"tell": {"x": %d}}' % n) for n in range(100000)]""",
    "tells a huge text": """say('{"tell": {"x": "' + 'a' * 30000000 + '"}}')""",
    "tells many keys": """say('{"tell": {' + ','.join('"k%d": 1' % n for n in range(300000)) + '}}')""",
    "tells without end": """[say('{"tell": {"x": "' + 'a' * 60000 + '"}}') for n in iter(int, 1)]""",
    "tells deep tables": """say('{"tell": ' + '{"x":' * 400 + '1' + '}' * 401)""",
    "tells what is no number": """say('{"tell": {"x": NaN, "y": Infinity, "z": -Infinity, "w": 1e999}}')""",
    "tells a key twice": """say('{"tell": {"x": 1, "x": [2]}}')""",
    "tells odd keys": """say('{"tell": {"": 1, "__class__": 2, "\\\\u0000": 3, "\\\\ud800": 4}}')""",
    "tells numbers for texts": """say('{"tell": {"executable": 1, "version": 2, "platform": [], "uid": "x"}}')""",
    "fails with a table": """say('{"end": "%s", "failed": {"x": []}}' % name)""",
    "speaks of a later Python": """say('{"hello": [99, 0, 0]}')""",
    "speaks of no Python": """say('{"hello": "x"}')""",
    "forks while it tells": "os.fork() or (os.setsid(), os.execvp('sleep', ['sleep', '300']))",
}


DYING = (
    *(
        "dies of SIGSEGV",
        "dies of SIGABRT",
        "kills itself",
        "kills itself after reading",
        "stops itself",
        "kills its group",
    ),
    *(
        "stops itself after reading",
        "sleeps",
        "sleeps after reading",
        "ignores SIGTERM",
        "closes its streams and sleeps",
    ),
    *("floods standard error", "forks twenty", "interrupts its group"),
    *("says hello and is killed", "says hello and stops", "says hello and sleeps"),
)
LYING = [patient for patient in LIES if patient.startswith("tells")]
"""Whether what it tells is a Python's own word or none depends on which facts stand in it."""


WEIGHED = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[2:], start_new_session=True)
with open(sys.argv[1], "w") as file:
    file.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code if code >= 0 else 128 - code)
"""
"""Starts the doctor from a small process: Linux counts what the process that forked it held as the child's own peak."""


class Ended(NamedTuple):
    code: int
    out: str
    errors: str
    memory: int  # bytes at the peak, of the doctor and of what it waited for


def watched(words: list[str | Path], cwd: Path, mark: str) -> Ended:
    """The doctor, run with a variable of its own by which what it leaves behind is known."""
    env = runs.environment(PATIENT=mark)
    peak = cwd / f"peak-{mark}"
    with subprocess.Popen(
        [sys.executable, "-I", "-c", WEIGHED, peak, DOCTOR, *map(str, words)], cwd=cwd, env=env,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout
        assert process.stderr
        errors: list[bytes] = []
        reader = threading.Thread(target=lambda: errors.append(process.stderr.read()))  # type: ignore[union-attr]
        reader.start()
        out = process.stdout.read()
        reader.join()
    memory = int(peak.read_text()) * 1024
    peak.unlink()
    return Ended(process.returncode, out.decode(), errors[0].decode(), memory)


def held(ended: Ended, codes: tuple[int, ...], mark: str) -> None:
    assert ended.code in codes, ended
    assert "Traceback" not in ended.out + ended.errors, ended
    assert "bug of ours" not in ended.errors, ended
    assert ended.memory <= MOST, ended.memory
    until = time.monotonic() + PATIENCE
    while marked(f"PATIENT={mark}") and time.monotonic() < until:
        time.sleep(0.05)
    assert marked(f"PATIENT={mark}") == []


def looked_at(target: str | Path, cwd: Path, codes: tuple[int, ...]) -> Ended:
    mark = f"{os.getpid()}-{cwd.name}"
    ended = watched(["--target", target, "--device", "cpu", "--quick", "--timeout", "4"], cwd, mark)
    held(ended, codes, mark)
    if ended.code == NO_PYTHON:
        assert ended.errors.count("\n") == 1, ended.errors
        assert ended.out == ""
    return ended


@pytest.mark.parametrize("patient", SHELL)
def test_a_program_that_is_no_python(patient: str, tmp_path: Path) -> None:
    target = tmp_path / "python"
    target.write_text(f"#!/bin/sh\n{SHELL[patient]}\n")
    target.chmod(0o755)
    looked_at(target, tmp_path, (DIES if patient in DYING else NO_PYTHON,))


@pytest.mark.parametrize("patient", LIES)
def test_a_target_that_knows_how_we_speak(patient: str, tmp_path: Path) -> None:
    target = tmp_path / "python"
    target.write_text(LIAR.format(python=sys.executable, body=LIES[patient]))
    target.chmod(0o755)
    looked_at(target, tmp_path, (DIES, NO_PYTHON) if patient in LYING else (DIES if patient in DYING else NO_PYTHON,))


def written(content: bytes, mode: int = 0o755) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content)
        path.chmod(mode)

    return write


FILES: dict[str, Callable[[Path], object]] = {
    "empty": written(b""),
    "a text": written(b"print(1)\n"),
    "half an ELF": written(Path(sys.executable).read_bytes()[:5000]),
    "noise": written(bytes(range(256)) * 100),
    "of a program that is not there": written(b"#!/nowhere/python\n"),
    "of itself": lambda path: written(b"#!" + bytes(path) + b"\n")(path),
    "not executable": written(b"#!/bin/sh\n", 0o644),
    "a folder": Path.mkdir,
    "a loop": lambda path: path.symlink_to(path.name),
    "a pipe": os.mkfifo,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "true": lambda path: path.symlink_to("/bin/true"),
    "cat": lambda path: path.symlink_to("/bin/cat"),
    "a shell": lambda path: path.symlink_to("/bin/sh"),
    "nothing": lambda _path: None,
}


@pytest.mark.parametrize("patient", FILES)
def test_a_file_that_is_no_program(patient: str, tmp_path: Path) -> None:
    FILES[patient](tmp_path / "python")
    looked_at(tmp_path / "python", tmp_path, (DIES, NO_PYTHON) if patient == "half an ELF" else (NO_PYTHON,))


def sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 2 * 2**30)


INPUTS: dict[str, Callable[[Path], object]] = {
    "pipe": os.mkfifo,
    "zeros": lambda path: path.symlink_to("/dev/zero"),
    "noise": lambda path: path.symlink_to("/dev/urandom"),
    "terminal": lambda path: path.symlink_to("/dev/ptmx"),
    "memory": lambda path: path.symlink_to("/proc/self/mem"),
    "sparse": sparse,
    "folder": Path.mkdir,
    "loop": lambda path: path.symlink_to(path.name),
    "bytes": written(bytes(range(256)) * 1000),
    "brackets": written(b"[" * 10_000_000),
}
COMMANDS: dict[str, list[str]] = {
    "snapshot": ["diagnose"],
    "two snapshots": ["diff", "given"],
    "settings": ["check", "--quick", "--device", "cpu", "--config"],
    "baseline": ["check", "--quick", "--device", "cpu", "--baseline"],
    "log": ["triage"],
    "source": ["scan"],
    "settings to write": ["init"],
}
TAKEN = {
    ("source", "folder"): (NOTHING,),
    ("source", "memory"): (NOTHING, UNKNOWN),
    ("source", "sparse"): (NOTHING, UNKNOWN),
    ("source", "bytes"): (NOTHING, UNKNOWN),
    ("source", "brackets"): (NOTHING, UNKNOWN),
    ("log", "brackets"): (NOTHING, 2),
    ("log", "bytes"): (NOTHING, 2),
}
"""What is no wrong usage: an empty folder has no fault, and of a large or odd file nothing is known."""


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("given", INPUTS)
def test_what_is_given_is_no_such_file(command: str, given: str, tmp_path: Path) -> None:
    INPUTS[given](tmp_path / "given")
    mark = f"{os.getpid()}-{tmp_path.name}"
    words: list[str | Path] = [*COMMANDS[command], *(["-o"] if command == "settings to write" else []), "given"]
    ended = watched(words, tmp_path, mark)
    held(ended, TAKEN.get((command, given), (NO_PYTHON,)), mark)
    if ended.code == NO_PYTHON:
        assert ended.errors.count("\n") == 1, ended.errors
        assert ended.out == ""


def test_there_are_many_patients() -> None:
    assert len(SHELL) + len(LIES) + len(FILES) >= 60
