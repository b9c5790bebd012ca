"""Which log is a service's, when its lines were written, and what of it counts: pure, without a process."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from retina_doctor_checks.facts.service_log import Exit, Log, NamedLog, OwnLog, ShownLog
from retina_doctor_checks.running import log_of_group
from retina_doctor_checks.service.log_checks import service_log_shows_cause
from retina_doctor_checks.service.logs import named_log, of_target
from retina_doctor_checks.triage.dates import Clock, moments
from retina_doctor_checks.triage.look_log import quoted

from retina_doctor.model import Inapplicable, Passed, Problem, Severity, Target, Unknown
from retina_doctor.settings import Settings

ID = "ab12" * 16


@pytest.mark.parametrize(
    ("groups", "log"),
    [
        ("0::/system.slice/face.service\n", "unit:face.service"),
        ("0::/system.slice/face.service/worker\n", "unit:face.service"),
        ("0::/system.slice/system-face.slice/face@2.service\n", "unit:face@2.service"),
        ("9:name=systemd:/system.slice/face.service\n1:cpu:/\n", "unit:face.service"),
        (f"0::/system.slice/docker-{ID}.scope\n", f"docker:{ID}"),
        (f"4:memory:/docker/{ID}\n0::/\n", f"docker:{ID}"),
        ("0::/user.slice/user-1000.slice/session-3.scope\n", None),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/face.service\n", None),
        ("0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-ab.scope\n", None),
        ("0::/system.slice/-x.service\n", None),
        ("0::/system.slice/a b.service\n", None),
        ("0::/\n", None),
        ("", None),
    ],
)
def test_the_control_group_names_the_log(groups: str, log: str | None) -> None:
    assert log_of_group(groups) == log


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("docker exec -i face python3", "docker logs --timestamps --tail=20000 -- face"),
        ("docker exec -it -e A=b --workdir /srv face /opt/bin/python", "docker logs --timestamps --tail=20000 -- face"),
        (
            "/usr/bin/podman --remote exec -i face python3",
            "/usr/bin/podman --remote logs --timestamps --tail=20000 -- face",
        ),
        (
            "kubectl -n gpu exec -i face-0 -c app -- python3",
            "kubectl -n gpu logs --timestamps --tail=20000 --limit-bytes=16777216 -c app face-0",
        ),
        (
            "kubectl exec --namespace=gpu deploy/face -- python3",
            "kubectl logs --timestamps --tail=20000 --limit-bytes=16777216 --namespace=gpu deploy/face",
        ),
        ("ssh gpu-7 docker exec -i face python3", None),
        ("docker exec -i -- python3", None),
        ("docker exec -i a;b python3", None),
        ("kubectl exec -- python3", None),
        ("/opt/face/bin/python", None),
        ("", None),
    ],
)
def test_the_target_names_the_log_of_its_container(target: str, words: str | None) -> None:
    found = of_target(target.split())
    assert (None if found is None else " ".join(found["words"])) == words


def test_what_is_named_goes_before_the_target() -> None:
    settings = Settings().changed(target={"command": ["docker", "exec", "face", "python3"]}, service={"log": "a.log"})
    found = named_log(settings)
    assert found is not None
    assert (found["kind"], found["name"], found["words"]) == ("file", "a.log", [])


# Dates

NOW = datetime.datetime(2026, 11, 28, 12, tzinfo=datetime.UTC).timestamp()
STARTED = datetime.datetime(2026, 11, 28, 9, tzinfo=datetime.UTC).timestamp()


@pytest.mark.parametrize(
    ("line", "hour"),
    [
        ("2026-11-28 11:00:00,123 ERROR x", 10),
        ("[2026-11-28 11:00:00 +0100] [7] [INFO] x", 10),
        ("2026-11-28T10:00:00.5Z x", 10),
        ("2026-11-28T05:00:00-0500 gpu-7 python[61]: x", 10),
        ("2026/11/28 11:00:00 [error] x", 10),
        ("2026-11-28 10:00:00.118 [E:onnxruntime:Default, x.cc:9 f] x", 10),
        ('10.0.0.7 - - [28/Nov/2026 11:00:00] "GET / HTTP/1.1" 200 -', 10),
        ('10.0.0.7 - - [28/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 5', 10),
        ("[11/28/26 11:00:00] ERROR    x", 10),
        ("Nov 28 11:00:00 gpu-7 python[61]: x", 10),
        ("x 2026-99-28 11:00:00", None),
        ("version 1.2.3", None),
    ],
)
def test_the_date_of_a_line(line: str, hour: int | None) -> None:
    """The service is one hour ahead of UTC."""
    [(moment, own)] = moments([line], Clock(now=NOW, offset=3600))
    assert own == (moment is not None)
    assert (None if moment is None else round((moment - NOW) / 3600 + 12, 2)) == hour


def test_a_date_of_last_year_that_names_no_year() -> None:
    [(moment, _)] = moments(["Dec 31 23:59:00 gpu-7 x[1]: y"], Clock(now=NOW, offset=0))
    assert moment is not None
    assert moment < NOW


def test_a_line_without_a_date_is_not_older_than_the_one_above_and_servers_name_their_process() -> None:
    clock = Clock(now=NOW, offset=0, started=STARTED, pids=(61,))
    lines = ["old", "2026-11-28 08:00:00 x", "Traceback", "INFO:     Started server process [60]", "y",
             "INFO:     Started server process [61]", "z"]  # fmt: skip
    eight = STARTED - 3600
    assert [moment for moment, _ in moments(lines, clock)] == [None, eight, eight, eight, eight, STARTED, STARTED]


# What counts


def place(moment: float | None, *, dated: bool = False, symptom: str = "stub-library") -> ShownLog:
    return ShownLog(symptom=symptom, lines=("CUDA driver is a stub library",), moment=moment, dated=dated)


def log(kind: Any, *shown: ShownLog, fresh: bool = False) -> Log:
    return Log(kind=kind, name="x", size=9, fresh=fresh, shown=shown)


def judged(own: OwnLog | None, named: NamedLog | None = None, device: str = "gpu") -> Any:
    settings = Settings().changed(service={"pid": 61}, gpu={"device": device})
    answer = service_log_shows_cause.judge(own=own, named=named or NamedLog(logs=()), target=TARGET, settings=settings)
    return list(answer) if isinstance(answer, tuple) else answer


TARGET = Target(command=("python3",), chosen="service", chosen_by="61")


@pytest.mark.parametrize(
    ("one", "counts"),
    [
        (log("output", place(STARTED + 5)), True),
        (log("output", place(STARTED - 5)), False),
        (log("output", place(None)), False),
        (log("output", place(None), fresh=True), True),
        (log("file", place(None)), True),
        (log("file", place(STARTED - 5, dated=True)), False),
        (log("unit", place(STARTED - 5, dated=True)), False),
        (log("container", place(STARTED + 5, dated=True)), True),
    ],
)
def test_what_the_present_run_wrote_counts(one: Log, counts: bool) -> None:
    own = OwnLog(started=STARTED, logs=(one,) if one.kind == "output" else ())
    answer = judged(own, NamedLog(logs=() if one.kind == "output" else (one,)))
    assert isinstance(answer, list if counts else Passed), answer


def test_of_one_that_has_died_all_counts_but_what_its_last_run_did_not_write() -> None:
    dead = OwnLog(started=None, logs=())
    assert judged(dead, NamedLog(logs=(log("file", place(None)),)))[0].evidence["alive"] is False
    ended = Exit(running=False, code=None, signal=9, killed_for_memory=True, started=STARTED)
    [problem] = judged(dead, NamedLog(logs=(log("unit", place(STARTED + 1, dated=True)),), exit=ended))
    assert problem.evidence["exit_signal"] == 9
    assert isinstance(judged(dead, NamedLog(logs=(log("unit", place(STARTED - 9, dated=True)),), exit=ended)), Passed)


def test_how_grave_it_is() -> None:
    own = OwnLog(started=STARTED, logs=(log("output", place(STARTED + 5)),))
    [sure] = judged(own)
    assert isinstance(sure, Problem)
    assert sure.at_most is None
    assert judged(own, device="auto")[0].at_most is Severity.WARNING
    assert isinstance(judged(own, device="cpu"), Passed), "no CUDA is wanted"
    among_seven = OwnLog(started=STARTED, logs=(log("output", place(STARTED + 5, symptom="out-of-memory")),))
    assert judged(among_seven)[0].at_most is Severity.WARNING
    note = OwnLog(started=STARTED, logs=(log("output", place(STARTED + 5, symptom="tensorrt-library-lacks")),))
    assert judged(note)[0].at_most is Severity.NOTE


def test_without_the_log_nothing_is_known() -> None:
    assert judged(None) == Unknown(missing=("service_log",))
    nothing = OwnLog(started=STARTED, logs=(Log(kind="output", name="pipe:[7]", problem="no-file"),))
    assert isinstance(judged(nothing), Inapplicable)


def test_a_long_line_is_quoted_around_what_it_says() -> None:
    line = "x " * 900 + "CUDA driver is a stub library" + " y" * 900
    told = quoted(line, ["CUDA driver is a stub library"])
    assert "CUDA driver is a stub library" in told
    assert len(told) < 700
    assert "hunter2x" not in quoted(
        "CUDA driver is a stub library, password=hunter2x", ["CUDA driver is a stub library"]
    )
    assert "hunter2x" not in quoted(f"{line} password=hunter2x" + " z" * 20, ["password="])
