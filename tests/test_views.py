"""What the doctor sees with a service's eyes: files, ports, devices and the driver, as its user may and where it looks."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.doctor import doctor, environment, report, roots, uv, verdicts
from tests.standins import Machine, Report, cuda_folder, library_path, nvml_folder
from tests.standins import doctor as on_a_machine
from tests.standins.build import DRIVER
from tests.test_other_users import NOBODY, UNNAMED, User, system_python

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="taking on another user and showing a machine takes root")
DAEMON = User(1, (1,))
USERS = pytest.mark.parametrize("user", [NOBODY, DAEMON, UNNAMED], ids=["nobody", "with a group", "no passwd entry"])
WAITS = "import time; print(1, flush=True); time.sleep(600)"


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that all users may read, unlike pytest's."""
    made = Path(tempfile.mkdtemp(prefix="views-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@dataclass(frozen=True)
class Service:
    pid: int
    python: Path


@contextlib.contextmanager
def serving(folder: Path, *before: str, **variables: str) -> Iterator[Service]:
    """A process of a Python of its own, started by the words *before*."""
    python = folder / "venv" / "bin" / "python"
    if not python.exists():
        made = [uv(), "venv", "--quiet", "--python", system_python(), str(folder / "venv")]
        subprocess.run(made, check=True, cwd="/")
    words = [*before, str(python), "-c", WAITS]
    process = subprocess.Popen(words, cwd=folder, env=environment(**variables), stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "1\n"
    yield Service(process.pid, python)
    process.kill()
    process.wait()


# Model files (F2)


@USERS
@pytest.mark.parametrize("readable", [False, True], ids=["root's alone", "everybody's"])
def test_a_model_is_opened_as_the_services_user(user: User, readable: bool, folder: Path, real_model: Path) -> None:
    model = folder / "model.onnx"
    shutil.copy(real_model, model)
    model.chmod(0o644 if readable else 0o600)
    with serving(folder, *user.words.split(), RETINAFACE_MODEL_PATH=str(model)) as service:
        told = report("--pid", str(service.pid), "--only", "models", "--device", "cpu", cwd=folder)
    assert ("model-unreadable" in roots(told)) is not readable
    assert verdicts(told)["model-unreadable"] == ("passed" if readable else "failed")
    assert told["standpoint"]["user"] == {65534: "nobody", 1: "daemon"}.get(user.number, str(user.number))
    assert told["standpoint"]["groups"] == list(user.groups)


def lure(folder: Path, kind: str, secret: Path) -> Path:
    """What a service names as its model, so that root makes a file of root's readable for it."""
    model = folder / "model.onnx"
    if kind == "link":
        model.symlink_to(secret)
    elif kind == "folder that is a link":
        (folder / "models").symlink_to(secret.parent)
        return folder / "models" / secret.name
    elif kind == "no model's name":
        return secret
    elif kind == "device":
        return Path("/dev/null")
    else:
        os.mkfifo(model, 0o600)
    return model


LURES = ["link", "folder that is a link", "no model's name", "device", "FIFO"]


@pytest.mark.parametrize("kind", LURES)
def test_no_command_opens_a_file_of_roots_that_the_service_names(kind: str, folder: Path) -> None:
    """It is opened with the service's eyes, which waits for nobody; and no chmod is printed for it."""
    (folder / "roots").mkdir()
    secret = folder / "roots" / ("key.onnx" if kind.startswith("folder") else "key.pem")
    secret.write_text("root's own")
    secret.chmod(0o600)
    model = lure(folder, kind, secret)
    with serving(folder, *NOBODY.words.split(), RETINAFACE_MODEL_PATH=str(model)) as service:
        told = report("--pid", str(service.pid), "--only", "models", "--device", "cpu", cwd=folder)
    assert roots(told) == ["model-unreadable"]
    commands = [command for one in told["findings"] for command in one["fix"]["commands"]]
    assert not any("chmod" in command for command in commands), commands
    assert "root's own" not in json.dumps(told)
    assert secret.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mount", ["bind", "overlay"])
@pytest.mark.parametrize("user", ["nobody", "65534", "12345"])
@pytest.mark.parametrize("readable", [False, True], ids=["root's alone", "everybody's"])
def test_a_model_on_a_mount_of_the_services_own(
    user: str, mount: str, readable: bool, folder: Path, real_model: Path
) -> None:
    """Its user is told by name or number; the model lies where only its mount namespace has one."""
    for name in ("lower", "seen", "layer"):
        (folder / name).mkdir()
    model = folder / "lower" / "model.onnx"
    shutil.copy(real_model, model)
    model.chmod(0o644 if readable else 0o600)
    layers = f"lowerdir={folder}/lower,upperdir={folder}/layer/upper,workdir={folder}/layer/work"
    mounts = f"mount --bind {folder}/lower"
    if mount == "overlay":
        top = f"{folder}/layer"
        mounts = f"mount -t tmpfs none {top}; mkdir {top}/upper {top}/work; mount -t overlay none -o {layers}"
    start = f'{mounts} {folder}/seen || exit 9; exec setpriv --reuid={user} --regid=65534 --clear-groups "$@"'
    words = ["unshare", "--mount", "sh", "-c", start, "sh"]
    with serving(folder, *words, RETINAFACE_MODEL_PATH=str(folder / "seen" / "model.onnx")) as service:
        told = report("--pid", str(service.pid), "--only", "models", "--device", "cpu", cwd=folder)
    assert not (folder / "seen" / "model.onnx").exists(), "on this side there is none"
    assert verdicts(told)["model-unreadable"] == ("passed" if readable else "failed")
    assert ("model-unreadable" in roots(told)) is not readable


def test_a_folder_that_only_a_group_may_enter(folder: Path, real_model: Path) -> None:
    """Supplementary groups count: one has it, the other has not."""
    (folder / "models").mkdir()
    shutil.copy(real_model, folder / "models" / "model.onnx")
    os.chown(folder / "models", 0, 23456)
    (folder / "models").chmod(0o750)
    for user, verdict in ((UNNAMED, "passed"), (User(UNNAMED.number, ()), "failed")):
        with serving(folder, *user.words.split(), RETINAFACE_MODEL_PATH=str(folder / "models/model.onnx")) as service:
            told = report("--pid", str(service.pid), "--only", "models", "--device", "cpu", cwd=folder)
            seen = {verdicts(told)[name] for name in ("model-unreadable", "model-missing")}
            assert ("failed" in seen) is (verdict == "failed"), user


# Ports (F2)


def privileged_port() -> int:
    first = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    assert first > 1, "this machine has no privileged ports"
    return first - 1


@USERS
def test_a_port_is_bound_as_the_services_user(user: User, folder: Path) -> None:
    with serving(folder, *user.words.split()) as service:
        for port, verdict in ((privileged_port(), "failed"), (0xFF01, "passed")):
            words = ["--pid", str(service.pid), "--port", str(port), "--only", "service", "--device", "cpu"]
            told = report(*words, cwd=folder)
            assert verdicts(told)["port-forbidden"] == verdict, port


def test_a_port_is_bound_as_a_named_target_would(folder: Path) -> None:
    words = (
        f"setpriv --reuid={NOBODY.number} --regid={NOBODY.number} --clear-groups --bounding-set=-all {system_python()}"
    )
    for port, verdict in ((privileged_port(), "failed"), (0xFF02, "passed")):
        told = report("--target", words, "--host", "0.0.0.0", "--port", str(port), "--only", "service", cwd=folder)
        assert verdicts(told)["port-forbidden"] == verdict
        if verdict == "failed":
            [finding] = [one for one in told["findings"] if one["name"] == "port-forbidden"]
            assert finding["evidence"]["uid"] == NOBODY.number


def test_the_right_to_bind_that_a_service_was_given_and_the_doctor_does_not_take(folder: Path) -> None:
    """As systemd's AmbientCapabilities gives it: not forbidden, and not tried with that right either."""
    given = "--inh-caps=+net_bind_service --ambient-caps=+net_bind_service"
    with serving(folder, *NOBODY.words.split(), *given.split()) as service:
        words = ["--pid", str(service.pid), "--port", str(privileged_port()), "--only", "service", "--device", "cpu"]
        told = report(*words, cwd=folder)
        assert verdicts(told)["port-forbidden"] == "unknown" and roots(told) == ["service-crashed-or-not-ready"]
        assert "capabilities" in told["standpoint"]["not_taken"]
        assert "CAP_NET_BIND_SERVICE" in told["standpoint"]["capabilities"]


# Limits


def test_the_limits_of_ones_own_service_are_taken_on(folder: Path) -> None:
    """Of root's own as well, whose rights are the doctor's: nothing is dropped, and its limits are its all the same."""
    site = folder / "path"
    site.mkdir()
    # When it has been told what to do: os.dup is the first that it calls.
    (site / "sitecustomize.py").write_text(
        "import os, resource\n"
        "dup = os.dup\n"
        "def telling(descriptor):\n"
        f"    open('{folder}/told', 'a').write(str(resource.getrlimit(resource.RLIMIT_NOFILE)) + '\\n')\n"
        "    return dup(descriptor)\n"
        "os.dup = telling\n"
    )
    with serving(folder, "prlimit", "--nofile=321:654", PYTHONPATH=str(site)) as service:
        told = report("--pid", str(service.pid), "--device", "cpu", "--only", "doctor,models,python_env", cwd=folder)
    assert set((folder / "told").read_text().splitlines()) == {"(321, 654)"}
    assert told["standpoint"]["limits"]["RLIMIT_NOFILE"] == [321, 654]
    assert told["standpoint"]["not_taken"] == []


@pytest.mark.parametrize("user", [None, NOBODY], ids=["root's own", "nobody's"])
def test_the_processors_that_it_may_use_are_taken_on(user: User | None, folder: Path) -> None:
    """As a container with a cpuset has it: what is measured is measured on those."""
    last = max(os.sched_getaffinity(0))
    (folder / "path").mkdir()
    (folder / "told").touch()
    (folder / "told").chmod(0o666)
    tells = f"import os\nopen('{folder}/told', 'a').write('%s\\n' % sorted(os.sched_getaffinity(0)))\n"
    # When it has been told what to do: os.dup is the first that it calls.
    tells = f"import os\ndup = os.dup\ndef telling(one):\n    exec({tells!r})\n    return dup(one)\nos.dup = telling\n"
    (folder / "path" / "sitecustomize.py").write_text(tells)
    before = [*(user.words.split() if user else ()), "taskset", "--cpu-list", str(last)]
    with serving(folder, *before, PYTHONPATH=str(folder / "path")) as service:
        told = report("--pid", str(service.pid), "--device", "cpu", "--only", "doctor,models", cwd=folder)
    assert set((folder / "told").read_text().splitlines()) == {f"[{last}]"}
    assert told["standpoint"]["processors"] == [last]


# The driver (F5) and its device nodes

FOLDERS = ["/run/opengl-driver/lib", "/usr/local/nvidia/lib64", "/opt/driver"]
"""Of NixOS, GKE, and a place of one's own."""


def driver_in(place: str) -> dict[str, str | Path]:
    """The driver's libraries in a folder that no loader searches by itself."""
    parts = {"libnvidia-ml.so": nvml_folder(), "libcuda.so": cuda_folder()}
    return {
        f"{place}/{name}.{ending}": (folder / f"{name}.1").resolve()
        for name, folder in parts.items()
        for ending in ("1", DRIVER)
    }


def looked(tmp_path: Path, place: str, doctors: str | None, targets: str | None, **machine: Any) -> Report:
    """*doctors*, *targets*: LD_LIBRARY_PATH of each."""
    rest = library_path(without=(nvml_folder(), cuda_folder()))
    path = ":".join(filter(None, [targets, rest]))
    target = f"env LD_LIBRARY_PATH={path} {sys.executable}"
    shown = Machine(folder=tmp_path / "machine", files=driver_in(place), **machine)
    (tmp_path / "machine").mkdir()
    variables = environment(LD_LIBRARY_PATH=doctors)
    return on_a_machine(
        tmp_path,
        "--only",
        "driver",
        "--timeout",
        "60",
        machine=shown,
        target=target,
        environment={**variables, "LD_LIBRARY_PATH": doctors},
    )


@pytest.mark.parametrize("place", FOLDERS)
def test_a_driver_that_only_the_service_finds_is_there(place: str, tmp_path: Path) -> None:
    seen = looked(tmp_path, place, None, place)
    assert seen.names == set(), seen.summary()
    assert seen.facts("nvml")["driver"] == DRIVER, "asked again in the target"
    assert any(one["path"].startswith(place) for one in seen.facts("gpu_environment")["libraries"])


@pytest.mark.parametrize("place", FOLDERS)
def test_a_driver_that_only_the_doctor_finds_is_not(place: str, tmp_path: Path) -> None:
    """The difference of the two views is the finding."""
    seen = looked(tmp_path, place, place, None)
    assert seen.roots == {"nvml-library-not-found"}, seen.summary()
    found = seen.finding("nvml-library-not-found")
    assert found["evidence"]["folder"] == place and "libcuda" in found["title"]


def test_a_driver_that_nobody_finds(tmp_path: Path) -> None:
    seen = looked(tmp_path, "/run/opengl-driver/lib", None, None)
    assert seen.roots == {"nvml-library-not-found"}, seen.summary()


def attached(tmp_path: Path, user: User, doctors: str | None, services: str | None) -> Report:
    """The same, beside a running service of *user*, whose environment alone names *services*."""
    shown = Machine(folder=tmp_path / "machine", files=driver_in(FOLDERS[1]))
    (tmp_path / "machine").mkdir()
    rest = library_path(without=(nvml_folder(), cuda_folder()))
    path = ":".join(filter(None, [services, rest]))
    lines = [
        f"{user.words} env LD_LIBRARY_PATH={path} {system_python()} -c 'import time; time.sleep(600)' & PID=$!",
        "until grep -q python /proc/$PID/comm; do sleep 0.05; done",
        f"{sys.executable} -m retina_doctor check --format json --only driver --timeout 60 --pid $PID; kill $PID",
    ]
    variables = {**environment(), **({"LD_LIBRARY_PATH": doctors} if doctors else {})}
    command = shown.running(["sh", "-c", "\n".join(lines)], tmp_path)
    done = subprocess.run(
        command, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=180, check=False
    )
    assert done.stdout, done.stderr
    told = json.loads(done.stdout)
    return Report(exit_code=told["exit_code"], json=told, stderr=done.stderr)


SERVICES = pytest.mark.parametrize(
    "user", [User(0, ()), NOBODY, UNNAMED], ids=["root's", "nobody's", "no passwd entry"]
)


@SERVICES
def test_a_driver_that_only_a_running_service_finds_is_there(user: User, tmp_path: Path) -> None:
    """Of another user's nothing is loaded on the doctor's own side: it is asked with that user's rights."""
    seen = attached(tmp_path, user, None, FOLDERS[1])
    assert seen.names == set() and seen.exit_code == 0, seen.summary()
    assert seen.facts("nvml")["driver"] == DRIVER
    assert any(one["path"].startswith(FOLDERS[1]) for one in seen.facts("gpu_environment")["libraries"])
    assert seen.facts("interpreter")["uid"] == user.number


@SERVICES
@pytest.mark.parametrize("doctors", [None, FOLDERS[1]], ids=["nor the doctor", "the doctor finds it"])
def test_a_driver_that_a_running_service_does_not_find_is_not(user: User, doctors: str | None, tmp_path: Path) -> None:
    seen = attached(tmp_path, user, doctors, None)
    assert seen.roots == {"nvml-library-not-found"} and seen.exit_code == 1, seen.summary()


@pytest.mark.parametrize(("mode", "owner"), [("660", 0), ("600", 0), ("660", 23456)])
def test_device_nodes_are_tried_as_the_services_user(mode: str, owner: int, tmp_path: Path) -> None:
    """Root may use them all; the user of the service may not, and his twin, who is in their group, may."""
    for groups, refused in (((), True), ((owner,), mode == "600")):
        user = User(12345, groups)
        here = tmp_path / str(len(groups))
        (here / "machine").mkdir(parents=True)
        shown = Machine(folder=here / "machine", mode=mode, owner=owner)
        target = f"{user.words} {system_python()}"
        words = ("--only", "driver", "--quick")
        path = {**environment(), "LD_LIBRARY_PATH": library_path()}
        seen = on_a_machine(here, *words, machine=shown, target=target, environment=path)
        assert ("gpu-device-not-permitted" in seen.roots) is refused, seen.summary()
        assert all(node["usable"] for node in seen.facts("host")["nodes"])
        assert any(node["refused"] == "EACCES" for node in seen.facts("gpu_environment")["nodes"]) is refused


# The report


def test_the_head_says_from_where(folder: Path) -> None:
    with serving(folder, *NOBODY.words.split()) as service:
        said = doctor("--pid", str(service.pid), "--only", "doctor", cwd=folder)
        # The machine of the tests may itself be a container.
        assert re.search(rf"as user nobody(, in container \S+)?, from {folder}", " ".join(said.stdout.split()))
        snapshot = folder / "snapshot.json"
        doctor("collect", "--no-redact", "-o", snapshot, "--pid", str(service.pid), "--only", "doctor", cwd=folder)
        again = doctor("diagnose", snapshot, "--format", "json", cwd=folder)
        told = json.loads(again.stdout)["standpoint"]
        assert (told["user"], told["uid"], told["cwd"], told["whose"]) == ("nobody", 65534, str(folder), "process")


def test_a_container_is_named(folder: Path) -> None:
    apart = "unshare --mount --pid --uts --fork --mount-proc --kill-child sh -c"
    serving_there = f'hostname face; exec {folder}/venv/bin/python -c "{WAITS}"'
    with serving(folder):
        pass
    process = subprocess.Popen([*apart.split(), serving_there], cwd=folder, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout and process.stdout.readline() == "1\n"
        [inside] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        said = doctor("--pid", inside, "--only", "doctor", cwd=folder)
        assert f"as user root, in container face, from {folder}" in " ".join(said.stdout.split())
        assert report("--pid", inside, "--only", "doctor", cwd=folder)["standpoint"]["container"] == "face"
    finally:
        process.kill()
        process.wait()
