"""Reads how the service is started, and which modules that start needs: nothing of it is executed or imported.

Python 3.8, standard library alone. A module counts as missing where no folder of sys.path has it; what stands in a `try` or below
`if TYPE_CHECKING` may be missing.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import sys
from typing import Any

from retina_doctor_checks.probes.native import program
from retina_doctor_checks.probes.service import imported_names

PYTHON = re.compile(r"(?:python|pypy)[\d.]*$")
SERVERS = ("gunicorn", "uvicorn", "hypercorn", "flask", "waitress-serve", "fastapi", "daphne")
BUILTINS = ("cd", "source", ".", "export", "set", "ulimit", "umask", "eval", "if", "while", "for")
SECONDS = 5


def look(probe: Any, arguments: dict[str, Any]) -> None:
    named = arguments["start"]
    nothing = dict.fromkeys(
        ("source", "named", "command", "directory", "program", "program_missing", "file", "problem")
    )
    probe.tell(missing=[], ended=None, **nothing)
    if not named:
        return
    probe.tell(named=named)
    source, words, directory, ended = found(named)
    directory = directory or arguments.get("directory") or os.getcwd()
    command = " ".join(map(shlex.quote, words)) if words else None
    probe.tell(source=source, ended=ended, command=command, directory=directory)
    if not words:
        probe.tell(problem="no-command")
        return
    if source == "container":
        probe.tell(problem="in-a-container")  # its files are not here
        return
    folders = python_path(words, directory)
    words = stripped(words)
    first = words[0] if words else ""
    if not first or first.startswith("-") or first in BUILTINS or "&&" in words or ";" in words:
        probe.tell(problem="no-command")  # flags of sudo or env, or a line that a shell would read
        return
    # The service's own folder of programs first: whoever starts it by its environment has that on PATH.
    programs = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)])
    path = os.path.join(directory, first) if "/" in first else shutil.which(first, path=programs)
    there = path is not None and os.path.exists(path)
    probe.tell(program=path if there else None, program_missing=None if there else first)
    if not there and not PYTHON.match(os.path.basename(first)) and os.path.basename(first) not in SERVERS:
        return
    file, extra = application(words, directory)
    if file is None:
        script = next((word for word in words[1:] if not word.startswith("-")), "")
        if PYTHON.match(os.path.basename(first)) and script.endswith(".py") and "-m" not in words and "-c" not in words:
            probe.tell(program_missing=script)
        probe.tell(problem="no-application")
        return
    probe.tell(file=file)
    missing, unread = imported_names.missing(file, directory, extra, folders)
    probe.tell(missing=missing, problem="unreadable" if unread else None)


def found(named: str) -> tuple[str | None, list[str], str | None, dict[str, Any] | None]:
    """(source, words of the command, its working directory, how its last start ended)"""
    kind, _, rest = named.partition(":")
    base = os.path.basename(named)
    if kind in ("docker", "podman") and rest:
        words, directory, ended = of_container(kind, rest)
        return "container", words, directory, ended
    if named.endswith(".service") and " " not in named:
        words, directory, ended = of_unit(named)
        return "unit", words, directory, ended
    if base.startswith("Procfile") and os.path.isfile(named):
        return "procfile", of_procfile(named), os.path.dirname(os.path.abspath(named)), None
    if named.endswith((".conf", ".ini")) and " " not in named and os.path.isfile(named):
        words, directory = of_supervisor(named)
        return "supervisor", words, directory, None
    return "command", split(named), None, None


def split(line: str) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError:
        return line.split()


def of_unit(name: str) -> tuple[list[str], str | None, dict[str, Any] | None]:
    """By `systemctl show`; a unit file is read where there is no systemd."""
    keys = "ExecStart,Environment,WorkingDirectory,ExecMainCode,ExecMainStatus,ActiveState,Result,NRestarts"
    if os.path.isabs(name) and os.path.isfile(name):
        told = unit_file(name)
        words = split(told.get("ExecStart", "").lstrip("-@:+!"))
        return [*its_path(told), *words], told.get("WorkingDirectory"), None
    done = program.run(["systemctl", "show", "--no-pager", "--property", keys, "--", name], SECONDS)
    if done.code != 0:
        return [], None, None
    lines = done.output.decode("utf-8", "replace").splitlines()
    told = dict(line.partition("=")[::2] for line in lines)
    match = re.search(r"argv\[\]=(.*?) ;", told.get("ExecStart", ""))
    directory = told.get("WorkingDirectory", "").lstrip("!-") or None
    return [*its_path(told), *split(match.group(1))] if match else [], directory, of_systemd(told)


def unit_file(path: str) -> dict[str, str]:
    parser = configparser.RawConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_string(re.sub(r"\\\n\s*", " ", file.read()))
        return dict(parser.items("Service"))
    except (configparser.Error, OSError, UnicodeDecodeError):
        return {}


def of_systemd(told: dict[str, str]) -> dict[str, Any]:
    """ExecMainCode is that of waitid(2): 1 exited, 2 killed, 3 dumped; the status is then the signal's number."""
    code, status = number(told.get("ExecMainCode")), number(told.get("ExecMainStatus"))
    running = told.get("ActiveState") == "active"
    return {
        "code": None if running or not code or status is None else status if code == 1 else 128 + status,
        "out_of_memory": told.get("Result") == "oom-kill",
        "restarts": number(told.get("NRestarts")),
        "running": running,
    }


