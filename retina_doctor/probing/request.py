"""What one process is asked: which probes, of which modules, and the text that starts it. Nothing here starts one."""

from __future__ import annotations

import base64
import functools
import importlib.util
import json
import marshal
import os
import re
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retina_doctor.codec import Data, encode
from retina_doctor.model import Json
from retina_doctor.sending import file_of, source_of

if TYPE_CHECKING:
    from retina_doctor.authoring import Probe
    from retina_doctor.settings import Settings
    from retina_doctor.standpoint.standpoint import Standpoint

OWN_PROGRAM = """import json, sys
request = json.loads(sys.stdin.buffer.read())
sys.path[:] = request["path"]
from retina_doctor.probing.child import main
main(request)
"""
"""For the doctor's own side, where all is installed; the request comes over standard input."""
_PROGRAM = """import sys
sys.version_info < (3, 8) and (sys.stderr.write("retina-doctor: Python %d.%d is too old: 3.8 is needed\\n" % \
sys.version_info[:2]), sys.exit(9))
import os
path = list(sys.path)
library = os.path.dirname(getattr(os, "__file__", "")) or sys.prefix
sys.path[:0] = [library, os.path.join(library, "lib-dynload")]
import marshal, _frozen_importlib_external as importing
def run(name, source, code):
    space = {"__name__": "retina_doctor_%s" % name}
    same = code and importing.MAGIC_NUMBER == {magic}
    exec(marshal.loads(code) if same else compile(source, "<retina-doctor>/%s.py" % name, "exec"), space)
    return space
{keep}
main = run("child", {child})["main"]
sys.path[:] = path
main({request})
# end of retina-doctor's program
"""
# The standard library goes first until child.py has cleaned the path: with "." in PYTHONPATH a neighbour could be json.
PROGRAM_END = "# end of retina-doctor's program"


def code_of(module: str) -> str | None:
    """The module compiled, in base64, for a child of the very same Python, which is spared compiling it; from the cache
    of compiled files where it is there. None: this module's loader compiles nothing, or it does not compile, which the child
    will say."""
    file = file_of(module)  # found without importing the packages above it
    if file is None:
        return None
    try:
        code = _kept(file) or marshal.dumps(SourceFileLoader(module, file).get_code(module))
    except (ImportError, SyntaxError, ValueError, OSError):
        return None
    return base64.b64encode(code).decode("ascii")


def _kept(file: str) -> bytes | None:
    """What the cache of compiled files holds for it, as it stands there after 16 bytes: magic number, no flags, time and size of
    the source (PEP 552). None: nothing that is up to date."""
    try:
        state = os.stat(file)  # noqa: PTH116 - here and below a Path for each would cost as much as reading it
        with open(importlib.util.cache_from_source(file), "rb", buffering=0) as compiled:  # noqa: PTH123
            kept = compiled.read()
    except (OSError, NotImplementedError):
        return None
    marks = (0, int(state.st_mtime) & 0xFFFFFFFF, state.st_size & 0xFFFFFFFF)
    head = importlib.util.MAGIC_NUMBER + b"".join(mark.to_bytes(4, "little") for mark in marks)
    return kept[16:] if kept[:16] == head else None


@functools.cache
def _sent(name: str) -> str:
    """A module of the bootstrap as two literals: its source, and compiled for the doctor's own Python."""
    module = f"retina_doctor.probing.{name}"
    code = code_of(module)
    return f"{source_of(module)!a}, {base64.b64decode(code) if code else None!r}"


class LookRequest(Data, frozen=True, kw_only=True):
    """One looking of a request: which module to run, with which arguments, which makes the facts of what that tells, and how
    many seconds it has in all."""

    probe: str
    run: str
    arguments: Mapping[str, Json]
    seconds: float
    then: str | None = None


def look_of(probe: Probe[Any], settings: Settings, *, then: str | None = None, times: float = 1) -> LookRequest:
    """What to ask of a probe, with so many *times* its limit. Raises whatever its pack's functions do."""
    arguments, seconds = encode(probe.arguments(settings)), probe.seconds(settings) * times
    return LookRequest(probe=probe.name, run=probe.module, then=then, arguments=arguments, seconds=seconds)


class Request(Data, frozen=True, kw_only=True):
    """One process: which modules it needs, which lookings to do in it one after the other."""

    command: Sequence[str]
    modules: Mapping[str, str]
    """By name: the source, which is sent; on the doctor's own side the file."""
    looks: Sequence[LookRequest]
    workdir: str | None = None
    path: Sequence[str] | None = None
    """sys.path for the child; None: its own, less the working directory."""
    standpoint: Standpoint | None = None
    """Whose rights the command is started with; None: the doctor's own."""
    limits: Mapping[int, tuple[int, int]] = {}
    """Soft and hard, by the numbers of setrlimit(2), where the rights are the doctor's own."""
    processors: Sequence[int] = ()
    """On which it may run, where the rights are the doctor's own; (): on those of the doctor."""
    light: bool = False
    """All of it shares a process and is short: not worth a Python of its own, where it is done on the doctor's own side."""

    @property
    def name(self) -> str:
        return ", ".join(look.probe for look in self.looks)

    def told(self, token: str) -> dict[str, Json]:
        """As `child.main` takes it."""
        own = self.path is not None
        return {
            "token": token,
            "workdir": self.workdir,
            "path": self.path and list(self.path),
            "modules": dict(self.modules),
            "magic": importlib.util.MAGIC_NUMBER.hex(),
            "code": {} if own else {name: code_of(name) for name in self.modules},
            "looks": [encode(one) for one in self.looks],
        }

    def program(self, token: str) -> bytes:
        """What is written to the interpreter's standard input: for the target a Python text (pure ASCII, one exec)."""
        if self.path is not None:
            return json.dumps(self.told(token)).encode("ascii")
        # Literals alone: the program must at least be *parsed* by Python 2, to be able to say that it is Python 2.
        keep = f'run("bytecode", {_sent("bytecode")})["keep"]({self.workdir!a})'
        filled = {"{magic}": repr(importlib.util.MAGIC_NUMBER), "{keep}": keep, "{child}": _sent("child")}
        filled["{request}"] = ascii(self.told(token))
        # At once: what is filled in, a working directory say, may be called as a place is.
        program = re.sub("|".join(map(re.escape, filled)), lambda place: filled[place[0]], _PROGRAM)
        return program.encode("ascii")


def own_request(modules: Mapping[str, str], looks: Sequence[LookRequest], *, light: bool = False) -> Request:
    """A request to the doctor's own interpreter: isolated from the caller's PYTHON* variables, with the doctor's own path.

    *modules*: files by name; none are needed where what is looked with is to be imported as any other module.
    """
    return Request(
        command=[sys.executable, "-I", "-S", "-c", OWN_PROGRAM],
        modules=modules,
        looks=looks,
        path=[p for p in sys.path if p and Path(p).is_absolute()],
        light=light,
    )
