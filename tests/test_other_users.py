"""Services of other users beside a doctor that runs as root: bait that says with whose rights it ran."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.doctor import DEV_PYTHON, environment, uv

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="taking on another user and making namespaces takes root")


@dataclass(frozen=True)
class User:
    number: int
    groups: tuple[int, ...]

    @property
    def words(self) -> str:
        groups = f"--groups={','.join(map(str, self.groups))}" if self.groups else "--clear-groups"
        return f"setpriv --reuid={self.number} --regid={self.number} {groups}"


UNNAMED, NOBODY = User(12345, (23456, 34567)), User(65534, ())
"""Without and with an entry in /etc/passwd."""
PORT = 8080

APP = """
import mmap, os, socket, sys, time
here = os.path.dirname(os.path.abspath(__file__))
library = open(os.path.join(sys.argv[1], "onnxruntime", "bait.so"), "rb")
mapped = mmap.mmap(library.fileno(), 0, access=mmap.ACCESS_READ)
server = socket.create_server(("0.0.0.0", 8080))
open(os.path.join(here, "canaries", "ready"), "w").write("1")
time.sleep(600)
"""

PYTHON_CANARY = """
import json, os, sys, time
def key():
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    number = {"x86_64": 250}.get(os.uname().machine, 219)
    return libc.syscall(number, 10, -3, b"user", b"roots-own", 0)  # KEYCTL_SEARCH of the session keyring
def reads(path):
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
def canary(name):
    told = {"status": open("/proc/self/status").read(), "environment": dict(os.environ), "cwd": os.getcwd()}
    told["limits"] = open("/proc/self/limits").read()
    told["key"] = key()
    told["descriptors"] = [os.readlink("/proc/self/fd/%s" % n) for n in os.listdir("/proc/self/fd")[:-1]]
    told["parent"] = [name for name in ("environ", "mem", "fd/9") if reads("/proc/%d/%s" % (os.getppid(), name))]
    told["terminal"] = reads("/dev/tty")
    open("@FOLDER@/canaries/%s.%d" % (name, os.getpid()), "w").write(json.dumps(told))
"""
LINGERS = """
import bait_canary, os, time
bait_canary.canary("sitecustomize")
if "RETINA_DOCTOR_RUN" in os.environ and os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(600)
    os._exit(0)
"""
"""What a service leaves behind when its interpreter is started is the doctor's to end, whoever's it is."""

C_CANARY = r"""
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
__attribute__((constructor)) static void canary(void) {
    char path[4096], told[8192];
    snprintf(path, sizeof path, FOLDER "/canaries/" NAME ".%d", (int)getpid());
    int from = open("/proc/self/status", O_RDONLY), to = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0666);
    ssize_t size = read(from, told, sizeof told);
    if (size > 0 && write(to, told, size)) {}
    close(from), close(to);
}
unsigned int la_version(unsigned int version) { return version; }
void gconv_init(void) {}
#ifdef PROGRAM
int main(int count, char **words) {
    if (count > 1 && strcmp(words[1], "-") != 0) {
        int ready = open(FOLDER "/canaries/ready", O_CREAT | O_WRONLY, 0666);
        if (write(ready, "1", 1)) {}
        sleep(600);
    }
    return 0;
}
#endif
"""


@dataclass
class Bait:
    """A service's folder whose every file is its user's, and writes down who reads or runs it."""

    folder: Path
    user: User
    variables: dict[str, str] = field(default_factory=dict)
    site: Path = Path()
    start: str = ""
    limits: str = ""
    inner: str = ""
    """What starts it, before and after it became its user."""
    around: str = ""
    """What starts the doctor."""
    prepare: str = "true"
    """What root does to its files at last."""

    @property
    def python(self) -> Path:
        return self.folder / "venv" / "bin" / "python"

    def compiled(self, name: str, path: str, *flags: str) -> str:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        defined = [f'-DFOLDER="{self.folder}"', f'-DNAME="{name}"']
        kind = [] if "-DPROGRAM" in flags else ["-shared", "-fPIC"]
        words = ["gcc", "-w", "-o", str(target), *defined, *kind, *flags, "-x", "c", "-"]
        subprocess.run(words, input=C_CANARY, text=True, check=True)
        return str(target)

    def written(self, path: str, text: str, mode: int = 0o755) -> str:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text.replace("@FOLDER@", str(self.folder)))
        target.chmod(mode)
        return str(target)

    def give(self) -> None:
        """All of it to its user."""
        for path in (self.folder, *self.folder.rglob("*")):
            os.chown(path, self.user.number, self.user.number, follow_symlinks=False)
        (self.folder / "canaries").chmod(0o777)


def system_python() -> str:
    """One that any user may run: a Python below root's home is none."""
    candidates = (os.path.realpath(sys.executable), "/usr/bin/python3", "/usr/local/bin/python3")
    for one in candidates:
        words = [*UNNAMED.words.split(), "env", one, "-c", ""]  # setpriv itself still reaches what root does
        if subprocess.run(words, capture_output=True, cwd="/", check=False).returncode == 0:
            return one
    pytest.skip(f"none of {', '.join(candidates)} may be run by other users")


