"""Runs of the real command, and a look for what they leave behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.odd_probes.forks import FORKS

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "retina_doctor"]
WITH_PACKS = [sys.executable, "-P", str(Path(__file__).with_name("with_packs.py"))]
PATIENCE = 60.0  # seconds that a condition may take to come true on a busy machine


def environment(**more: str) -> dict[str, str]:
    """This process's environment without anything that would steer the doctor, and with *more*."""
    steering = ("RETINA", "VIRTUAL_ENV", "CONDA_PREFIX", "PYTHON", "COLUMNS", "NO_COLOR", "FORCE_COLOR", "LC_", "LANG")
    return {k: v for k, v in os.environ.items() if not k.startswith(steering)} | more


def command(variables: Mapping[str, str]) -> list[str]:
    """The words that start the doctor: isolated, but where a pack is installed for the test alone, by PYTHONPATH."""
    folders = filter(None, variables.get("PYTHONPATH", "").split(os.pathsep))
    return WITH_PACKS if any(any(Path(folder).glob("*.dist-info")) for folder in folders) else COMMAND


def heed_signals() -> None:
    """For a child that is to be interrupted: a shell's background job, as a test run may be, inherits SIGINT ignored."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def with_odd_pack(folder: Path, does: str) -> dict[str, str]:
    """Variables under which the odd pack is installed (a distribution in *folder*) and its probe *does* that."""
    info = folder / "odd_pack-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: odd-pack\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[retina_doctor.checks]\nodd = tests.odd_probes.pack:pack\n")
    return {"PYTHONPATH": os.pathsep.join((str(folder), str(ROOT))), "ODD_PROBE_DOES": does}


def run(
    *words: str, cwd: Path, more: Mapping[str, str] | None = None, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """`retina-doctor WORDS`, run in *cwd*. More than *timeout* seconds means that it hangs."""
    return ran([*words], cwd, environment(**(more or {})), timeout)


def ran(words: list[str], cwd: Path, variables: dict[str, str], timeout: float) -> subprocess.CompletedProcess[str]:
    """`retina-doctor WORDS` with those variables and no others."""
    if FORKS.fits(words, variables):
        return FORKS.run(words, cwd, variables, timeout)
    return subprocess.run(
        [*command(variables), *words],
        cwd=cwd,
        env=variables,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def processes_with(mark: str) -> list[int]:
    """Live processes (no zombies) other than this one with *mark*, "NAME=VALUE", in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            alive = b") Z " not in (entry / "stat").read_bytes()
            if (
                alive
                and mark.encode() in (entry / "environ").read_bytes().split(b"\0")
                and int(entry.name) != os.getpid()
            ):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def wait_until(condition: Callable[[], object]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False
