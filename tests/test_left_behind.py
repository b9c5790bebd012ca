"""The doctor is killed, or its target floods: nothing is left, and no deadline is outlived."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import doctor as runs

FORKS = (
    "import os, sys, time\n"
    "if 'RETINA_DOCTOR_RUN' in os.environ and not os.path.exists({mark!r}):\n"
    "    if os.fork() == 0:\n"
    "        os.setsid()\n"
    "        if os.fork() == 0:\n"
    "            open({mark!r}, 'w').write(str(os.getpid()))\n"
    "            for n in (0, 1, 2): os.close(n)\n"
    "            time.sleep(300)\n"
    "        os._exit(0)\n"
    "    time.sleep(300)\n"
)


def marked(run: str) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if run.encode() in (entry / "environ").read_bytes() and b") Z" not in (entry / "stat").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_doctor_leaves_nothing(how: signal.Signals, tmp_path: Path) -> None:
    """The target has forked into a session of its own, with all streams closed: no alarm clock reaches that one."""
    mark = tmp_path / "grandchild"
    (tmp_path / "sitecustomize.py").write_text(FORKS.format(mark=str(mark)))
    unique = f"MARKED_{os.getpid()}_{how}=1"
    env = runs.environment(PYTHONPATH=str(tmp_path)) | dict([unique.split("=")])
    program: list[str | Path] = [
        Path(sys.executable).parent / "retina-doctor",
        "--quick",
        "--device",
        "cpu",
        "--timeout",
        "60",
    ]
    process = subprocess.Popen(
        [*program, "--target", sys.executable], cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    while not mark.exists() or not mark.read_text():
        assert process.poll() is None
        time.sleep(0.02)
    assert int(mark.read_text()) in marked(unique)
    process.send_signal(how)
    assert process.stdout
    process.stdout.read()  # ends, though a second process outlived the first
    process.wait(timeout=30)
    until = time.monotonic() + 30
    while marked(unique) and time.monotonic() < until:
        time.sleep(0.05)
    assert marked(unique) == []


def test_a_flood_of_short_lines_is_cut(tmp_path: Path) -> None:
    """Told in bytes, not in seconds: a program that only prints is given up as no Python, and nothing of it is left."""
    flood = tmp_path / "python"
    flood.write_text("#!/bin/sh\nexec yes\n")
    flood.chmod(0o755)
    done = runs.doctor("--target", flood, "--timeout", "2", "--quick", "--device", "cpu", cwd=tmp_path, timeout=60)
    assert done.returncode in (2, 3)
    assert "Traceback" not in done.stderr
