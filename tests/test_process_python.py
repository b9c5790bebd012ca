"""The Python of a running process, looked up within its own root; where it is gone, no other stands in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from retina_doctor.standpoint.process_python import python_of
from retina_doctor.standpoint.standpoint import standpoint_of
from retina_doctor.standpoint.within import found_within, root_of
from tests.doctor import DEV_PYTHON, doctor, environment, make_venv, report, roots, uv, verdicts

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="making namespaces takes root")
WAITS = "import time; print(1, flush=True); time.sleep(600)"
BASE = Path(sys.base_prefix) / "bin" / "python3"


def made_by_venv(folder: Path) -> Path:
    return make_venv(folder, "venv")


def made_by_uv(folder: Path) -> Path:
    return make_venv(folder, "uv")


def made_by_virtualenv(folder: Path) -> Path:
    words = [
        uv(),
        "tool",
        "run",
        "--quiet",
        "virtualenv",
        "--quiet",
        "--no-download",
        "--python",
        str(BASE),
        str(folder),
    ]
    subprocess.run(words, check=True, cwd="/")
    return folder / "bin" / "python"


def like_conda(folder: Path) -> Path:
    """A whole Python of its own: bin/python is a link beside the file, and no pyvenv.cfg tells of another."""
    for part in ("bin", "lib/python3.11", "conda-meta"):
        (folder / part).mkdir(parents=True)
    shutil.copy(BASE.resolve(), folder / "bin" / BASE.resolve().name)
    (folder / "bin" / "python").symlink_to(BASE.resolve().name)
    library = Path(sys.base_prefix) / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    (folder / "lib" / library.name).rmdir()
    (folder / "lib" / library.name).symlink_to(library)
    for shared in (Path(sys.base_prefix) / "lib").glob("libpython*"):
        shutil.copy(shared, folder / "lib" / shared.name)
    return folder / "bin" / "python"


def with_relative_link(folder: Path) -> Path:
    python = made_by_venv(folder)
    python.unlink()
    python.symlink_to(os.path.relpath(BASE.resolve(), python.parent))
    return python


KINDS: list[Callable[[Path], Path]] = [made_by_venv, made_by_uv, made_by_virtualenv, like_conda, with_relative_link]
kinds = pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__name__)


@contextmanager
def running(*words: str | Path, **options: Any) -> Iterator[int]:
    process = subprocess.Popen([*map(str, words)], stdout=subprocess.PIPE, text=True, **options)
    try:
        assert process.stdout and process.stdout.readline() == "1\n"
        yield process.pid
    finally:
        process.kill()
        process.wait()


# Which it is


@kinds
def test_an_environment_that_is_there(make: Callable[[Path], Path], tmp_path: Path) -> None:
    python = make(tmp_path / "environment")
    with running(python, "-c", WAITS) as pid:
        assert python_of(pid).command == (str(python),)


def test_a_shim_is_passed_over(tmp_path: Path) -> None:
    """pyenv's: a script of the interpreter's name, which stands first on PATH and starts the right one."""
    python, shims = made_by_uv(tmp_path / "version"), tmp_path / "shims"
    shims.mkdir()
    (shims / "python").write_text(f'#!/bin/bash\nexec -a python {python} "$@"\n')
    (shims / "python").chmod(0o755)
    env = environment(PATH=f"{shims}:{python.parent}:{os.environ['PATH']}")
    with running("python", "-c", WAITS, env=env) as pid:
        assert python_of(pid).command == (str(python),)


@pytest.mark.parametrize("title", ["face: master", "/srv/face worker", "python server"])
def test_a_title_names_no_interpreter(title: str, tmp_path: Path) -> None:
    with running("bash", "-c", f"exec -a '{title}' {BASE} -c '{WAITS}'") as pid:
        [python] = python_of(pid).command
        assert Path(python).samefile(BASE)


def test_a_process_that_runs_another_program_by_now_is_another() -> None:
    """Even the same one again: what was read before belongs to what ran before, whose user may have been another."""
    again = "import os, sys; print(1, flush=True); sys.stdin.readline(); os.execv(sys.executable, sys.orig_argv)"
    process = subprocess.Popen([BASE, "-c", again], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdin and process.stdout and process.stdout.readline() == "1\n"
        before = standpoint_of(process.pid)
        assert standpoint_of(process.pid) == before
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "1\n"
        assert standpoint_of(process.pid) != before
    finally:
        process.kill()
        process.wait()


EMBEDS = r"""
#include <Python.h>
int main(void) {
    Py_Initialize();
    return PyRun_SimpleString("import sys, os, mmap, time\n"
        "files = [open(one, 'rb') for one in filter(None, [os.environ.get('MAPPED')])]\n"
        "kept = [mmap.mmap(one.fileno(), 0, access=mmap.ACCESS_READ) for one in files]\n"
        "print(1, flush=True)\n" "time.sleep(600)\n");
}
"""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A server of C with a Python inside, as uwsgi is."""
    folder, lib = tmp_path_factory.mktemp("server"), Path(sys.base_prefix) / "lib"
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    if not (lib / f"lib{version}.so").exists():
        pytest.skip("this Python has no shared library")
    (folder / "server.c").write_text(EMBEDS)
    headers = Path(sys.base_prefix) / "include" / version
    words = [
        "gcc",
        "-o",
        folder / "uwsgi",
        folder / "server.c",
        f"-I{headers}",
        f"-L{lib}",
        f"-l{version}",
        f"-Wl,-rpath,{lib}",
    ]
    subprocess.run([str(word) for word in words], check=True)
    return folder / "uwsgi"


