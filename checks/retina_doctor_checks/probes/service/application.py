"""Which file a command runs: the one answer, for a command that is to be read and for a process that runs. Sent to targets:
Python 3.8.

Nothing is imported or run.
"""

from __future__ import annotations

import os
import re
import shlex

from retina_doctor.hints import Any
from retina_doctor_checks.probes.service.server_words import ASKS, BEFORE, RUNNERS, SERVERS, TAKES_A_WORD, WORKERS

PYTHON = re.compile(r"(?:python|pypy)[\d.]*$")
TITLE = re.compile(r"gunicorn: (?:master|worker) \[(.+)\]$")  # gunicorn/util.py _setproctitle
NAME = re.compile(r"[A-Za-z_][\w.]*$")
ASSIGNED = re.compile(r"[A-Za-z_]\w*=")
LEAVES_OUT = re.compile(r"-[a-zA-Z]*[IP]")
"""Flags of Python's with which it puts no folder before its own modules."""
PYTHON_TAKES_A_WORD = ("-W", "-X", "--check-hash-based-pycs")


class Application:
    """*name*: as its command names it, a module or a file; *file*: its file, None: it is not there. *attribute*: of that
    module, what is served. *asks*: modules that the command itself loads. *folders*: where its modules are looked for first.
    *script*: it is run as a file, in no package. *server*: what serves it, None: itself."""

    def __init__(self, name: str | None, folders: list[str], asks: list[str]) -> None:
        self.name, self.folders, self.asks = name, folders, asks
        self.file: str | None = None
        self.attribute: str | None = None
        self.script = False
        self.server: str | None = None


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
    rest = behind_flags(rest)
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


def behind_flags(rest: list[str]) -> list[str]:
    """What Python runs, and its words: behind Python's own flags."""
    while rest and rest[0].startswith("-") and rest[0] not in ("-m", "-c", "-"):
        if len(rest[0]) > 2 and rest[0].startswith("-m"):
            return ["-m", rest[0][2:], *rest[1:]]
        rest = rest[2 if rest[0] in PYTHON_TAKES_A_WORD else 1 :]
    return rest


def put_first(words: list[str], directory: str, variables: dict[str, str]) -> str | None:
    """The folder that Python itself puts before its own modules; None: none. A server does so later, when it has imported
    many of them."""
    if not words or not PYTHON.match(os.path.basename(words[0])) or variables.get("PYTHONSAFEPATH"):
        return None
    rest = behind_flags(words[1:])
    flags = words[1 : 1 + max(len(words) - 1 - len(rest), 0)]
    if not rest or rest[0] in ("-c", "-") or any(map(LEAVES_OUT.match, flags)):
        return None
    return directory if rest[0] == "-m" else os.path.dirname(os.path.join(directory, rest[0]))


def served(
    name: str, rest: list[str], directory: str, path: list[str], variables: dict[str, str], asks: list[str]
) -> Application | None:
    server = SERVERS[name]
    if name == "gunicorn":
        rest = [*variables.get("GUNICORN_CMD_ARGS", "").split(), *rest]
    folder = value(rest, *server.folder)
    base = os.path.normpath(os.path.join(directory, folder or ""))
    more = [one for one in (value(rest, *server.paths) or "").split(",") if one]
    folders = [base, *(os.path.normpath(os.path.join(base, one)) for one in more), *path]
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
    found.server = name
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
        inner = inside(words)
        if len(inner) == len(words):
            break
        words = inner
    return words


def inside(words: list[str]) -> list[str]:
    """The command that the first word starts; the same words where that is none that only starts another."""
    name = os.path.basename(words[0])
    if ASSIGNED.match(words[0]):
        return words[1:]
    if tuple(words[:2]) in RUNNERS:
        return words[2:]
    if name in ("conda", "mamba", "micromamba") and words[1:2] == ["run"]:
        return behind(words[2:], ("-n", "--name", "-p", "--prefix", "--cwd"))
    if name in BEFORE:
        return behind(words[1:], TAKES_A_WORD.get(name, ()))[BEFORE[name] :]
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
