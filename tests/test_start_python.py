"""A service that does not run is judged by the Python that its start command names, where nobody names another."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from retina_doctor_checks.probes.service import application
from retina_doctor_checks.started import python_of_start, said_by_start

from retina_doctor.settings import Settings
from tests.doctor import environment, report, roots


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """An environment of its own, without a package."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    server = tmp_path / "venv" / "bin" / "uvicorn"
    server.write_text("#!/bin/sh\n")
    server.chmod(0o755)
    return tmp_path / "venv" / "bin" / "python"


def started(words: str) -> Settings:
    return Settings.of_plain({"service": {"start": words}})


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("{bin}/python app.py", "python"),
        ("PORT=8080 {bin}/python -m uvicorn app:app", "python"),
        ("nohup {bin}/uvicorn app:app", "python3"),
        ("cd / && exec {bin}/uvicorn app:app", "python3"),
        ("uvicorn app:app", None),
        ("python app.py", None),
        ("{bin}/gone/python app.py", None),
        ("docker:face", None),
        ("{bin}/docker run face", None),
        ("{bin}/bash app.sh", None),
        ("{bin}/uv run app.py", None),
    ],
)
def test_which_python_a_start_names(words: str, name: str | None, python: Path) -> None:
    found = python_of_start(started(words.format(bin=python.parent)))
    assert found == ((str(python.parent / name),) if name else None)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("RETINAFACE_MODEL_PATH=weights/a.onnx {bin}/python app.py", {"model": {"path": "weights/a.onnx"}}),
        ("{bin}/python app.py --model=weights/a.onnx", {"model": {"path": "weights/a.onnx"}}),
        ("cd /opt && {bin}/python app.py --model a.onnx", {"model": {"path": "/opt/a.onnx"}}),
        ("cd srv && {bin}/python app.py --model a.onnx", {"model": {"path": "srv/a.onnx"}}),
        ("RETINAFACE_MODEL_PATH=$HOME/a.onnx {bin}/python app.py", {}),
        ("{bin}/python app.py", {}),
        ("docker:face", {}),
    ],
)
def test_what_else_a_start_says(words: str, said: dict[str, object], python: Path) -> None:
    assert said_by_start(started(words.format(bin=python.parent))) == said


@pytest.mark.parametrize(
    ("start", "file"),
    [
        ("cd srv && {python} app.py", ""),
        ("face.conf", "[program:face]\ncommand={python} app.py\ndirectory={folder}/srv\n"),
        ("./face.service", "[Service]\nWorkingDirectory={folder}/srv\nExecStart={python} app.py\n"),
        ("Procfile", "web: cd srv && {python} app.py\n"),
        ("{folder}/Procfile", "web: cd srv && {python} app.py\n"),
    ],
)
def test_a_start_is_read_from_where_it_is_named(start: str, file: str, python: Path, tmp_path: Path) -> None:
    (tmp_path / "srv").mkdir()
    (tmp_path / "srv" / "app.py").write_text("print()\n")
    (tmp_path / "a.onnx").write_text("")
    places = {"python": python, "folder": tmp_path}
    if file:
        (tmp_path / Path(start.format(**places)).name).write_text(file.format(**places))
    here = Path("/") if start.startswith("{folder}") else tmp_path
    told = report("check", "--only", "RD101,RD518", "--model", "a.onnx", "--start", start.format(**places), cwd=here)
    assert told["facts"]["start"]["file"] == str(tmp_path / "srv" / "app.py")
    assert told["facts"]["models"]["path"] == f"{tmp_path}/a.onnx"
    assert "service-start-failed" not in roots(told)


