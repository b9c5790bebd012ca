"""Files and folders that the doctor may not open, named by whoever calls: told before anything is looked at, and never health."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.doctor import environment
from tests.odd_probes import runs

OWNER = 65534
POWERLESS = "-dac_override,-dac_read_search"
RIGHTS = ["setpriv", "--bounding-set", POWERLESS, "--inh-caps", POWERLESS]

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None, reason="files of another user are made by root alone"
)


def asked(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The doctor as root without root's right to open everything."""
    env = environment(GITHUB_ACTIONS=None)
    command = [*RIGHTS, *runs.command(env), *map(str, words)]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


def closed(path: Path) -> Path:
    os.chown(path, OWNER, OWNER)
    path.chmod(0o700 if path.is_dir() else 0o600)
    return path


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--log", "closed"], "--log: closed: cannot be read: Permission denied.\n"),
        (["scan", "closed"], "closed: cannot be read: Permission denied.\n"),
        (["scan", "."], ""),
        (["diagnose", "closed"], "closed: cannot be read: Permission denied.\n"),
        (["--baseline", "closed"], "--baseline closed: cannot be read: Permission denied.\n"),
        (["triage", "closed"], "closed: cannot be read: Permission denied.\n"),
    ],
)
def test_a_named_file_that_does_not_open(words: list[str], told: str, tmp_path: Path) -> None:
    (tmp_path / "closed").write_text("x = 1\n")
    closed(tmp_path / "closed")
    (tmp_path / "app.py").write_text("import onnxruntime\n")
    done = asked(*words, cwd=tmp_path)
    if told:
        assert (done.returncode, done.stdout, done.stderr) == (2, "", f"retina-doctor: {told}")
    else:  # a file that no check reads may be closed
        assert done.returncode == 0, done


@pytest.mark.parametrize("inside", [False, True])
def test_a_folder_that_does_not_open_is_not_healthy(inside: bool, tmp_path: Path) -> None:
    folder = tmp_path / "src"
    folder.mkdir()
    if inside:
        (folder / "app.py").write_text("import onnxruntime\n")
    closed_folder = folder / "more" if inside else folder
    closed_folder.mkdir(exist_ok=True)
    closed(closed_folder)
    done = asked("scan", "src", cwd=tmp_path)
    if inside:
        assert done.returncode == 3, done
        told = json.loads(asked("scan", "src", "--format", "json", cwd=tmp_path).stdout)
        missing = {one for check in told["checks"] for one in check["missing"]}
        assert missing == {f"{folder}/more (Permission denied)"}
    else:
        assert (done.returncode, done.stderr) == (2, "retina-doctor: src: cannot be read: Permission denied.\n")
    closed_folder.chmod(0o755)  # its owner has opened it
    assert asked("scan", "src", cwd=tmp_path).returncode == 0


def test_a_report_that_will_not_be_written_is_told_once_and_first(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    closed(folder)
    (tmp_path / "app.py").write_text("import onnxruntime\n")
    done = asked("scan", "app.py", "--format", "json=out/a.json", "--format", "junit=b.xml", cwd=tmp_path)
    lines = done.stderr.splitlines()
    assert lines[0] == "retina-doctor: out/a.json: cannot be written: Permission denied."
    assert len(lines) == 2, lines
    assert done.returncode == 0
    assert (tmp_path / "b.xml").exists()
