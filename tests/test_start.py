"""The doctor's own start, as it is really installed: nothing of the caller's Python runs in it."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from retina_doctor.start import PROGRAM
from tests import doctor as runs
from tests.odd_probes.runs import heed_signals

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([runs.uv(), "build", "--quiet", "--wheel", "--out-dir", folder, str(ROOT)], check=True)
    [file] = folder.glob("*.whl")
    return file


def by_pip(wheel: Path, folder: Path) -> Path:
    python = runs.make_venv(folder, "venv")
    subprocess.run([python, "-m", "pip", "install", "--quiet", str(wheel)], check=True)
    return python.parent


def by_uv(wheel: Path, folder: Path) -> Path:
    python = runs.make_venv(folder, "uv")
    runs.install(python, str(wheel))
    return python.parent


def as_tool(wheel: Path, folder: Path) -> Path:
    env = {
        **os.environ,
        "UV_TOOL_DIR": str(folder / "tools"),
        "UV_TOOL_BIN_DIR": str(folder / "bin"),
        "UV_NO_CONFIG": "1",
    }
    subprocess.run(
        [runs.uv(), "tool", "install", "--quiet", "--python", sys.executable, str(wheel)], check=True, env=env, cwd="/"
    )
    return folder / "bin"


def editable(wheel: Path, folder: Path) -> Path:
    python = runs.make_venv(folder, "uv")
    runs.install(python, "--editable", str(ROOT))
    return python.parent


INSTALLED = {"pip": by_pip, "uv": by_uv, "uv tool": as_tool, "editable": editable}


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of modules that stand in the way; each leaves a mark where it runs, and ends Python as if all were well."""
    folder = tmp_path_factory.mktemp("hostile")
    text = f"import os\nopen({str(folder / 'ran')!r}, 'a').write(__name__ + ' ')\nos._exit(0)\n"
    for name in ("sitecustomize", "usercustomize", "typer", "json", "msgspec", "retina_doctor", "signal", "startup"):
        (folder / f"{name}.py").write_text(text)
    return folder


def ran(hostile: Path) -> str:
    mark = hostile / "ran"
    told = mark.read_text() if mark.exists() else ""
    mark.unlink(missing_ok=True)
    return told


