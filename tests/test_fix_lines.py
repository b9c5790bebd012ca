"""`retina-doctor fix` on files of the user's own: lines of source and deployment files, links, modes, a folder too deep.

It ends healthy; killed at any step it leaves the old state or the new, and `--undo` says which and brings back the old.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from retina_doctor.fixing.sent import places
from tests.doctor import doctor, environment
from tests.scan_pairs import APP, HEAD
from tests.scan_trees import CUDA
from tests.standins.killing import killing_library
from tests.test_fix import SPOILED

SESSION = HEAD + "s = ort.InferenceSession('/models/a.onnx'%s)\n"
IMAGE = f"FROM {CUDA}\nRUN pip install onnxruntime-gpu==1.20.1\nEXPOSE 8080\nCMD gunicorn %s app:app\n"
PUBLISHED = "services:\n  face:\n    build: .\n    gpus: all\n    ports:\n    - 8080:5000\n"
FACE = "services:\n  face:\n    image: registry/face:1\n    ports:\n    - 127.0.0.1:80:5000\n"
LINES: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "a session without providers": ("RD275", {"app.py": SESSION % ""}),
    "the CPU before the GPU": (
        "RD275",
        {"app.py": SESSION % ", providers=['CPUExecutionProvider', 'CUDAExecutionProvider']"},
    ),
    "a negative device": ("RD275", {"app.py": HEAD + APP + "app.prepare(-1, det_size=(640, 640))\n"}),
    "a size that no stride divides": ("RD425", {"app.py": HEAD + APP + "app.prepare(0, det_size=(600, 640))\n"}),
    "a size of one number": ("RD409", {"app.py": HEAD + APP + "app.prepare(0, det_size=640)\n"}),
    "flask on loopback": (
        "RD521",
        {
            "app.py": "import flask\nweb = flask.Flask('a')\nweb.run('127.0.0.1', 80)\n",
            "Dockerfile": "FROM python:3.11\nEXPOSE 80\nCMD python app.py\n",
        },
    ),
    "uvicorn on loopback": (
        "RD521",
        {
            "app.py": "import uvicorn\nuvicorn.run('app:app', host='127.0.0.1', port=8080)\n",
            "Dockerfile": "FROM python:3.11\nEXPOSE 8080\nCMD python app.py\n",
        },
    ),
    "gunicorn on loopback": ("RD521", {"Dockerfile": IMAGE % "-b 127.0.0.1:8080"}),
    "gunicorn on localhost": ("RD521", {"Dockerfile": IMAGE % "-b localhost:8080"}),
    "gunicorn's file": (
        "RD521",
        {"gunicorn.conf.py": "bind = '127.0.0.1:8080'\n", "Dockerfile": IMAGE % "-c gunicorn.conf.py"},
    ),
    "a unit on loopback": (
        "RD521",
        {"face.service": "[Service]\nExecStart=/opt/venv/bin/gunicorn -b 127.0.0.1:8080 app:app\n"},
    ),
    "published on loopback": ("RD521", {"compose.yml": FACE}),
    "another port exposed": ("RD522", {"Dockerfile": IMAGE % "-b 0.0.0.0:8000"}),
    "another port published": ("RD522", {"Dockerfile": IMAGE % "-b 0.0.0.0:8080", "compose.yml": PUBLISHED}),
    "a container without the GPU": ("RD231", {"run.sh": f"docker run {CUDA} true\n"}),
    "a wheel for another CUDA": ("RD278", {"Dockerfile": f"FROM {CUDA}\nRUN pip install onnxruntime-gpu==1.31.1\n"}),
}


def plant(folder: Path, files: Mapping[str, str]) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def state(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Of all that lies in it, but the doctor's own copies: modes, and contents or where links lead."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if any(part.startswith(places.STAGED) for part in path.relative_to(folder).parts):
            continue
        content = str(path.readlink()).encode() if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(folder))] = path.lstat().st_mode, content
    return found


def fix(folder: Path, *words: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    env = environment(XDG_STATE_HOME=str(folder / "state"), **more)
    return doctor("fix", *words, "--yes", cwd=folder, env=env)


@pytest.mark.parametrize("name", LINES)
def test_faults_of_lines_end_healthy(name: str, tmp_path: Path) -> None:
    code, files = LINES[name]
    tree = plant(tmp_path / "tree", files)
    before = state(tree)
    told: Any = json.loads(fix(tmp_path, tree, "--apply", "--format", "json").stdout)
    assert [(one["outcome"], one["fixed"], one["left"]) for one in told["applied"]] == [("done", [code], [])], told
    assert (told["verdict"], told["exit_code"]) == ("healthy", 0), told
    assert state(tree) != before
    assert fix(tmp_path, "--undo").returncode == 0
    assert state(tree) == before


def test_that_is_enough() -> None:
    """Faults that a test makes in a real environment and sees end healthy; links, modes and folders come on top."""
    assert len(SPOILED) + len(LINES) >= 25


# Killed at every step

Case = tuple[Path, tuple[str, ...]]
"""The folder that is changed, and how it is looked at."""


@contextmanager
def of_lines(folder: Path, _model: Path) -> Iterator[Case]:
    yield plant(folder / "tree", {"app.py": SESSION % ""}), (str(folder / "tree"),)


@contextmanager
def of_several_files(folder: Path, _model: Path) -> Iterator[Case]:
    """Of which each is replaced by itself."""
    files = {"app.py": SESSION % "", "run.sh": f"docker run {CUDA} true\n"}
    yield plant(folder / "tree", files), (str(folder / "tree"),)


@contextmanager
def of_a_link(folder: Path, model: Path) -> Iterator[Case]:
    models = folder / "models"
    models.mkdir()
    shutil.copy(model, models / "det_10g.onnx")
    yield models, looked_at("model-name-typo", models / "det_10G.onnx")


@contextmanager
def of_a_pack(folder: Path, model: Path) -> Iterator[Case]:
    pack = folder / "models" / "buffalo_l"
    (pack / "buffalo_l").mkdir(parents=True)
    shutil.copy(model, pack / "buffalo_l" / "det_10g.onnx")
    yield pack.parent, looked_at("model-nested-directory", pack)


@contextmanager
def of_a_mode(_folder: Path, model: Path) -> Iterator[Case]:
    """By a service of another user, for whom the file may not be read."""
    user = 65534
    home = Path("/tmp") / f"retina-doctor-mode-{os.getpid()}-killed"
    home.mkdir(mode=0o755)
    shutil.copy(model, home / "own.onnx")
    (home / "own.onnx").chmod(0o200)
    for path in (home, home / "own.onnx"):
        os.chown(path, user, user)
    drop = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    program = "import sys; print(flush=True); sys.stdin.read()"
    words = [*drop, "/usr/bin/python3", "-c", program]
    clean = {"PATH": "/usr/bin:/bin"}
    with subprocess.Popen(words, cwd=home, env=clean, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as service:
        try:
            assert service.stdout and service.stdout.readline()
            yield home, ("--pid", str(service.pid), *looked_at("model-unreadable", home / "own.onnx")[2:])
        finally:
            service.kill()
            shutil.rmtree(home)


def looked_at(check: str, model: Path) -> tuple[str, ...]:
    return "--target", sys.executable, "--device", "cpu", "--only", check, "--model", str(model)


@pytest.mark.parametrize("case", [of_lines, of_several_files, of_a_link, of_a_pack, of_a_mode])
def test_killed_at_every_step_it_leaves_the_old_state_or_the_new(
    case: Callable[[Path, Path], Any], tmp_path: Path, real_model: Path
) -> None:
    killing = str(killing_library(tmp_path))
    with case(tmp_path, real_model) as (changed, words):
        old = state(changed)
        assert fix(tmp_path, *words, "--apply").returncode == 0
        new = state(changed)
        assert new != old
        assert fix(tmp_path, "--undo").returncode == 0
        assert state(changed) == old
        seen = []
        for number in range(1, 40):
            shutil.rmtree(tmp_path / "state")
            done = fix(tmp_path, *words, "--apply", LD_PRELOAD=killing, KILL_AT=str(number))
            if done.returncode != -signal.SIGKILL:
                assert done.returncode == 0, done.stderr
                break
            now = state(changed)
            assert now in (old, new) or case is of_several_files, number
            assert all(now[name] in (old.get(name), new.get(name)) for name in now), number
            seen.append(now != old)
            undone = fix(tmp_path, "--undo")
            said = ("as it was before",) if now != old else ("nothing yet", "no fix to undo")
            assert undone.returncode == 0, undone.stderr
            assert any(one in undone.stdout for one in said), (number, undone.stdout)
            assert state(changed) == old, number
        assert seen == sorted(seen), "first the old, then the new"
        assert {*seen} == {False, True}
