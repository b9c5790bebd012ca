"""Who connects to the service while its URL is asked, between real networks and users."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from collections.abc import Iterator

import pytest
from retina_doctor_checks.probes.service.passing import Onlooker

from tests.doctor import DEV_PYTHON
from tests.networks import bridge, into, own_network, plug

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="networks and other users take root")

PORT = 8000
LISTENS = """
import socket, sys, time
listener = socket.create_server(("0.0.0.0", int(sys.argv[1])))
print("up", flush=True)
kept = []
while True:
    kept.append(listener.accept()[0])
"""
CONNECTS = """
import socket, sys, time
kept = socket.create_connection((sys.argv[1], int(sys.argv[2])))
print("up", flush=True)
time.sleep(600)
"""
AS_NOBODY = """
import os, sys
from retina_doctor_checks.probes.service.passing import Onlooker
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
with Onlooker("/proc/net", {int(sys.argv[1])}, set()) as onlooker:
    pass
print(sorted(onlooker.reached()))
"""


@contextlib.contextmanager
def running(*words: str) -> Iterator[int]:
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout and process.stdout.readline() == "up\n"
        yield process.pid
    finally:
        process.kill()
        process.communicate()


def program(text: str, *words: object, network: int | None = None) -> contextlib.AbstractContextManager[int]:
    return running(*(into(network) if network else ()), DEV_PYTHON, "-c", text, *map(str, words))


@contextlib.contextmanager
def two_machines() -> Iterator[tuple[int, int]]:
    """10.9.0.1 and 10.9.0.2, each with something on the same port."""
    with own_network() as one, own_network() as other:
        bridge(one, "cable", "10.9.0.1/24")
        plug(one, "cable", other, "10.9.0.2/24")
        with program(LISTENS, PORT, network=one), program(LISTENS, PORT, network=other):
            yield one, other


def onlooker_of(network: int) -> Onlooker:
    return Onlooker(f"/proc/{network}/net", {PORT}, set())


def test_a_connection_kept_from_another_network_is_one() -> None:
    with two_machines() as (one, other), program(CONNECTS, "10.9.0.1", PORT, network=other):
        with onlooker_of(one) as onlooker:
            pass
        assert onlooker.reached() == {PORT}


def test_a_connection_kept_by_a_program_that_is_known_to_be_another_is_none() -> None:
    with two_machines() as (one, _), program(CONNECTS, "127.0.0.1", PORT, network=one):
        with onlooker_of(one) as onlooker:
            pass
        assert onlooker.reached() == set()


@pytest.mark.parametrize(("address", "is_its"), [("127.0.0.1", True), ("10.9.0.1", True), ("10.9.0.2", False)])
def test_only_a_connection_to_this_machine_reaches_the_service(address: str, is_its: bool) -> None:
    with two_machines() as (one, _), onlooker_of(one) as onlooker, program(CONNECTS, address, PORT, network=one):
        pass
    assert onlooker.reached() == ({PORT} if is_its else set())


def test_a_connection_kept_by_who_may_not_be_read_is_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        words = [DEV_PYTHON, "-c", AS_NOBODY, str(port)]
        assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == "[]\n", "nobody is connected"
        with socket.create_connection(("127.0.0.1", port)):
            assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == f"[{port}]\n"
