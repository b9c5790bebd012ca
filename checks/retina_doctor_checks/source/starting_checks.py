"""How the service is started: a session that is made before the workers are forked, a server that loads the model twice."""

from __future__ import annotations

from collections.abc import Iterator

from retina_doctor.authoring import Action, Answer, check
from retina_doctor.model import Severity

from ..combined.source_files import is_test
from ..facts.source import Sign, Source
from .judging import EITHER, SourcePlace, answer, of_source, scanned


def _signs(source: Source, *kinds: str) -> list[Sign]:
    return [one for one in source.signs if one.kind in kinds and not is_test(source, one.at.file)]


def _loads(one: Sign) -> dict[str, object]:
    return {"loads": one.what, "load_file": one.at.file, "load_line": one.at.line}


@check("RD258", "cuda-used-before-fork", Severity.ERROR, pitfall=2, scope=scanned, action=Action.EDIT)
@of_source
def cuda_used_before_fork(source: Source) -> Answer:
    """gunicorn loads the application before it forks its workers, and the application makes a session on the GPU when loaded; or
    a module that holds one forks processes that use it: a CUDA context does not survive a fork. On the CPU that works."""
    return answer(source, "RD258", "cuda-used-before-fork", _before_fork(source), of=EITHER)


def _before_fork(source: Source) -> Iterator[SourcePlace]:
    made = _signs(source, "session")
    if not made or not source.meant:
        return
    started = _signs(source, "start-method")
    ways = [one for one in started if one.what != "celery"]
    workers = [server for server in source.servers if server.by == "celery"]
    pooled = len(ways) < len(started) or (workers and all("--pool" in server.flags for server in workers))
    for one in source.signs:
        if one.kind == "preload":
            yield SourcePlace(at=one.at, why="gunicorn", what=one.what, fixed=one.fixed, more=_loads(made[0]))
        own = [session for session in made if session.at.file == one.at.file]
        if one.kind == "fork" and own and not (pooled if one.what == "celery" else ways):
            why = "celery" if one.what == "celery" else "processes"
            yield SourcePlace(at=one.at, why=why, what=one.what, fixed=None, more=_loads(own[0]))
    for server in source.servers:
        if "--preload" in server.flags and server.by == "gunicorn":
            fixed = server.at.text.replace(" --preload", "", 1) if " --preload" in server.at.text else None
            yield SourcePlace(at=server.at, why="gunicorn", what="--preload", fixed=fixed, more=_loads(made[0]))


@check("RD524", "service-debug-mode", Severity.WARNING, pitfall=3, scope=scanned, action=Action.EDIT)
@of_source
def service_debug_mode(source: Source) -> Answer:
    """The reloader starts the application in a second process: the model is in memory twice, and with Flask's debugger whoever
    reaches the port can run code. A model in a folder of its own beside the server's may be another program's."""
    return answer(source, "RD524", "service-debug-mode", _twice(source), of=EITHER)


def _twice(source: Source) -> Iterator[SourcePlace]:
    made = _signs(source, "session", "cpu-session")
    for one in source.signs:
        own = [session for session in made if session.at.file.startswith(one.at.file.rpartition("/")[0] + "/")]
        if one.kind == "debug" and own and not is_test(source, one.at.file):
            yield SourcePlace(at=one.at, why="source", what=one.what, fixed=one.fixed, more=_loads(own[0]))
    for server in source.servers:
        flag = next((one for one in ("--debug", "--reload") if one in server.flags), None)
        if flag is not None and made and not server.at.file.rpartition("/")[2].startswith("Makefile"):
            fixed = server.at.text.replace(f" {flag}", "", 1) if f" {flag}" in server.at.text else None
            yield SourcePlace(at=server.at, why="command", what=flag, fixed=fixed, more=_loads(made[0]))
