"""The real command as a fork of a process that has imported it: half of what a short run takes is imports.

What Python and the loader read at their start, and modules while they are imported, a fork would not see: where a test sets
any of that, it gets a process of its own (`fits`). How the doctor itself starts is tests/test_start.py's.
"""

from __future__ import annotations

import array
import contextlib
import json
import os
import selectors
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

AT_START = ("PYTHONPATH", "PYTHONHOME", "LANG", "LC_", "LD_", "TZ", "MALLOC_", "GLIBC_", "GCONV_", "OPENSSL_")
"""Variables that begin so are read before the doctor's first line. It ignores others of PYTHON's: it is isolated (-I)."""
MOST = 20000  # characters, each of up to six bytes in JSON; the kernel takes some 200,000 bytes

SERVER = """
import array, importlib, json, os, pkgutil, site, socket, sys
site.main()
asked = socket.socket(fileno=int(sys.argv[1]))
read = set()
class Noted(type(os.environ)):
    def __getitem__(self, name):
        read.add(name)
        return super().__getitem__(name)
    def __iter__(self):
        read.add("")
        return super().__iter__()
plain, os.environ.__class__ = type(os.environ), Noted
import retina_doctor, retina_doctor_checks
for package in (retina_doctor, retina_doctor_checks):
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not {"probes", "bundling", "__main__", "pytest_plugin"} & set(found.name.split(".")):
            importlib.import_module(found.name)
from retina_doctor.catalogue.registry import installed
from retina_doctor.main import main
from retina_doctor.redaction import words_shown
installed(), words_shown(["check", "--model=a"])  # patterns are compiled when they are first used
os.environ.__class__ = plain
asked.send(json.dumps(sorted(read)).encode())
while True:
    data, passed, _, _ = asked.recvmsg(1 << 20, socket.CMSG_SPACE(3 * 4))
    if not data:
        os._exit(0)
    child = os.fork()
    streams = array.array("i", passed[0][2])
    if child == 0:
        break
    for one in streams:
        os.close(one)
    asked.send(json.dumps(child).encode())
    asked.send(json.dumps(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())
asked.close()
for number, one in enumerate(streams):
    os.dup2(one, number)
    os.close(one)
words, folder, variables = json.loads(data)
os.environ.clear()
os.environ.update(variables)
os.chdir(folder)
sys.argv = ["retina-doctor", *words]
main()
"""


class Forks:
    """One such process, started when it is first asked; it ends with whoever asks."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.asked: socket.socket | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self.at_start: dict[str, str] = {}
        self.read: dict[str, str | None] = {}

    def fits(self, words: Sequence[str], variables: Mapping[str, str]) -> bool:
        """Whether a fork does what a process with these variables would do, and the request is one message."""
        if self.lock.locked():
            return False  # two at once run at once
        with self.lock:
            self._begun()
        small = sum(map(len, [*words, *variables, *variables.values()])) < MOST
        same = all(variables.get(name) == value for name, value in self.read.items())
        return small and same and self.at_start == {n: v for n, v in variables.items() if n.startswith(AT_START)}

    def _begun(self) -> socket.socket:
        if self.asked is None or self.process is None or self.process.poll() is not None:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            # OpenCV, which tests import, puts a folder of its own into this process's LD_LIBRARY_PATH.
            self.at_start = {name: value for name, value in os.environ.items() if name == "LD_LIBRARY_PATH"}
            # No mark either by which a test ends what it left behind: this process stays.
            own = {n: v for n, v in os.environ.items() if not n.startswith((*AT_START, "RETINA", "ODD_MARK"))}
            variables = own | self.at_start
            self.process = subprocess.Popen(  # it reads the end of this socket as its own end
                [sys.executable, "-I", "-S", "-c", SERVER, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,  # a pipe, as its forks are to have: what Python found out of its streams stays true
                stderr=subprocess.PIPE,
                pass_fds=[theirs.fileno()],
                env=variables,
                cwd="/",
            )
            theirs.close()
            self.asked = ours
            # While it imported; "" would be all of them.
            self.read = {name: variables.get(name) for name in json.loads(ours.recv(1 << 16))}
            assert "" not in self.read
        return self.asked

    def run(
        self, words: Sequence[str], cwd: Path, variables: Mapping[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """As `subprocess.run` with captured text."""
        with self.lock, contextlib.ExitStack() as ends:
            asked = self._begun()
            reading = []
            passed = [os.open(os.devnull, os.O_RDONLY)]
            for _ in range(2):
                here, there = os.pipe()
                reading.append(here)
                passed.append(there)
                ends.callback(os.close, here)
            request = json.dumps([[*words], str(cwd), dict(variables)]).encode()
            asked.sendmsg([request], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", passed))])
            for one in passed:
                os.close(one)
            child = json.loads(asked.recv(100))
            told = self._read(reading, child, time.monotonic() + timeout)
            code = json.loads(asked.recv(100))
        if told is None:
            raise subprocess.TimeoutExpired(["retina-doctor", *words], timeout)
        out, err = (one.decode().replace("\r\n", "\n").replace("\r", "\n") for one in told)
        return subprocess.CompletedProcess(["retina-doctor", *words], code, out, err)

    @staticmethod
    def _read(streams: Sequence[int], child: int, until: float) -> list[bytes] | None:
        """All that is written there, by whoever holds it; None: not within the time, and the child is killed."""
        told: dict[int, bytearray] = {one: bytearray() for one in streams}
        with selectors.DefaultSelector() as ready:
            for one in streams:
                ready.register(one, selectors.EVENT_READ)
            while ready.get_map():
                events = ready.select(max(0.0, until - time.monotonic()))
                if not events:
                    os.kill(child, 9)
                    return None
                for key, _ in events:
                    data = os.read(key.fd, 1 << 16)
                    told[key.fd] += data
                    if not data:
                        ready.unregister(key.fd)
        return [bytes(one) for one in told.values()]


FORKS = Forks()
