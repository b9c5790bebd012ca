"""A busy machine is no broken package: what ran out of time because others had the processor is unknown; what hangs is a finding.

One processor is made busy, and only there: the processes that do it and what is looked at are bound to it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from retina_doctor.catalogue.registry import installed
from retina_doctor.codec import DoesNotFit, decode, replace
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.model import Effort, Outcome, Recorded, Verdict
from retina_doctor.probing.collect import collect
from tests.machines import machine
from tests.odd_probes.pack import odd_probe
from tests.standins import Report, doctor
from tests.test_probing import looking, odd
from tests.test_torch import WORKING, make_torch

CPU = min(os.sched_getaffinity(0))
BOUND = f"taskset -c {CPU} {sys.executable}"


@contextlib.contextmanager
def busy(programs: int) -> Iterator[None]:
    """So many programs that want the processor all the time, each in a session of its own, as what is looked at is."""
    words = ["taskset", "-c", str(CPU), sys.executable, "-S", "-c", "while True: pass"]
    running = [subprocess.Popen(words, start_new_session=True) for _ in range(programs)]
    try:
        yield
    finally:
        for one in running:
            one.kill()
            one.wait()


COMPUTES = """
import time
while time.process_time() < {seconds}: pass
"""
HANGS = "import time\ntime.sleep(600)\n"


def imported(folder: Path, body: str, *, timeout: float) -> Report:
    """The report on a torch whose import runs *body* before it works."""
    site = make_torch(folder, body + WORKING.format(arch="sm_75"))
    words = ("--only", "torch-import-fails", "--device", "cpu", "--timeout", str(timeout))
    return doctor(folder, *words, environment={"PYTHONPATH": str(site)}, target=BOUND)


def test_an_import_that_had_no_processor_is_unknown(tmp_path: Path) -> None:
    with busy(12):
        report = imported(tmp_path, COMPUTES.format(seconds=30), timeout=4)
    assert report.names == set(), report.summary()
    assert report.verdict("torch-import-fails") == "unknown"
    assert report.exit_code == 3
    [judged] = [one for one in report.json["checks"] if one["name"] == "torch-import-fails"]
    assert judged["reason"].startswith("no answer in 8 s on a busy machine"), "it was given more time"


def test_what_had_no_processor_is_asked_once_more(tmp_path: Path) -> None:
    tried = tmp_path / "tried"
    body = f"open({str(tried)!r}, 'a').write('once\\n')\n" + COMPUTES.format(seconds=4)
    with busy(6):
        report = imported(tmp_path, body, timeout=6)
    assert report.names == set(), report.summary()
    assert tried.read_text().split() == ["once", "once"]


STOPS_THE_DOCTOR = """
import os, time
if not os.path.exists({tried!r}):
    with open({tried!r}, "w") as file:
        file.write("%d %d\\n" % (os.getppid(), os.getpid()))
    os.kill(os.getppid(), 19)
    time.sleep(600)
"""


def test_what_its_own_alarm_ended_is_asked_once_more(tmp_path: Path) -> None:
    """The doctor itself stood still for longer than the looking was to take, as on a machine that has no processor for it."""
    tried = tmp_path / "tried"

    def go_on() -> None:
        while not (tried.exists() and tried.read_text().endswith("\n")):
            time.sleep(0.05)
        stopped, alarmed = map(int, tried.read_text().split())
        while (Path("/proc") / str(alarmed) / "stat").read_bytes().rpartition(b") ")[2][:1] != b"Z":
            time.sleep(0.05)
        os.kill(stopped, signal.SIGCONT)

    waiting = threading.Thread(target=go_on, daemon=True)
    waiting.start()
    report = imported(tmp_path, STOPS_THE_DOCTOR.format(tried=str(tried)), timeout=4)
    assert report.names == set(), report.summary()
    assert report.verdict("torch-import-fails") == "passed"


@pytest.mark.parametrize("programs", [0, 6])
def test_a_hang_is_a_finding_and_says_what_it_did(programs: int, tmp_path: Path) -> None:
    """On a busy machine as well: it does not want the processor."""
    with busy(programs):
        report = imported(tmp_path, HANGS, timeout=6)
    finding = report.finding("torch-import-fails")
    assert report.exit_code == 1
    told = finding["evidence"]["effort"]["values"]
    assert told["computed"] < 50, told
    assert f"load {told['load']}" in finding["message"]


def test_an_effort_of_no_time_fits_no_snapshot() -> None:
    with pytest.raises(DoesNotFit, match="seconds"):
        decode({"seconds": 0, "computed": 0.0, "waited": 0.0, "load": 1.0, "processors": 2}, Effort)


def test_the_effort_of_what_hangs_is_told() -> None:
    reading = odd("hang", timeout=1.0)
    assert reading.outcome is Outcome.TIMED_OUT
    assert reading.effort is not None
    assert reading.effort.computed < 0.5 * reading.effort.seconds
    assert not reading.starved


def test_what_waits_for_one_that_starves_is_not_ended_with_it() -> None:
    """It starves, too: that it wants a processor shows that it does not wait for the other."""
    probes = [
        odd_probe("want_a_processor", name="driver", heavy=True, long=False),
        odd_probe("want_a_processor", name="framework", heavy=True, hangs_with=("driver",)),
    ]
    with busy(12):
        _, readings = collect(looking("taskset", "-c", str(CPU), sys.executable, timeout=12), probes)
    assert readings["driver"].starved
    assert readings["framework"].starved
    assert readings["framework"].detail == "no answer in 24 s", "not ended at the driver's 10 s, and asked once more"


EFFORT = Effort(seconds=20, computed=4, waited=15, load=17, processors=2)


@pytest.mark.parametrize(
    ("effort", "starved"),
    [
        (EFFORT, True),
        (replace(EFFORT, waited=0.4), False),
        (replace(EFFORT, computed=0, waited=0), False),
        (replace(EFFORT, computed=19, waited=1), False),
        (replace(EFFORT, computed=60, waited=1), False),
        (None, False),
    ],
)
def test_who_is_starved(effort: Effort | None, starved: bool) -> None:
    assert Recorded(outcome=Outcome.TIMED_OUT, effort=effort).starved is starved
    assert not Recorded(outcome=Outcome.CRASHED, effort=effort).starved


def test_a_starved_probe_that_nobody_speaks_for_is_unknown_and_no_warning() -> None:
    snapshot = machine("t4-healthy").snapshot
    starved = replace(snapshot.readings["footprint"], outcome=Outcome.TIMED_OUT, effort=EFFORT)
    for reading, verdict in ((starved, Verdict.UNKNOWN), (replace(starved, effort=None), Verdict.FAILED)):
        told = diagnose(replace(snapshot, readings={**snapshot.readings, "footprint": reading}), installed())
        assert [one.verdict for one in told.judgements if one.name == "probe-failed"] == [verdict]
