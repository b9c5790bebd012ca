"""A stranger's service that changes, hides or ends while a doctor that runs as root looks at it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.test_other_users import PLACES, Bait, assert_with_the_users_rights, bait, beside

__all__ = ["bait"]
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="taking on another user and making namespaces takes root")

# What it says of itself in its own memory

SAYS = """
import ctypes, os, struct
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = libc.sbrk.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.sbrk.argtypes = [ctypes.c_long]
def says(text, size, what):
    "PR_SET_MM_MAP, which no right is needed for: its variables or words are elsewhere, and *size* bytes long."
    at = libc.mmap(None, size, 3, 0x4022, -1, 0)
    ctypes.memmove(at, text, len(text))
    fields = [int(one) for one in open("/proc/self/stat").read().rpartition(") ")[2].split()[1:] if one.lstrip("-").isdigit()]
    told = fields[22:24] + fields[41:43] + [fields[43], libc.sbrk(0), fields[24]] + fields[44:48]
    place = {"words": 7, "variables": 9}[what]
    told[place : place + 2] = [at, at + size]
    packed = struct.pack("=11QQII", *told, 0, 0, 0xFFFFFFFF)
    assert libc.prctl(35, 14, ctypes.create_string_buffer(packed), len(packed), 0) == 0, os.strerror(ctypes.get_errno())
"""
GIB = 1 << 30


def prelude(bait: Bait, text: str) -> None:
    """What the service does before it listens."""
    bait.written("app.py", text + (bait.folder / "app.py").read_text())


@PLACES
def test_variables_that_were_written_over(bait: Bait, contained: bool) -> None:
    """They are not those that it was started with; whatever they name is loaded as its user."""
    lines = [f"{name}={value}" for name, value in bait.variables.items()]
    lines += [f"LD_PRELOAD={bait.compiled('later', 'later.so')}", "no pair", "=", "", "\\xff=\\xfe", "OWN=later"]
    text = "\\0".join(lines) + "\\0"
    prelude(bait, SAYS + f"says(b'{text}', 65536, 'variables')\n")
    done = beside(bait, "--pid $PID", contained=contained)
    assert {"later", "pth"} <= set(done.canaries) and "preload" not in done.canaries, done.stderr
    assert_with_the_users_rights(done, bait.user)
    assert all(one["environment"]["OWN"] == "later" for one in done.canaries["pth"])


@pytest.mark.parametrize("what", ["words", "variables"])
def test_gigabytes_of_words_or_variables_cost_nothing(bait: Bait, what: str) -> None:
    """The doctor has 2 GiB to live in, and goes on."""
    prelude(bait, SAYS + f"says(b'OWN=service', {8 * GIB}, '{what}')\n")
    bait.around = "prlimit --as=2147483648"
    done = beside(bait, "--only doctor")
    assert done.told and "Traceback" not in done.stderr and "MemoryError" not in done.stderr, done.stderr
    assert_with_the_users_rights(done, bait.user)


def test_maps_of_the_longest_paths_are_read_in_no_time(bait: Bait) -> None:
    """Thousands of lines of thousands of slashes: what reads them grows with their length, and not with its square."""
    folder = bait.folder / "long" / "/".join(["abcdefghi"] * 390)
    folder.mkdir(parents=True)
    (folder / "file").write_bytes(bytes(4096))
    maps = f"""
import ctypes, mmap, os, sys
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
file = os.open("{folder}/file", os.O_RDONLY)
for one in range(30000):  # neighbours of other rights are not joined
    libc.mmap(None, 4096, 1 + one % 2 * 4, 2, file, 0)
"""
    prelude(bait, maps)
    done = beside(bait, "--only doctor")
    assert done.told["target"]["chosen"] in ("found", "path", "own"), done.stderr
    assert_with_the_users_rights(done, bait.user)


# What it does while it is looked at

LEAVES = """
import bait_canary, os, signal
bait_canary.canary("sitecustomize")
if "RETINA_DOCTOR_RUN" in os.environ:
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and b"app.py" in open("/proc/%s/cmdline" % name, "rb").read():
                os.kill(int(name), signal.SIGKILL)
        except OSError:  # the shell that has started all
            pass
"""


def test_it_ends_as_soon_as_its_python_is_started(bait: Bait) -> None:
    """No other Python is looked at in its place."""
    bait.written("path/sitecustomize.py", LEAVES)
    done = beside(bait, "--pid $PID")
    assert "sitecustomize" in done.canaries and "Traceback" not in done.stderr
    assert_with_the_users_rights(done, bait.user)
    assert "service-not-running" in {one["name"] for one in done.told["findings"] if one["root"] is None}
    commands = [command for one in done.told["findings"] for command in one["fix"]["commands"]]
    assert all(str(bait.python) in command for command in commands if "pip" in command)
    assert done.left == 0


HUNTS = """
import ctypes, os, threading
libc = ctypes.CDLL(None, use_errno=True)
def hunt():
    known, own = set(), os.getpid()
    while True:
        for name in os.listdir("/proc"):
            if not name.isdigit() or int(name) == own:
                continue
            try:
                variables = open("/proc/%s/environ" % name, "rb").read()
                open("/proc/%s/mem" % name, "rb").close()
                links = [os.readlink("/proc/%s/fd/%s" % (name, one)) for one in os.listdir("/proc/%s/fd" % name)]
                attached = name not in known and libc.ptrace(0x4206, int(name), 0, 0) == 0  # PTRACE_SEIZE
                status = open("/proc/%s/status" % name).read()
            except OSError:
                continue
            if name not in known and variables:
                known.add(name)
                told = {"secret": b"SECRET" in variables, "links": links, "attached": attached, "status": status}
                open("@FOLDER@/canaries/hunted.%s" % name, "w").write(json.dumps(told))
threading.Thread(target=hunt, daemon=True).start()
"""


@PLACES
def test_what_is_started_beside_it_can_be_traced_by_it_only_as_its_own(bait: Bait, contained: bool) -> None:
    """The same user may look into it and trace it (ptrace(2)): from exec on, when nothing of root's is in it any more."""
    prelude(bait, "import json\n" + HUNTS.replace("@FOLDER@", str(bait.folder)))
    done = beside(bait, "--pid $PID", contained=contained)
    hunted = done.canaries.get("hunted", [])
    assert hunted, "it sees those that are its own"
    for one in hunted:
        assert not one["secret"] and one["Uid"] == [str(bait.user.number)] * 4
        assert not any(Path(__file__).name in link or "test_other_users" in link for link in one["links"])
        assert int(one["CapPrm"][0], 16) == 0
    assert_with_the_users_rights(
        type(done)(done.told, "", {k: v for k, v in done.canaries.items() if k != "hunted"}, 0, ()), bait.user
    )
