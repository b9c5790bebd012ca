"""A full run where the doctor may do little: as nobody, without /proc/sys or /proc, with hidepid=2, a read-only root, a full
folder for temporary files."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests import doctor as runs

APART = ["unshare", "--mount"]
pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or subprocess.run([*APART, "true"], check=False).returncode != 0,
    reason="namespaces are made by root",
)
NOBODY = "setpriv --reuid=65534 --regid=65534 --clear-groups"
"""Runs what follows as a user who owns nothing here."""


def readable(prefix: Path) -> str:
    """Shell that lets everybody read a Python below a home that is closed; in a mount namespace of its own."""
    closed = [folder for folder in prefix.parents if not folder.stat().st_mode & 0o001]
    if not closed:
        return ""
    place, top = shlex.quote(str(prefix)), shlex.quote(str(closed[-1]))
    opened = f"mount -t tmpfs -o mode=755 none {top}; mkdir -p {place}; mount --bind /mnt {place};"
    return f"mount --bind {place} /mnt; {opened} umount /mnt;"


class Surrounding(NamedTuple):
    """*script*: makes it, in a mount namespace of its own. *by*: what the doctor is started by. *sees*: whose the port is."""

    script: str
    by: str = ""
    flags: str = ""
    sees: bool = True


OPEN = readable(Path(sys.base_prefix))
SURROUNDINGS = {
    "nobody": Surrounding(OPEN, NOBODY, sees=False),
    "no /proc/sys": Surrounding("mount -t tmpfs -o ro none /proc/sys;"),
    "nobody without /proc/sys": Surrounding(f"{OPEN} mount -t tmpfs -o ro none /proc/sys;", NOBODY, sees=False),
    "hidepid": Surrounding(f"{OPEN} mount -t proc -o hidepid=2 proc /proc;", NOBODY, "--pid --fork", sees=False),
    "read-only": Surrounding(
        "for m in / /tmp /dev/shm $PWD $HOME; do mount --bind $m $m; mount -o remount,bind,ro $m; done 2> /dev/null;"
    ),
    "full": Surrounding(
        "mount -t tmpfs -o size=16k none /mnt; head -c 100000 /dev/zero > /mnt/full 2> /dev/null; export TMPDIR=/mnt;"
    ),
    "no /proc": Surrounding("mount -t tmpfs none /proc;", sees=False),
}
OTHERWISE = {"no /proc": {"port-forbidden": "passed"}}
"""Verdicts that are others there: nobody's is the port, so whether it may be taken is asked."""


def inside(one: Surrounding, words: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    script = f'{one.script} exec {one.by} "$@"'
    command = [
        "unshare",
        "--mount",
        *one.flags.split(),
        "sh",
        "-c",
        script,
        "sh",
        sys.executable,
        "-m",
        "retina_doctor",
    ]
    return subprocess.run(
        [*command, *words], cwd=cwd, env=runs.environment(), capture_output=True, text=True, check=False
    )


class Held(NamedTuple):
    port: int
    pid: int


@pytest.fixture(scope="module")
def held() -> Iterator[Held]:
    """A port that a program of root's, which is no service, holds and on which it does not answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        process = subprocess.Popen(["sleep", "900"], pass_fds=[server.fileno()])
    yield Held(port, process.pid)
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def told_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.stderr == ""
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["exit_code"] == done.returncode
    return told


def words(held: Held) -> list[str]:
    return ["--target", sys.executable, "--port", str(held.port), "--format", "json"]


@pytest.fixture(scope="module")
def plain(held: Held, folder: Path) -> dict[str, Any]:
    return told_of(inside(Surrounding(""), words(held), folder))


@pytest.mark.parametrize("name", SURROUNDINGS)
def test_it_is_judged_as_far_as_it_can_be(name: str, held: Held, folder: Path, plain: dict[str, Any]) -> None:
    """All verdicts are those of a machine where the doctor may do everything; what it cannot see is left open."""
    one = SURROUNDINGS[name]
    told = told_of(inside(one, words(held), folder))
    assert runs.roots(told) == runs.roots(plain)
    assert runs.verdicts(told) == runs.verdicts(plain) | OTHERWISE.get(name, {})
    [in_use] = [finding for finding in told["findings"] if finding["name"] == "port-in-use"]
    assert in_use["evidence"]["pid"] == (held.pid if one.sees else None)


def test_a_process_that_proc_hides_has_not_ended(folder: Path) -> None:
    hidden = SURROUNDINGS["hidepid"]
    beside = hidden._replace(script=f'{hidden.script} sleep 60 & set -- "$@" --pid $!;')
    done = inside(beside, ["check", "--quick", "--device", "cpu"], folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert "/proc shows that process to its own user and to root alone (hidepid)" in done.stderr


@pytest.mark.parametrize("name", ["read-only", "full"])
def test_a_support_file_that_cannot_be_written(name: str, folder: Path) -> None:
    target = "/mnt/out.json" if name == "full" else "out.json"
    done = inside(SURROUNDINGS[name], ["collect", "-o", target, "--quick", "--device", "cpu"], folder)
    assert done.returncode == 2
    assert "cannot be written" in done.stderr
    assert done.stderr.count("\n") == 1
