"""Which interpreter is looked at when none is named, and with what of the service's own."""

from __future__ import annotations

import getpass
import grp
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from retina_doctor.errors import UsageError
from retina_doctor.settings import ProcessSettings, Settings
from retina_doctor.standpoint.kept import is_kept, oneself
from retina_doctor.standpoint.target import choose_target, surroundings
from tests.doctor import environment, install, make_venv, report


@pytest.fixture
def service(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of a virtual environment's Python in a folder and with a variable of its own."""
    python = make_venv(tmp_path / "venv", "uv")
    (tmp_path / "srv" / "models").mkdir(parents=True)
    env = environment(RETINAFACE_MODEL_PATH="models/face.onnx")
    process = subprocess.Popen([python, "-c", "import time; time.sleep(600)"], cwd=tmp_path / "srv", env=env)
    yield process
    process.kill()
    process.wait()


def attached(pid: int) -> Settings:
    return Settings(ProcessSettings(pid=pid))


def test_a_process_gives_its_own_interpreter_directory_and_variables(
    service: subprocess.Popen[bytes], real_model: Path, tmp_path: Path
) -> None:
    target = choose_target(attached(service.pid), os.environ)
    assert target.command == (str(tmp_path / "venv" / "bin" / "python"),)
    around = surroundings(attached(service.pid), target, os.environ)
    assert around.workdir == str(tmp_path / "srv")
    assert around.environment["RETINAFACE_MODEL_PATH"] == "models/face.onnx"

    shutil.copy(real_model, tmp_path / "srv" / "models" / "face.onnx")
    told = report("--pid", str(service.pid), "--only", "models", cwd=tmp_path)
    assert told["findings"] == []
    assert told["facts"]["models"]["path"] == str(tmp_path / "srv" / "models" / "face.onnx")


def test_a_process_cannot_name_another_program_than_its_own(tmp_path: Path) -> None:
    spoof = tmp_path / "python"
    spoof.write_text("#!/bin/sh\ntouch owned\n")
    spoof.chmod(0o755)
    process = subprocess.Popen(["bash", "-c", f"exec -a {spoof} {sys.executable} -c 'import time; time.sleep(600)'"])
    try:
        # bash bears the spoofed name in its own command line, too, before it becomes Python.
        while "python" not in Path(f"/proc/{process.pid}/exe").readlink().name:
            time.sleep(0.01)
        [chosen] = choose_target(attached(process.pid), os.environ).command
        assert Path(chosen).samefile(Path(f"/proc/{process.pid}/exe").readlink())
    finally:
        process.kill()
        process.wait()


def test_a_python_that_was_called_by_its_bare_name(tmp_path: Path) -> None:
    """`python app.py` in an activated environment: by the PATH of the process, not by ours."""
    python = make_venv(tmp_path / "venv", "uv")
    env = environment(PATH=f"{python.parent}:{os.environ['PATH']}")
    process = subprocess.Popen(["python", "-c", "import time; time.sleep(600)"], cwd="/", env=env)
    try:
        assert choose_target(attached(process.pid), os.environ).command == (str(python),)
    finally:
        process.kill()
        process.wait()


TITLED = """
import numpy, setproctitle, time
setproctitle.setproctitle("face: master [app]")
print(1, flush=True)
time.sleep(600)
"""


def test_a_server_that_wrote_a_title_over_its_command_line(tmp_path: Path) -> None:
    """By the packages that it has loaded. It has written over its variables, too: then ours stand in."""
    python = make_venv(tmp_path / "venv", "uv")
    install(python, "setproctitle", "numpy")
    process = subprocess.Popen([python, "-c", TITLED], stdout=subprocess.PIPE)
    try:
        assert process.stdout and process.stdout.readline() == b"1\n"
        assert Path(f"/proc/{process.pid}/cmdline").read_bytes().startswith(b"face: master [app]")
        target = choose_target(attached(process.pid), os.environ)
        assert target.command == (str(python),)
        assert surroundings(attached(process.pid), target, {"A": "b"}).environment
    finally:
        process.kill()
        process.wait()


CONTAINED = """
import os, sys, time
os.chdir("/srv/face")
print(os.getpid(), flush=True)
time.sleep(600)
"""


@pytest.fixture
def contained(tmp_path: Path) -> Iterator[int]:
    """The number, on this side, of a process in mount, pid and network namespaces of its own, where alone /srv/face exists."""
    assert os.getuid() == 0, "making namespaces takes root"
    program = f"mount -t tmpfs none /srv && mkdir /srv/face && exec {sys.executable} -c '{CONTAINED}' model.onnx"
    words = ["unshare", "--mount", "--pid", "--net", "--fork", "--mount-proc", "--kill-child", "sh", "-c", program]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "1\n"
    [inside] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    yield int(inside)
    process.kill()
    process.wait()


def test_a_process_in_a_container_is_entered(contained: int, tmp_path: Path) -> None:
    told = report("--pid", str(contained), "--only", "models,service", cwd=tmp_path)
    facts = told["facts"]
    assert facts["interpreter"]["working_directory"] == "/srv/face"
    assert facts["processes"]["service"]["pid"] == 1, "by the number that it has there"
    assert facts["processes"]["service"]["working_directory"] == "/srv/face"
    assert facts["models"]["path"] == "/srv/face/model.onnx", "what its command line says, from where it stands"
    assert Path(f"/proc/{contained}").exists()


def test_who_may_not_enter_a_container_is_told_what_to_do() -> None:
    """Only root enters one, also a container of one's own, which a user namespace makes possible."""
    assert os.getuid() == 0, "becoming another user takes root"
    unprivileged = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "unshare", "--user", "--mount"]
    process = subprocess.Popen([*unprivileged, "sh", "-c", "echo 1; sleep 600"], cwd="/", stdout=subprocess.PIPE)
    assert process.stdout and process.stdout.readline() == b"1\n"
    try:
        os.seteuid(65534)
        with pytest.raises(UsageError, match="docker exec"):
            choose_target(attached(process.pid), os.environ)
    finally:
        os.seteuid(0)
        process.kill()
        process.wait()


