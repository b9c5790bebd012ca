"""What brings things in order is not ended half-way, and a signal that comes meanwhile is not lost."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.odd_probes.runs import heed_signals

PROGRAM = """
import os, signal, subprocess, sys
from retina_doctor import main
from retina_doctor.ears import deaf
from retina_doctor.probing.reaper import guarded
main._heard()
def send(number):
    os.kill(os.getpid(), number)
try:
    with deaf():
        send(signal.SIGTERM)
        with deaf(), guarded("none"):
            send(signal.SIGINT)
        child = "import signal; print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)"
        subprocess.run([sys.executable, "-c", child], check=True)
        print("whole", flush=True)
        @
    print("none came")
except (main.Interrupted, KeyError) as error:
    print(repr(error))
"""


@pytest.mark.parametrize(
    ("program", "told"),
    [
        (PROGRAM, "Interrupted(15)"),
        (PROGRAM.replace("@", "raise KeyError(1)"), "KeyError(1)"),
        (PROGRAM.replace("    os.kill(os.getpid(), number)", "    pass"), "none came"),
    ],
    ids=["a signal", "a signal where something else is raised", "no signal"],
)
def test_a_signal_meanwhile_is_heard_at_the_end(program: str, told: str) -> None:
    command = [sys.executable, "-c", program.replace("@", "")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, preexec_fn=heed_signals)
    assert (done.stdout.splitlines(), done.stderr) == (["True", "whole", told], "")
