"""Reads how the service is started, and which modules that start needs: nothing of it is executed or imported.

Python 3.8, standard library alone. A module counts as missing where no folder of sys.path has it; what stands in a `try` or below
`if TYPE_CHECKING` may be missing.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys

from retina_doctor.hints import Any
from retina_doctor_checks.probes.native import program
from retina_doctor_checks.probes.service import (
    application,
    compose_file,
    ended,
    imported_names,
    module_files,
    module_places,
    server_words,
    start_script,
    unit_files,
)
from retina_doctor_checks.probes.service.start_command import KEPT, SECONDS, StartCommand

BUILTINS = ("cd", "source", ".", "export", "set", "ulimit", "umask", "eval", "if", "while", "for")
IN_A_CONTAINER = ("/.dockerenv", "/run/.containerenv")
LYING = ("app.py", "main.py", "server.py")
MOST_BESIDE, MOST_IMPORTS = 50, 500  # files, names
SERVE = frozenset(("aiohttp", "bottle", "fastapi", "flask", "gradio", "grpc", "quart", "sanic", "starlette", "tornado"))
DETECT = frozenset(("cv2", "insightface", "mxnet", "onnxruntime", "retinaface", "torch"))
IMPORTS_SERVER = re.compile(("^(?:from|import)[ \\t]+(?:%s)\\b" % "|".join(sorted(SERVE))).encode(), re.MULTILINE)
DEEP = 3  # folders below, in which a module that is not found is looked for


NOT_TOLD = (
    *("source", "named", "command", "directory", "program", "program_missing", "file", "problem", "unloadable", "text"),
    *("refused", "first"),
)


def look(probe: Any, arguments: dict[str, Any]) -> None:
    named = arguments["start"]
    nothing = dict.fromkeys(NOT_TOLD)
    probe.tell(missing=[], ended=None, imports=[], folders=[], **nothing)
    if not named:
        if arguments.get("lying"):
            beside(probe)
        return
    probe.tell(named=named)
    told = found(named)
    directory = told.directory or arguments.get("directory") or os.getcwd()
    command = " ".join(map(shlex.quote, told.words)) if told.words else None
    probe.tell(source=told.source, ended=told.ended, command=command, directory=directory, text=told.text)
    stops = told.stops(named)
    if stops is not None:
        probe.tell(unloadable=stops)
    if not told.words:
        probe.tell(problem=told.problem or "no-command")
        return
    if told.source == "container":
        probe.tell(problem="in-a-container")  # its files are not here
        return
    if stops is not None and stops["kind"] == "directory":
        return
    probe.tell(refused=refused_bind(told, directory))
    elsewhere = told.source == "compose" and not any(map(os.path.exists, IN_A_CONTAINER))
    read(probe, told.words, directory, elsewhere)


def beside(probe: Any) -> None:
    """Tells of a file that lies where the service is started, and that serves what it detects."""
    try:
        directory = os.getcwd()
        names = candidates(directory)
    except OSError:  # it was deleted, or may not be read
        return
    if len(names) != 1:
        return  # which of them is the service, nobody says
    file = os.path.join(directory, names[0])
    walk = imported_names.Walk([], file, [directory], True)
    if walk.names & SERVE and walk.names & DETECT and not walk.unread:
        known = any(is_near(one["name"], directory) for one in walk.missing)
        probe.tell(source="folder", file=file, directory=directory, missing=[] if known else walk.missing)
        tell_imports(probe, walk)


def is_near(name: str, directory: str) -> bool:
    """Whether something of this name is above, beside or below: the service is started from there, or with a path of its own."""
    above = [directory]
    while len(above) <= DEEP and os.path.dirname(above[-1]) not in above:
        above.append(os.path.dirname(above[-1]))
    if name in map(os.path.basename, above) or below(name, directory) is not None:
        return True
    return any(os.path.exists(os.path.join(one, name + ending)) for one in above[1:] for ending in ("", ".py"))


def refused_bind(told: StartCommand, directory: str) -> dict[str, Any] | None:
    """Not of a service of compose: within a container of Docker's any user may bind any port."""
    user = told.user[0] if told.user is not None else None
    named = user is not None or os.path.basename(told.words[0]) in ("sudo", "setpriv", "gosu", "su-exec", "chpst")
    if told.source == "compose" or not named:
        return None
    from retina_doctor_checks.probes.service import may_bind  # only here: few name a user

    return may_bind.refused(told.words, directory, user, told.rights)


