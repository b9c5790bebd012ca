"""Which file a command runs: the one answer, for a command that is to be read and for a process that runs. Sent to targets:
Python 3.8.

Of each server what its own documentation says: which word names the application, which flag the folder that its modules are
in, and what its command asks for besides. Nothing is imported or run.
"""

from __future__ import annotations

import os
import re
import shlex
from typing import Any

PYTHON = re.compile(r"(?:python|pypy)[\d.]*$")
TITLE = re.compile(r"gunicorn: (?:master|worker) \[(.+)\]$")  # gunicorn/util.py _setproctitle
NAME = re.compile(r"[A-Za-z_][\w.]*$")
ASSIGNED = re.compile(r"[A-Za-z_]\w*=")
PYTHON_TAKES_A_WORD = ("-W", "-X", "--check-hash-based-pycs")


class ServerWords:
    """*app*: the word that names the application: "word", the first that is no flag; else its flags. *folder*: flags that say
    where its
    modules are; *alone*: flags that take no word behind them. *default*: the attribute, where only a module is named. *verbs*:
    what stands before the word; *names*: modules or files that are taken where none is named."""

    def __init__(
        self,
        app: tuple[str, ...] = (),
        folder: tuple[str, ...] = (),
        alone: tuple[str, ...] = (),
        default: str | None = None,
        verbs: tuple[str, ...] = (),
        names: tuple[str, ...] = (),
    ) -> None:
        self.app, self.folder, self.alone, self.default, self.verbs, self.names = (
            app,
            folder,
            alone,
            default,
            verbs,
            names,
        )


FASTAPI = ("main.py", "app.py", "api.py", "app/main.py", "app/app.py", "app/api.py")  # fastapi_cli/discover.py
SERVERS = {
    "gunicorn": ServerWords(
        folder=("--chdir",),
        alone=("--preload", "--reload", "-D", "--daemon", "-R", "--enable-stdio-inheritance", "--capture-output", "--spew",
        "--initgroups",
               "--no-sendfile", "--reuse-port", "--proxy-protocol", "--disable-redirect-access-to-syslog", "--log-syslog",
               "--check-config"),
        default="application",
    ),
    "uvicorn": ServerWords(
        folder=("--app-dir",),
        alone=("--reload", "--factory", "--use-colors", "--proxy-headers", "--server-header", "--date-header", "--access-log"),
    ),
    "hypercorn": ServerWords(alone=("--debug", "--reload", "-D", "--daemon"), default="app"),
    "granian": ServerWords(folder=("--working-dir",), alone=("--reload", "--factory", "--access-log", "--websockets",
    "--respawn-failed-workers")), "daphne": ServerWords(alone=("--proxy-headers", "--no-server-name")),
    "waitress-serve": ServerWords(app=("--app",), alone=("--call", "--ipv4", "--ipv6", "--expose-tracebacks")),
    "uwsgi": ServerWords(app=("--module", "-w", "--wsgi-file", "--file"), folder=("--chdir", "--pythonpath"),
    default="application"), "flask": ServerWords(app=("--app", "-A"), names=("wsgi.py", "app.py")),
    "quart": ServerWords(app=("--app", "-A"), names=("app.py",)),
    "fastapi": ServerWords(alone=("--reload", "--proxy-headers"), verbs=("run", "dev"), names=FASTAPI),
    "sanic": ServerWords(alone=("--dev", "--debug", "--fast", "--factory", "--auto-reload", "-d", "-r"), default="app"),
    "robyn": ServerWords(alone=("--dev", "--fast")),
    "streamlit": ServerWords(verbs=("run",)),
    "celery": ServerWords(app=("-A", "--app"), folder=("--workdir",), default=""),
    "bentoml": ServerWords(folder=("--working-dir",), alone=("--reload", "--development", "--production"), verbs=("serve",),
    names=("service.py",)),
    "serve": ServerWords(folder=("--app-dir",), alone=("--blocking", "--reload"), verbs=("run", "deploy")),  # of Ray
    "torchrun": ServerWords(alone=("--standalone", "--no-python")),
}  # fmt: skip
"""By the help of each: gunicorn 27, uvicorn 0.54, hypercorn 0.18, granian 2.5, daphne 4, waitress 3, uwsgi 2, flask 3.1, quart
0.20, fastapi-cli 0.0, sanic 25, streamlit 1, celery 5, bentoml 1.4, ray 2."""
COMPILED = ("tritonserver",)
"""Servers that run no application of anybody's."""
WORKERS = {"gevent": "gevent", "eventlet": "eventlet", "tornado": "tornado", "gthread": "", "sync": ""}
"""What gunicorn imports for a class of workers (gunicorn/workers/__init__.py)."""
ASKS = {
    ("uvicorn", "--loop", "uvloop"): "uvloop",
    ("uvicorn", "--http", "httptools"): "httptools",
    ("uvicorn", "--ws", "websockets"): "websockets",
    ("uvicorn", "--ws", "wsproto"): "wsproto",
    ("hypercorn", "--worker-class", "uvloop"): "uvloop",
    ("hypercorn", "-k", "uvloop"): "uvloop",
    ("hypercorn", "--worker-class", "trio"): "trio",
    ("hypercorn", "-k", "trio"): "trio",
}