def extension_of(python: Path) -> Path:
    """A file of a package, as a compiled module that a server has loaded from an environment is."""
    [site] = python.parent.parent.glob("lib/python3*/site-packages")
    (site / "module.so").write_bytes(bytes(4096))
    return site / "module.so"


@pytest.mark.parametrize("told", ["packages", "flag", "variable", "nothing"])
def test_a_python_inside_of_another_program(server: Path, told: str, tmp_path: Path) -> None:
    python = made_by_uv(tmp_path / "environment")
    home = str(python.parent.parent)
    variables: dict[str, str] = {
        "packages": {"MAPPED": str(extension_of(python))}, "variable": {"VIRTUAL_ENV": home}
    }.get(told, {})  # fmt: skip
    words = [server, "--virtualenv", home] if told == "flag" else [server]
    with running(*words, env=environment(**variables)) as pid:
        [found] = python_of(pid).command
        assert found == (f"{Path(sys.base_prefix)}/bin/python" if told == "nothing" else str(python))


def test_a_relative_variable_leads_to_nothing_of_the_callers(
    server: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It starts from the service's folder, if from any; the doctor was called in another one that holds the same names."""
    made_by_uv(tmp_path / "evil" / "venv")
    monkeypatch.chdir(tmp_path / "evil")
    with running(server, env=environment(VIRTUAL_ENV="venv", CONDA_PREFIX="./venv"), cwd=tmp_path) as pid:
        assert python_of(pid).command == (f"{Path(sys.base_prefix)}/bin/python",)
        with root_of(pid) as root:
            assert found_within(root, "venv/bin/python") is None
            assert found_within(root, "usr/bin") is None


def test_a_python_on_the_path_without_an_environment(tmp_path: Path) -> None:
    """/bin is no environment that is gone: where no variable names one, none is expected in a folder of PATH."""
    python = made_by_uv(tmp_path / "environment")
    missing = "python3.99"
    (python.parent / missing).symlink_to(python)
    env = environment(PATH=f"/bin:{python.parent}")
    with running(missing, "-c", WAITS, env=env, executable=str(python.parent / missing)) as pid:
        assert python_of(pid).command == (str(python.parent / missing),)


CANARY = """
#include <stdio.h>
#include <stdlib.h>
__attribute__((constructor)) static void sings(void) {
    FILE *file = fopen(getenv("CANARY"), "a");
    if (file) { fputs(NAME "\\n", file); fclose(file); }
}
"""


def test_a_relative_library_path_is_that_of_the_service(tmp_path: Path) -> None:
    """Never of the folder in which the doctor was called."""
    for name in ("service", "evil"):
        (tmp_path / name / "lib").mkdir(parents=True)
        source = tmp_path / name / "canary.c"
        source.write_text(CANARY)
        library = tmp_path / name / "lib" / "libnvidia-ml.so.1"
        words = ["gcc", "-shared", "-fPIC", f'-DNAME="{name}"', "-o", library, source]
        subprocess.run([str(word) for word in words], check=True)
    python = made_by_uv(tmp_path / "environment")
    heard = tmp_path / "heard"
    env = environment(LD_LIBRARY_PATH="lib")
    with running(python, "-c", WAITS, env=env, cwd=tmp_path / "service") as pid:
        report("--pid", str(pid), "--quick", cwd=tmp_path / "evil", env=environment(CANARY=str(heard)))
    assert set(heard.read_text().split()) == {"service"}


def test_a_program_without_a_python(tmp_path: Path) -> None:
    with running("sh", "-c", "echo 1; while :; do sleep 600; done") as pid:
        assert python_of(pid).problem == "no-python"
        told = report("--pid", str(pid), "--quick", "--device", "cpu", cwd=tmp_path)
        assert told["target"]["command"] == [] and told["exit_code"] != 0
        assert all("pip" not in command for one in told["findings"] for command in one["fix"]["commands"])


# Gone, or another by now


@kinds
def test_an_environment_that_was_deleted(make: Callable[[Path], Path], tmp_path: Path) -> None:
    python = make(tmp_path / "environment")
    with running(python, "-c", WAITS) as pid:
        shutil.rmtree(tmp_path / "environment")
        found = python_of(pid)
        assert (found.command, found.problem, found.called) == ((), "gone", str(python))


def test_an_environment_that_was_deleted_while_it_was_activated(tmp_path: Path) -> None:
    python = made_by_uv(tmp_path / "environment")
    env = environment(PATH=f"{python.parent}:{os.environ['PATH']}", VIRTUAL_ENV=str(tmp_path / "environment"))
    with running("python", "-c", WAITS, env=env) as pid:
        assert python_of(pid).command == (str(python),)
        shutil.rmtree(tmp_path / "environment")
        assert python_of(pid).problem == "gone"


def test_an_environment_that_was_made_again_with_another_python(tmp_path: Path) -> None:
    python = made_by_uv(tmp_path / "environment")
    with running(python, "-c", WAITS) as pid:
        python.unlink()
        shutil.copy(BASE.resolve(), python)
        assert python_of(pid).problem == "replaced"


def test_an_interpreter_that_was_upgraded(tmp_path: Path) -> None:
    """As a package manager does it: the new file takes the place of the old one."""
    python = like_conda(tmp_path / "own")
    shutil.rmtree(tmp_path / "own" / "conda-meta")
    with running(python, "-c", WAITS) as pid:
        shutil.copy(python.resolve(), tmp_path / "new")
        (tmp_path / "new").rename(python.resolve())
        found = python_of(pid)
        assert (found.problem, Path(found.called or "").resolve()) == ("replaced", python.resolve())


def test_the_packages_of_a_deleted_environment_tell_of_it(server: Path, tmp_path: Path) -> None:
    python = made_by_uv(tmp_path / "environment")
    with running(server, env=environment(MAPPED=str(extension_of(python)))) as pid:
        shutil.rmtree(tmp_path / "environment")
        assert python_of(pid).problem == "gone"


@pytest.mark.parametrize(
    "make", [made_by_venv, made_by_uv, made_by_virtualenv, like_conda], ids=lambda make: make.__name__
)
def test_a_deleted_environment_is_the_root_and_no_other_python_is_judged(
    make: Callable[[Path], Path], tmp_path: Path
) -> None:
    python = make(tmp_path / "environment")
    listens = f"import socket; s = socket.create_server(('127.0.0.1', 0)); {WAITS}"
    with running(python, "-c", listens) as pid:
        healthy = report("--pid", str(pid), "--only", "doctor", cwd=tmp_path)
        assert healthy["findings"] == [] and verdicts(healthy)["service-needs-restart"] == "passed"
        shutil.rmtree(tmp_path / "environment")
        told = report("--pid", str(pid), "--device", "cpu", cwd=tmp_path)
        assert roots(told)[0] == "service-needs-restart" and "ort-missing" not in roots(told)
        assert told["exit_code"] == 1 and told["target"]["command"] == []
        assert "interpreter" not in {name for name, one in told["facts"].items() if one}
        commands = [command for one in told["findings"] for command in one["fix"]["commands"]]
        assert commands and all("pip" not in command for command in commands)
        words = doctor("--pid", str(pid), "--device", "cpu", cwd=tmp_path).stdout
        assert f"The Python of process {pid} is gone" in " ".join(words.split())


@pytest.mark.parametrize("end", ["never was", "reaped", "a zombie"])
def test_a_process_that_has_ended(end: str, tmp_path: Path) -> None:
    """PATH's Python, which has no onnxruntime, is not judged in its place: nobody named it."""
    process = subprocess.Popen([DEV_PYTHON, "-c", "pass"])
    if end == "a zombie":
        while Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
            time.sleep(0.01)
    else:
        process.wait()
    pid = 4194304 if end == "never was" else process.pid  # more than any kernel gives
    env = environment(PATH=f"{made_by_uv(tmp_path / 'bare').parent}:{os.environ['PATH']}")
    told = report("--pid", str(pid), "--device", "cpu", cwd=tmp_path, env=env)
    process.wait()
    assert roots(told) == ["service-not-running"]
    assert told["target"]["command"] == [] and told["target"]["problem"] == "ended"
    assert all("pip" not in command for one in told["findings"] for command in one["fix"]["commands"])
    assert report("--target", str(tmp_path / "bare/bin/python"), "--device", "cpu", cwd=tmp_path)["findings"]


# In a root of its own


@pytest.fixture
def image() -> Iterator[Path]:
    """The root of a container: this machine's /usr and this Python's installation, and a venv that only it has."""
    folder = Path(tempfile.mkdtemp(prefix="image-"))
    for name in ("usr", "proc", "opt", "srv", "tmp", "dev", "base"):
        (folder / name).mkdir()
    for name in ("lib", "lib64", "bin", "etc"):
        if Path("/" + name).is_symlink():
            (folder / name).symlink_to(Path("/" + name).readlink())
        elif Path("/" + name).is_dir():
            (folder / name).mkdir()
    yield folder
    shutil.rmtree(folder)


LINKS = {"absolute": "/base/bin/python3", "relative": "../../../base/bin/python3"}


@contextmanager
def contained(image: Path, link: str, how: str) -> Iterator[int]:
    """The number, on this side, of a service that runs from /opt/venv in that root. /base on this side is none of its."""
    base = Path(sys.base_prefix)
    venv = image / "opt" / "venv"
    packages = venv / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    packages.mkdir(parents=True)
    (venv / "bin").mkdir()
    (venv / "bin" / "python").symlink_to(link)
    (venv / "pyvenv.cfg").write_text("home = /base/bin\ninclude-system-site-packages = false\n")
    (packages / "only_here.py").write_text("")
    root, layers = image, []
    if how == "overlay":
        root = image / "tmp" / "root"
        layered = f"lowerdir={image},upperdir={image}/tmp/upper,workdir={image}/tmp/work"
        layers = [f"mount -t tmpfs none {image}/tmp", f"mkdir {image}/tmp/upper {image}/tmp/work {root}"]
        layers.append(f"mount -t overlay overlay -o {layered} {root}")
    binds = [f"mount --bind {source} {root}{goal}" for source, goal in (("/usr", "/usr"), (base, "/base"))]
    binds += [
        f"mount --rbind /{name} {root}/{name}"
        for name in ("lib", "lib64", "etc", "dev")
        if not (image / name).is_symlink() and (image / name).is_dir()
    ]
    pivot = [f"mount --rbind {root} {root}", f"cd {root}", "mkdir old", "pivot_root . old", "umount -l /old"]
    jail = [f"cd {root}"] if how == "chroot" else pivot
    start = f"env -i LD_LIBRARY_PATH=/base/lib PYTHONHOME= /opt/venv/bin/python -c '{WAITS}'"
    start = f"chroot {root} {start}" if how == "chroot" else start
    program = " && ".join([*layers, *binds, f"mount -t proc proc {root}/proc", *jail, f"exec {start}"])
    words = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", program]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "1\n"
    [inside] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    yield int(inside)
    process.kill()
    process.wait()


@needs_root
@pytest.mark.parametrize("how", ["pivot_root", "chroot", "overlay"])
@pytest.mark.parametrize("link", LINKS)
def test_the_link_of_a_containers_environment_is_followed_in_the_container(
    image: Path, link: str, how: str, tmp_path: Path
) -> None:
    with contained(image, LINKS[link], how) as pid:
        assert python_of(pid).command[-1] == "/opt/venv/bin/python"
        told = report("--pid", str(pid), "--only", "doctor", cwd=tmp_path)
        assert told["facts"]["interpreter"]["prefix"] == "/opt/venv"
        assert told["findings"] == []


LAYOUTS = [made_by_venv, made_by_uv, made_by_virtualenv, like_conda]


@contextmanager
def contained_as(image: Path, make: Callable[[Path], Path]) -> Iterator[tuple[int, Path]]:
    """A service in a root of its own, and its Python there, in an environment that a real tool has made for that place."""
    place = Path(tempfile.mkdtemp(prefix="only-there-"))
    inside = image / place.relative_to("/")
    try:
        python = make(place / "venv")
        shutil.copytree(place, inside, symlinks=True)
    finally:
        shutil.rmtree(place)  # on this side there is none
    base, home = Path(sys.base_prefix), Path(sys.base_prefix).resolve()
    goals = {str(one): f"{image}{one}" for one in (Path("/usr"), base, home, Path("/lib"), Path("/lib64"))}
    binds = [f"mkdir -p {goal} && mount --rbind {source} {goal}" for source, goal in goals.items()]
    jail = [f"mount --rbind {image} {image}", f"cd {image}", "mkdir -p old", "pivot_root . old", "umount -l /old"]
    start = f"exec env -i {python} -c '{WAITS}'"
    binds = [one for one in binds if not Path(one.split()[-2]).is_symlink()]
    program = " && ".join([*binds, f"mount -t proc proc {image}/proc", *jail, start])
    words = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", program]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout and process.stdout.readline() == "1\n"
        [inner] = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        yield int(inner), python
    finally:
        process.kill()
        process.wait()


@needs_root
@pytest.mark.parametrize("make", LAYOUTS, ids=lambda make: make.__name__)
def test_the_environment_of_a_container_by_whatever_made_it(
    image: Path, make: Callable[[Path], Path], tmp_path: Path
) -> None:
    with contained_as(image, make) as (pid, python):
        assert not python.parent.parent.exists()
        healthy = report("--pid", str(pid), "--only", "doctor", cwd=tmp_path)
        assert healthy["facts"]["interpreter"]["prefix"] == str(python.parent.parent)
        assert healthy["findings"] == []
        shutil.rmtree(image / python.parent.parent.relative_to("/"))
        told = report("--pid", str(pid), "--device", "cpu", cwd=tmp_path)
        assert roots(told) == ["service-needs-restart"]
        assert all("pip" not in command for one in told["findings"] for command in one["fix"]["commands"])


@needs_root
def test_a_containers_environment_that_was_deleted(image: Path, tmp_path: Path) -> None:
    with contained(image, LINKS["absolute"], "pivot_root") as pid:
        shutil.rmtree(image / "opt" / "venv")
        told = report("--pid", str(pid), "--device", "cpu", cwd=tmp_path)
        assert roots(told) == ["service-needs-restart"]
        assert set(told["facts"]) and not any(any(facts.values()) for facts in told["facts"].values()), (
            "nothing of this side is told as if it were its"
        )


@needs_root
def test_links_lead_nowhere_but_in_the_given_root(image: Path) -> None:
    (image / "opt" / "real").write_text("inside")
    (image / "opt" / "up").symlink_to("../../../../../opt/real")
    (image / "opt" / "round").symlink_to("round")
    (image / "opt" / "host").symlink_to(f"/{image.name}-outside")
    outside = Path(f"/{image.name}-outside")
    outside.write_text("outside")
    try:
        with root_of(os.getpid()) as own:
            descriptor = os.open(image, os.O_PATH)
            found = found_within(descriptor, "/opt/up")
            assert found and found.st_ino == (image / "opt" / "real").stat().st_ino
            assert found_within(descriptor, "/opt/host") is None and found_within(own, str(outside)) is not None
            assert found_within(descriptor, "/opt/round") is None
            assert found_within(descriptor, "/opt/real/further") is None
            os.close(descriptor)
    finally:
        outside.unlink()
