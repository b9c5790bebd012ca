"""A report's commands that start a service's Python: run as printed in root's shell, they have its rights and no more."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.doctor import environment, report, uv
from tests.test_other_users import C_CANARY, NOBODY, UNNAMED, User, system_python

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="taking on another user and making namespaces takes root")
ROOT = User(0, ())
APART = ("unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--fork", "--mount-proc", "--kill-child")
FEW = ("setpriv", "--bounding-set=-all,+chown,+net_bind_service", "--inh-caps=-all")
FEW_BITS, CHROOT_BIT = 1 << 0 | 1 << 10, 1 << 18  # <linux/capability.h>
WAITS = "import time; print(1, flush=True); time.sleep(600)"
TELLS = """
import json, os, sys
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
told = {name: status[name].split() for name in ("Uid", "Gid", "Groups", "CapPrm", "CapEff", "CapInh", "NoNewPrivs")}
told["namespaces"] = {kind: os.readlink("/proc/self/ns/" + kind) for kind in ("pid", "net", "uts", "ipc")}
told["prefix"], told["only there"] = sys.prefix, os.path.exists(sys.argv[1])
print(json.dumps(told))
"""


@dataclass(frozen=True)
class Kind:
    """How a service is started. *bits*: the most capabilities that what is started for it may have, as a set; None: root's."""

    user: User
    bits: int | None
    apart: tuple[str, ...] = ()
    inner: tuple[str, ...] = ()


IN_A_USER_NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child")
KINDS = {
    "another user": Kind(UNNAMED, 0),
    "nobody": Kind(NOBODY, 0),
    "root with fewer capabilities": Kind(ROOT, FEW_BITS, inner=FEW),
    "a container's user": Kind(UNNAMED, 0, APART),
    "a container's nobody": Kind(NOBODY, 0, APART),
    "a container's root": Kind(ROOT, FEW_BITS | CHROOT_BIT, APART, FEW),
    "a container's root that has all": Kind(ROOT, None, APART),
    "root of a user namespace": Kind(UNNAMED, 0, inner=IN_A_USER_NAMESPACE),
    "root of a user namespace of root's": Kind(ROOT, CHROOT_BIT, inner=IN_A_USER_NAMESPACE),
    "mounts of its own and nothing else": Kind(UNNAMED, 0, ("unshare", "--mount")),
}
"""That of docker's root has chroot's capability anyway."""


@dataclass(frozen=True)
class Service:
    pid: int
    python: Path
    only_there: Path
    """A file that only its mount namespace has."""


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="entry-"))
    made.chmod(0o755)
    subprocess.run([uv(), "venv", "--quiet", "--python", system_python(), str(made / "venv")], check=True, cwd="/")
    (made / "there").mkdir()
    yield made
    shutil.rmtree(made)


