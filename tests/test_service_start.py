"""Why a service does not start: its own command is read, the modules that it needs are looked for, and nothing of it is run."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Callable
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


def test_a_file_whose_names_are_imported_is_followed(tmp_path: Path, venv: Path) -> None:
    app(tmp_path, "nowhere_to_be_found")
    (tmp_path / "app.py").write_text("from beside import pathlib\nfrom flask import Flask\napp = Flask(__name__)\n")
    assert missing(looked(tmp_path, "gunicorn app:app", venv)) == ["nowhere_to_be_found"]


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
    "a folder beside it": (
        "import os, sys\nsys.path.insert(0, os.path.join(os.path.dirname(__file__), 'lib'))\nimport ours\n",
        "{python} app.py", "passed"
    ),
    "a folder beside it, by pathlib": (
        "import sys\nfrom pathlib import Path\nHERE = Path(__file__).resolve().parent\n"
        "sys.path.append(str(HERE / 'lib'))\nimport ours\n", "{python} app.py", "passed"
    ),
    "a folder beside it that has nothing": (
        "import os, sys\nsys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + '/empty')\nimport ours\n",
        "{python} app.py", "failed"
    ),
    "a folder beside it that what starts it may make": (
        "import os, sys\nsys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + '/unpacked')\nimport ours\n",
        "{python} app.py", "unknown"
    ),
    "a folder beside where a link leads": (
        "import os, sys\nsys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'lib'))\nimport ours\n",
        "{python} current/app.py", "passed"
    ),
    "a folder that a file adds which may be missing": (
        "try:\n    import added\nexcept ImportError:\n    pass\nimport ours\n", "{python} app.py", "unknown"
    ),
    "what an installed package has as well": (
        "import os, sys\nsys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'vendor'))\n"
        "from flask import Flask\n", "{python} app.py", "passed"
    ),
    "what two folders have": ("import added\nfrom ours import x\n", "{python} twice/app.py", "passed"),
    "a folder of its own making": (
        "import sys\ndef dirname(path):\n    return 'lib'\nsys.path.insert(0, dirname(__file__))\nimport ours\n",
        "{python} app.py", "unknown"
    ),
    "a folder by somebody else's join": (
        "import sys\nfrom lib.ours import x as dirname\nsys.path.insert(0, dirname(__file__))\nimport ours\n",
        "{python} app.py", "unknown"
    ),
    "a folder under a condition": (
        "import os, sys\nif os.name:\n    sys.path.insert(0, os.path.dirname(__file__) + '/lib')\nimport ours\n",
        "{python} app.py", "unknown"
    ),
    "suppressed": (
        "import contextlib\nwith contextlib.suppress(ImportError):\n    import ours\n", "{python} app.py", "passed"
    ),
    "PYTHONPATH": ("import ours\n", "PYTHONPATH=lib {python} app.py", "passed"),
    "another PYTHONPATH": ("import ours\n", "PYTHONPATH=nothing {python} app.py", "failed"),
    "flags of sudo": ("import json\n", "sudo -u www {python} app.py", "passed"),
    "a line for a shell": ("import json\n", "cd lib && {python} ../app.py", "passed"),
    "a line that goes where nobody knows": ("import ours\n", "cd $APP && {python} app.py", "unknown"),
}  # fmt: skip


@pytest.mark.parametrize("case", FOLDERS)
def test_what_may_be_there_is_not_missing(case: str, tmp_path: Path) -> None:
    source, command, verdict = FOLDERS[case]
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "ours.py").write_text("x = 1\n")
    (tmp_path / "app.py").write_text(source)
    release = tmp_path / "releases" / "5"
    for folder in (tmp_path / "empty", tmp_path / "vendor" / "flask", release, tmp_path / "twice"):
        folder.mkdir(parents=True)
    (tmp_path / "current").symlink_to(release)
    (tmp_path / "releases" / "lib").symlink_to(tmp_path / "lib")
    (tmp_path / "vendor" / "flask" / "__init__.py").write_text("import nowhere\n")
    (tmp_path / "twice" / "ours.py").write_text("y = 1\n")
    adds = "import os, sys\nsys.path.insert(0, os.path.join(os.path.dirname(__file__), '{}'))\n"
    (tmp_path / "added.py").write_text(adds.format("lib"))
    (tmp_path / "twice" / "added.py").write_text(adds.format("../lib"))
    for folder in (release, tmp_path / "twice"):
        (folder / "app.py").write_text(source)
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


NOWHERE = "nowhere_to_be_found"
RUN = (  # command, the file that it loads
    ("gunicorn app:app -b localhost:8000", "app.py"),
    ("{bin}/python {bin}/gunicorn app:app", "app.py"),
    ("flask -A web run --port 8000", "web.py"),
    ("FLASK_APP=web:app flask run", "web.py"),
    ("gunicorn --chdir=src app:app", "src/app.py"),
    ("cd src && gunicorn app:app", "src/app.py"),
    ("sh -c 'cd src; exec gunicorn app:app'", "src/app.py"),
    ("timeout 60 nice -n 5 gunicorn app:app", "app.py"),
    ("python -m face --port 1", "face/__main__.py"),
    ("gunicorn --preload face.web:app", "face/web.py"),
)


@pytest.mark.parametrize(("command", "file"), RUN)
def test_the_file_that_a_command_runs_is_read(command: str, file: str, tmp_path: Path, venv: Path) -> None:
    (tmp_path / "face").mkdir()
    (tmp_path / "face" / "__init__.py").touch()
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(f"import {NOWHERE}\napp = 1\n")
    told = looked(tmp_path, command.format(bin=venv.parent), venv)
    assert (names(told), missing(told)) == ({"service-module-missing"}, [NOWHERE]), told["facts"]["start"]
    (tmp_path / file).write_text("app = 1\n")
    told = looked(tmp_path, command.format(bin=venv.parent), venv)
    assert (told["findings"], told["facts"]["start"]["file"]) == ([], str(tmp_path / file))


Files = dict[str, str | bytes]
UNLOADABLE: dict[str, tuple[str, Files, Files]] = {
    # what is wrong: (command, the files, those that mend it)
    "syntax": ("gunicorn app:app", {"app.py": "import b\napp = 1\n", "b.py": "x = (\n"}, {"b.py": "x = ()\n"}),
    "syntax, of a file whose names are asked for": (
        "{python} app.py",
        {"app.py": "from b import x\n", "b.py": "def x(:\n    pass\n"},
        {"b.py": "def x():\n    pass\n"},
    ),
    "syntax of another Python": ("{python} app.py", {"app.py": "print 'x'\n"}, {"app.py": "print('x')\n"}),
    "syntax, by its encoding": ("{python} app.py", {"app.py": "# 模型\n".encode("gbk")}, {"app.py": "# 模型\n"}),
    "attribute": ("gunicorn app:app", {"app.py": "def make():\n    app = 1\n"}, {"app.py": "def make():\n    global app\n"}),
    "attribute of a star": (
        "gunicorn app:api", {"app.py": "from b import app\n", "b.py": "app = 1\n"}, {"app.py": "from b import *\n"}
    ),
    "import-name": ("gunicorn app:app", {"app.py": "from b import face as app\n", "b.py": "faces = 1\n"}, {"b.py": "face = 1\n"}),
    "relative-import": ("{python} app.py", {"app.py": "from . import b\n", "b.py": ""}, {"app.py": "import b\n"}),
}  # fmt: skip


@pytest.mark.parametrize("name", UNLOADABLE)
def test_a_file_that_cannot_be_loaded(name: str, tmp_path: Path, venv: Path) -> None:
    """Really so: the same Python refuses the same files, and takes them when they are mended."""
    command, files, mended = UNLOADABLE[name]
    for these, loads in ((files, False), ({**files, **mended}, True)):
        for file, text in these.items():
            (tmp_path / file).write_bytes(text if isinstance(text, bytes) else text.encode())
        if name != "attribute" or not loads:
            served = "app" if name == "attribute" else "api" if name.startswith("attribute") else None
            asked = f"import app; app.{served}" if served and not loads else "import app"
            words = [str(venv), "app.py"] if "{python}" in command or not served else [str(venv), "-c", asked]
            done = subprocess.run(words, cwd=tmp_path, capture_output=True, check=False)
            assert (done.returncode == 0) is loads, done.stderr
        told = looked(tmp_path, command.format(python=venv), venv)
        if loads:
            assert told["findings"] == []
        else:
            assert names(told) == {"service-start-failed"}
            assert told["facts"]["start"]["unloadable"]["kind"] == name.split()[0].rstrip(",")


def test_the_command_with_the_name_that_is_there(tmp_path: Path, venv: Path) -> None:
    (tmp_path / "app.py").write_text("from flask import Flask\nserver = Flask(__name__)\n")
    [finding] = looked(tmp_path, "gunicorn -w 2 app:app", venv)["findings"]
    assert finding["fix"]["commands"] == ["gunicorn -w 2 app:server"]
    assert looked(tmp_path, finding["fix"]["commands"][0], venv)["findings"] == []


def test_a_command_that_is_started_in_the_wrong_folder(tmp_path: Path, venv: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text("app = 1\n")
    told = looked(tmp_path, "gunicorn app:app", venv)
    [finding] = told["findings"]
    assert (finding["name"], missing(told)) == ("service-module-missing", ["app"])
    [command] = finding["fix"]["commands"]
    assert command == f"cd {tmp_path}/src && gunicorn app:app"
    assert looked(tmp_path, command, venv)["findings"] == []


COMPOSE = """# the service
x-common: &common
  restart: always