@pytest.fixture(params=[UNNAMED, NOBODY], ids=["no passwd entry", "nobody"])
def bait(request: pytest.FixtureRequest) -> Iterator[Bait]:
    folder = Path(tempfile.mkdtemp(prefix="bait-"))  # the folders of pytest are closed to others
    folder.chmod(0o755)
    one = Bait(folder, request.param)
    (folder / "canaries").mkdir()
    subprocess.run([uv(), "venv", "--quiet", "--python", system_python(), folder / "venv"], check=True, cwd="/")
    [one.site] = (folder / "venv" / "lib").glob("python3*/site-packages")
    (one.site / "onnxruntime").mkdir()
    (one.site / "onnxruntime" / "bait.so").write_bytes(b"\x7fELF" + bytes(4096))
    one.written("app.py", APP)
    one.written("path/bait_canary.py", PYTHON_CANARY)
    one.written("path/sitecustomize.py", LINGERS)
    one.written("startup.py", "import bait_canary; bait_canary.canary('startup')")
    (one.site / "bait.pth").write_text(
        f"import sys; sys.path.append('{folder}/path'); import bait_canary; bait_canary.canary('pth')"
    )
    for name in ("python", "python3", "uv", "nvidia-smi", "ldconfig", "nsenter", "setpriv", "env"):
        one.written(f"bin/{name}", f"#!/bin/sh\n/bin/cat /proc/self/status > @FOLDER@/canaries/path-{name}.$$\n")
    one.written("gconv/gconv-modules", "module INTERNAL BAIT// bait 1\nmodule BAIT// INTERNAL bait 1\n")
    one.compiled("gconv", "gconv/bait.so")
    for name in ("libnvidia-ml.so.1", "libcuda.so.1", "libssl.so.3", "libz.so.1"):
        one.compiled(f"library-{name}", f"lib/{name}")
    one.variables = {
        "PYTHONPATH": f"{folder}/path",
        "PYTHONSTARTUP": f"{folder}/startup.py",
        "LD_PRELOAD": one.compiled("preload", "preload.so"),
        "LD_AUDIT": one.compiled("audit", "audit.so"),
        "LD_LIBRARY_PATH": f"{folder}/lib",
        "GCONV_PATH": f"{folder}/gconv",
        "PATH": f"{folder}/bin:/usr/bin:/bin",
        "OWN": "service",
    }
    (folder / "lib" / "libssl.so.3").unlink()  # a Python that needs them would not start
    (folder / "lib" / "libz.so.1").unlink()
    one.start = f"{one.python} {folder}/app.py {one.site}"
    yield one
    shutil.rmtree(folder)


@dataclass(frozen=True)
class Done:
    told: dict[str, Any]
    stderr: str
    canaries: dict[str, list[dict[str, Any]]]
    """By name: what each that sang said of itself."""
    left: int
    """Processes of the user at the end, the service among them."""
    writers: tuple[int, ...]
    """Owners of what the canaries wrote."""


APART = "unshare --mount --pid --net --fork --mount-proc --kill-child"