@contextlib.contextmanager
def serving(folder: Path, kind: Kind, python: Path, more: str = "true") -> Iterator[Service]:
    """One that has mounts of its own, where it is in a container: with a file that nobody else sees, and *more*."""
    only = folder / "there" / "only"
    mounts = f'mount -t tmpfs none {only.parent} && touch {only} && {more} && exec "$@"' if kind.apart else 'exec "$@"'
    words = [
        *kind.apart,
        "sh",
        "-c",
        mounts,
        "sh",
        *(kind.user.words.split() if kind.user != ROOT else ()),
        *kind.inner,
        str(python),
        "-c",
        WAITS,
    ]
    process = subprocess.Popen(words, cwd=folder, env=environment(), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout and process.stdout.readline() == "1\n"
        inner = innermost(process.pid)
        yield Service(inner, python, only)
        os.kill(inner, signal.SIGKILL)  # --kill-child is forgotten where another user is put on
    finally:
        process.kill()
        process.wait()


def innermost(pid: int) -> int:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return innermost(int(children[0])) if children else pid


def started_as_printed(told: dict[str, Any], service: Service, folder: Path) -> dict[str, Any]:
    """The words of the report's target, from a shell of root's with root's variables."""
    words = [*told["target"]["command"], "-c", TELLS, str(service.only_there)]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, (words, done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", KINDS)
def test_it_has_the_rights_of_the_service_and_no_more(name: str, folder: Path) -> None:
    kind = KINDS[name]
    with serving(folder, kind, folder / "venv/bin/python") as service:
        told = report("--pid", str(service.pid), "--only", "doctor", cwd=folder)
        one = started_as_printed(told, service, folder)
        assert one["namespaces"] == {
            name: str(Path(f"/proc/{service.pid}/ns/{name}").readlink()) for name in one["namespaces"]
        }, "in its place"
    assert one["Uid"] == [str(kind.user.number)] * 4 and one["Gid"] == [str(kind.user.number)] * 4
    assert one["Groups"] == [str(group) for group in kind.user.groups]
    assert one["NoNewPrivs"] == ["1"] and int(one["CapInh"][0], 16) == 0
    if kind.bits is not None:
        assert {int(one[name][0], 16) for name in ("CapPrm", "CapEff")} == {kind.bits}
    assert one["prefix"] == str(folder / "venv") and one["only there"] is bool(kind.apart)


# A container that means harm: its root is not ours


def planted(folder: Path, name: str, *flags: str) -> Path:
    """A program, or a library, that writes down who loads it."""
    (folder / "canaries").mkdir(exist_ok=True)
    (folder / "canaries").chmod(0o777)
    target = folder / "planted" / name
    target.parent.mkdir(exist_ok=True)
    kind = [] if "-DPROGRAM" in flags else ["-shared", "-fPIC"]
    words = ["gcc", "-w", "-o", str(target), f'-DFOLDER="{folder}"', f'-DNAME="{name}"', *kind, *flags, "-x", "c", "-"]
    subprocess.run(words, input=C_CANARY, text=True, check=True)
    return target


PROGRAMS = ("setpriv", "chroot", "nsenter", "env")


def mounted_over(folder: Path) -> str:
    """Its own programs of these names, and its own way to look up users, are mounted over ours."""
    for name in PROGRAMS:
        planted(folder, name, "-DPROGRAM")
    (folder / "libraries").mkdir()
    planted(folder, "libnss_bait.so.2").rename(folder / "libraries" / "libnss_bait.so.2")
    (folder / "nsswitch.conf").write_text("passwd: bait\ngroup: bait\n")
    asked = subprocess.run(["ldconfig", "-p"], capture_output=True, text=True, check=True)
    [libc] = {
        line.split()[-1] for line in asked.stdout.splitlines() if line.strip().startswith("libc.so.6 (libc6,x86-64")
    }
    libraries = Path(libc).resolve().parent
    found = {name: Path(shutil.which(name) or name).resolve() for name in PROGRAMS}
    lines = [f"mount --bind {folder}/planted/{name} {place}" for name, place in found.items()]
    lines.append(f"mount -t overlay none -o lowerdir={folder}/libraries:{libraries} {libraries}")
    lines.append(f"mount --bind {folder}/nsswitch.conf /etc/nsswitch.conf")
    return " && ".join(lines)


def canaries(folder: Path) -> dict[str, set[int]]:
    """By name: the users as whom each was loaded, who own what it has written."""
    sang: dict[str, set[int]] = {}
    for path in (folder / "canaries").iterdir():
        sang.setdefault(path.name.rpartition(".")[0], set()).add(path.stat().st_uid)
    return sang


def forget(folder: Path) -> None:
    for one in (folder / "canaries").iterdir():
        one.unlink()


def test_a_setuid_interpreter_of_the_containers_gives_nothing(folder: Path) -> None:
    original = folder / "venv/bin/python"
    copied = original.resolve()
    original.unlink()
    shutil.copy(copied, original)
    kind = Kind(UNNAMED, 0, APART)
    with serving(folder, kind, original) as service:
        told = report("--pid", str(service.pid), "--only", "doctor", cwd=folder)
        original.chmod(0o6755)  # by the container's root, when the report was read
        one = started_as_printed(told, service, folder)
    assert one["Uid"] == [str(UNNAMED.number)] * 4 and int(one["CapPrm"][0], 16) == 0


def test_no_program_or_library_of_the_container_has_roots_rights(folder: Path) -> None:
    own = folder / "real-setpriv"  # the one in place is mounted over by then
    shutil.copy(shutil.which("setpriv") or "", own)
    user = UNNAMED
    drop = f'set -- {own} {user.words.partition(" ")[2]} "$@"'
    with serving(
        folder, Kind(ROOT, 0, APART), folder / "venv/bin/python", f"{mounted_over(folder)} && {drop}"
    ) as service:
        forget(folder)  # what started it was root
        told = report("--pid", str(service.pid), "--only", "doctor", cwd=folder)
        one = started_as_printed(told, service, folder)
        assert one["Uid"] == [str(user.number)] * 4
        asked = canaries(folder)
        assert asked in ({}, {"libnss_bait.so.2": {user.number}}), "its Python asks who it is"
        forget(folder)
        # What it would have been: by the container's programs, and by its list of users.
        inside = ["nsenter", "--target", str(service.pid), "--mount", "--root", "--", "setpriv", "-"]
        subprocess.run(inside, check=False, capture_output=True, timeout=20)
        subprocess.run(
            ["chroot", "--userspec=nobody", f"/proc/{service.pid}/root", "/"], check=False, capture_output=True
        )
        assert canaries(folder) == {"setpriv": {0}, "libnss_bait.so.2": {0}}
