"""Limits of a service's control groups, in real ones: they are read as the service has them, and the model is judged by them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.doctor import DEV_PYTHON, SIX_FACES, environment, report, roots, verdicts
from tests.test_other_users import NOBODY
from tests.test_views import WAITS, folder, serving

__all__ = ["folder"]
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="making control groups takes root")
TOP = Path("/sys/fs/cgroup")
LIMITS = {"memory": 268435456, "processes": 77, "processors": 0.5}
FILES = {
    # by the controller of version 1: its file, what is written there, and what is told
    "memory": ("memory.limit_in_bytes", "268435456", "memory"),
    "pids": ("pids.max", "77", "processes"),
    "cpu": ("cpu.cfs_quota_us", "50000", "processors"),
}
FILES_2 = {"memory": ("memory.max", "268435456"), "pids": ("pids.max", "77"), "cpu": ("cpu.max", "50000 100000")}
MIB = 2**20


@contextlib.contextmanager
def made(folders: Sequence[Path]) -> Iterator[list[Path]]:
    """New groups, each with one inside, which are yielded; whoever is in them must have ended. Says where none can be made."""
    try:
        for one in folders:
            (one / "inner").mkdir(parents=True)
        yield [one / "inner" for one in folders]
    except PermissionError as error:
        pytest.skip(f"no control group can be made here: {error}")
    except OSError as error:
        if error.filename in map(str, folders):
            pytest.skip(f"no control group can be made here: {error}")
        raise
    finally:
        for one in folders:
            for group in (one / "inner", one):
                with contextlib.suppress(FileNotFoundError):
                    group.rmdir()


def name() -> str:
    return f"retina-doctor-{os.getpid()}"


def in_groups(groups: Sequence[Path], *then: str) -> list[str]:
    joins = "; ".join(f"echo $$ > {one}/cgroup.procs" for one in groups)
    return ["sh", "-c", f'{joins}; exec "$@"', "sh", *then]


def version_2() -> Path | None:
    """Where version 2 is mounted: whole, or beside version 1."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return next((Path(line.split()[4]) for line in lines if " - cgroup2 " in line), None)


def limited(value: str) -> tuple[list[Path], dict[Path, str]]:
    """Folders of groups to be made, and what to write where, for a limit of the memory, in bytes."""
    second = version_2()
    if (TOP / "memory" / "cgroup.procs").exists():
        group = TOP / "memory" / name()
        return [group], {group / "memory.limit_in_bytes": value}
    if second is not None and "memory" in (second / "cgroup.subtree_control").read_text().split():
        return [second / name()], {second / name() / "memory.max": value}
    pytest.skip("no control groups that limit the memory are mounted here")


def test_the_limits_are_told_and_the_group_is_not_joined(folder: Path) -> None:
    """Those of the group above it count, too; the caller's own are others, and nothing is left in the service's."""
    there = {one: TOP / one / name() for one in FILES if (TOP / one / "cgroup.procs").exists()}
    if not there:
        pytest.skip("no control groups of version 1 are mounted here")
    with made(list(there.values())) as groups:
        for controller, group in there.items():
            file, value, _ = FILES[controller]
            (group / file).write_text(value)
        with serving(folder, *in_groups(groups, *NOBODY.words.split())) as service:
            told = report("--pid", str(service.pid), "--device", "cpu", "--only", "doctor", cwd=folder)["standpoint"]
            for one in groups:
                assert (one / "cgroup.procs").read_text().split() == [str(service.pid)]
        for _, _, called in (FILES[one] for one in there):
            assert told["group_limits"][called] == LIMITS[called]
        assert "cgroup" in told["not_taken"]
        own = report("--only", "doctor", "--device", "cpu", cwd=folder)["standpoint"]["group_limits"]
        assert own is None or own["processes"] != LIMITS["processes"]


