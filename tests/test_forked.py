"""A process of the doctor's own side that is forked from it is to the rest as one that was started: nothing of the doctor's is
open in it, it hears signals, and it dies with the doctor. Tried in processes without a second thread, as the doctor is then."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ODD = """
import os, signal, sys, threading
def look(probe, arguments):
    if arguments["do"] == "tell":
        names = {}
        for one in os.listdir("/proc/self/fd"):
            if os.path.lexists("/proc/self/fd/" + one):
                names[one] = os.readlink("/proc/self/fd/" + one)
        probe.tell(descriptors=names, leads=os.getsid(0) == os.getpid(), variables=dict(os.environ))
        probe.tell(interrupt=signal.getsignal(signal.SIGINT) == signal.SIG_DFL)
        print("printed", flush=True)
    elif arguments["do"] == "die":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif arguments["do"] == "raise":
        raise LookupError("no such thing")
    else:
        probe.tell(pid=os.getpid())
        import time
        time.sleep(60)
"""
PROGRAM = """
import importlib, json, os, signal, sys
sys.path.insert(0, {folder!r})
from retina_doctor.probing.forked import can_be_forked, fork
signal.signal(signal.SIGTERM, lambda *_: None)
held = open({folder!r} + "/held", "w")
looks = [{{"probe": "odd", "run": "odd_looking", "then": None, "arguments": {{"do": {do!r}}}, "seconds": 50}}]
told = {{"token": "T ", "workdir": None, "path": sys.path, "modules": {{}}, "magic": "", "code": {{}}, "looks": looks}}
assert can_be_forked()
child = fork(told, {{"MARK": "here"}})
if {do!r} == "stay":
    for line in child.stdout:
        print(line.decode().strip(), flush=True)
else:
    print(json.dumps([child.stdout.read().decode(), child.stderr.read().decode(), os.waitpid(child.pid, 0)[1]]))
"""


def started(tmp_path: Path, do: str) -> subprocess.Popen[str]:
    (tmp_path / "odd_looking.py").write_text(ODD)
    program = PROGRAM.format(folder=str(tmp_path), do=do)
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)


def looked(tmp_path: Path, do: str) -> tuple[dict[str, Any], dict[str, Any], str, int]:
    """Facts, the last message of the looking, what stood on standard error, and the exit status."""
    told, errors, status = json.loads(started(tmp_path, do).communicate()[0])
    messages = [json.loads(line[2:]) for line in told.split("\n") if line.startswith("T ")]
    facts = {name: value for one in messages for name, value in one.get("tell", {}).items()}
    ends = [one for one in messages if "end" in one]
    return facts, ends[-1] if ends else {}, errors, os.waitstatus_to_exitcode(status)


def test_it_holds_nothing_of_the_doctors(tmp_path: Path) -> None:
    facts, end, errors, code = looked(tmp_path, "tell")
    assert (code, end["failed"], errors) == (0, None, "printed\n")
    assert facts["leads"] and facts["interrupt"]
    assert facts["variables"] == {"MARK": "here"}
    # Standard input, the two pipes that are read, one of them twice.
    assert facts["descriptors"].pop("0") == "/dev/null"
    assert all(where.startswith("pipe:") for where in facts["descriptors"].values())
    assert len(set(facts["descriptors"].values())) == 2


def test_what_it_dies_of_is_its_own(tmp_path: Path) -> None:
    assert looked(tmp_path, "die")[3] == -signal.SIGSEGV
    _, end, errors, code = looked(tmp_path, "raise")
    assert (code, end["failed"]) == (0, "LookupError: no such thing")
    assert "odd_looking.py" in errors


def test_it_dies_with_the_doctor(tmp_path: Path) -> None:
    doctor = started(tmp_path, "stay")
    assert doctor.stdout
    with doctor:
        line = next(one for one in doctor.stdout if '"pid"' in one)
        pid = json.loads(line[2:])["tell"]["pid"]
        doctor.kill()
    for _ in range(500):
        if not Path(f"/proc/{pid}").exists() or Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] == "Z":
            return
        time.sleep(0.01)
    pytest.fail("it lives on")


def test_beside_another_thread_nothing_is_forked() -> None:
    program = (
        "import threading; from retina_doctor.probing.forked import can_be_forked\n"
        "gate = threading.Event(); other = threading.Thread(target=gate.wait); other.start()\n"
        "print(can_be_forked()); gate.set(); other.join(); print(can_be_forked())"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "False\nTrue\n"
