"""What is sent to each node, and what comes back: one program with all probes; a reading of each."""

from __future__ import annotations

import base64
import contextlib
import json
import zlib
from dataclasses import dataclass, field
from typing import Any

from retina_doctor.authoring import Probe, Side
from retina_doctor.catalogue.registry import Catalogue
from retina_doctor.catalogue.selection import Selection
from retina_doctor.codec import DoesNotFit, decode, encode
from retina_doctor.masking.words import beginning
from retina_doctor.model import Effort, Outcome, Recorded, SeenFrom, Target
from retina_doctor.probing.asking import Looking
from retina_doctor.probing.interpreter import interpreter_probe
from retina_doctor.probing.process import MOST_FACTS, PATIENCE, Child
from retina_doctor.probing.reaper import RUN_VARIABLE
from retina_doctor.probing.request import LookRequest, Request
from retina_doctor.redaction import lines_shown
from retina_doctor.sending import source_of
from retina_doctor.settings import Settings
from retina_doctor.standpoint.target import Surroundings

LONGEST = 200
"""Characters of a node's last words."""
MOST_TOLD = 3 * MOST_FACTS
"""Bytes that a node may send in all."""
MOST_NOISE = 4096
"""Bytes of what is none of our messages that are kept, from the end."""
CARRIERS = ("srun: ", "command terminated with exit code ")
"""How lines begin in which srun and kubectl tell how the node's program ended, before or after its own last words."""
PART = b"+"
"""Instead of the blank behind the token: the message goes on in the next line (`relay.Relay.send`)."""
MARGIN = 3.0
"""Seconds before its deadline at which a node ends what still runs, so that what was told until then arrives."""

_PROGRAM = """import sys
sys.version_info < (3, 8) and (sys.stderr.write("retina-doctor: Python %d.%d is too old: 3.8 is needed\\n" % \
sys.version_info[:2]), sys.exit(9))
import os
library = os.path.dirname(getattr(os, "__file__", "")) or sys.prefix
sys.path[:0] = [library, os.path.join(library, "lib-dynload")]  # before neighbours that are called as its modules
import base64, json, zlib
told = json.loads(zlib.decompress(base64.b64decode({told!r})).decode())
space = {"__name__": "retina_doctor_relay"}
exec(compile(told.pop("relay"), "<retina-doctor>/relay.py", "exec"), space)
space["main"](told)
"""


class NodeAsking:
    """What all nodes are asked."""

    def __init__(self, settings: Settings, catalogue: Catalogue, command: tuple[str, ...], piece: int = 0) -> None:
        """*command*: how a Python is started on ``{node}``, for the snapshot. *piece*: bytes of a line (0: any number)."""
        chosen = [one for one in Selection(settings, catalogue).wanted_probes() if one.side is not Side.CALLER]
        first = interpreter_probe
        self.settings = settings
        self.probes: dict[str, Probe[Any]] = {one.name: one for one in [first, *(p for p in chosen if p is not first)]}
        self.seen_from = SeenFrom(whose="target")
        self.command = command
        around = Surroundings(settings.target.workdir, {}, seen_from=self.seen_from)
        self.looking = Looking(settings, self.target("{node}"), around)
        self.token = self.looking.token
        self.unsent: dict[str, Recorded] = {}
        self.looks: dict[str, LookRequest] = {}
        self.told = self._told(piece)

    def target(self, node: str) -> Target:
        words = (word.replace("{node}", node) for word in self.command)
        return Target(command=tuple(words), chosen="flag", local=False)

    def program(self, seconds: float) -> bytes:
        """What is written to a Python's standard input there. *seconds*: that the node has in all."""
        told = {**self.told, "seconds": max(1.0, seconds - MARGIN)}
        packed = base64.b64encode(zlib.compress(json.dumps(told).encode(), 9)).decode("ascii")
        return _PROGRAM.replace("{told!r}", repr(packed)).encode("ascii")

    def _told(self, piece: int) -> dict[str, Any]:
        shared = [probe for probe in self.probes.values() if probe.share and not probe.local]
        alone = [[probe] for probe in self.probes.values() if not probe.share or probe.local]
        alone.sort(key=lambda group: not group[0].heavy)
        found = (self.looking.request(group, Side.TARGET, self.unsent) for group in (*alone, shared) if group)
        requests = [one for one in found if one is not None]
        self.looks = {look.probe: look for one in requests for look in one.looks}
        return {
            "relay": source_of("retina_doctor.fleet.relay"),
            "child": source_of("retina_doctor.probing.child"),
            "effort": source_of("retina_doctor.probing.effort"),
            "token": self.token,
            "variable": RUN_VARIABLE,
            "piece": piece,
            "patience": PATIENCE,
            "most": MOST_FACTS,
            "modules": {name: source for one in requests for name, source in one.modules.items()},
            "requests": [{"workdir": one.workdir, "looks": [encode(look) for look in one.looks]} for one in requests],
        }