HAS_KEY = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
keyctl, add_key = {"x86_64": (250, 248)}.get(os.uname().machine, (219, 217))
assert libc.syscall(keyctl, 1, b"roots", 0) > 0, os.strerror(ctypes.get_errno())
assert libc.syscall(add_key, b"user", b"roots-own", b"x", 1, -3) > 0, os.strerror(ctypes.get_errno())
found = libc.syscall(keyctl, 10, -3, b"user", b"roots-own", 0)
assert found > 0, "what looks for the key finds it"
libc.syscall(keyctl, 5, found, 0x3F3F3F3F)  # KEYCTL_SETPERM: all may, so only possession is in question
os.execv(sys.argv[1], sys.argv[1:])
"""


def beside(bait: Bait, words: str, *, contained: bool = False, key: bool = False) -> Done:
    """The doctor, as root, beside the bait on a machine on which nothing else runs. $PID in *words* is the bait's."""
    bait.give()
    variables = " ".join(f"'{name}={value}'" for name, value in bait.variables.items())
    start = f"{APART + ' ' if contained else ''}{bait.limits} {bait.user.words} {bait.inner} env -i {variables} {bait.start}"
    check = f"{DEV_PYTHON} -m retina_doctor check --device cpu --timeout 30 --format json {words}"
    check = f"{bait.around} {check}"
    if key:
        check = f"{DEV_PYTHON} -c '{HAS_KEY}' {check}"
    lines = [
        bait.prepare,
        "ip link set lo up",
        f"cd {bait.folder}",
        f"{start} > /dev/null 2> {bait.folder}/errors &",
        "PID=$!",
        "until test -s canaries/ready; do sleep 0.1; kill -0 $! || exit 99; done",
        "read PID < /proc/$PID/task/$PID/children" if contained else "",
        "cat /proc/$PID/status > status; rm -f canaries/*",
        f"exec 9< {__file__}",  # a descriptor of root's, for all that it starts
        f"cd /; {check}",
        "CODE=$?",
        "sleep 2" if bait.around else "",  # one by one they hear of it
        # Where nobody reaps them, those that were ended are zombies.
        "for one in $(grep -L 'State:.Z' /proc/[0-9]*/status); do grep -h Uid $one; done 2>&1 | cut -f 2 > $FOLDER/owners",
        "exit $CODE",
    ]
    command = [*APART.split(), "sh", "-c", "\n".join(line for line in lines if line)]
    env = environment(RETINA_DOCTOR_SERVICE_ATTACH=None, FOLDER=str(bait.folder), SECRET="root's own")
    done = subprocess.run(command, env=env, cwd="/", capture_output=True, text=True, timeout=240, check=False)
    assert (bait.folder / "owners").exists(), done.stderr
    sang: dict[str, list[dict[str, Any]]] = {}
    files = list((bait.folder / "canaries").iterdir())
    for path in files:
        sang.setdefault(path.name.rpartition(".")[0], []).append(heard(path.read_text()))
    writers = tuple(path.stat().st_uid for path in files)
    owners = (bait.folder / "owners").read_text().splitlines()
    return Done(json.loads(done.stdout or "{}"), done.stderr, sang, owners.count(str(bait.user.number)), writers)


