"""What ends a service and starts it again, as it is printed: run by a shell, or compared word for word."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from retina_doctor_checks.combined.server_command import is_loopback, rebound
from retina_doctor_checks.combined.server_limits import without_limit
from retina_doctor_checks.combined.starting import StartKnown, ended, needs_a_shell
from retina_doctor_checks.facts.service import Crew, Member
from retina_doctor_checks.facts.service_start import Start
from retina_doctor_checks.probes.service import look_start
from retina_doctor_checks.service import answering_checks

from retina_doctor.model import Target
from retina_doctor.quoting import command_of


class Told(dict[str, Any]):
    """What a probe tells, as it tells it."""

    def tell(self, **more: Any) -> None:
        self.update(more)


def known(named: str, folder: Path) -> StartKnown:
    told = Told()
    look_start.look(told, {"start": named, "directory": str(folder)})
    start = Start(**{**told, "missing": (), "unloadable": None})
    return StartKnown(start=start, processes=None, ports=None, target=Target(command=(sys.executable,), chosen="flag"))


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        ("uvicorn --host :: app:app", "uvicorn --host 0.0.0.0 app:app"),
        ("uvicorn --host=:: app:app", "uvicorn --host=0.0.0.0 app:app"),
        ("gunicorn -b [::]:80 app:app", "gunicorn -b 0.0.0.0:80 app:app"),
        ("uvicorn --host 2001:db8::7 app:app", "uvicorn --host 0.0.0.0 app:app"),
        ("python -u -X dev -m uvicorn app:app", "python -u -X dev -m uvicorn --host 0.0.0.0 app:app"),
        ("uvicorn --uds /run/x app:app", ""),
        ("uvicorn --fd=3 app:app", ""),
        ("uvicorn --host 0.0.0.0 app:app", ""),
    ],
)
def test_a_command_is_bound_to_all_addresses(command: str, wanted: str) -> None:
    wrong = ("::", "[::]", "2001:db8::7")
    assert " ".join(rebound(command.split(), 8000, lambda host: host in wrong)) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("uvicorn app:app --port $PORT", True),
        ("cd X && uvicorn a:b", True),
        ('uvicorn "$APP"', True),
        ("gunicorn --bind [::]:80 'app:make()'", False),
        ('gunicorn "app:make()" -w 2', False),
        (r"echo \$PORT", False),
    ],
)
def test_what_only_a_shell_understands(text: str, wanted: bool) -> None:
    assert needs_a_shell(text) is wanted


def test_a_line_for_a_shell_is_started_by_one(tmp_path: Path) -> None:
    (tmp_path / "X").mkdir()
    start = known("cd X && echo $FACES >said", tmp_path).again()
    assert [one["values"]["names"] for one in start["how"]] == ["FACES"]
    line = f"export FACES=six; {command_of(start['start'])}"
    subprocess.run(["bash", "-c", line], cwd=tmp_path, check=True)
    assert (tmp_path / "X" / "said").read_text() == "six\n"
    assert known("echo 'a b' c", tmp_path).again()["start"] == ["echo", "a b", "c"]


def test_a_procfile_keeps_its_variables(tmp_path: Path) -> None:
    file = tmp_path / "Procfile"
    file.write_text("web: uvicorn app:app --host 127.0.0.1 --port $PORT\n")
    there = known(str(file), tmp_path)
    assert there.again()["start"] == ["sh", "-c", "uvicorn app:app --host 127.0.0.1 --port $PORT"]
    changed = there.on_all_addresses(8000, is_loopback)
    assert changed["start"] == ["sh", "-c", "uvicorn app:app --host 0.0.0.0 --port $PORT"]
    assert changed["directory"] == str(tmp_path)


@pytest.mark.parametrize(
    ("named", "wanted"),
    [
        ("/home/me/.config/systemd/user/face.service", "systemctl --user restart face.service"),
        ("/etc/systemd/system/face.service", "sudo systemctl restart face.service"),
    ],
)
def test_a_unit_is_restarted_by_whose_it_is(named: str, wanted: str, tmp_path: Path) -> None:
    assert str(command_of(known(named, tmp_path).again()["start"])) == wanted


def test_a_container_with_another_command_is_made_again() -> None:
    nothing: dict[str, Any] = dict.fromkeys(("directory", "program", "program_missing", "file", "problem", "ended"))
    start = Start(
        source="container", named="podman:face", command="uvicorn --host 127.0.0.1 app:app", missing=(), **nothing
    )
    there = StartKnown(start=start, processes=None, ports=None, target=Target(command=(sys.executable,), chosen="flag"))
    changed = there.on_all_addresses(8000, is_loopback)
    assert (changed["start"], [one["key"] for one in changed["how"]]) == ([], ["container-made-again"])
    assert changed["how"][0]["values"]["command"] == "uvicorn --host 0.0.0.0 app:app"
    assert there.again()["start"] == ["podman", "restart", "face"]


STUBBORN = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint(flush=True)\ntime.sleep(600)"
SLOW = STUBBORN.replace("time\n", "time, sys\n", 1).replace("signal.SIG_IGN", "lambda *_: (time.sleep(1), sys.exit(3))")


@pytest.mark.parametrize(("program", "code"), [(SLOW, 3), (STUBBORN, -9)])
def test_the_next_command_waits_until_the_process_has_gone(
    program: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that hangs is ended by force; here after 2 s, so that nobody waits for half a minute."""
    monkeypatch.setattr("retina_doctor_checks.combined.starting.PATIENCE", 2)
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    subprocess.run(["bash", "-c", str(command_of(ended([process.pid])))], check=True)
    assert process.poll() == code
    process.stdout.close()


def test_nobody_ends_the_first_process() -> None:
    assert ended([1]) == ended([]) == []


def test_what_is_stopped_by_a_signal_goes_on_and_what_is_traced_is_let_go() -> None:
    members = tuple(Member(pid=pid, state=state, age=9.0, parent=1) for pid, state in ((7, "T"), (8, "t"), (9, "S")))
    told = answering_checks._held(Crew(members=members, stopped=(7, 8)))
    assert told["go_on"] == ["kill", "-CONT", "7"]
    assert told["held_look"] == ["grep", "TracerPid", "/proc/8/status"]
    nobody = answering_checks._held(Crew(members=members))
    assert (nobody["go_on"], nobody["held_look"], nobody["held_by"]) == ([], [], [])


@pytest.mark.parametrize(
    ("command", "seen", "limit"),
    [
        ("uvicorn app:app --port 80 --limit-concurrency 1", "proxy", "--limit-concurrency 1"),
        ("python -m uvicorn --limit-concurrency=2 app:app --port 80", "proxy", "--limit-concurrency=2"),
        ("/v/bin/python /v/bin/gunicorn -b :80 -t 2 app:app", "replaced", "-t 2"),
        ("gunicorn -t2 app:app", "replaced", "-t2"),
        ("gunicorn --backlog 1 app:app", "full", "--backlog 1"),
        ("gunicorn --timeout 120 app:app", "replaced", None),
        ("gunicorn --timeout 2 app:app", "full", None),
        ("gunicorn --bind :80 app:app", "replaced", None),
        ("python app.py --timeout 1", "replaced", None),
    ],
)
def test_a_limit_that_explains_what_was_seen_is_left_out(command: str, seen: str, limit: str | None) -> None:
    found = without_limit(command.split(), seen)
    assert (found and found[0]) == limit
    assert found is None or " ".join(found[1]) == command.replace(f" {limit}", "")