@pytest.mark.parametrize("how", INSTALLED)
def test_nothing_of_the_callers_python_runs(how: str, wheel: Path, hostile: Path, tmp_path: Path) -> None:
    folder = INSTALLED[how](wheel, tmp_path / "installed")
    (tmp_path / "link").symlink_to(folder / "doctor")
    env = runs.environment(
        PYTHONPATH=str(hostile),
        PYTHONSTARTUP=str(hostile / "startup.py"),
        PYTHONHOME="/nowhere",
        PYTHONINSPECT="1",
        PYTHONWARNINGS="error",
    )
    for program in (folder / "retina-doctor", folder / "doctor", tmp_path / "link"):
        for cwd in (tmp_path, hostile):
            done = subprocess.run(
                [program, "list", "--format", "json"], cwd=cwd, env=env, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
            assert done.stdout.startswith("[") or done.stdout.startswith("{")
    assert ran(hostile) == ""
    python = next(p for p in ((folder / "retina-doctor").resolve().parent / "python",))
    subprocess.run([python, "-c", ""], env={"PYTHONPATH": str(hostile)}, check=True)
    assert "sitecustomize" in ran(hostile), "the trap itself"


def test_the_variables_stay_for_the_target(hostile: Path, tmp_path: Path) -> None:
    """They are the service's: what the doctor's own Python ignores, the target's is started with."""
    shown = "import os; print(os.environ.get('PYTHONPATH'))"
    env = runs.environment(PYTHONPATH=str(hostile))
    program = ROOT / "launcher" / "retina-doctor"
    fake = tmp_path / "bin"
    fake.mkdir()
    (fake / "python").write_text(f'#!/bin/sh\nexec {sys.executable} -I -c "{shown}"\n')
    (fake / "python").chmod(0o755)
    (fake / "retina-doctor").write_bytes(program.read_bytes())
    (fake / "retina-doctor").chmod(0o755)
    done = subprocess.run([fake / "retina-doctor"], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(hostile)


def test_as_a_module_it_restarts_itself(hostile: Path, tmp_path: Path) -> None:
    """A neighbour that is imported before our first line cannot be kept out; what is imported later can."""
    for name in ("typer", "json", "typing", "pathlib", "enum", "re"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(0)")
    env = runs.environment(PYTHONPATH=str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-m", "retina_doctor", "--version"],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("retina-doctor "), done.stderr
    assert done.returncode == 0


def test_a_start_that_fails_is_no_verdict(tmp_path: Path) -> None:
    """A broken dependency: one line, and neither 0 nor 1."""
    python = runs.make_venv(tmp_path / "venv", "uv")
    [packages] = (tmp_path / "venv").glob("lib/python*/site-packages")
    for name in ("retina-doctor", "doctor"):
        (python.parent / name).write_bytes((ROOT / "launcher" / name).read_bytes())
        (python.parent / name).chmod(0o755)
    for broken in ("", "raise ImportError('no typer')", "raise RuntimeError('x')", "syntax error"):
        if broken:
            (packages / "retina_doctor").mkdir(exist_ok=True)
            (packages / "retina_doctor" / "__init__.py").write_text("")
            (packages / "retina_doctor" / "start.py").write_text(broken)
        done = subprocess.run([python.parent / "doctor"], capture_output=True, text=True, check=False)
        assert done.returncode == 3
        assert done.stderr.startswith("retina-doctor: cannot be started")
        assert done.stderr.count("\n") == 1
    for other in python.parent.glob("python*"):
        other.unlink()
    done = subprocess.run([python.parent / "doctor"], capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "no Python stands beside" in done.stderr
    python.symlink_to("/gone/python3.11")  # as where root's own Python made it, and another user calls it
    done = subprocess.run([python.parent / "doctor"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert f"{python} leads to a Python that was removed, or this user may not run it" in done.stderr


def test_both_launchers_hold_the_program_that_is_documented() -> None:
    for name in ("retina-doctor", "doctor"):
        assert f"program='{PROGRAM}'\n" in (ROOT / "launcher" / name).read_text()
    assert "'" not in PROGRAM


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_at_any_time(number: signal.Signals, tmp_path: Path) -> None:
    """From the first millisecond on: ended by the signal or with its exit code, never a traceback, never 0, 1 or 3."""
    program = Path(sys.executable).parent / "retina-doctor"
    assert program.read_bytes() == (ROOT / "launcher" / "retina-doctor").read_bytes(), "uv sync"
    when = random.Random(number)
    for trial in range(70):
        process = subprocess.Popen(
            [program, "--quick", "--device", "cpu"], cwd=tmp_path, env=runs.environment(), stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=heed_signals,
        )  # fmt: skip
        time.sleep(when.uniform(0.001, 0.5 if trial % 2 else 0.06))
        late = process.poll() is not None
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        assert "Traceback" not in errors, errors
        if not late:
            ended = process.returncode in (-number, 128 + number)
            done = process.returncode in (0, 1, 3) and "interrupted" not in errors  # it was giving its report already
            assert ended or done, (trial, process.returncode, errors)


LETS_NOTHING_THROUGH = """
import signal, time, weakref
from retina_doctor import main
main._heard()
class Thing: ...
thing = Thing()
seen = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGTERM))
try:
    del thing
    time.sleep(30)
except main.Interrupted as interrupt:
    print("interrupted", interrupt)
"""


def test_an_interrupt_in_a_callback_is_not_lost() -> None:
    """As in importlib's, where Python prints an exception and goes on."""
    done = subprocess.run([sys.executable, "-c", LETS_NOTHING_THROUGH], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("interrupted 15\n", "")