def tell_imports(probe: Any, walk: Any) -> None:
    told = sorted(name for name in walk.names if name)[:MOST_IMPORTS]
    probe.tell(imports=told, folders=[os.path.normpath(one) for one in walk.folders])


def candidates(directory: str) -> list[str]:
    """Files that say they serve, tests apart."""
    others = [name for name in sorted(os.listdir(directory)) if name.endswith(".py") and not name.startswith("test")]
    first = [name for name in LYING if name in others]
    looked_at = dict.fromkeys((*first, *others[:MOST_BESIDE]))
    return [name for name in looked_at if says_it_serves(os.path.join(directory, name))]


def says_it_serves(file: str) -> bool:
    try:
        if not os.path.isfile(file) or os.path.getsize(file) > module_files.MOST_BYTES:
            return False
        with open(file, "rb") as stream:
            return IMPORTS_SERVER.search(stream.read()) is not None
    except OSError:
        return False


def read(probe: Any, given: list[str], directory: str, elsewhere: bool, deeper: bool = True) -> None:
    """*elsewhere*: the packages are in an image, and only the service's own files are here. *deeper*: what a script starts is
    read, too."""
    words, directory = application.entered(given, directory)
    variables = {**application.assigned(given), **application.assigned(words)}
    path = [os.path.join(directory, one) for one in variables.get("PYTHONPATH", "").split(os.pathsep) if one]
    words = application.stripped(words)
    first = words[0] if words else ""
    if not first or first.startswith("-") or first in BUILTINS or "$" in first:
        probe.tell(problem="no-command")  # a line that a shell would read
        return
    # The service's own folder of programs first: whoever starts it by its environment has that on PATH.
    programs = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)])
    place = os.path.join(directory, first) if "/" in first else shutil.which(first, path=programs)
    there = elsewhere or (place is not None and os.path.exists(place))
    probe.tell(program=place if there and not elsewhere else None, program_missing=None if there else first)
    script = None if elsewhere else start_script.script_of(words, directory, place)
    if script is not None and script.unloadable is not None:
        probe.tell(unloadable=script.unloadable)
    base = os.path.basename(first)
    known = application.PYTHON.match(base) or base in server_words.SERVERS
    if script is not None and script.text is not None and not known:
        inner, folder = start_script.started(script, directory) if deeper else ([], directory)
        if inner:
            read(probe, inner, folder, elsewhere, deeper=False)
        else:
            probe.tell(problem="no-application")
    elif base not in server_words.COMPILED and (there or known):
        served(probe, words, directory, path, variables, elsewhere)


def served(
    probe: Any, words: list[str], directory: str, path: list[str], variables: dict[str, str], elsewhere: bool
) -> None:
    """What a Python or a server loads. *path*: further folders of modules."""
    app = application.of_command(words, directory, path, variables)
    if app is None:
        probe.tell(problem="no-application")
        return
    if app.file is None and app.name is not None and not app.script:
        app.file = application.module_file(app.name, [one for one in sys.path if one])
    if app.file is None:
        nowhere(probe, app, directory, elsewhere)
        return
    first = application.put_first(words, directory, variables)
    probe.tell(file=app.file, first=first and os.path.normpath(first))
    walk = imported_names.Walk([] if elsewhere else app.asks, app.file, app.folders, app.script, first is not None)
    walk.serves(app.attribute)
    if not elsewhere and not walk.unread:
        tell_imports(probe, walk)
    problem = "in-a-container" if elsewhere else "unreadable" if walk.unread else None
    probe.tell(missing=[] if elsewhere else walk.missing, problem=problem)
    if walk.unloadable is not None:
        probe.tell(unloadable=walk.unloadable)