def test_a_compose_file_is_not_asked_of_an_engine_ahead_of_its_probe(
    python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its paths are those of an image; the answer of a docker that hangs would be waited for, and thrown away."""
    docker = tmp_path / "docker"
    docker.write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\n")
    docker.chmod(0o755)
    file = tmp_path / "compose.yaml"
    file.write_text(f"services:\n  face:\n    image: face\n    command: [{python}, app.py]\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert said_by_start(started(str(file))) == {}
    assert python_of_start(started(f"{file}#face")) is None
    assert not (tmp_path / "asked").exists()


def test_the_model_of_a_supervisors_program(python: Path, tmp_path: Path) -> None:
    conf = tmp_path / "face.conf"
    conf.write_text(
        f"[program:face]\ncommand={python} app.py\ndirectory={tmp_path}/venv\n"
        'environment=PORT="8080",KEY="a b",RETINAFACE_MODEL_PATH="%(here)s/a.onnx"\n'
    )
    said = {"model": {"path": f"{tmp_path}/a.onnx"}, "target": {"workdir": f"{tmp_path}/venv"}}
    assert said_by_start(started(str(conf))) == said
    text = conf.read_text()
    conf.write_text(text.replace('PATH="', 'PATH = "'))
    assert said_by_start(started(str(conf))) == said
    conf.write_text(f'[program:face]\ncommand={python} app.py\nenvironment=RETINAFACE_MODEL_PATH="a.onnx\n')
    assert said_by_start(started(str(conf))) == {}


def test_the_model_of_a_unit_that_does_not_run(python: Path, tmp_path: Path) -> None:
    unit = tmp_path / "face.service"
    unit.write_text(
        f"[Service]\nWorkingDirectory={tmp_path}/venv\nEnvironment=RETINAFACE_MODEL_PATH=a.onnx KEY=hidden\n"
        f"ExecStart={python} app.py\n"
    )
    told = report("check", "--only", "RD101", "--start", unit, cwd=tmp_path)
    assert told["facts"]["models"]["path"] == f"{tmp_path}/venv/a.onnx"
    assert roots(told) == ["model-missing"]


def test_a_supervisors_program(python: Path) -> None:
    conf = python.parent.parent / "face.conf"
    conf.write_text(f"[program:face]\ncommand={python.parent}/uvicorn app:app\n")
    assert python_of_start(started(str(conf))) == (str(python.parent / "python3"),)


def test_a_command_in_an_image_names_no_python_of_this_machine(python: Path) -> None:
    file = python.parent.parent / "compose.yaml"
    file.write_text(f"services:\n  face:\n    image: face\n    command: [{python}, app.py]\n")
    assert python_of_start(started(str(file))) is None


@pytest.mark.skipif(os.getuid() != 0, reason="gives a file to another user")
def test_another_users_python_is_not_run(python: Path) -> None:
    os.chown(python.parent, 65534, 65534)
    assert python_of_start(started(f"{python} app.py")) is None


@pytest.mark.skipif(os.getuid() != 0, reason="gives files to another user")
@pytest.mark.parametrize("way", ["packages", "pyvenv.cfg", "link"])
def test_nothing_of_another_user_tells_it_what_to_run(way: str, python: Path, tmp_path: Path) -> None:
    """The file is root's; what it reads at its start, or a link on the way to it, is not."""
    if way == "packages":
        [packages] = (tmp_path / "venv" / "lib").glob("python*/site-packages")
        os.chown(packages, 65534, 65534)
        named = python
    else:
        theirs = tmp_path / "theirs"
        theirs.mkdir()
        (theirs / "bin").symlink_to(python.parent)
        (theirs / "pyvenv.cfg").write_text("home = /usr/bin\n")
        os.chown(theirs / "bin" if way == "link" else theirs, 65534, 65534, follow_symlinks=False)
        named = theirs / "bin" / "python"
    assert python_of_start(started(f"{named} app.py")) is None


def test_it_is_looked_at_unless_another_is_named(python: Path, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("import fastapi\n")
    words = ("check", "--device", "cpu", "--only", "service", "--start", f"{python} app.py")
    told = report(*words, cwd=tmp_path, env=environment())
    assert told["target"]["command"] == [str(python)]
    told = report(*words, "--target", sys.executable, cwd=tmp_path)
    assert told["target"]["command"] == [sys.executable]


@pytest.mark.parametrize("flag", ["--pythonpath src", "--pythonpath=gone,src", "--chdir src"])
def test_gunicorns_folders_of_modules(flag: str, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").touch()
    found = application.of_command(["gunicorn", *flag.split(), "app:app"], str(tmp_path), [])
    assert found is not None and found.file == str(tmp_path / "src" / "app.py")
