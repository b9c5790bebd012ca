"""Files of the working directory that bear the name of a module that comes with Python: the import of the service's packages dies
of them, in Pythons old and new, and their healthy twins are silent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.doctor import DEV_PYTHON, environment, install, make_venv, report, run_fix

COMPILED = ["select.py"] if "select" not in sys.builtin_module_names else []
"""Neighbours of a module of Python's own that is a library of lib-dynload, as most builds have it."""
ONLY = ("--only", "working-directory-shadows-package", "--target", DEV_PYTHON)


def imported(folder: Path) -> int:
    """What a file of the folder that imports flask comes to."""
    (folder / "app.py").write_text("import flask, numpy, tempfile, random\nrandom.random()\n")
    return subprocess.run([DEV_PYTHON, "app.py"], cwd=folder, capture_output=True, check=False, timeout=120).returncode


@pytest.mark.parametrize(
    "name", ["random.py", "logging.py", "inspect.py", "tempfile.py", "email/__init__.py", *COMPILED]
)
def test_a_neighbour_of_pythons_own_module_is_named_and_renamed(name: str, tmp_path: Path) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("faces = []\n")
    assert imported(tmp_path) != 0
    told = report(*ONLY, cwd=tmp_path)
    [finding] = told["findings"]
    assert finding["evidence"]["path"] == str(tmp_path / name)
    assert "Python's own module" in finding["message"]
    if name.endswith("__init__.py"):
        return  # of a folder its first file is renamed, and the folder is left
    run_fix(told, "working-directory-shadows-package", tmp_path)
    assert imported(tmp_path) == 0
    assert report(*ONLY, cwd=tmp_path)["findings"] == []


@pytest.mark.parametrize(
    "name", ["os.py", "site.py", "codecs.py", "test/__init__.py", "face.py", "random.txt", "json/readme.md"]
)
def test_what_takes_nobodys_place_is_silent(name: str, tmp_path: Path) -> None:
    """Python has its first modules before it looks into the folder; others no package of a face service imports."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("faces = []\n")
    assert imported(tmp_path) == 0
    assert report(*ONLY, cwd=tmp_path, env=environment())["findings"] == []


def test_the_names_are_those_of_modules_of_this_python() -> None:
    from retina_doctor_checks.probes.python_env.look_directory import STANDARD

    assert set(STANDARD) <= sys.stdlib_module_names


FLASK = "{head}\nimport flask\napp = flask.Flask(__name__)\n"


@pytest.mark.parametrize(
    ("command", "head", "name", "text"),
    [
        ("{bin}/gunicorn --check-config app:app", "from random import choice", "random.py", ""),
        ("{bin}/gunicorn --check-config app:app", "from types import FunctionType", "types.py", ""),
        ("{bin}/flask --app app routes", "import logging", "logging.py", "import nowhere_to_be_found"),
        ("{bin}/python app.py", "from queue import JobQueue", "queue.py", "class JobQueue: pass"),
    ],
)
def test_a_neighbour_with_which_the_start_succeeds_is_no_error(
    command: str, head: str, name: str, text: str, tmp_path: Path
) -> None:
    """A server has imported Python's own before, or the neighbour is what the service's own files mean."""
    python = make_venv(tmp_path / "venv", "uv")
    install(python, "flask", "gunicorn")
    (tmp_path / "app.py").write_text(FLASK.format(head=head))
    (tmp_path / name).write_text(text + "\n")
    command = command.format(bin=python.parent)
    only = "working-directory-shadows-package,service-module-missing,service-start-failed"
    words = ("--only", only, "--device", "cpu", "--target", str(python), "--start")
    assert subprocess.run(command.split(), cwd=tmp_path, capture_output=True, check=False).returncode == 0
    findings = report("check", *words, command, cwd=tmp_path, env=environment())["findings"]
    assert [one["severity"] for one in findings] == ["warning"]
    told = report("check", *words, f"{python} -m {command.rpartition('bin/')[2]}", cwd=tmp_path, env=environment())
    assert "error" in {one["severity"] for one in told["findings"]} or name == "queue.py"