services:
  redis:
    image: redis:7
  face:
    build: {context: "./face"}
    ports:
    - "8080:8080"
    command: %s
    env_file:
      - face.env
    environment:
      - PYTHONPATH=/nothing
    deploy:
      resources:
        reservations:
          devices: [{driver: nvidia, count: 1, capabilities: [gpu]}]
"""


@pytest.mark.parametrize(
    "command",
    [
        "gunicorn -b 0.0.0.0:8080 app:app",
        "[gunicorn, '-b', \"0.0.0.0:8080\", 'app:app']",
        ">-\n      gunicorn\n      app:app",
    ],
)
def test_a_service_of_compose(command: str, tmp_path: Path, venv: Path) -> None:
    (tmp_path / "face").mkdir()
    (tmp_path / "compose.yml").write_text(COMPOSE % command)
    (tmp_path / "face.env").touch()
    (tmp_path / "face" / "app.py").write_text("app = 1\n")
    for start in ("compose.yml", "compose.yml#face"):
        told = looked(tmp_path, start, venv)
        assert told["findings"] == []
        assert told["facts"]["start"]["file"] == str(tmp_path / "face" / "app.py")
    (tmp_path / "face" / "app.py").write_text("app = \n")
    assert names(looked(tmp_path, "compose.yml", venv)) == {"service-start-failed"}
    (tmp_path / "face" / "app.py").write_text("app = 1\n")
    (tmp_path / "face.env").unlink()
    told = looked(tmp_path, "compose.yml", venv)
    assert told["facts"]["start"]["unloadable"]["what"] == str(tmp_path / "face.env")
    [finding] = told["findings"]
    assert finding["fix"]["commands"] == [f"touch {tmp_path}/face.env"]


@pytest.mark.parametrize(
    "text",
    [
        "services: *all\n",
        "services:\n  face:\n    <<: *common\n    build: .\n",
        "a: [\n",
        "- x\n",
        "",
        "services:\n  a: {build: .}\n  b: {build: .}\n",
    ],
)
def test_of_a_compose_file_that_is_not_understood_nothing_is_said(text: str, tmp_path: Path) -> None:
    (tmp_path / "compose.yml").write_text(text)
    told = looked(tmp_path, "compose.yml")
    assert told["findings"] == []
    assert {one["verdict"] for one in told["checks"] if one["code"] in ("RD517", "RD518")} == {"unknown"}


# Units and programs of a supervisor, as files


def unit(folder: Path, **values: str) -> str:
    lines = {"ExecStart": f"{DEV_PYTHON} app.py", "WorkingDirectory": str(folder), **values}
    path = folder / "face.service"
    path.write_text("[Unit]\nAfter=network.target\n\n[Service]\n" + "".join(f"{k}={v}\n" for k, v in lines.items()))
    return str(path)


def program(folder: Path, **values: str) -> str:
    lines = {"command": f"{DEV_PYTHON} app.py", "directory": "%(here)s", **values}
    path = folder / "face.conf"
    path.write_text("[supervisord]\nuser=root\n[program:face]\n" + "".join(f"{k}={v} ; x\n" for k, v in lines.items()))
    return str(path)


def stopped(told: dict[str, Any]) -> tuple[str, str, int] | None:
    [start] = [one for one in told["findings"] if one["name"] == "service-start-failed"] or [None]
    return (start["evidence"]["said"], start["evidence"]["what"], start["evidence"]["line"]) if start else None


@pytest.mark.parametrize(
    "named", ["face.service", "./face.service", "deploy/face.service", "{folder}/deploy/face.service"]
)
def test_a_unit_is_read_as_the_file_that_is_named(named: str, tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    for folder in (tmp_path, tmp_path / "deploy"):
        app(folder, "nowhere_to_be_found")
        unit(folder)
    assert missing(looked(tmp_path, named.format(folder=tmp_path))) == ["nowhere_to_be_found"]


@pytest.mark.parametrize(
    ("of", "values", "kind", "what", "line"),
    [
        (unit, {"WorkingDirectory": "{folder}/apps"}, "directory", "{folder}/apps", 6),
        (unit, {"WorkingDirectory": "!{folder}/gone"}, "directory", "{folder}/gone", 6),
        (unit, {"EnvironmentFile": "{folder}/face.env"}, "env-file", "{folder}/face.env", 7),
        (unit, {"User": "nobody-has-this-name"}, "no-such-user", "nobody-has-this-name", 7),
        (program, {"directory": "{folder}/apps"}, "directory", "{folder}/apps", 5),
        (program, {"directory": "%(here)s/apps"}, "directory", "{folder}/apps", 5),
        (program, {"user": "nobody-has-this-name"}, "no-such-user", "nobody-has-this-name", 6),
        (program, {"stdout_logfile": "{folder}/logs/face.log"}, "log-folder", "{folder}/logs", 6),
    ],
)
def test_what_keeps_a_start_from_its_command(
    of: Callable[..., str], values: dict[str, str], kind: str, what: str, line: int, tmp_path: Path
) -> None:
    app(tmp_path, "json")
    (tmp_path / "app").mkdir()
    told = looked(tmp_path, of(tmp_path, **{key: value.format(folder=tmp_path) for key, value in values.items()}))
    assert stopped(told) == (kind, what.format(folder=tmp_path), line)
    if kind == "directory" and what.endswith("apps"):
        assert f"{tmp_path}/app" in told["findings"][0]["message"], "what it may be meant for"


@pytest.mark.parametrize(
    ("of", "values"),
    [
        (unit, {}),
        (unit, {"WorkingDirectory": "-{folder}/gone"}),
        (unit, {"WorkingDirectory": "~"}),
        (unit, {"WorkingDirectory": "/srv/%i"}),
        (unit, {"EnvironmentFile": "-{folder}/face.env", "User": "root"}),
        (unit, {"User": "%i"}),
        (program, {}),
        (program, {"directory": "%(ENV_HOME)s/gone"}),
        (program, {"stdout_logfile": "/dev/stdout", "user": "root"}),
        (program, {"stdout_logfile": "AUTO"}),
        (program, {"stdout_logfile": "%(ENV_LOGS)s/face.log"}),
    ],
)
def test_what_does_not_keep_it_from_it(of: Callable[..., str], values: dict[str, str], tmp_path: Path) -> None:
    app(tmp_path, "json")
    told = looked(tmp_path, of(tmp_path, **{key: value.format(folder=tmp_path) for key, value in values.items()}))
    assert stopped(told) is None


def test_one_of_several_programs_of_a_supervisor(tmp_path: Path) -> None:
    app(tmp_path, "json")
    path = Path(program(tmp_path))
    path.write_text(path.read_text() + f"[program:other]\ncommand={DEV_PYTHON} app.py\ndirectory={tmp_path}/gone\n")
    assert stopped(looked(tmp_path, str(path))) is None
    assert stopped(looked(tmp_path, f"{path}#other")) == ("directory", f"{tmp_path}/gone", 8)
