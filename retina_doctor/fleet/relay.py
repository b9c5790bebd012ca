"""What runs on a node: starts the probes' processes there, passes on what they tell, and leaves none behind.

Sent over standard input, never imported by the doctor itself. Python 3.8, standard library alone. One line of JSON for each
message, marked with the run's token (several lines where one may not be long): {"group", "look": names}, {"group", "at": seconds,
"line"}, {"group", "at", "end": {…}}, {"bye": true}.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from typing import Any

TICK = 0.1  # seconds between two looks at who is late
HEARTBEAT = 5.0  # seconds between two signs of life, by which is noticed, too, that nobody listens any more
MOST_VARIABLES = 6 * 1024 * 1024  # bytes: execve(2) hands on no more, but prctl(2) lets a process say that it has
TAIL = 32768  # bytes of standard error that are kept
DYING = 0.5  # seconds to wait for what was killed


class ProcessGroup:
    """One process and the lookings that it does, one after the other."""

    def __init__(self, number: int, request: dict[str, Any], program: str, environment: dict[str, str]) -> None:
        self.number = number
        self.request = request
        self.limits = {look["probe"]: look["seconds"] for look in request["looks"]}
        self.waiting = list(self.limits)[1:]
        self.current = next(iter(self.limits))
        self.ended: set[str] = set()
        self.told = 0
        self.errors = b""
        self.pending = b""
        self.late = self.cut = self.flooded = self.done = False
        self.started = self.begun = time.monotonic()
        self.has_begun = False
        self.process = subprocess.Popen(
            [sys.executable, "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env=environment,
            cwd=request["workdir"] if request["workdir"] and os.path.isdir(request["workdir"]) else None,
        )
        writing = threading.Thread(target=self.write, args=(program.encode("ascii"),))
        writing.daemon = True
        writing.start()

    def write(self, program: bytes) -> None:
        """Beside all else: one that does not read must not keep the others from it."""
        assert self.process.stdin
        try:
            self.process.stdin.write(program)
            self.process.stdin.close()
        except OSError:
            pass

    def note(self, data: bytes) -> None:
        self.errors = (self.errors + data)[-TAIL:]

    def take(self, message: dict[str, Any], now: float) -> None:
        if "begin" in message:
            self.current, self.begun, self.has_begun = message["begin"], now, True
            if self.current in self.waiting:
                self.waiting.remove(self.current)
        if "end" in message:
            self.ended.add(message["end"])
        self.done = self.done or "done" in message

    @property
    def complete(self) -> bool:
        return self.done or self.flooded or len(self.ended) == len(self.limits)

    def kill(self) -> None:
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except OSError:
            pass
        until = time.monotonic() + DYING
        while self.process.poll() is None and time.monotonic() < until:
            time.sleep(0.005)


class Relay:
    def __init__(self, told: dict[str, Any]) -> None:
        self.token = told["token"]
        self.piece = told["piece"]
        self.child = told["child"]
        self.effort: dict[str, Any] = {"__name__": "retina_doctor_effort"}
        exec(compile(told["effort"], "<retina-doctor>/effort.py", "exec"), self.effort)
        self.modules = told["modules"]
        self.patience = told["patience"]
        self.most = told["most"]
        self.until = time.monotonic() + told["seconds"]
        self.environment = dict(os.environ)
        # Its own, not the run's: two nodes may be two containers of one machine.
        mark = "%s-%d-%s" % (self.token.strip(), os.getpid(), os.urandom(8).hex())
        self.environment[told["variable"]] = mark
        self.sign = ("%s=%s" % (told["variable"], mark)).encode()
        self.environment["PYTHONUNBUFFERED"] = ""
        self.selector = selectors.DefaultSelector()
        self.running: list[ProcessGroup] = []
        self.number = 0
        self.spoke = time.monotonic()

    def send(self, message: dict[str, Any]) -> None:
        text = json.dumps(message)
        size = self.piece or len(text)
        pieces = [text[start : start + size] for start in range(0, len(text), size)]
        whole = ["\n%s+%s" % (self.token.strip(), piece) for piece in pieces[:-1]] + [
            "\n" + self.token + pieces[-1] + "\n"
        ]
        data = "".join(whole).encode("ascii")
        while data:
            data = data[os.write(1, data) :]
        self.spoke = time.monotonic()

    def start(self, request: dict[str, Any]) -> None:
        whole = dict(request, modules=self.modules, code={}, magic="", path=None, token=self.token)
        # The standard library first, until child.py has cleaned the path: a neighbour may be called as one of its modules.
        program = "import sys, os\npath = list(sys.path)\nlibrary = os.path.dirname(os.__file__)\n"
        program += "sys.path[:0] = [library, os.path.join(library, 'lib-dynload')]\n"
        program += "space = {'__name__': 'retina_doctor_child'}\nexec(compile(%s, '<retina-doctor>/child.py', 'exec'), space)\n"
        program = (program + "import json\nsys.path[:] = path\nspace['main'](json.loads(%s))\n") % (
            ascii(self.child),
            ascii(json.dumps(whole)),
        )
        group = ProcessGroup(self.number, request, program, self.environment)
        self.number += 1
        self.running.append(group)
        self.send({"group": group.number, "look": list(group.limits)})
        for pipe, read in ((group.process.stdout, self.facts), (group.process.stderr, self.errors)):
            assert pipe
            os.set_blocking(pipe.fileno(), False)
            self.selector.register(pipe, selectors.EVENT_READ, (group, read))

    def facts(self, group: ProcessGroup, data: bytes) -> None:
        group.told += len(data)
        if group.told > self.most:
            group.flooded = True
            return
        whole, _, group.pending = (group.pending + data).rpartition(b"\n")
        mark = self.token.encode()
        now = time.monotonic()
        for line in whole.split(b"\n"):
            if not line.startswith(mark):
                if line:
                    group.note(line + b"\n")
                continue
            try:
                message = json.loads(line[len(mark) :].decode("ascii"))
                group.take(message, now)
            except (ValueError, TypeError, AttributeError):
                group.note(line + b"\n")
                continue
            text = line[len(mark) :].decode("ascii")
            self.send({"group": group.number, "at": round(now - group.started, 3), "line": text})

    def errors(self, group: ProcessGroup, data: bytes) -> None:
        group.note(data)

    def read(self, seconds: float) -> None:
        for key, _ in self.selector.select(seconds):
            group, take = key.data
            try:
                data = os.read(key.fd, 65536)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if data:
                take(group, data)
            else:
                self.selector.unregister(key.fileobj)

    def finish(self, group: ProcessGroup) -> None:
        at = time.monotonic() - group.started
        effort = self.effort["measured"](group.process.pid, at) if group.late else None
        group.kill()
        self.read(0)
        for pipe in (group.process.stdout, group.process.stderr):
            assert pipe
            try:
                self.selector.unregister(pipe)
            except (KeyError, ValueError):
                pass
        self.running.remove(group)
        end = {
            "code": group.process.returncode,
            "late": group.late,
            "cut": group.cut,
            "flooded": group.flooded,
            "effort": effort,
        }
        end["errors"] = group.errors.decode("utf-8", "replace")
        self.send({"group": group.number, "at": round(at, 3), "end": end})

    def attend(self, group: ProcessGroup) -> None:
        now = time.monotonic()
        if group.process.poll() is not None and not group.complete:
            self.read(0)
        limit = group.limits[group.current] if group.current in group.limits else 0
        group.late = not group.complete and now - group.begun > limit
        # Its own alarm is set for later than our clock: where it rang first, this machine has no processor for either.
        alarmed = group.process.poll() == -signal.SIGALRM
        group.cut = not group.complete and not group.late and (now > self.until or alarmed)
        rest = None
        if group.complete or group.late or group.cut or group.process.poll() is not None:
            rest, group.waiting = group.waiting, []
            self.finish(group)
        elif group.waiting and group.has_begun and now - group.begun > limit * self.patience:
            rest, group.waiting = group.waiting, []
            group.limits = {name: limit for name, limit in group.limits.items() if name not in rest}
        if rest and now < self.until:
            looks = [look for look in group.request["looks"] if look["probe"] in rest]
            self.start(dict(group.request, looks=looks))

    def run(self, requests: list[dict[str, Any]]) -> None:
        for request in requests:
            self.start(request)
        while self.running:
            self.read(TICK)
            for group in list(self.running):
                self.attend(group)
            if time.monotonic() - self.spoke > HEARTBEAT:
                os.write(1, b"\n")
                self.spoke = time.monotonic()

    def end(self) -> None:
        """Whatever bears the mark of what was started here goes with it."""
        for group in self.running:
            group.kill()
        for name in os.listdir("/proc") if os.path.isdir("/proc") else []:
            if name.isdigit() and int(name) != os.getpid():
                try:
                    with open("/proc/%s/environ" % name, "rb") as file:
                        if self.sign in file.read(MOST_VARIABLES).split(b"\0"):
                            os.kill(int(name), signal.SIGKILL)
                except OSError:
                    pass


def main(told: dict[str, Any]) -> None:
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # that nobody listens is an error, at which all is ended
    relay = Relay(told)
    try:
        relay.run(told["requests"])
        relay.send({"bye": True})
    except OSError:
        pass
    finally:
        relay.end()
    os._exit(0)
