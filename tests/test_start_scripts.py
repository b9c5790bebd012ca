"""A start command that is a script: whether it can be run is told as the system does, and what a plain one starts is read."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.doctor import DEV_PYTHON
from tests.test_service_start import looked, missing, names

SERVES = f"exec {DEV_PYTHON} app.py\n"

SCRIPTS: dict[str, tuple[str, str, int, str | None]] = {
    # how it is started, its text, its mode, what ends the start
    "of Windows": ("./start.sh", f"#!/bin/sh\r\n{SERVES.strip()}\r\n", 0o755, "line-ends"),
    "of Windows, for a shell": ("sh start.sh", f"set -e\r\n{SERVES.strip()}\r\n", 0o644, "line-ends"),
    "of Windows, not to be executed": ("./start.sh", f"#!/bin/sh\r\n{SERVES.strip()}\r\n", 0o644, "line-ends"),
    "not to be executed": ("./start.sh", f"#!/bin/sh\n{SERVES}", 0o644, "mode"),
    "of a shell that is not there": ("./start.sh", f"#!/opt/bin/bash -e\n{SERVES}", 0o755, "interpreter"),
    "whole": ("./start.sh", f"#!/bin/sh\n{SERVES}", 0o755, None),
    "whole, by env": ("./start.sh", f"#!/usr/bin/env bash\n{SERVES}", 0o755, None),
    "not to be executed, for a shell": ("sh start.sh", f"#!/opt/bin/bash\n{SERVES}", 0o644, None),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_the_system_refuses_is_told(name: str, tmp_path: Path) -> None:
    command, text, mode, kind = SCRIPTS[name]
    (tmp_path / "app.py").write_text("import json\n")
    script = tmp_path / "start.sh"
    script.write_bytes(text.encode())
    script.chmod(mode)
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, check=False)
    assert (done.returncode == 0) is (kind is None), done.stderr
    told = looked(tmp_path, command)
    if kind is None:
        assert told["findings"] == []
        assert told["facts"]["start"]["file"] == str(tmp_path / "app.py")
    else:
        assert names(told) == {"service-start-failed"}
        assert told["facts"]["start"]["unloadable"]["kind"] == kind


READ: dict[str, tuple[str, str]] = {
    # its text, what is told of a module that app.py lacks
    "its last command": ("set -eu\nexport OMP_NUM_THREADS=2\n\n# serve\nexec {python} app.py\n", "failed"),
    "in its own folder": ('cd "$(dirname "$0")" || exit\nexec {python} app.py', "unknown"),
    "in its own folder, plainly": ('cd "$(dirname "${{BASH_SOURCE[0]}}")"\n{python} app.py', "failed"),
    "over several lines": ("exec {python} \\\n  app.py --port 8000  # ours\n", "failed"),
    "in another environment": ("source venv/bin/activate\n{python} app.py\n", "unknown"),
    "one of two": ("if [ -n \"$GPU\" ]; then\n  {python} app.py\nelse\n  {python} other.py\nfi\n", "unknown"),
    "whatever it is given": ('exec "$@"\n', "unknown"),
    "in the background": ("{python} app.py &\nwait\n", "unknown"),
    "itself": ("exec ./start.sh\n", "unknown"),
    "nothing": ("", "unknown"),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_what_a_script_starts_is_read_where_it_is_plain(name: str, tmp_path: Path) -> None:
    text, verdict = READ[name]
    (tmp_path / "app.py").write_text("import nowhere_to_be_found\n")
    script = tmp_path / "start.sh"
    script.write_text("#!/bin/bash\n" + text.format(python=DEV_PYTHON))
    script.chmod(0o755)
    told = looked(tmp_path, "./start.sh")
    verdicts = {one["code"]: one["verdict"] for one in told["checks"]}
    assert (verdicts["RD517"], verdicts["RD518"]) == (verdict, "passed"), told["facts"]["start"]
    assert missing(told) == (["nowhere_to_be_found"] if verdict == "failed" else [])
