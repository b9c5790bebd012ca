"""More ways in which a stranger's service could get at a doctor that runs as root: each with bait that says who ran it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.test_other_users import (
    PLACES,
    Bait,
    Done,
    assert_with_the_users_rights,
    bait,
    beside,
    system_python,
)

__all__ = ["bait"]
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="taking on another user and making namespaces takes root")
BASE = Path(system_python()).resolve() if os.geteuid() == 0 else Path(sys.executable)


def library_of(python: Path) -> Path:
    told = subprocess.run(
        [python, "-c", "import os; print(os.path.dirname(os.__file__))"], capture_output=True, text=True
    )
    return Path(told.stdout.strip())


SINGS = "import sys; sys.path.append('@FOLDER@/path'); import bait_canary; bait_canary.canary('@NAME@')\n"


def sings(name: str) -> str:
    return SINGS.replace("@NAME@", name)


# What a variable or a file of its own makes its interpreter run


def python_home(bait: Bait) -> str:
    """A standard library of its own, whose every module is the service's to write."""
    library = library_of(BASE)
    home = bait.folder / "home" / "lib" / library.name
    home.mkdir(parents=True)
    for one in library.iterdir():
        if one.name != "sitecustomize.py":
            (home / one.name).symlink_to(one)
    bait.written(f"home/lib/{library.name}/sitecustomize.py", sings("home"))
    bait.variables |= {"PYTHONHOME": str(bait.folder / "home"), "PYTHONPATH": ""}
    return "home"


def user_customize(bait: Bait) -> str:
    version = library_of(BASE).name
    bait.written(f".local/lib/{version}/site-packages/usercustomize.py", sings("user"))
    bait.variables |= {"HOME": str(bait.folder), "PYTHONPATH": ""}
    bait.start = bait.start.replace(str(bait.python), str(BASE))  # an environment has no user site
    return "user"


def neighbours(bait: Bait) -> str:
    """Modules in its working directory, which is on its path."""
    status = "open('@FOLDER@/canaries/neighbour.%d' % os.getpid(), 'w').write(open('/proc/self/status').read())"
    for name in ("json", "typing", "re", "ctypes", "struct", "subprocess", "torch"):
        bait.written(f"{name}.py", f"import os\n{status}\nraise ImportError(__name__)\n")
    bait.variables["PYTHONPATH"] = f".:{bait.folder}/path"
    bait.start = f"{bait.python} -I {bait.folder}/app.py {bait.site}"
    return "neighbour"


def elsewhere(bait: Bait) -> str:
    """pyvenv.cfg names the home of another Python, beside which site-packages of the service's lie."""
    home = bait.folder / "other"
    (home / "bin").mkdir(parents=True)
    (home / "lib").mkdir()
    library = library_of(BASE)
    left_out = shutil.ignore_patterns("site-packages", "dist-packages", "test", "sitecustomize.py")
    shutil.copytree(library, home / "lib" / library.name, symlinks=True, ignore=left_out)
    bait.written(f"other/lib/{library.name}/sitecustomize.py", sings("elsewhere"))
    (home / "bin" / "python3").symlink_to(BASE)
    config = bait.folder / "venv" / "pyvenv.cfg"
    config.write_text(f"home = {home}/bin\ninclude-system-site-packages = true\n")
    bait.variables["PYTHONPATH"] = ""
    return "elsewhere"


