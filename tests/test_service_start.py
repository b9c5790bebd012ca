"""Why a service does not start: its own command is read, the modules that it needs are looked for, and nothing of it is run."""

from __future__ import annotations

import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.doctor import DEV_PYTHON, environment, install, make_venv, report

QUICK = ("check", "--quick", "--device", "cpu", "--only", "service")
MARK = "ran.txt"
BESIDE = """
import pathlib
pathlib.Path("ran.txt").write_text("the source was run")
import {module}
"""


def looked(folder: Path, start: str, python: Path | str = DEV_PYTHON, path: str | None = None) -> dict[str, Any]:
    env = environment(**({"PATH": path} if path else {}))
    told = report(*QUICK, "--target", str(python), "--start", start, cwd=folder, env=env)
    assert not (folder / MARK).exists(), "the service's source was run"
    return told


def missing(told: dict[str, Any]) -> list[str]:
    found = [one for one in told["findings"] if one["name"] == "service-module-missing"]
    return found[0]["evidence"]["modules"] if found else []


def names(told: dict[str, Any]) -> set[str]:
    return {one["name"] for one in told["findings"] if one["root"] is None}


def app(folder: Path, module: str = "json") -> None:
    (folder / "app.py").write_text("import beside\nfrom flask import Flask\napp = Flask(__name__)\n")
    (folder / "beside.py").write_text(BESIDE.format(module=module))


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """With flask and gunicorn."""
    python = make_venv(tmp_path / "venv", "uv")
    install(python, "flask", "gunicorn")
    return python


COMMANDS = (
    "gunicorn -w 2 app:app",
    "{python} app.py",
    "{python} -m gunicorn app:app",
    "sh -c 'cd . && exec gunicorn app:app'",
)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_module_that_is_missing_two_files_away_is_the_root(command: str, tmp_path: Path, venv: Path) -> None:
    command = command.format(python=venv)
    app(tmp_path, "nowhere_to_be_found")
    told = looked(tmp_path, command, venv)
    assert (names(told), missing(told)) == ({"service-module-missing"}, ["nowhere_to_be_found"])
    assert told["findings"][0]["evidence"]["file"] == str(tmp_path / "beside.py")
    app(tmp_path)
    assert looked(tmp_path, command, venv)["findings"] == []


def test_what_may_be_missing_is_not(tmp_path: Path, venv: Path) -> None:
    app(tmp_path)
    (tmp_path / "beside.py").write_text(
        "from typing import TYPE_CHECKING\ntry:\n    import cupy_x\nexcept ImportError:\n    cupy_x = None\n"
        "if TYPE_CHECKING:\n    import nothing_x\ndef f():\n    import later_x\n"
    )
    assert looked(tmp_path, "gunicorn app:app", venv)["findings"] == []


FASTAPI = """from fastapi import FastAPI, {names}
app = FastAPI()
@app.post("/detect")
async def detect({argument}): return {{}}
"""


