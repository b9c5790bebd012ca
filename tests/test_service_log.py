"""Real services whose logs say what is wrong with them: files, pipes, journals and containers; alive and dead."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from tests.doctor import DEV_PYTHON, doctor, environment, found, install, make_venv, report, roots, verdicts
from tests.standins import needs_root

SERVICE = """
import http.server, os, sys
for line in open(sys.argv[1], errors="surrogateescape").read().splitlines():
    print(line, file=sys.stderr, flush=True)
print("ready", file=sys.stderr, flush=True)
http.server.ThreadingHTTPServer(("0.0.0.0", 0), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
LACKS_LIBRARY = (
    "[E:onnxruntime:Default, provider_bridge_ort.cc:1992 TryGetProviderInfo_CUDA] Failed to load library "
    "libonnxruntime_providers_cuda.so with error: libcublasLt.so.12: cannot open shared object file: No such file or directory"
)
"""onnxruntime 1.20, onnxruntime/core/session/provider_bridge_ort.cc."""
NO_MODEL = (
    "onnxruntime.capi.onnxruntime_pybind11_state.NoSuchFile: [ONNXRuntimeError] : 3 : NO_SUCHFILE : Load model from "
    "/opt/models/det_10g.onnx failed:Load model /opt/models/det_10g.onnx failed. File doesn't exist"
)
HEALTHY = """INFO:     Started server process [7]
INFO:     Waiting for application startup.
Applied providers: ['CUDAExecutionProvider', 'CPUExecutionProvider'], with options: {'CUDAExecutionProvider': {'device_id': '0'}}
find model: /root/.insightface/models/buffalo_l/det_10g.onnx detection [1, 3, '?', '?'] 127.5 128.0
set det-size: (640, 640)
INFO:     Application startup complete.
INFO:     10.0.0.7:51322 - "POST /detect HTTP/1.1" 200 OK"""
ONLY = "service-log-shows-cause,service-not-running"


@contextlib.contextmanager
def running(folder: Path, says: str, output: IO[bytes] | int, *before: str, python: str = DEV_PYTHON) -> Iterator[int]:
    """The number of a process that has said *says* and serves."""
    (folder / "service.py").write_text(SERVICE)
    (folder / "says.txt").write_bytes(says.encode("utf-8", "surrogateescape"))
    words = [*before, python, str(folder / "service.py"), str(folder / "says.txt")]
    process = subprocess.Popen(words, cwd=folder, stdout=output, stderr=output, env=environment())
    try:
        deadline = time.monotonic() + 30
        while not sockets(process.pid):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        yield process.pid
    finally:
        process.kill()
        process.wait()


def sockets(pid: int) -> list[str]:
    links = []
    with contextlib.suppress(OSError):
        links = [os.readlink(f"/proc/{pid}/fd/{name}") for name in os.listdir(f"/proc/{pid}/fd")]  # noqa: PTH115, PTH208
    return [link for link in links if link.startswith("socket:")]


def asked(folder: Path, *flags: str | int, env: dict[str, str] | None = None) -> dict[str, Any]:
    return report("check", "--only", ONLY, *map(str, flags), cwd=folder, env=env)


def asked_all(folder: Path, *flags: str | int) -> dict[str, Any]:
    """With why it does not start."""
    only = f"{ONLY},service-module-missing,service-start-failed"
    return report("check", "--only", only, *map(str, flags), cwd=folder)


def evidence(told: dict[str, Any]) -> dict[str, Any]:
    [one] = [one for one in told["findings"] if one["name"] == "service-log-shows-cause"]
    return dict(one["evidence"])


def reason(told: dict[str, Any]) -> str:
    [one] = [one for one in told["checks"] if one["name"] == "service-log-shows-cause"]
    return str(one["reason"])


# A file behind standard output


def test_what_this_run_complains_of_is_a_finding(tmp_path: Path) -> None:
    with (tmp_path / "service.log").open("wb") as log, running(tmp_path, LACKS_LIBRARY, log) as pid:
        told = asked(tmp_path, "--pid", pid)
    assert roots(told) == ["service-log-shows-cause"]
    seen = evidence(told)
    assert seen["cause"].startswith("ort-cuda-")
    assert seen["lines"] == [LACKS_LIBRARY]
    assert (seen["log"], seen["alive"]) == (str(tmp_path / "service.log"), True)


def test_a_healthy_log_is_silent(tmp_path: Path) -> None:
    with (tmp_path / "service.log").open("wb") as log, running(tmp_path, HEALTHY, log) as pid:
        told = asked(tmp_path, "--pid", pid)
    assert (found(told), verdicts(told)["service-log-shows-cause"]) == ([], "passed")


def test_what_clients_got_wrong_is_no_fault_of_the_service(tmp_path: Path) -> None:
    said = (Path(__file__).parent / "triage_texts" / "healthy" / "service-log.txt").read_text(encoding="utf-8")
    with (tmp_path / "service.log").open("wb") as log, running(tmp_path, f"{HEALTHY}\n{said}", log) as pid:
        told = asked(tmp_path, "--pid", pid)
    assert (found(told), verdicts(told)["service-log-shows-cause"]) == ([], "passed")


def test_where_the_gpu_is_not_meant_it_is_no_matter(tmp_path: Path) -> None:
    with (tmp_path / "service.log").open("wb") as log, running(tmp_path, LACKS_LIBRARY, log) as pid:
        assert found(asked(tmp_path, "--pid", pid, "--device", "cpu")) == []
        assert [one["severity"] for one in asked(tmp_path, "--pid", pid, "--device", "auto")["findings"]] == ["warning"]


def test_what_an_earlier_run_complained_of_is_shown_and_no_finding(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    log.write_text(f"2024-05-01 12:00:00.118 {LACKS_LIBRARY}\n")
    time.sleep(11)  # for whoever opens a file just before the service is taken to have made it for that
    with log.open("ab") as output, running(tmp_path, HEALTHY, output) as pid:
        told = asked(tmp_path, "--pid", pid)
        assert (found(told), verdicts(told)["service-log-shows-cause"]) == ([], "passed")
        assert LACKS_LIBRARY in reason(told)
        stamp = time.strftime("%Y-%m-%d %H:%M:%S")
        output.write(f"{stamp},001 {NO_MODEL}\n".encode())
        output.flush()
        told = asked(tmp_path, "--pid", pid)
        assert evidence(told)["cause"] == "model-missing", "and what it has said since is"
        assert len(told["findings"]) == 1


def test_a_file_that_was_deleted_is_read_all_the_same(tmp_path: Path) -> None:
    with (tmp_path / "service.log").open("wb") as log, running(tmp_path, LACKS_LIBRARY, log) as pid:
        (tmp_path / "service.log").unlink()
        (tmp_path / "service.log").write_text(NO_MODEL)  # another file by now
        told = asked(tmp_path, "--pid", pid)
    assert evidence(told)["cause"].startswith("ort-cuda-")
    assert evidence(told)["log"].endswith(" (deleted)")


def test_of_a_gigabyte_the_end_is_read(tmp_path: Path) -> None:
    with (tmp_path / "service.log").open("wb") as log:
        log.truncate(1 << 30)
        log.seek(1 << 30)
        with running(tmp_path, LACKS_LIBRARY, log) as pid:
            told = asked(tmp_path, "--pid", pid)
    assert evidence(told)["lines"] == [LACKS_LIBRARY]
    [probe] = [one for one in told["probes"] if one["name"] == "service_log"]
    assert probe["peak_memory"] < 150 * 2**20


def test_a_log_full_of_other_lines_hides_nothing(tmp_path: Path) -> None:
    requests = "\n".join(
        f'10.0.{i % 250}.7:51{i % 999} - "POST /detect?id={i:x} HTTP/1.1" 200 OK' for i in range(60_000)
    )
    says = f"{NO_MODEL}\n{requests}\n{LACKS_LIBRARY}\n{requests[:100_000]}"
    with (tmp_path / "service.log").open("wb") as log, running(tmp_path, says, log) as pid:
        told = asked(tmp_path, "--pid", pid)
    assert evidence(told)["cause"].startswith("ort-cuda-"), "the other one is older than the last 2 MiB"


# What is no log


@pytest.mark.parametrize("kind", ["fifo", "terminal", "null"])
def test_what_is_no_file_is_not_opened(kind: str, tmp_path: Path) -> None:
    with contextlib.ExitStack() as held:
        if kind == "fifo":
            os.mkfifo(tmp_path / "out")
            reader = os.open(tmp_path / "out", os.O_RDONLY | os.O_NONBLOCK)
            held.callback(os.close, reader)
            output: IO[bytes] | int = held.enter_context((tmp_path / "out").open("wb"))
        elif kind == "terminal":
            reader, output = pty.openpty()
            held.callback(os.close, reader)
            held.callback(os.close, output)
        else:
            output = held.enter_context(Path("/dev/null").open("wb"))
        with running(tmp_path, LACKS_LIBRARY, output) as pid:
            told = asked(tmp_path, "--pid", pid)
        if kind == "fifo":
            assert LACKS_LIBRARY in os.read(reader, 65536).decode(), "nothing of it was taken"
    assert (found(told), verdicts(told)["service-log-shows-cause"]) == ([], "inapplicable")
    assert "--log" in reason(told)


def test_what_the_service_may_not_read_is_read_for_nobody(tmp_path: Path) -> None:
    """Root opened it and then became the service's user, as systemd does with StandardOutput=append:."""
    needs_root()
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and folder not in (Path("/"), Path("/tmp")):
            folder.chmod(0o755)
    (tmp_path / "service.log").touch(mode=0o600)
    drop = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    as_nobody = running(
        tmp_path, LACKS_LIBRARY, (tmp_path / "service.log").open("wb"), *drop, python="/usr/bin/python3"
    )
    with as_nobody as pid:
        told = asked(tmp_path, "--pid", pid)
        assert (found(told), verdicts(told)["service-log-shows-cause"]) == ([], "inapplicable")
        assert "Permission denied" in reason(told)
        (tmp_path / "service.log").chmod(0o644)
        assert found(asked(tmp_path, "--pid", pid)) == ["service-log-shows-cause"], "the other twin"


def test_what_a_stranger_writes_reaches_no_terminal(tmp_path: Path) -> None:
    hostile = (
        f"\x1b]0;pwned\x07\x1b[31m{NO_MODEL} \x9b2J password=hunter2x Authorization: Bearer abcdef123456\r\x08\x08"
    )
    with (tmp_path / "service.log").open("wb") as log, running(tmp_path, hostile, log) as pid:
        for form in ("terminal", "json", "markdown"):
            done = doctor("check", "--only", ONLY, "--pid", str(pid), "--format", form, cwd=tmp_path)
            assert "NoSuchFile" in done.stdout
            assert not {"\x1b", "\x9b", "\x08", "\x07"} & set(done.stdout + done.stderr)
            assert "hunter2x" not in done.stdout
            assert "abcdef123456" not in done.stdout


def test_the_support_file_holds_its_lines_without_names_and_judges_the_same(tmp_path: Path) -> None:
    says = (
        NO_MODEL.replace("/opt/models/det_10g", "/home/margarethe/kundendaten/det_10g") + " for margarethe@example.com"
    )
    with (tmp_path / "service.log").open("wb") as log, running(tmp_path, says, log) as pid:
        words = ("collect", "-o", "support.json", "--only", ONLY, "--pid", str(pid))
        assert doctor(*words, cwd=tmp_path).returncode == 0
    text = (tmp_path / "support.json").read_text()
    assert "[ONNXRuntimeError]" in text
    assert not any(word in text for word in ("margarethe", "kundendaten"))
    told = report("diagnose", "support.json", cwd=tmp_path)
    assert evidence(told)["cause"] == "model-missing"


# Services that have died


@pytest.fixture
def dead(tmp_path: Path) -> int:
    """A process that could not start, by its number; its log is beside it."""
    (tmp_path / "app.py").write_text("import onnxruntime\nonnxruntime.InferenceSession('/opt/models/det_10g.onnx')\n")
    with (tmp_path / "service.log").open("wb") as log:
        words = [DEV_PYTHON, "app.py"]
        process = subprocess.Popen(words, cwd=tmp_path, stdout=log, stderr=log, env=environment())
        process.wait()
    return process.pid


def test_one_that_died_is_explained_by_the_log_that_is_named(dead: int, tmp_path: Path) -> None:
    told = asked(tmp_path, "--pid", dead, "--log", "service.log")
    assert roots(told) == ["service-log-shows-cause"]
    assert found(told) == ["service-log-shows-cause", "service-not-running"]
    seen = evidence(told)
    assert (seen["cause"], seen["alive"], seen["log"]) == ("model-missing", False, str(tmp_path / "service.log"))


def test_the_log_may_be_a_setting(dead: int, tmp_path: Path) -> None:
    (tmp_path / "retina-doctor.toml").write_text('[service]\nlog = "service.log"\n')
    assert roots(asked(tmp_path, "--pid", dead)) == ["service-log-shows-cause"]
    assert roots(asked(tmp_path)) == ["service-log-shows-cause"], "no process is known at all"


@pytest.mark.parametrize("ended_by_it", [False, True])
def test_what_it_says_of_the_gpu_has_not_ended_one_that_lacks_its_model(
    ended_by_it: bool, tmp_path: Path, dead: int
) -> None:
    """Under --device cpu, unless nothing else can have ended it."""
    log = tmp_path / "service.log"
    log.write_text(LACKS_LIBRARY + "\n" + ("" if ended_by_it else log.read_text()))
    told = asked(tmp_path, "--pid", dead, "--log", "service.log", "--device", "cpu")
    [its] = [one for one in told["findings"] if one["name"] == "service-log-shows-cause"]
    assert roots(told) == ["service-log-shows-cause"]
    assert its["evidence"]["gpu"] == ended_by_it


LAST_WORDS = {
    "module": ("import nowhere_to_be_found\n", "service-module-missing"),
    "variable": ("import os\nos.environ['FACE_TOKEN_OF_NOBODY']\n", "service-start-failed"),
    "syntax": ("def app(:\n", "service-start-failed"),
    "chained": (
        "try:\n    {}['a']\nexcept KeyError as error:\n    raise ValueError('no key') from error\n",
        "service-start-failed",
    ),
}


@pytest.mark.parametrize("started", ["{python} app.py", "{python} -m gunicorn app:app", "{python} -m uvicorn app:app"])
@pytest.mark.parametrize("case", LAST_WORDS)
def test_the_exception_that_ended_it_is_told(case: str, started: str, tmp_path: Path) -> None:
    source, cause = LAST_WORDS[case]
    (tmp_path / "app.py").write_text(source)
    python = make_venv(tmp_path / "venv", "uv")
    install(python, "gunicorn", "uvicorn")
    with (tmp_path / "service.log").open("wb") as log:
        words = started.format(python=python).split()
        process = subprocess.Popen(words, cwd=tmp_path, stdout=log, stderr=log, env=environment())
        assert process.wait(60) != 0
    told = asked_all(tmp_path, "--pid", process.pid, "--log", "service.log")
    assert roots(told) == [cause]
    [seen] = [one["evidence"] for one in told["findings"] if one["name"] == cause]
    assert (seen["file"], seen["line"]) == (str(tmp_path / "app.py"), {"variable": 2, "chained": 4}.get(case, 1))


LIFESPAN = """async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        raise RuntimeError("no weights today")
    await send({"type": "http.response.start", "status": 200, "headers": []})
"""
OF_A_REQUEST = """ERROR:    Exception in ASGI application
Traceback (most recent call last):
  File "/srv/venv/lib/python3.11/site-packages/uvicorn/protocols/http/h11_impl.py", line 403, in run_asgi
    result = await app(self.scope, self.receive, self.send)
  File "/srv/app.py", line 12, in detect
    return {"faces": found["a"]}
KeyError: 'a'
"""


def test_a_server_that_ends_after_an_exception_tells_of_that(tmp_path: Path) -> None:
    """And not of its own last words, which look like one."""
    (tmp_path / "app.py").write_text(LIFESPAN)
    python = make_venv(tmp_path / "venv", "uv")
    install(python, "uvicorn")
    with (tmp_path / "service.log").open("wb") as log:
        words = [str(python), "-m", "uvicorn", "app:app", "--lifespan", "on", "--port", "0"]
        process = subprocess.Popen(words, cwd=tmp_path, stdout=log, stderr=log, env=environment())
        assert process.wait(60) != 0
    told = asked_all(tmp_path, "--pid", process.pid, "--log", "service.log")
    [seen] = [one["evidence"] for one in told["findings"] if one["name"] == "service-start-failed"]
    assert (seen["said"], seen["line"]) == ("RuntimeError: no weights today", 3)


@pytest.mark.parametrize(
    "end",
    [
        OF_A_REQUEST,
        OF_A_REQUEST + 'INFO:     10.0.0.7:51234 - "POST /detect HTTP/1.1" 200 OK\n',
        OF_A_REQUEST + "Path: /srv/models\n",
        'Traceback (most recent call last):\n  File "/srv/app.py", line 3, in <module>\n    time.sleep(9)\nKeyboardInterrupt\n',
    ],
)
@pytest.mark.parametrize("dies", [False, True])
def test_what_ended_no_service_is_not_told_as_its_end(end: str, dies: bool, dead: int, tmp_path: Path) -> None:
    """A request that failed stands at the end of its log, or somebody stopped it."""
    (tmp_path / "service.log").write_text(f"{HEALTHY}\n{end}")
    process: list[str | int] = ["--pid", dead] if dies else []
    told = asked_all(tmp_path, *process, "--log", "service.log")
    assert not {"service-start-failed", "service-module-missing"} & set(found(told))


def test_an_exception_that_did_not_end_it_is_not_told(tmp_path: Path) -> None:
    """A request failed, and the service went on."""
    says = "import traceback\ntry:\n    {}['a']\nexcept KeyError:\n    traceback.print_exc()"
    with (tmp_path / "service.log").open("wb") as log, running(tmp_path, says, log) as pid:
        told = asked_all(tmp_path, "--pid", pid, "--log", "service.log")
    assert "service-start-failed" not in found(told)


def test_one_that_died_without_a_word_is_only_dead(tmp_path: Path, dead: int) -> None:
    (tmp_path / "service.log").write_text(HEALTHY)
    told = asked(tmp_path, "--pid", dead, "--log", "service.log")
    assert found(told) == ["service-not-running"]
    assert verdicts(told)["service-log-shows-cause"] == "passed"


@pytest.mark.parametrize(
    ("kind", "words"), [("missing", "No such file"), ("folder", "Is a directory"), ("fifo", "no regular file")]
)
def test_a_named_log_that_is_none_is_said_to_be_so(kind: str, words: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    if kind == "folder":
        log.mkdir()
    elif kind == "fifo":
        os.mkfifo(log)
    done = doctor("check", "--only", "service-log-shows-cause,probe-failed", "--log", log, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"retina-doctor: --log: {log}: ")
    assert words in done.stderr


@pytest.mark.parametrize("log", ["unit:-x", "unit:a/b", "unit:", "docker:-v", "docker:a b", ""])
def test_a_name_that_could_be_a_flag_is_refused(log: str, tmp_path: Path) -> None:
    done = doctor("check", "--log", log, cwd=tmp_path)
    assert done.returncode == 2
    assert "log" in done.stderr


# Programs that print logs: stand-ins, since neither systemd nor a docker daemon runs where the tests do


def program(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!{sys.executable} -IS\nimport os, sys, time\nwords = sys.argv[1:]\n{text}")
    (folder / name).chmod(0o755)


JOURNAL = f"""
if "--unit=face.service" not in words or "--output=short-iso" not in words:
    sys.exit("journalctl: odd words: %r" % words)
print("2026-11-01T09:00:00+0000 gpu-7 python[61]: {LACKS_LIBRARY}")
print("2099-01-01T09:00:00+0000 gpu-7 python[77]: " + {NO_MODEL!r})
print("2099-01-01T09:00:01+0000 gpu-7 systemd[1]: face.service: Main process exited, code=exited, status=1/FAILURE")
"""
STATE = """
print("ActiveState=failed\\nExecMainCode=1\\nExecMainStatus=1\\nExecMainStartTimestampMonotonic=%d\\nResult=exit-code"
      % (time.clock_gettime(time.CLOCK_MONOTONIC) * 1e6))
"""


def with_programs(folder: Path) -> dict[str, str]:
    return environment(PATH=f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_the_journal_of_a_unit_that_failed(tmp_path: Path) -> None:
    program(tmp_path / "bin", "journalctl", JOURNAL)
    program(tmp_path / "bin", "systemctl", STATE)
    told = asked(tmp_path, "--log", "unit:face.service", env=with_programs(tmp_path / "bin"))
    assert roots(told) == ["service-log-shows-cause"]
    seen = evidence(told)
    assert (seen["cause"], seen["exit_code"], seen["alive"]) == ("model-missing", 1, False)
    assert len(told["findings"]) == 1, "what an earlier run said is no finding"
    assert "exit code 1" in told["findings"][0]["message"]


@pytest.mark.parametrize("text", ["time.sleep(600)", "while True: print('x' * 5000)"])
def test_a_program_that_hangs_or_floods_is_ended(text: str, tmp_path: Path) -> None:
    program(tmp_path / "bin", "journalctl", text)
    program(tmp_path / "bin", "systemctl", "")
    told = asked(tmp_path, "--log", "unit:face.service", "--timeout", "15", env=with_programs(tmp_path / "bin"))
    assert found(told) == []
    assert verdicts(told)["service-log-shows-cause"] in ("passed", "inapplicable")


DOCKER = f"""
if words[:1] == ["exec"]:
    os.execv({DEV_PYTHON!r}, [{DEV_PYTHON!r}, *words[words.index("python3") + 1:]])
if words[:1] == ["inspect"] and words[-1] == "face":
    print('{{"Status":"exited","Running":false,"OOMKilled":true,"ExitCode":137,"StartedAt":"2026-11-28T12:00:00.5Z"}}')
elif words[:2] == ["logs", "--timestamps"] and words[-1] == "face":
    print("2026-11-28T11:00:00.123456789Z {LACKS_LIBRARY}")
    print("2026-11-28T12:00:03.123456789Z " + {NO_MODEL!r}, file=sys.stderr)
else:
    sys.exit("unknown: %r" % words)
"""


@pytest.mark.parametrize("named", [("--target", "docker exec -i -e A=b face python3"), ("--log", "docker:face")])
def test_the_log_of_a_container(named: tuple[str, str], tmp_path: Path) -> None:
    program(tmp_path / "bin", "docker", DOCKER)
    told = asked(tmp_path, *named, env=with_programs(tmp_path / "bin"))
    seen = evidence(told)
    assert (seen["cause"], seen["log"], seen["kind"]) == ("model-missing", "face", "container")
    assert seen["killed_for_memory"] is True
    assert len(told["findings"]) == 1


def test_the_snapshot_of_an_older_version_is_judged(tmp_path: Path) -> None:
    """It has neither reading: unknown where a process was looked at, and no matter where none was."""
    snapshot = json.loads(doctor("collect", "-o", "-", "--quick", cwd=tmp_path).stdout)
    assert "service_log" not in snapshot["readings"]
    (tmp_path / "old.json").write_text(json.dumps(snapshot))
    assert verdicts(report("diagnose", "old.json", cwd=tmp_path))["service-log-shows-cause"] == "inapplicable"
