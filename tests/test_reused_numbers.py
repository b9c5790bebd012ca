"""The number of a process that has ended goes to another, of root's, between two looks: it is not taken for the first."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from retina_doctor.errors import UsageError
from retina_doctor.probing.drop import drop_to
from retina_doctor.settings import Settings
from retina_doctor.standpoint.standpoint import standpoint_of
from retina_doctor.standpoint.target import choose_target, surroundings
from tests.doctor import environment
from tests.test_other_users import UNNAMED, system_python

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="choosing the number of a process takes root")
LAST = Path("/proc/sys/kernel/ns_last_pid")
TRIES = 300  # others start processes meanwhile
WAITS = ["-c", "import time; print(1, flush=True); time.sleep(600)"]
USER = UNNAMED.words.split()
ROOTS_OWN_MOUNTS = ["unshare", "--mount"]
CASES = pytest.mark.parametrize("apart", [[], ROOTS_OWN_MOUNTS], ids=["here", "with mounts of its own"])


@contextlib.contextmanager
def started(*words: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(words, cwd="/", env=environment(), stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def waits(process: subprocess.Popen[str]) -> int:
    """Its number, as soon as it is what it was to become."""
    assert process.stdout and process.stdout.readline() == "1\n"
    return process.pid


@contextlib.contextmanager
def with_the_number(number: int, *words: str) -> Iterator[None]:
    """A process started by these words that has that number."""
    for _ in range(TRIES):
        try:
            LAST.write_text(str(number - 1))
        except OSError as error:
            pytest.skip(f"the kernel lets nobody choose the number of the next process here: {error}")
        with started(*words) as process:
            if process.pid == number:
                waits(process)
                yield
                return
    pytest.skip(f"others took the number in each of {TRIES} tries")


@CASES
def test_what_is_known_of_a_process_is_not_said_of_the_next(apart: list[str]) -> None:
    python = system_python()
    with started(*apart, *USER, python, *WAITS) as process:
        seen = standpoint_of(waits(process))
        settings = Settings().changed(service={"pid": process.pid})
        target = choose_target(settings, {})
        assert surroundings(settings, target, {}).standpoint == seen
    with with_the_number(seen.pid, *apart, python, *WAITS):
        after = standpoint_of(seen.pid)
        assert (seen.user, after.user) == (UNNAMED.number, 0) and seen.started != after.started
        with pytest.raises((UsageError, ProcessLookupError)):
            surroundings(settings, target, {})


def test_nobody_is_led_into_the_place_of_the_next() -> None:
    """What was to be started for the first is started in no namespace of the second's."""
    python = system_python()
    with started(*ROOTS_OWN_MOUNTS, *USER, python, *WAITS) as process:
        seen = standpoint_of(waits(process))
        with drop_to(seen, None) as drop:
            assert drop.namespaces
    with (
        with_the_number(seen.pid, *ROOTS_OWN_MOUNTS, python, *WAITS),
        pytest.raises(ProcessLookupError),
        drop_to(seen, None),
    ):
        pytest.fail("it was entered")
