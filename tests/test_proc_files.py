"""What /proc says of a process, read where the process has a say in it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from retina_doctor import proc_files

NAMED = """
import ctypes, time
assert ctypes.CDLL(None).prctl(15, {name!r}, 0, 0, 0) == 0  # PR_SET_NAME
print(1, flush=True)
time.sleep(600)
"""


@pytest.fixture
def folder(request: pytest.FixtureRequest) -> Iterator[str]:
    """Of /proc: a process that gave itself that name."""
    process = subprocess.Popen([sys.executable, "-c", NAMED.format(name=request.param)], stdout=subprocess.PIPE)
    try:
        assert process.stdout and process.stdout.readline() == b"1\n"
        yield f"/proc/{process.pid}"
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("folder", [b"a\rFake:\t7", b"a\x0bFake:\t7", b"a\nFake:\t7"], indirect=True)
def test_the_name_of_a_process_adds_no_line_to_its_status(folder: str) -> None:
    told = proc_files.status(folder)
    assert "Fake" not in told
    assert told["Name"].startswith("a") and told["Name"].endswith("Fake:\t7")
    assert told["Pid"] == folder.rpartition("/")[2]


@pytest.mark.parametrize("folder", [b"gunicorn"], indirect=True)
def test_the_status_of_a_process_is_by_name(folder: str) -> None:
    told = proc_files.status(folder)
    assert told["Name"] == "gunicorn"
    assert len(told["Uid"].split()) == 4
    assert told["NSpid"].split()[0] == told["Pid"]


def test_a_process_that_is_gone_has_none() -> None:
    with pytest.raises(OSError, match="No such file"):
        proc_files.status("/proc/0")
