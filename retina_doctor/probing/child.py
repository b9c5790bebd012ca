"""What runs in the other interpreter: sent over its standard input, never imported by the doctor itself.

Python 3.8, standard library alone. Facts go back over a private duplicate of standard output, one line each, marked
with a token that is new in every run; whatever libraries print goes to standard error.
"""

from __future__ import annotations

import binascii
import gc
import importlib
import json
import marshal
import os
import signal
import sys
import time
import types
from importlib.machinery import ModuleSpec, SourceFileLoader

TYPE_CHECKING = False  # importing typing takes four milliseconds
if TYPE_CHECKING:
    from typing import Any


class Telling:
    """What a probe gets: the way to tell facts, and to say what it is busy with."""

    def __init__(self, descriptor: int, token: str) -> None:
        self._descriptor = descriptor
        self._token = token

    def tell(self, **facts: Any) -> None:
        """Facts known from here on, whatever happens next. Values are JSON data."""
        self._send({"tell": facts})

    def stage(self, name: str) -> None:
        """What is being done now ("importing torch"), for the progress line and for the report of a death."""
        self._send({"stage": name})

    def _send(self, message: dict[str, Any]) -> None:
        line = "\n" + self._token + json.dumps(message) + "\n"
        data = line.encode("ascii")
        while data:
            data = data[os.write(self._descriptor, data) :]


class Keeping:
    """Takes what one step tells for the next, which runs in the same process."""

    def __init__(self, probe: Telling) -> None:
        self.facts: dict[str, Any] = {}
        self.stage = probe.stage

    def tell(self, **facts: Any) -> None:
        self.facts.update(facts)


def drop_working_directory() -> None:
    """Take the working directory off sys.path: a neighbour torch.py must not become torch.

    It stays only where PYTHONPATH names it by its absolute path: then the service has it, too, and it is meant.
    """
    meant = [os.path.realpath(p) for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if os.path.isabs(p)]
    try:
        here = os.path.realpath(os.getcwd())
    except OSError:
        here = ""
    sys.path[:] = [p for p in sys.path if p not in ("", ".") and (os.path.realpath(p) != here or here in meant)]


class SentModules:
    """Finds the sent modules under their own names, without files; the packages above them are empty.

    Each is compiled when it is first imported, so one that needs what the target lacks harms no other. Where the doctor's
    Python is the same as this one (*magic*: of its compiled files), it has sent them compiled.
    """

    def __init__(self, sources: dict[str, str], code: dict[str, Any], magic: str) -> None:
        self._sources = sources
        self._code = code if magic == _magic() else {}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        package = any(source.startswith(name + ".") for source in self._sources)
        if not package and name not in self._sources:
            return None
        return ModuleSpec(name, self, origin="<retina-doctor>/" + name, is_package=package)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        """None: the usual kind of module."""

    def exec_module(self, module: types.ModuleType) -> None:
        source, compiled = self._sources.get(module.__name__), self._code.get(module.__name__)
        if compiled is not None:
            exec(marshal.loads(binascii.a2b_base64(compiled)), module.__dict__)
        elif source is not None:
            exec(compile(source, "<retina-doctor>/" + module.__name__, "exec"), module.__dict__)


class InstalledModules(SentModules):
    """The same on the doctor's own side, of which each module's file is told: Python keeps it compiled. Found so and not by
    sys.path, they get no more than what is sent to a target: a package's own __init__.py would import its whole pack."""

    def __init__(self, files: dict[str, str]) -> None:
        super().__init__(files, {}, "")

    def exec_module(self, module: types.ModuleType) -> None:
        file = self._sources.get(module.__name__)
        code = SourceFileLoader(module.__name__, file).get_code(module.__name__) if file is not None else None
        if code is not None:
            exec(code, module.__dict__)


def _magic() -> str:
    """Of this Python's compiled files; importlib.util, which tells it, would have to be imported first."""
    from _frozen_importlib_external import MAGIC_NUMBER

    magic: bytes = MAGIC_NUMBER
    return magic.hex()


def set_alarm(seconds: float) -> None:
    """A last resort where nobody can kill us from outside (docker exec, ssh, a doctor that was killed itself)."""
    if hasattr(signal, "alarm"):
        signal.alarm(int(seconds) + 2)


def used() -> list[Any]:
    """[CPU seconds of this process and of the children that it has waited for, most bytes of memory that it held or None]."""
    times, most = os.times(), None
    try:
        with open("/proc/self/status", "rb") as file:
            lines = [line for line in file if line.startswith(b"VmHWM:")]
        most = int(lines[0].split()[1]) * 1024
    except (OSError, IndexError, ValueError):
        pass
    return [time.process_time() + times.children_user + times.children_system, most]


def heard_again() -> None:
    """Signals as a new process has them, whatever a parent ignored: without SIGCHLD nobody could wait for a child."""
    for name in ("SIGCHLD", "SIGALRM"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)


def gone_to(workdir: str | None) -> str | None:
    """Go to the working directory of the service; what keeps us out of it."""
    if workdir is not None:
        try:
            os.chdir(os.path.expanduser(workdir))
        except OSError as refused:
            return "%s: %s" % (workdir, refused.strerror)
    return None


def find_modules(request: dict[str, Any]) -> None:
    """From here on what was sent can be imported."""
    modules = request["modules"]
    if not modules:
        return
    if request["path"] is not None:
        sys.meta_path.insert(0, InstalledModules(modules))
    else:
        sys.meta_path.insert(0, SentModules(modules, request["code"], request["magic"]))


def done(probe: Telling, look: dict[str, Any], error: str | None) -> None:
    """One looking. *error*: what kept us out of the working directory."""
    set_alarm(look["seconds"])
    probe._send({"begin": look["probe"]})
    words = None
    try:
        arguments = dict(look["arguments"], seconds=look["seconds"], workdir_error=error)
        kept = Keeping(probe) if look["then"] else None
        importlib.import_module(look["run"]).look(kept or probe, arguments)
        if kept:
            importlib.import_module(look["then"]).look(probe, dict(arguments, told=kept.facts))
    except BaseException as failure:
        import traceback

        traceback.print_exc()
        words = traceback.format_exception_only(type(failure), failure)[-1].strip()
    probe._send({"end": look["probe"], "failed": words, "used": used()})
    sys.stderr.flush()


def main(request: dict[str, Any]) -> None:
    gc.set_threshold(100_000)  # objects: what is imported is no garbage; what failed and holds a card's memory may be
    private = os.dup(1)
    os.dup2(2, 1)
    probe = Telling(private, request["token"])
    heard_again()
    set_alarm(request["looks"][0]["seconds"])
    if request["path"] is not None:
        sys.path[:] = request["path"]
    else:
        drop_working_directory()
    error = gone_to(request["workdir"])
    probe._send({"hello": list(sys.version_info[:3])})
    find_modules(request)
    for look in request["looks"]:
        done(probe, look, error)
    probe._send({"done": True})
    # No atexit handlers, no destructors: a library that hangs or aborts while it is taken down must not change the facts.
    os._exit(0)