def nowhere(probe: Any, app: Any, directory: str, elsewhere: bool) -> None:
    """The file that the command runs is not there."""
    name = app.name
    asks = [] if elsewhere else [one for one in app.asks if not module_places.is_there(one, [*app.folders, *sys.path])]
    missing = [imported_names.absent(one, directory, 1, "command") for one in asks]
    if app.script or (name and (name.endswith(".py") or "/" in name)):
        if name.endswith(".py"):
            probe.tell(program_missing=None if elsewhere else name)
        probe.tell(problem="no-application")
        return
    if name is None or elsewhere or os.path.isdir(os.path.join(app.folders[0], *name.split("."))):
        probe.tell(missing=missing, problem="no-application" if not missing else None)
        return
    top = name.split(".")[0]
    if module_places.is_there(top, [*app.folders, *sys.path]) and top == name:
        probe.tell(
            missing=missing, problem="no-application" if not missing else None
        )  # a compiled module, or one of a finder
        return
    missing.append(imported_names.absent(name, app.folders[0], 1, "application", below(name, directory)))
    probe.tell(missing=missing, file=app.folders[0])


def below(name: str, directory: str) -> str | None:
    """A file of this module in a folder below: its command is started in the wrong one."""
    for folder, folders, _ in os.walk(directory):
        deep = folder[len(directory) :].count(os.sep)
        folders[:] = (
            [one for one in sorted(folders) if not one.startswith(".") and one != "node_modules"] if deep < DEEP else []
        )
        found = application.module_file(name, [folder]) if "pyvenv.cfg" not in os.listdir(folder) else None
        if found:
            return found
    return None


def found(named: str) -> StartCommand:
    kind, _, rest = named.partition(":")
    base = os.path.basename(named)
    file, _, service = named.partition("#")
    if kind in ("docker", "podman") and rest:
        return of_container(kind, rest)
    if named.endswith(".service") and " " not in named:
        return unit_files.of_unit(named)
    if compose_file.NAMES.match(os.path.basename(file)) and os.path.isfile(file):
        return of_compose(file, service or None)
    if base.startswith("Procfile") and os.path.isfile(named):
        line = of_procfile(named)
        folder = os.path.dirname(os.path.abspath(named))
        return StartCommand("procfile", application.split(line), folder, text=line or None)
    if file.endswith((".conf", ".ini")) and " " not in file and os.path.isfile(file):
        return unit_files.of_supervisor(os.path.abspath(file), service or None)
    return StartCommand("command", application.split(named), text=named)


def of_compose(path: str, service: str | None) -> StartCommand:
    try:
        told = compose_file.service(path, service)
    except (compose_file.NotUnderstood, OSError, UnicodeDecodeError, RecursionError):
        return StartCommand("compose", [], problem="not-understood")
    except KeyError:
        return StartCommand("compose", [], problem="several-services")
    state = program.run(["docker", "compose", "-f", path, "ps", "--all", "--quiet", "--", told["name"]], SECONDS)
    name = state.output.decode("utf-8", "replace").split()[:1] if state.code == 0 else []
    end = ended.of_container(inspected("docker", name[0])) if name else None
    kept = [f"{key}={value}" for key, value in told["variables"].items() if (key + "=") in KEPT]
    words = [*kept, *told["words"]] if told["words"] else []
    return StartCommand(
        "compose", words, told["directory"], end, told["env_files"], None if words else "in-a-container"
    )


def of_container(engine: str, name: str) -> StartCommand:
    text = inspected(engine, name)
    try:
        config: Any = json.loads(text)[0]["Config"]
        words = [*(config.get("Entrypoint") or []), *(config.get("Cmd") or [])]
        directory = config.get("WorkingDir") or None
        return StartCommand("container", [str(word) for word in words], directory, ended.of_container(text))
    except ended.NOT_AS_EXPECTED:
        return StartCommand("container", [])


def inspected(engine: str, name: str) -> str:
    done = program.run([engine, "inspect", "--type", "container", "--", name], SECONDS)
    return done.output.decode("utf-8", "replace")


def of_procfile(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = [line.partition(":") for line in file if ":" in line and not line.startswith("#")]
    except OSError:
        return ""
    commands = {name.strip(): command.strip() for name, _, command in lines}
    return commands.get("web") or next(iter(commands.values()), "")