@pytest.mark.parametrize("name", [".venv", "venv", "env"])
def test_an_environment_in_the_folder_goes_before_path(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = make_venv(tmp_path / name, "uv")
    other = make_venv(tmp_path / "other" / "a", "uv")
    monkeypatch.chdir(tmp_path)
    path = {"PATH": str(other.parent)}
    chosen = choose_target(Settings(), path)
    assert (chosen.command, chosen.chosen, chosen.chosen_by) == ((str(python),), "folder", name)
    assert choose_target(Settings(), {**path, "VIRTUAL_ENV": str(tmp_path / "other" / "a")}).command == (str(other),)
    packages = next((tmp_path / name).glob("lib/python*/site-packages"))
    kept = [python.parent, packages, tmp_path / name / "pyvenv.cfg", packages.parent]
    for one in kept:  # anybody may put another program there, or a file that each start of that Python runs
        mode = one.stat().st_mode
        one.chmod(mode | 0o002)
        assert choose_target(Settings(), path).chosen == "path", one
        one.chmod(mode)
    assert choose_target(Settings(), path).chosen == "folder"
    (packages / "project.pth").write_text(str(tmp_path / "source"))  # as of a project that is installed in place
    assert choose_target(Settings(), path).chosen == "path", "anybody may make that folder"
    (tmp_path / "source").mkdir()
    assert choose_target(Settings(), path).chosen == "folder"
    (packages / "project.pth").write_text(str(tmp_path))
    (tmp_path / name / ".lock").write_text("")
    (tmp_path / name / ".lock").chmod(0o666)  # as uv makes it
    assert choose_target(Settings(), path).chosen == "folder"
    (packages / "project.pth").write_text(str(tmp_path / "source"))
    (tmp_path / "source").chmod(0o777)
    assert choose_target(Settings(), path).chosen == "path"
    (packages / "project.pth").unlink()
    (packages / "theirs.pth").write_text("")
    if os.geteuid() == 0:
        os.chown(packages / "theirs.pth", 65534, 65534)
        assert choose_target(Settings(), path).chosen == "path"


def test_an_environment_with_the_systems_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Jetson, where torch and TensorRT are the system's: whoever may change those changes what it runs."""
    make_venv(tmp_path / "venv", "uv")
    config = tmp_path / "venv" / "pyvenv.cfg"
    config.write_text(config.read_text().replace("packages = false", "packages = true"))
    assert "include-system-site-packages = true" in config.read_text()
    version = next((tmp_path / "venv").glob("lib/python*")).name
    users = tmp_path / "home" / ".local" / "lib" / version / "site-packages"
    users.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert choose_target(Settings(), {"PATH": ""}).chosen == "folder"
    users.chmod(0o777)
    assert choose_target(Settings(), {"PATH": ""}).chosen != "folder"


@pytest.mark.parametrize("name", ["home", "base"])
def test_packages_of_a_user_without_a_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As site.py finds them: by PYTHONUSERBASE, else below "~", which nobody's may stay."""
    keepers = oneself()
    make_venv(tmp_path / "venv", "uv")
    config = tmp_path / "venv" / "pyvenv.cfg"
    config.write_text(config.read_text().replace("packages = false", "packages = true"))
    version = next((tmp_path / "venv").glob("lib/python*")).name
    users = tmp_path / "base" / "lib" / version / "site-packages"
    users.mkdir(parents=True)
    users.chmod(0o777)
    monkeypatch.delenv("HOME", raising=False)
    if name == "base":
        monkeypatch.setenv("PYTHONUSERBASE", str(tmp_path / "base"))
    with as_user(12345):
        kept = is_kept(str(tmp_path / "venv" / "bin" / "python"), keepers, system=True)
    assert kept is (name == "home")


@contextmanager
def as_user(number: int) -> Iterator[None]:
    """Of no name."""
    if os.geteuid() != 0:
        pytest.skip("takes root")
    os.setresuid(number, 0, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


def test_ones_own_group_may_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with the umask of 002 that many distributions set for users who have a group for themselves; root's is root."""
    make_venv(tmp_path / "venv", "uv")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "venv").chmod(0o775)
    own = grp.getgrgid(os.getegid())
    alone = own.gr_name == getpass.getuser() and {*own.gr_mem} <= {getpass.getuser()}
    assert (choose_target(Settings(), {"PATH": ""}).chosen == "folder") is alone
    if os.geteuid() == 0:
        os.chown(tmp_path / "venv", 0, 65534)
        assert choose_target(Settings(), {"PATH": ""}).chosen == "own"


def test_a_working_directory_that_is_gone(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    script = "import os; os.rmdir(os.getcwd()); from retina_doctor.standpoint.target import choose_target"
    script += "; from retina_doctor.settings import Settings; print(choose_target(Settings(), {'PATH': ''}).chosen)"
    done = subprocess.run([sys.executable, "-I", "-c", script], cwd=gone, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "own", done.stderr


def test_order_of_choice(tmp_path: Path) -> None:
    venv, conda = make_venv(tmp_path / "a", "uv"), make_venv(tmp_path / "b", "uv")
    both = {"VIRTUAL_ENV": str(tmp_path / "a"), "CONDA_PREFIX": str(tmp_path / "b"), "PATH": "/usr/bin"}
    assert choose_target(Settings(), both).command == (str(venv),)
    assert choose_target(Settings(), {**both, "VIRTUAL_ENV": sys.prefix}).command == (str(conda),)
    path = {"PATH": f".:{Path(sys.executable).parent}:{tmp_path / 'a' / 'bin'}"}
    assert choose_target(Settings(), path).command == (str(tmp_path / "a" / "bin" / "python3"),)
    assert choose_target(Settings(), {"PATH": ""}).chosen == "own"
    assert choose_target(Settings(), {"VIRTUAL_ENV": "a", "PATH": ""}).chosen == "own", (
        "a relative prefix is the directory's"
    )
