"""What a stranger's service plants where a loader, a shell or a look through /proc would find it, beside a doctor of root's."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.test_other_users import PLACES, Bait, assert_with_the_users_rights, bait, beside

__all__ = ["bait"]
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="taking on another user and making namespaces takes root")

LOADS = """
import ctypes, os
for name in ("libcuda.so.1", "libnvidia-ml.so.1"):
    try:
        ctypes.CDLL(name)
    except OSError:
        pass
"""


@PLACES
@pytest.mark.parametrize("path", ["", ".", ":", "planted"], ids=["none", "dot", "empty entries", "relative"])
def test_libraries_of_its_folder_are_loaded_with_its_rights(bait: Bait, path: str, contained: bool) -> None:
    """An empty or relative entry means its working directory (ld.so(8)): never loaded by what has the doctor's rights."""
    (bait.folder / "lib" / "libcuda.so.1").unlink()
    (bait.folder / "lib" / "libnvidia-ml.so.1").unlink()
    for place in ("", "planted/"):
        for name in ("libcuda.so.1", "libnvidia-ml.so.1"):
            bait.compiled(f"planted-{name}", place + name)
    bait.variables["LD_LIBRARY_PATH"] = path
    bait.written("path/sitecustomize.py", LOADS)
    done = beside(bait, "--pid $PID --device auto", contained=contained)
    assert ("planted-libcuda.so.1" in done.canaries) is bool(path), done.stderr
    assert_with_the_users_rights(done, bait.user)
    assert set(done.writers) == {bait.user.number}


@PLACES
def test_a_c_library_that_it_plants_once_it_runs(bait: Bait, contained: bool) -> None:
    """Whatever is started with its LD_LIBRARY_PATH is its user's by then; nothing of the doctor's own is led there."""
    bait.compiled("libc", "later/libc.so.6", "-Wl,-soname,libc.so.6")
    app = (bait.folder / "app.py").read_text()
    moves = "import os\nos.rename('@FOLDER@/later/libc.so.6', '@FOLDER@/lib/libc.so.6')\n"
    ready = 'open(os.path.join(here, "canaries", "ready")'
    bait.written("app.py", app.replace(ready, moves + ready))
    done = beside(bait, "--pid $PID", contained=contained)
    assert (bait.folder / "lib" / "libc.so.6").exists()
    assert "Traceback" not in done.stderr and (
        done.told or "cannot be started" in done.stderr or "is not a" in done.stderr
    )
    assert_with_the_users_rights(done, bait.user)
    assert set(done.writers) <= {bait.user.number}
    assert done.left == 1


@PLACES
@pytest.mark.parametrize("path", ["venv/bin", "bin:venv/bin", ".:venv/bin"])
def test_a_python_that_a_relative_path_finds(bait: Bait, path: str, contained: bool) -> None:
    """The one that it runs is looked at; what lies in its folder, or in the doctor's, under that name is not started."""
    bait.compiled("program", "python", "-DPROGRAM")
    bait.variables["PATH"] = path
    bait.start = f"sh -c 'exec -a python {bait.python} app.py {bait.site}'".replace("sh -c", "/bin/bash -c")
    done = beside(bait, "--pid $PID", contained=contained)
    assert "pth" in done.canaries and "program" not in done.canaries, done.stderr
    assert_with_the_users_rights(done, bait.user)
    assert done.told["facts"]["interpreter"]["prefix"] == str(bait.folder / "venv")


CONVERTS = """
import bait_canary, ctypes, os
bait_canary.canary("sitecustomize")
child = os.fork()
if child == 0:
    ctypes.CDLL(None).iconv_open(b"BAIT", b"UTF-8")  # aborts: it converts nothing
    os._exit(0)
os.waitpid(child, 0)
"""


@PLACES
def test_a_module_that_converts_characters(bait: Bait, contained: bool) -> None:
    """GCONV_PATH names a folder of libraries, which iconv(3) loads."""
    bait.written("path/sitecustomize.py", CONVERTS)
    done = beside(bait, "--only doctor --pid $PID", contained=contained)
    assert "gconv" in done.canaries, done.stderr
    assert_with_the_users_rights(done, bait.user)


LEADS_OUT = """
import os, sys
from retina_doctor.standpoint.within import found_within
image = sys.argv[1]
root = os.open(image, os.O_PATH)
outside = os.open("/etc", os.O_PATH)
ways = [f"/host/{os.getppid()}/root/etc/passwd", "/host/self/root/etc/passwd", f"/host/self/fd/{outside}/passwd",
        "/up/etc/passwd",
        "/host/self/cwd/etc/passwd", "/link", "/host/self/exe", "/out/passwd", "/round/passwd"]
print([way for way in ways if found_within(root, way) is not None])
print(found_within(root, "/inside") is not None, found_within(root, "/host/self/root/inside") is not None)
"""


def test_links_of_proc_lead_nowhere_out_of_a_root_that_holds_them() -> None:
    """A container into which /proc of this machine is mounted: its links are no texts, and lead the kernel itself out."""
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder)
        (image / "host").mkdir()
        (image / "inside").touch()
        for name, goal in {
            "up": "../../../../..",
            "link": "/host/self/root/etc/passwd",
            "out": "host/self/root/etc",
            "round": "/host/self/root/host/self/cwd",
        }.items():
            (image / name).symlink_to(goal)
        program = f'mount --bind /proc {image}/host && cd / && exec "$@"'
        words = ["unshare", "--mount", "sh", "-c", program, "sh", sys.executable, "-c", LEADS_OUT, folder]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.stdout == "[]\nTrue True\n", done.stderr
