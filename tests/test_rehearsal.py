"""What is made ahead while the probes run changes no word of the report, and costs nothing where it breaks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from retina_doctor.catalogue.registry import installed
from retina_doctor.codec import replace
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.model import Snapshot
from retina_doctor.running.rehearsal import rehearse
from tests.machines import machine

CATALOGUE = installed()


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_half_of_a_machine_is_judged_ahead(kept: int) -> None:
    """Each third reading and their like; what is missing then is a gap in no judgement that counts."""
    whole = machine("ort-both-packages").snapshot
    half = {name: one for number, (name, one) in enumerate(whole.readings.items()) if number % 3 == kept}
    before = diagnose(whole, CATALOGUE)
    rehearse([("terminal", None)], lambda: replace(whole, readings=half))
    assert diagnose(whole, CATALOGUE) == before


def _breaks() -> Snapshot:
    raise RuntimeError("a reading came in between")


def _is_odd() -> Snapshot:
    odd = machine("t4-healthy").snapshot
    return replace(odd, readings={name: replace(one, facts={"": [[]]}) for name, one in odd.readings.items()})


@pytest.mark.parametrize("seen", [_breaks, _is_odd])
def test_what_breaks_ahead_is_nobodys_trouble(seen: Callable[[], Snapshot]) -> None:
    rehearse([("json", None)], seen)


ENDING = """
import atexit, sys, threading, time
from retina_doctor.start import leave
atexit.register(print, "at exit")
{more}
print("told", end=" ")
leave({code!r})
print("left by Python")
"""


def ended(code: object, more: str = "") -> tuple[int, str]:
    words = [sys.executable, "-c", ENDING.format(code=code, more=more)]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stdout


def test_it_leaves_at_once_with_all_that_was_said() -> None:
    assert ended(1) == (1, "told at exit\n")


def test_python_ends_what_has_more_to_do() -> None:
    waits = "threading.Thread(target=lambda: (time.sleep(0.2), print('thread'))).start()"
    assert ended(1, waits) == (0, "told left by Python\nthread\nat exit\n")
    assert ended("words") == (0, "told left by Python\nat exit\n")
