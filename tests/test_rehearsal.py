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


TYPES = """
import sys, threading
import msgspec
from retina_doctor.codec import DoesNotFit, decode
sys.setswitchinterval(1e-6)
words = {"a": {f"f{n}": [1] for n in range(20)}, "b": [], "c": {}}
def decoded(kind, together):
    together.wait()
    assert decode(words, kind).a.f3 == [1]
for number in range(2000):
    inner = msgspec.defstruct(f"Inner{number}", [(f"f{n}", "list[int]") for n in range(20)])
    outer = msgspec.defstruct(f"Outer{number}", [("a", inner), ("b", list[inner]), ("c", dict[str, inner])])
    together = threading.Barrier(3)
    threads = [threading.Thread(target=decoded, args=(outer, together)) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
print("done")
"""


def test_two_threads_may_decode_the_same_type_first() -> None:
    """The first reading is decoded while the rehearsal decodes others; without a lock this dies of SIGSEGV within 2000 types."""
    done = subprocess.run([sys.executable, "-c", TYPES], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