def test_those_of_version_2_are_told(folder: Path) -> None:
    """A real group; where the kernel has given its controllers to version 1, files of ours are laid over its."""
    top = version_2()
    if top is None:
        pytest.skip("no control groups of version 2 are mounted here")
    with made([top / name()]) as [inner]:
        group = inner.parent
        laid = folder / "laid"
        (laid / "inner").mkdir(parents=True)
        for file, value in FILES_2.values():
            (laid / file).write_text(f"{value}\n")
            (laid / "inner" / file).write_text("max\n" if file != "cpu.max" else "max 100000\n")
        with serving(folder, *in_groups([inner], *NOBODY.words.split())) as service:
            look = f"mount --bind {laid} {group} && exec {DEV_PYTHON} -m retina_doctor check --pid {service.pid}"
            words = ["unshare", "--mount", "sh", "-c", f"{look} --device cpu --only doctor --format json"]
            done = subprocess.run(words, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
        assert done.stdout, done.stderr
        told = json.loads(done.stdout)["standpoint"]
        assert told["group_limits"] == LIMITS


# A limit that one process with the model exceeds (RD609)


def judged(folder: Path, model: Path, pid: int) -> dict[str, Any]:
    words = ["--pid", str(pid), "--model", str(model), "--image", str(SIX_FACES), "--device", "cpu"]
    return report(*words, "--only", "inference,models", cwd=folder)


@pytest.mark.parametrize("apart", [(), ("unshare", "--mount", "--cgroup")], ids=["here", "in a cgroup namespace"])
@pytest.mark.parametrize(("limit", "fits"), [(64 * MIB, False), (8192 * MIB, True)], ids=["64 MiB", "8 GiB"])
def test_a_model_that_the_group_has_no_room_for(
    limit: int, fits: bool, apart: tuple[str, ...], folder: Path, real_model: Path
) -> None:
    """The service lives, since it has not loaded it yet; what tries the model is outside of the group and lives as well."""
    folders, files = limited(str(limit))
    with made(folders) as groups:
        for path, value in files.items():
            path.write_text(value)
        start = in_groups(groups, *apart, str(DEV_PYTHON), "-c", WAITS)
        process = subprocess.Popen(start, cwd=folder, env=environment(), stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout and process.stdout.readline() == "1\n"
            told = judged(folder, real_model, process.pid)
            assert process.poll() is None, "the service lives on"
        finally:
            process.kill()
            process.wait()
    assert told["standpoint"]["group_limits"]["memory"] == limit
    assert verdicts(told)["host-memory-limit-too-small"] == ("passed" if fits else "failed")
    assert roots(told) == ([] if fits else ["host-memory-limit-too-small"])
    if not fits:
        [one] = told["findings"]
        assert one["evidence"]["limit"] == limit < one["evidence"]["taken"] < one["evidence"]["advised"]
        assert one["evidence"]["process"] == str(process.pid)
        assert "64 MiB" in one["title"]


def test_a_doctor_in_the_container_sees_its_limit(folder: Path) -> None:
    """Where the group is the top of what is mounted, and its name is none."""
    folders, files = limited(str(512 * MIB))
    first = (TOP / "memory" / "cgroup.procs").exists()
    place = TOP / "memory" if first else version_2()
    mount = f"umount {place} && mount -t {'cgroup -o memory' if first else 'cgroup2'} none {place}"
    check = f"{mount} && exec {DEV_PYTHON} -m retina_doctor check --only doctor --device cpu --format json"
    with made(folders) as [inner]:
        [(path, value)] = files.items()
        (inner / path.name if first else path).write_text(value)
        if not first:
            inner = inner.parent  # version 2 limits no group whose parent does not hand the controller on
        words = in_groups([inner], "unshare", "--mount", "--cgroup", "sh", "-c", check)
        done = subprocess.run(words, cwd=folder, env=environment(), capture_output=True, text=True, check=False)
    assert done.stdout, done.stderr
    told = json.loads(done.stdout)["standpoint"]
    assert re.search(r":/$", told["cgroup"], re.MULTILINE)
    assert told["group_limits"]["memory"] == 512 * MIB