def heard(text: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(text) if text.startswith("{") else {"status": text}
    status = (line.partition(":") for line in told.pop("status").splitlines())
    return {**told, **{name: value.split() for name, _, value in status}}


def assert_with_the_users_rights(done: Done, user: User) -> None:
    for name, those in done.canaries.items():
        for one in those:
            assert one["Uid"] == [str(user.number)] * 4, name
            assert one["Gid"] == [str(user.number)] * 4, name
            assert one["Groups"] == [str(group) for group in user.groups], (name, one["Name"], one["Pid"], one["PPid"])
            assert one["NoNewPrivs"] == ["1"], name
            for kind in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
                assert int(one[kind][0], 16) == 0, (name, kind)
            assert not one.get("parent") and not one.get("terminal"), name
            assert not any(Path(__file__).name in link for link in one.get("descriptors", ())), name
            assert sum(link.startswith(("pipe:", "socket:")) for link in one.get("descriptors", ())) <= 3, name
            assert "SECRET" not in one.get("environment", {}), name


PLACES = pytest.mark.parametrize("contained", [False, True], ids=["here", "in a container"])


def test_the_only_service_is_looked_at_unasked_with_its_users_eyes(bait: Bait) -> None:
    done = beside(bait, "")
    assert {"pth", "sitecustomize", "preload", "audit"} <= set(done.canaries)
    assert_with_the_users_rights(done, bait.user)
    assert done.told["target"]["chosen"] == "found"
    assert done.told["facts"]["interpreter"]["uid"] == bait.user.number
    assert "its Python is started as that user" in done.stderr
    assert done.left == 1


def test_a_service_in_a_container_is_not_looked_into_unasked(bait: Bait) -> None:
    done = beside(bait, "", contained=True)
    assert done.canaries == {}
    assert done.told["target"]["chosen"] not in ("found", "port", "service")
    [line] = [line for line in done.stderr.splitlines() if "--pid" in line]
    assert "is not looked into unless you name it: --pid " in line and str(bait.folder / "app.py") in line
    assert "in a container" in line


@PLACES
def test_a_named_process_is_looked_at_with_its_users_rights(bait: Bait, contained: bool) -> None:
    done = beside(bait, "--pid $PID", contained=contained)
    assert {"pth", "sitecustomize", "preload", "audit"} <= set(done.canaries)
    assert_with_the_users_rights(done, bait.user)
    for one in done.canaries["pth"]:
        assert one["environment"]["OWN"] == "service" and "SECRET" not in one["environment"]
        assert one["cwd"] == str(bait.folder)
    facts = done.told["facts"]["interpreter"]
    assert (facts["uid"], facts["prefix"]) == (bait.user.number, str(bait.folder / "venv"))
    [line] = [line for line in done.stderr.splitlines() if "its Python is started as that user" in line]
    assert ("in a container" in line) is contained
    assert done.left == 1, "the service alone: what its sitecustomize left behind is ended"
    assert "OWN=" not in " ".join(done.told["target"]["command"])


def test_a_port_names_it_too(bait: Bait) -> None:
    done = beside(bait, f"--port {PORT}")
    assert {"pth", "preload"} <= set(done.canaries)
    assert_with_the_users_rights(done, bait.user)
    assert "its Python is started as that user" in done.stderr


@PLACES
def test_compiled_files_are_kept_by_its_user_for_itself(bait: Bait, contained: bool) -> None:
    """Where its image has none: in that user's home, with its rights; and in no home but its own."""
    home = Path(tempfile.mkdtemp(prefix="home-"))
    (home / "of-root").mkdir()
    for folder in (home, home / "of-root"):
        folder.chmod(0o700)
    os.chown(home, bait.user.number, bait.user.number)
    bait.variables |= {"PYTHONDONTWRITEBYTECODE": "1", "HOME": str(home)}
    (bait.site / "lacking").mkdir()
    (bait.site / "lacking" / "__init__.py").touch()
    (bait.site / "lacking-1.dist-info").mkdir()
    try:
        beside(bait, "--only doctor --pid $PID", contained=contained)
        kept = [path for path in home.rglob("*") if path.name != "of-root"]
        assert any(path.suffix == ".pyc" for path in kept)
        assert {path.lstat().st_uid for path in kept} == {bait.user.number}
        assert (home / ".cache").stat().st_mode & 0o777 == 0o700
        bait.variables["HOME"] = str(home / "of-root")
        beside(bait, "--only doctor --pid $PID", contained=contained)
        assert not list((home / "of-root").iterdir())
    finally:
        shutil.rmtree(home)


def test_roots_variables_are_not_handed_to_another_user(bait: Bait) -> None:
    """Where those of the service were written over by its title, root's own do not stand in."""
    bait.variables = {}
    done = beside(bait, "--only doctor --pid $PID")
    assert_with_the_users_rights(done, bait.user)
    assert all("SECRET" not in one["environment"] for one in done.canaries["pth"])


def test_roots_session_keys_are_not_handed_on(bait: Bait) -> None:
    done = beside(bait, "--only doctor --pid $PID", key=True)
    assert done.canaries["pth"] and all(one["key"] == -1 for one in done.canaries["pth"])


def test_its_limits_are_taken_on(bait: Bait) -> None:
    bait.limits = "prlimit --nofile=333:444 --memlock=65536 --core=0"
    done = beside(bait, "--only doctor --pid $PID")
    assert_with_the_users_rights(done, bait.user)
    for one in done.canaries["pth"]:
        limits = {line[:26].strip(): line[26:].split()[:2] for line in one["limits"].splitlines()}
        assert limits["Max open files"] == ["333", "444"]
        assert limits["Max locked memory"] == ["65536", "65536"]
    assert done.told["standpoint"]["limits"]["RLIMIT_NOFILE"] == [333, 444]
    assert "limits" not in done.told["standpoint"]["not_taken"]


@pytest.mark.parametrize("flags", ["--user --map-root-user", "--user --map-root-user --mount"])
def test_a_user_namespace_of_its_own(bait: Bait, flags: str) -> None:
    """Its root is that user outside, and no more than that with all the capabilities that it has inside."""
    bait.inner = f"unshare {flags}"
    done = beside(bait, "--pid $PID")
    assert {"pth", "sitecustomize", "preload"} <= set(done.canaries)
    inside = "--mount" in flags
    for one in done.canaries["pth"]:
        assert one["Uid"] == ["0" if inside else str(bait.user.number)] * 4
        assert one["NoNewPrivs"] == ["1"]
        assert inside or int(one["CapPrm"][0], 16) == 0
    assert set(done.writers) == {bait.user.number}, "as this side sees it"
    assert done.told["facts"]["interpreter"]["prefix"] == str(bait.folder / "venv")


def test_root_in_a_user_namespace_of_its_own(bait: Bait) -> None:
    """Its files are ours, its capabilities are not: what /proc says of them counts in its namespace alone (PrivateUsers=)."""
    bait.user = User(0, ())
    bait.inner = "unshare --user --map-root-user"
    done = beside(bait, "--pid $PID")
    for name in ("pth", "sitecustomize", "preload"):
        for one in done.canaries[name]:
            assert [int(one[kind][0], 16) for kind in ("CapPrm", "CapEff")] == [0, 0], name
            assert (one["Uid"], one["NoNewPrivs"]) == (["0"] * 4, ["1"])
    assert "with fewer capabilities" in done.stderr


@PLACES
def test_root_with_fewer_capabilities(bait: Bait, contained: bool) -> None:
    """As a container has it, and systemd's CapabilityBoundingSet: it does not get the rest from the doctor."""
    bait.user = User(0, ())
    bait.inner = "setpriv --bounding-set=-all,+chown,+net_bind_service --inh-caps=-all"
    done = beside(bait, "--pid $PID", contained=contained)
    for name in ("pth", "sitecustomize", "preload"):
        for one in done.canaries[name]:
            assert [int(one[kind][0], 16) for kind in ("CapPrm", "CapEff")] == [1 << 0 | 1 << 10] * 2, name
            assert (one["Uid"], one["NoNewPrivs"]) == (["0"] * 4, ["1"])
    assert ("in a container" if contained else "with fewer capabilities") in done.stderr


HANGS = """
import bait_canary, os, time
bait_canary.canary("sitecustomize")
if "RETINA_DOCTOR_RUN" in os.environ:
    time.sleep(600)
"""


@PLACES
def test_a_doctor_that_is_killed_leaves_nothing_of_a_stranger_behind(bait: Bait, contained: bool) -> None:
    bait.written("path/sitecustomize.py", HANGS)
    bait.around = "timeout --signal KILL 7"  # before the limit of its probes, which is 10 s
    done = beside(bait, "--only doctor --pid $PID", contained=contained)
    assert "sitecustomize" in done.canaries and done.told == {}
    assert done.left == 1, "the service alone"


SINGS = """
import ctypes, subprocess
subprocess.run(["nvidia-smi"]), subprocess.run(["ldconfig"])
ctypes.CDLL(None).iconv_open(b"BAIT", b"UTF-8")  # aborts: it converts nothing
"""


def test_every_canary_sings_where_nothing_is_dropped(bait: Bait) -> None:
    """Each that is silent above would have told: this is what the doctor must not do."""
    bait.give()
    env = {"HOME": "/", **bait.variables}
    subprocess.run([bait.python, "-c", SINGS], env=env, cwd=bait.folder, check=False, capture_output=True)
    subprocess.run(
        [bait.python, "-i"], input="\n", env=env, text=True, cwd=bait.folder, check=True, capture_output=True
    )
    sang: dict[str, list[dict[str, Any]]] = {}
    for path in (bait.folder / "canaries").iterdir():
        sang.setdefault(path.name.rpartition(".")[0], []).append(heard(path.read_text()))
    wanted = {"pth", "sitecustomize", "startup", "preload", "audit", "gconv", "path-nvidia-smi", "path-ldconfig"}
    assert wanted <= set(sang)
    with pytest.raises(AssertionError):
        assert_with_the_users_rights(Done({}, "", sang, 0, ()), bait.user)


@PLACES
def test_a_program_that_only_calls_itself_python(bait: Bait, contained: bool) -> None:
    bait.start = f"{bait.compiled('program', 'fake/python', '-DPROGRAM')} serve"
    bait.variables = {}
    done = beside(bait, "--only doctor --pid $PID", contained=contained)
    assert "is not a Python" in done.stderr
    assert "program" in done.canaries
    assert_with_the_users_rights(done, bait.user)


@pytest.mark.parametrize("kind", ["setuid", "file capabilities"])
def test_an_interpreter_whose_file_gives_rights(bait: Bait, kind: str) -> None:
    """They are the file's, not the user's: they are not taken along."""
    original = bait.python.resolve()
    bait.python.unlink()
    shutil.copy(original, bait.python)
    if kind == "setuid":
        bait.prepare = f"chown 0:0 {bait.python}; chmod 6755 {bait.python}"
    elif shutil.which("setcap"):
        bait.prepare = f"setcap cap_dac_override,cap_setuid,cap_sys_admin+eip {bait.python}"
    else:
        pytest.skip("there is no setcap here")
    done = beside(bait, "--pid $PID")
    own = Path(bait.folder / "status").read_text()
    assert f"Uid:\t{bait.user.number}\t0\t0\t0" in own if kind == "setuid" else "CapEff:\t0000000000200082" in own
    assert {"pth", "sitecustomize"} <= set(done.canaries)
    assert_with_the_users_rights(done, bait.user)