def of_container(engine: str, name: str) -> tuple[list[str], str | None, dict[str, Any] | None]:
    done = program.run([engine, "inspect", "--type", "container", "--", name], SECONDS)
    try:
        told: Any = json.loads(done.output.decode("utf-8", "replace"))[0]
        state, config = told["State"], told["Config"]
        words = [*(config.get("Entrypoint") or []), *(config.get("Cmd") or [])]
        ended = {
            "code": None if state.get("Running") else number(str(state.get("ExitCode"))),
            "out_of_memory": bool(state.get("OOMKilled")),
            "restarts": number(str(told.get("RestartCount"))),
            "running": bool(state.get("Running")),
        }
        return [str(word) for word in words], config.get("WorkingDir") or None, ended
    except (ValueError, KeyError, TypeError, IndexError):
        return [], None, None


def of_procfile(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            lines = [line.partition(":") for line in file if ":" in line and not line.startswith("#")]
    except OSError:
        return []
    commands = {name.strip(): command.strip() for name, _, command in lines}
    return split(commands.get("web") or next(iter(commands.values()), ""))


def of_supervisor(path: str) -> tuple[list[str], str | None]:
    parser = configparser.RawConfigParser(strict=False, interpolation=None, inline_comment_prefixes=(" ;",))
    try:
        parser.read(path, encoding="utf-8")
    except (configparser.Error, OSError, UnicodeDecodeError):
        return [], None
    programs = [name for name in parser.sections() if name.startswith("program:")]
    for name in programs:
        words = split(parser.get(name, "command", fallback="").partition(" ;")[0])
        if words:
            return words, parser.get(name, "directory", fallback=None)
    return [], None


def number(text: str | None) -> int | None:
    return int(text) if text is not None and text.lstrip("-").isdigit() else None


def its_path(told: dict[str, str]) -> list[str]:
    """Of a unit's variables the one that says where modules are; others may be secret."""
    return [word for word in split(told.get("Environment", "")) if word.startswith("PYTHONPATH=")]


def python_path(words: list[str], directory: str) -> list[str]:
    """The folders of a PYTHONPATH that stands before the command."""
    said = [word.partition("=")[2] for word in words if word.startswith("PYTHONPATH=")]
    return [os.path.join(directory, one) for text in said for one in text.split(os.pathsep) if one]


def stripped(words: list[str]) -> list[str]:
    """Without what only starts another command, and without assignments before it."""
    while words and (
        os.path.basename(words[0]) in ("exec", "env", "nohup", "sudo", "tini", "dumb-init", "--")
        or re.match(r"\w+=", words[0])
    ):
        words = words[1:]
    if len(words) > 2 and os.path.basename(words[0]) in ("sh", "bash") and words[1] in ("-c", "-lc", "-ec"):
        return stripped(split(words[2].replace("&&", " && ").rpartition(" && ")[2]))
    return words


def application(words: list[str], directory: str) -> tuple[str | None, list[str]]:
    """(file of the application, modules that the command itself asks for)"""
    name, rest = os.path.basename(words[0]), words[1:]
    extra = []
    if PYTHON.match(name):
        while rest and rest[0].startswith("-") and rest[0] != "-m":
            rest = rest[2:] if rest[0] in ("-W", "-X") else rest[1:]
        if rest[:1] != ["-m"]:
            path = os.path.join(directory, rest[0]) if rest else ""
            return (path, []) if os.path.isfile(path) else (None, [])
        name, rest = (rest[1], rest[2:]) if len(rest) > 1 else ("", [])
        extra.append(name.split(".")[0])
        if name not in SERVERS and name.split(".")[0] not in SERVERS:
            return imported_names.file_of(name, directory), []
    for flag in ("-k", "--worker-class"):
        if flag in rest[:-1]:
            extra += [worker_module(rest[rest.index(flag) + 1])]
    app = next(
        (word for word in reversed(rest) if re.match(r"[A-Za-z_][\w.]*(:[\w.()]+)?$", word) and ":" in word), None
    )
    if app is None:
        app = rest[-1] if rest and not rest[-1].startswith("-") else None
    if name == "flask":
        app = rest[rest.index("--app") + 1] if "--app" in rest[:-1] else "app"
    folder = rest[rest.index("--chdir") + 1] if "--chdir" in rest[:-1] else ""
    folder = os.path.join(directory, folder)
    return (imported_names.file_of(app.partition(":")[0], folder) if app else None), [one for one in extra if one]


def worker_module(name: str) -> str:
    """What gunicorn imports for a class of workers (gunicorn/workers/__init__.py)."""
    return (
        name.split(".")[0]
        if "." in name
        else {"gevent": "gevent", "eventlet": "eventlet", "tornado": "tornado"}.get(name, "")
    )