BEFORE = {
    **dict.fromkeys(("exec", "nohup", "tini", "dumb-init", "--", "time", "command", "catchsegv", "setsid", "stdbuf", "nice",
    "ionice"), 0),
    **dict.fromkeys(("env", "sudo", "opentelemetry-instrument", "ddtrace-run", "xvfb-run", "setpriv", "prlimit"), 0),
    **dict.fromkeys(("gosu", "su-exec", "timeout"), 1),
    **dict.fromkeys(("taskset", "numactl", "chrt"), 0),
}  # fmt: skip
"""What only starts another command -> how many words of its own stand before that, flags apart."""
TAKES_A_WORD = {
    "sudo": ("-u", "-g", "-h", "-p", "-C", "--user", "--group"),
    "env": ("-u", "--unset", "-C", "--chdir"),
    "nice": ("-n",),
    "ionice": ("-c", "-n"),
    "stdbuf": (),
    "taskset": ("-c", "--cpu-list"),
    "timeout": ("-k", "-s"),
    "tini": ("-p", "-e"),
    "xvfb-run": ("-n", "-s"),
}
RUNNERS = (("poetry", "run"), ("pipenv", "run"), ("pdm", "run"), ("uv", "run"), ("hatch", "run"), ("coverage", "run"))


class Application:
    """*name*: as its command names it, a module or a file; *file*: its file, None: it is not there. *attribute*: of that
    module, what
    is served. *asks*: modules that the command itself loads. *folders*: where its modules are looked for first. *script*: it
    is run as a file, in no package."""

    def __init__(self, name: str | None, folders: list[str], asks: list[str]) -> None:
        self.name, self.folders, self.asks = name, folders, asks
        self.file: str | None = None
        self.attribute: str | None = None
        self.script = False


def of_command(
    words: list[str], directory: str, path: list[str], variables: dict[str, str] | None = None
) -> Application | None:
    """*words*: of the program and behind it (see `stripped`). *directory*: where it is started; *path*: further folders of
    modules. None: it is no Python, or a server of whose application nothing can be told."""
    if not words:
        return None
    title = TITLE.match(" ".join(words))
    if title:
        return served("gunicorn", [title.group(1)], directory, path, {}, [])
    name, rest = os.path.basename(words[0]), list(words[1:])
    if name in SERVERS:
        return served(name, rest, directory, path, variables or {}, [])
    if not PYTHON.match(name):
        return None
    while rest and rest[0].startswith("-") and rest[0] not in ("-m", "-c", "-"):
        if len(rest[0]) > 2 and rest[0].startswith("-m"):
            rest = ["-m", rest[0][2:], *rest[1:]]
            break
        rest = rest[2 if rest[0] in PYTHON_TAKES_A_WORD else 1 :]
    if not rest or rest[0] in ("-c", "-"):
        return None
    if rest[0] == "-m":
        module, rest = (rest[1] if len(rest) > 1 else ""), rest[2:]
        if module in SERVERS:
            return served(module, rest, directory, path, variables or {}, [module])
        if not NAME.match(module):
            return None
        found = Application(module, [directory, *path], [])
        found.file = module_file(module, found.folders, run=True)
        return found
    script = os.path.basename(rest[0])
    if script in SERVERS and not os.path.isfile(os.path.join(directory, rest[0], "__main__.py")):
        return served(script, rest[1:], directory, path, variables or {}, [])
    found = Application(rest[0], [os.path.dirname(os.path.join(directory, rest[0])), *path], [])
    found.file, found.script = file_at(directory, rest[0]), True
    return found


def served(
    name: str, rest: list[str], directory: str, path: list[str], variables: dict[str, str], asks: list[str]
) -> Application | None:
    server = SERVERS[name]
    if name == "gunicorn":
        rest = [*variables.get("GUNICORN_CMD_ARGS", "").split(), *rest]
    folder = value(rest, *server.folder)
    folders = [os.path.normpath(os.path.join(directory, folder or "")), *path]
    asks = [*asks, *asked(name, rest)]
    word = value(rest, *server.app) or (variables.get("FLASK_APP") if name == "flask" else None)
    if word is None and not (server.app and name != "waitress-serve"):
        plain = words_alone(rest, server.alone)
        plain = plain[1:] if plain[:1] and plain[0] in server.verbs else plain
        word = next((one for one in plain if is_application(one)), None)
        if word is None and name not in ("fastapi", "bentoml", "streamlit", "torchrun"):
            word = next((one for one in rest if ":" in one and is_application(one)), None)
        if word is None and plain and plain[0].endswith(".py"):
            word = plain[0]
    if word is None:
        word = next((one for one in server.names if os.path.isfile(os.path.join(folders[0], one))), None)
    if word is None:
        return None if not asks else Application(None, folders, asks)
    module, _, attribute = word.partition(":")
    found = Application(module, folders, asks)
    attribute = re.sub(r"\(.*", "", attribute).split(".")[0] or server.default or ""
    found.attribute = attribute or None
    if module.endswith(".py") or "/" in module:
        found.file = file_at(folders[0], module)
        found.folders = [os.path.dirname(os.path.join(folders[0], module)), *folders] if found.file else folders
    else:
        found.file = module_file(module, folders)
    return found


