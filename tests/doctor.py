"""Runs the real program, and makes real targets for it to look at."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import insightface

from tests.odd_probes import runs

DEV_PYTHON = sys.executable
"""Our own environment as a target: it has onnxruntime-gpu, insightface and OpenCV, and no torch."""
SIX_FACES = Path(insightface.__file__).parent / "data" / "images" / "t1.jpg"


def environment(**more: str | None) -> dict[str, str]:
    """This process's environment without what would change a run; None removes a variable.

    Services that other tests start meanwhile are not attached to.
    """
    names = (
        "VIRTUAL_ENV",
        "CONDA_PREFIX",
        "PYTHONPATH",
        "RETINAFACE_MODEL_PATH",
        "LANG",
        "LC_ALL",
        "CUDA_VISIBLE_DEVICES",
    )
    values: dict[str, str | None] = {
        name: value for name, value in os.environ.items() if name not in names and not name.startswith("RETINA_DOCTOR_")
    }
    values |= {"RETINA_DOCTOR_SERVICE_ATTACH": "false", **more}
    return {name: value for name, value in values.items() if value is not None}


def doctor(
    *words: str | Path, cwd: Path, env: dict[str, str] | None = None, timeout: float = 240
) -> subprocess.CompletedProcess[str]:
    return runs.ran([*map(str, words)], cwd, environment() if env is None else env, timeout)


def report(*words: str | Path, cwd: Path, env: dict[str, str] | None = None) -> dict[str, Any]:
    """The JSON report of a run, with its exit status under "status"."""
    done = doctor(*words, "--format", "json", cwd=cwd, env=env)
    assert done.returncode in (0, 1, 3), done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["exit_code"] == done.returncode
    return told


def roots(told: dict[str, Any]) -> list[str]:
    return [finding["name"] for finding in told["findings"] if finding["root"] is None]


def found(told: dict[str, Any]) -> list[str]:
    return [finding["name"] for finding in told["findings"]]


def verdicts(told: dict[str, Any]) -> dict[str, str]:
    """By name; where several bear it (one cause, seen in several domains), of the first that was judged."""
    found: dict[str, str] = {}
    for one in told["checks"]:
        if found.get(one["name"], "inapplicable") == "inapplicable":
            found[one["name"]] = one["verdict"]
    return found


def run_fix(told: dict[str, Any], name: str, cwd: Path) -> None:
    """Each command of a finding in a fresh shell, as printed."""
    [finding] = [f for f in told["findings"] if f["name"] == name]
    assert finding["fix"]["commands"]
    for command in finding["fix"]["commands"]:
        shell = ["bash", "-c", command]
        env = environment(UV_NO_CONFIG="1")
        done = subprocess.run(shell, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=900)
        assert done.returncode == 0, f"{command}\n{done.stderr}"


def follow_plan(told: dict[str, Any], cwd: Path) -> list[str]:
    """Each command of the plan but the last, which only looks again, to the letter: in order, in fresh shells. Returns them."""
    commands = [command for step in told["plan"][:-1] for command in step["commands"]]
    for command in commands:
        env = environment(UV_NO_CONFIG="1")
        done = subprocess.run(
            ["bash", "-c", command], cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=900
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
    return commands


def after_commands(commands: Sequence[str], variables: Mapping[str, str]) -> dict[str, str]:
    """The environment of a shell that had *variables* and ran these commands, to the letter: what is started from it has that."""
    script = " && ".join([*commands, "env -0"])
    done = subprocess.run(
        ["bash", "-c", script],
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(one.split("=", 1) for one in done.stdout.split("\0") if "=" in one)


def make_venv(folder: Path, kind: str) -> Path:
    """The Python of a new virtual environment: "venv" brings pip, "uv" does not."""
    if kind == "venv":
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    else:
        subprocess.run([uv(), "venv", "--quiet", "--python", sys.executable, folder], check=True, cwd="/")
    return folder / "bin" / "python"


def install(python: Path, *requirements: str, copied: bool = False) -> None:
    """By uv, whose cache makes it quick; outside the repository, whose overrides must not reach a target. *copied*: for a test
    that changes the files or their owner, which would be those of uv's cache."""
    command = [uv(), "pip", "install", "--quiet", "--python", str(python), *requirements]
    command += ["--link-mode", "copy"] if copied else []
    subprocess.run(command, check=True, cwd="/", env={**os.environ, "UV_NO_CONFIG": "1"})


def uninstall(python: Path, *names: str) -> None:
    command = [uv(), "pip", "uninstall", "--quiet", "--python", str(python), *names]
    subprocess.run(command, check=True, cwd="/", env={**os.environ, "UV_NO_CONFIG": "1"})


def uv() -> str:
    found = shutil.which("uv")
    assert found, "the tests make virtual environments with uv; run them with `uv run pytest`"
    return found


def resolved(finding: Any, *wanted: str) -> None:
    """The printed commands, whose packages are gigabytes, find them all on PyPI: they are run without fetching."""
    told = ""
    for command in finding["fix"]["commands"]:
        if "pip uninstall " in command:
            continue
        assert "pip install " in command, command
        dry = command.replace("pip install ", "pip install --dry-run ")
        # A machine's own pip may be told to refuse new releases; what users find on PyPI is what is asked.
        env = {**os.environ, "UV_NO_CONFIG": "1", "PIP_CONFIG_FILE": os.devnull}
        done = subprocess.run(["bash", "-c", dry], env=env, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, f"{dry}\n{done.stderr}"
        told += done.stdout + done.stderr
    for name in wanted:
        assert name in told