def switches(bait: Bait) -> str:
    """What they do not run they may at least not change in the doctor."""
    (bait.folder / "traces").mkdir()
    (bait.folder / "traces").chmod(0o777)
    bait.written("path/breaks.py", sings("breaks") + "class Breaks(Warning): ...\n")
    bait.written("path/sitecustomize.py", "import bait_canary; bait_canary.canary('sitecustomize')")
    bait.variables |= {
        "PYTHONWARNINGS": "error::breaks.Breaks",
        "PYTHONBREAKPOINT": "breaks.Breaks",
        "PYTHONINSPECT": "1",
        "PYTHONVERBOSE": "",
        "GLIBC_TUNABLES": "glibc.malloc.check=3:glibc.rtld.nns=1:glibc.mem.tagging=x",
        "LD_BIND_NOW": "1",
        "LD_DEBUG": "all",
        "LD_DEBUG_OUTPUT": f"{bait.folder}/traces/debug",
        "MALLOC_TRACE": f"{bait.folder}/traces/malloc",
        "SSL_CERT_FILE": f"{bait.folder}/certificates.pem",
        "SSL_CERT_DIR": f"{bait.folder}/traces",
        "TMPDIR": f"{bait.folder}/traces",
        **{
            f"XDG_{name}": f"{bait.folder}/traces" for name in ("CACHE_HOME", "CONFIG_HOME", "DATA_HOME", "RUNTIME_DIR")
        },
        "PYTHONPYCACHEPREFIX": f"{bait.folder}/traces",
        "BASH_ENV": bait.written("shell", "/bin/cat /proc/self/status > @FOLDER@/canaries/shell.$$\n"),
        "ENV": f"{bait.folder}/shell",
        "HOSTALIASES": f"{bait.folder}/aliases",
        "CUDA_INJECTION64_PATH": f"{bait.folder}/lib/libcuda.so.1",
        "RETINA_DOCTOR_RUN": "of-another-run",
        "RETINA_DOCTOR_LIBRARY_PATH": f"{bait.folder}/lib",
        "RETINA_DOCTOR_SERVICE_LOG": "/etc/shadow",
        "RETINA_DOCTOR_TARGET_COMMAND": f"{bait.folder}/bin/python",
        "LC_ALL": "bait",
        "LOCPATH": f"{bait.folder}/lib",
        "NLSPATH": f"{bait.folder}/%N",
    }
    return "breaks"


def crypto_module(bait: Bait) -> str:
    """OpenSSL's own configuration names a library, which `import ssl` loads."""
    module = bait.compiled("module", "crypto/bait.so")
    sections = f"openssl_conf = a\n[a]\nproviders = b\n[b]\nbait = c\n[c]\nmodule = {module}\nactivate = 1\n"
    bait.variables["OPENSSL_CONF"] = bait.written("openssl.cnf", sections)
    bait.written("path/sitecustomize.py", "import ssl\n")
    return "module"


def planted_libraries(bait: Bait) -> str:
    """Under the names of those that a Python is linked with and loads."""
    for name in ("libssl.so.3", "libcrypto.so.3", "libsqlite3.so.0", "libcudart.so.12", "libcublas.so.12"):
        bait.compiled(f"library-{name}", f"lib/{name}")
    bait.written(
        "path/sitecustomize.py", "import ctypes\nfor n in ('libssl.so.3', 'libcudart.so.12'): ctypes.CDLL(n)\n"
    )
    return "library-libssl.so.3"


def title(bait: Bait) -> str:
    """It calls itself what root would run."""
    bait.start = f"bash -c 'exec -a /usr/bin/python3 {bait.python} {bait.folder}/app.py {bait.site}'"
    return "sitecustomize"


def closed(bait: Bait) -> str:
    """Nobody but root may look into it (PR_SET_DUMPABLE)."""
    app = (bait.folder / "app.py").read_text()
    bait.written("app.py", "import ctypes; ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)\n" + app)
    return "pth"


FILTER = """
import ctypes, struct
code = [(0x20, 0, 0, 0), (0x15, 0, 1, 101), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7FFF0000)]  # ptrace(2): EPERM
program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in code))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
pointer = struct.pack("HxxxxxxQ", len(code), ctypes.addressof(program))
assert libc.prctl(22, 2, pointer, 0, 0) == 0, ctypes.get_errno()
"""


def filtered(bait: Bait) -> str:
    """By a seccomp filter, which what looks beside it has not: that is said."""
    bait.written("app.py", FILTER + (bait.folder / "app.py").read_text())
    return "pth"


WAYS: list[Callable[[Bait], str]] = [
    python_home,
    user_customize,
    neighbours,
    elsewhere,
    switches,
    crypto_module,
    planted_libraries,
    title,
    closed,
    filtered,
]


@PLACES
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_what_its_interpreter_runs_has_its_rights(bait: Bait, way: Callable[[Bait], str], contained: bool) -> None:
    canary = way(bait)
    done = beside(bait, "--pid $PID", contained=contained)
    assert canary in done.canaries, done.stderr
    assert_with_the_users_rights(done, bait.user)
    traces = bait.folder / "traces"
    written = {one.stat().st_uid for one in traces.iterdir()} if traces.exists() else set()
    assert {*done.writers, *written} == {bait.user.number}
    assert done.left == 1
    assert ("seccomp" in done.told["standpoint"]["not_taken"]) is (way is filtered)