def asked(name: str, rest: list[str]) -> list[str]:
    """Modules that a server's own flags make it load."""
    found = [module for (server, flag, word), module in ASKS.items() if server == name and value(rest, flag) == word]
    if name == "gunicorn":
        kind = value(rest, "-k", "--worker-class")
        if kind:
            found.append(kind.split(".")[0] if "." in kind else WORKERS.get(kind, ""))
    return [one for one in found if one]


def value(words: list[str], *flags: str) -> str | None:
    """What a flag is given last: --app X, --app=X, -A X, -AX."""
    found = None
    for place, word in enumerate(words):
        for flag in flags:
            if word == flag and place + 1 < len(words):
                found = words[place + 1]
            elif flag.startswith("--") and word.startswith(flag + "="):
                found = word[len(flag) + 1 :]
            elif not flag.startswith("--") and word.startswith(flag) and len(word) > 2 and not word.startswith("--"):
                found = word[2:].lstrip("=")
    return found


def words_alone(words: list[str], alone: tuple[str, ...]) -> list[str]:
    """Those that are neither flags nor what belongs to one."""
    found, place = [], 0
    while place < len(words):
        word = words[place]
        if not word.startswith("-") or word == "-":
            found.append(word)
        elif word != "--" and "=" not in word and word not in alone and not word.startswith("--no-"):
            place += 1 if word.startswith("--") or len(word) == 2 else 0
        place += 1
    return found


def is_application(word: str) -> bool:
    """package.module, package.module:app, package.module:make(), or a file of Python."""
    module, _, attribute = word.partition(":")
    if attribute and not re.match(r"[A-Za-z_][\w.]*(\(.*\))?$", attribute):
        return False
    return bool(NAME.match(module)) or (module.endswith(".py") and not module.startswith("-"))


def file_at(base: str, path: str) -> str | None:
    path = os.path.normpath(os.path.join(base, path))
    if os.path.isdir(path):
        path = os.path.join(path, "__main__.py")
    return path if os.path.isfile(path) else None


def module_file(name: str, folders: list[str], run: bool = False) -> str | None:
    """Where a module is, in the first of these folders that has it. *run*: of a package, what `-m` runs."""
    for folder in folders:
        place = os.path.join(folder, *name.split("."))
        inside = os.path.join(place, "__main__.py" if run else "__init__.py")
        for file in (
            (inside, place + ".py") if os.path.isfile(os.path.join(place, "__init__.py")) else (place + ".py", inside)
        ):
            if os.path.isfile(file):
                return os.path.normpath(file)
    return None


def entered(words: list[str], directory: str) -> tuple[list[str], str]:
    """The last command of a line of shell, and the folder that the line has gone to by then; no words: it cannot be told."""
    given = [word for word in words if ASSIGNED.match(word)]
    bare = stripped(words)
    if len(bare) > 2 and os.path.basename(bare[0]) in ("sh", "bash", "ash", "dash") and re.match(r"-\w*c$", bare[1]):
        bare = split(re.sub(r"(&&|\|\||[;\n])", r" \1 ", bare[2]))
        words = bare
    if not {"&&", ";", "||"} & set(words):
        return [*given, *words] if words is bare else words, directory
    command: list[str] = []
    for word in [*words, ";"]:
        if word not in ("&&", ";", "||", "\n"):
            command.append(word)
            continue
        if word == "||":
            return [], directory
        if command[:1] == ["cd"]:
            if len(command) != 2 or "$" in command[1]:
                return [], directory
            directory = os.path.normpath(os.path.join(directory, command[1]))
        elif command:
            bare = command
        command = []
    return [*given, *bare], directory


def stripped(words: list[str]) -> list[str]:
    """Without what only starts another command, and without assignments before it."""
    while words:
        name = os.path.basename(words[0])
        if ASSIGNED.match(words[0]):
            words = words[1:]
        elif tuple(words[:2]) in RUNNERS:
            words = words[2:]
        elif name in ("conda", "mamba", "micromamba") and words[1:2] == ["run"]:
            words = behind(words[2:], ("-n", "--name", "-p", "--prefix", "--cwd"))
        elif name in BEFORE:
            words = behind(words[1:], TAKES_A_WORD.get(name, ()))[BEFORE[name] :]
        else:
            break
    return words


def behind(words: list[str], takes: tuple[str, ...]) -> list[str]:
    """Without the flags before the next command."""
    while words and words[0].startswith("-") and words[0] != "--":
        words = words[2 if words[0] in takes else 1 :]
    return words[1:] if words[:1] == ["--"] else words


def split(line: str) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError:
        return line.split()


def assigned(words: list[str]) -> dict[str, str]:
    """The variables that are set before a command."""
    found: Any = {}
    for word in words:
        if ASSIGNED.match(word):
            name, _, text = word.partition("=")
            found[name] = text
    return dict(found)