class _Process:
    """Of a child on a node its end is all that is known."""

    returncode: int | None = None
    pid = 0


class NodeTold(Child):
    """A child of which somebody else tells, with the time there."""

    at: float = 0.0

    @property
    def seconds(self) -> float:
        return self.at


def last_words(noise: bytes | bytearray) -> str:
    """The last line of what is none of our messages, without secrets: the node's own, where it said anything."""
    lines = lines_shown(noise.decode("utf-8", "replace"), cut=len(noise) == MOST_NOISE)
    own = [line for line in lines if not line.startswith(CARRIERS)]
    return beginning((own or lines)[-1], LONGEST) if lines else ""


@dataclass
class NodeAnswer:
    """What one node has said so far. Feed it with `hear` until `complete` or the node is gone, then take `readings`."""

    asking: NodeAsking
    complete: bool = False
    flooded: bool = False
    _pending: bytearray = field(default_factory=bytearray)
    _size: int = 0
    _pieces: bytearray = field(default_factory=bytearray)
    """Of a message that came in part."""
    _noise: bytearray = field(default_factory=bytearray)
    _groups: dict[int, NodeTold] = field(default_factory=dict)
    _ended: set[int] = field(default_factory=set)

    @property
    def begun(self) -> bool:
        """The program runs there."""
        return bool(self._groups)

    @property
    def last_words(self) -> str:
        return last_words(self._noise)

    def complain(self, data: bytes) -> None:
        """Of standard error."""
        self._count(data)
        self._keep_noise(data)

    def hear(self, data: bytes) -> None:
        """Of standard output."""
        self._count(data)
        if self.flooded:
            self._pending.clear()
            return
        self._pending += data
        if b"\n" not in data:
            return
        whole, _, rest = bytes(self._pending).rpartition(b"\n")
        self._pending = bytearray(rest)
        mark = self.asking.token.encode()
        part = mark.rstrip() + PART
        if mark not in whole and part not in whole:
            self._keep_noise(whole + b"\n")
            return
        for line in whole.split(b"\n"):
            if line.startswith(part):
                self._pieces += line[len(part) :]
            elif line.startswith(mark):
                self._take(bytes(self._pieces) + line[len(mark) :])
                self._pieces.clear()

    def _keep_noise(self, data: bytes) -> None:
        self._noise += data[-MOST_NOISE:]
        del self._noise[:-MOST_NOISE]

    def _count(self, data: bytes) -> None:
        self._size += len(data)
        self.flooded = self.flooded or self._size > MOST_TOLD

    def _take(self, line: bytes) -> None:
        """Anything may come from a node; what does not fit is no message."""
        try:
            message = json.loads(line, parse_constant=lambda _: None)
            if message.get("bye") is True:
                self.complete = True
                return
            number, at = message["group"], float(message.get("at", 0.0))
            if isinstance(message.get("look"), list):
                self._begin(number, message["look"])
                return
            group = self._groups[number]
            group.at = min(max(at, group.at), 1e9)
            if "line" in message:
                group._take(self.asking.token.encode() + message["line"].encode())
            elif isinstance(message.get("end"), dict):
                self._end(number, group, message["end"])
        except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError):
            self._keep_noise(line + b"\n")

    def _begin(self, number: int, names: list[str]) -> None:
        looks = [self.asking.looks[name] for name in names]
        for other in self._groups.values():  # what goes on elsewhere is not waited for
            for name in names:
                if other.seen.get(name) is not None and other.seen[name].started is None:
                    del other.seen[name]
        request = Request(command=(), modules={}, looks=looks)
        process: Any = _Process()
        self._groups[number] = NodeTold(request, self.asking.token, process)
        self._groups[number].started = 0.0

    def _end(self, number: int, group: NodeTold, end: dict[str, Any]) -> None:
        code = end.get("code")
        group.process.returncode = code if isinstance(code, int) else None
        group.overdue, group.flooded = end.get("late") is True, end.get("flooded") is True
        with contextlib.suppress(DoesNotFit):
            group.effort = decode(end.get("effort"), Effort) if group.overdue and end.get("effort") else None
        group.errors.add(str(end.get("errors", "")).encode("utf-8", "replace"))
        if end.get("cut") is not True:  # by the node's deadline, which says nothing of what was looked at
            self._ended.add(number)

    def readings(self, why: str) -> dict[str, Recorded]:
        """By probe. *why*: why the rest is not there, where the node was gone before it had told all."""
        found = dict(self.asking.unsent)
        lost = Recorded(outcome=Outcome.NOT_RUN, detail=why or "the node's time was up")
        for number, group in self._groups.items():
            for name, one in (group.recorded(group.at) if group.seen else {}).items():
                whole = number in self._ended or group.seen[name].ended is not None
                found[name] = one if whole else lost
        return {name: found.get(name, lost) for name in self.asking.probes}