@pytest.mark.parametrize(
    ("names_", "argument"),
    [("UploadFile", "file: UploadFile"), ("Form", "name: str = Form(...)"), ("File", "data: bytes = File()")],
)
def test_what_a_route_implies(names_: str, argument: str, tmp_path: Path) -> None:
    """Really so: the application is imported by the same Python, and fails; with python-multipart it does not."""
    import subprocess

    python = make_venv(tmp_path / "venv", "uv")
    install(python, "fastapi", "uvicorn")
    (tmp_path / "app.py").write_text(FASTAPI.format(names=names_, argument=argument))
    told = looked(tmp_path, "uvicorn app:app", python)
    assert (names(told), missing(told)) == ({"service-module-missing"}, ["python_multipart"])
    assert "python-multipart" in told["findings"][0]["fix"]["commands"][0]
    really = [str(python), "-c", "import app"]
    assert subprocess.run(really, cwd=tmp_path, capture_output=True, check=False).returncode == 1
    install(python, "python-multipart")
    assert subprocess.run(really, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    assert looked(tmp_path, "uvicorn app:app", python)["findings"] == []


def test_a_server_that_is_in_another_environment(tmp_path: Path) -> None:
    app(tmp_path)
    told = looked(tmp_path, "gunicorn app:app", make_venv(tmp_path / "bare", "uv"), path="/usr/bin:/bin")
    assert "service-start-failed" in {one["name"] for one in told["findings"]}
    assert told["findings"][-1]["evidence"]["program"] == "gunicorn"


def test_a_script_that_is_not_there(tmp_path: Path) -> None:
    told = looked(tmp_path, "python -u nothere.py --port 8080")
    [finding] = told["findings"]
    assert (finding["name"], finding["evidence"]["program"]) == ("service-start-failed", "nothere.py")
    (tmp_path / "nothere.py").write_text("import json\n")
    assert looked(tmp_path, "python -u nothere.py --port 8080")["findings"] == []


def test_procfile_and_supervisor(tmp_path: Path, venv: Path) -> None:
    app(tmp_path, "nowhere_to_be_found")
    (tmp_path / "Procfile").write_text("# comment\nworker: python w.py\nweb: gunicorn app:app --workers 2\n")
    assert missing(looked(tmp_path, "Procfile", venv)) == ["nowhere_to_be_found"]
    conf = tmp_path / "face.conf"
    conf.write_text(
        f"[supervisord]\n[program:face]\ncommand={venv.parent}/gunicorn app:app ; one\ndirectory={tmp_path}\n"
    )
    assert missing(looked(tmp_path, str(conf), venv)) == ["nowhere_to_be_found"]


SHOWN = """ExecMainCode={code}
ExecMainStatus={status}
NRestarts=7
Result={result}
ActiveState={state}
WorkingDirectory={folder}
ExecStart={{ path=/x/gunicorn ; argv[]={gunicorn} app:app ; ignore_errors=no ; start_time=[n/a] ; code=(null) ; status=0/0 }}
"""


@pytest.mark.parametrize(
    ("code", "status", "result", "state", "told_code", "out_of_memory"),
    [
        (2, 9, "oom-kill", "failed", 137, True),
        (3, 4, "core-dump", "failed", 132, False),
        (1, 3, "exit-code", "activating", 3, False),
        (1, 203, "exit-code", "failed", 203, False),
        (0, 0, "success", "active", None, False),
    ],
)
def test_a_units_last_end(
    code: int,
    status: int,
    result: str,
    state: str,
    told_code: int | None,
    out_of_memory: bool,
    tmp_path: Path,
    venv: Path,
) -> None:
    """`systemctl` is a program that prints what the real one prints: there is no systemd here."""
    app(tmp_path)
    programs = tmp_path / "programs"
    programs.mkdir()
    gunicorn = venv.parent / "gunicorn"
    text = SHOWN.format(code=code, status=status, result=result, state=state, folder=tmp_path, gunicorn=gunicorn)
    (programs / "systemctl").write_text(f"#!/bin/sh\ncat <<'END'\n{text}END\n")
    (programs / "systemctl").chmod(stat.S_IRWXU)
    told = looked(tmp_path, "face.service", venv, path=f"{programs}:/usr/bin:/bin")
    if told_code is None:
        assert told["findings"] == []
        return
    [finding] = told["findings"]
    assert finding["name"] == "service-start-failed"
    assert (finding["evidence"]["code"], finding["evidence"]["out_of_memory"]) == (told_code, out_of_memory)
    app(tmp_path, "nowhere_to_be_found")
    again = looked(tmp_path, "face.service", venv, path=f"{programs}:/usr/bin:/bin")
    assert names(again) == {"service-module-missing"}, "what the start lacks explains how it ended"


def test_nothing_is_told_of_a_command_that_nobody_understands(tmp_path: Path) -> None:
    told = looked(tmp_path, f"{sys.executable} -c 'import nowhere'")
    assert told["findings"] == []
    assert {one["verdict"] for one in told["checks"] if one["code"] == "RD517"} == {"unknown"}


def test_only_packages_that_are_known_by_name_are_installed(tmp_path: Path, venv: Path) -> None:
    """Any other name may be a module of the service's own, and somebody else's on PyPI."""
    (tmp_path / "app.py").write_text("import our_own_module\nimport onnx\nimport cv2\n")
    [finding] = looked(tmp_path, f"{venv} app.py", venv)["findings"]
    assert finding["evidence"]["modules"] == ["our_own_module", "onnx", "cv2"]
    [command] = finding["fix"]["commands"]
    assert command.split()[-2:] == ["onnx", "opencv-python-headless"]
    (tmp_path / "app.py").write_text("import our_own_module\n")
    [finding] = looked(tmp_path, f"{venv} app.py", venv)["findings"]
    assert finding["fix"]["commands"] == []


FOLDERS = {
    "sys.path is changed": ("import sys\nsys.path.insert(0, 'lib')\nimport ours\n", "{python} app.py", "unknown"),
    "suppressed": (
        "import contextlib\nwith contextlib.suppress(ImportError):\n    import ours\n", "{python} app.py", "passed"
    ),
    "PYTHONPATH": ("import ours\n", "PYTHONPATH=lib {python} app.py", "passed"),
    "another PYTHONPATH": ("import ours\n", "PYTHONPATH=nothing {python} app.py", "failed"),
    "flags of sudo": ("import ours\n", "sudo -u www {python} app.py", "unknown"),
    "a line for a shell": ("import ours\n", "cd lib && {python} app.py", "unknown"),
}  # fmt: skip


@pytest.mark.parametrize("case", FOLDERS)
def test_what_may_be_there_is_not_missing(case: str, tmp_path: Path) -> None:
    source, command, verdict = FOLDERS[case]
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "ours.py").write_text("x = 1\n")
    (tmp_path / "app.py").write_text(source)
    told = looked(tmp_path, command.format(python=DEV_PYTHON))
    verdicts = {one["code"]: one["verdict"] for one in told["checks"]}
    assert verdicts["RD517"] == verdict
    assert verdicts["RD518"] != "failed"


def test_a_unit_file_may_continue_its_lines(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "ours.py").write_text("x = 1\n")
    (tmp_path / "app.py").write_text("import ours\nimport nowhere_to_be_found\n")
    unit = tmp_path / "face.service"
    unit.write_text(
        f"[Service]\nEnvironment=PYTHONPATH={tmp_path}/lib KEY=x\nWorkingDirectory={tmp_path}\n"
        f"ExecStart=/usr/bin/env \\\n   {DEV_PYTHON} \\\n   app.py\n"
    )
    assert missing(looked(tmp_path, str(unit))) == ["nowhere_to_be_found"]


def test_no_program_of_the_working_directory_is_run(tmp_path: Path) -> None:
    """Where PATH names it by an empty or a relative folder."""
    for name in ("systemctl", "docker"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho run > {tmp_path}/{MARK}\n")
        (tmp_path / name).chmod(stat.S_IRWXU)
    for start in ("face.service", "docker:face"):
        looked(tmp_path, start, path=":.:/usr/bin:/bin")