# What changes while it is looked at

FLIPS = r"""
#include <unistd.h>
#include <stdlib.h>
#include <fcntl.h>
int main(int count, char **words) {
    // As sudo does it: all four user numbers are root's for a while, then a program runs as the user who called.
    uid_t user = getuid(); gid_t group = getgid();
    setresgid(0, 0, 0), setresuid(0, 0, 0);
    usleep(15000);
    setresgid(group, group, group), setresuid(user, user, user);
    execv(words[1], words + 1);
    return 9;
}
"""
FLIPPING = """
import mmap, os, sys, time
library = open(os.path.join(sys.argv[1], "onnxruntime", "bait.so"), "rb")
mapped = mmap.mmap(library.fileno(), 0, access=mmap.ACCESS_READ)
open("@FOLDER@/canaries/ready", "w").write("1")
time.sleep(0.015)
os.execv("@FOLDER@/flips", ["flips", sys.executable, *sys.orig_argv[1:]])
"""


def test_a_process_that_is_roots_for_a_while(bait: Bait) -> None:
    """Between two looks at it it executes a setuid program of root's, and is the user's again."""
    source = bait.folder / "flips.c"
    source.write_text(FLIPS)
    subprocess.run(["gcc", "-w", "-o", bait.folder / "flips", source], check=True)
    bait.written("app.py", FLIPPING)
    bait.prepare = f"chown 0:0 {bait.folder}/flips; chmod 4755 {bait.folder}/flips"
    again = f"{sys.executable} -m retina_doctor check --only doctor --quick --pid $PID > /dev/null"
    bait.around = f"for i in 1 2 3 4 5 6 7 8; do {again}; done;"
    done = beside(bait, "--only doctor --quick --pid $PID")
    assert_only_the_users(done, bait)


SWAPS = """
while kill -0 $PID 2> /dev/null
do
    ln -sf @FOLDER@/fake/python @FOLDER@/venv/bin/next; mv -T @FOLDER@/venv/bin/next @FOLDER@/venv/bin/python
    ln -sf @BASE@ @FOLDER@/venv/bin/next; mv -T @FOLDER@/venv/bin/next @FOLDER@/venv/bin/python
done
"""


def test_a_link_that_is_exchanged_while_it_is_looked_at(bait: Bait) -> None:
    bait.compiled("program", "fake/python", "-DPROGRAM")
    swaps = bait.written("swaps", "#!/bin/sh\nPID=$1" + SWAPS.replace("@BASE@", str(bait.python.resolve())))
    again = f"{sys.executable} -m retina_doctor check --only doctor --quick --pid $PID > /dev/null"
    started = f"ls {bait.folder}/canaries/program.* > /dev/null 2>&1"  # once in a handful of looks, as the link happens to stand
    bait.around = f"{bait.user.words} {swaps} $PID & for i in $(seq 80); do {again}; {started} && break; done;"
    done = beside(bait, "--only doctor --quick --pid $PID")
    assert "program" in done.canaries, "the other one was started at least once"
    assert_only_the_users(done, bait)


# Root's terminal

AT_A_TERMINAL = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)"


@PLACES
def test_roots_terminal_is_out_of_reach(bait: Bait, contained: bool) -> None:
    """Whoever has it can type into it: commands for root's shell (TIOCSTI)."""
    bait.around = (
        f"{sys.executable} -c '{AT_A_TERMINAL}' sh -c 'read -t 0 x < /dev/tty; echo at a terminal >&2; exec \"$@\"' sh"
    )
    done = beside(bait, "--only doctor --format json=/dev/null --pid $PID | tr -d '\\r' >&2; true", contained=contained)
    assert "at a terminal" in done.stderr and "pth" in done.canaries
    assert_with_the_users_rights(done, bait.user)


def assert_only_the_users(done: Done, bait: Bait) -> None:
    for name, those in done.canaries.items():
        for one in those:
            if "Uid" in one:
                assert one["Uid"] == [str(bait.user.number)] * 4, name
                assert one["Groups"] == [str(group) for group in bait.user.groups], name
                assert int(one["CapEff"][0], 16) == 0, name
    assert set(done.writers) == {bait.user.number}
