"""Which server a command starts, and where that listens: gunicorn 27.0.1, uvicorn 0.54.0, hypercorn 0.18.0, waitress 3.0.2,
flask 3.1.3, fastapi-cli and django's runserver, whose defaults are their own; and a worker of celery 5, which listens nowhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

from retina_doctor.codec import Data, replace

from ...facts.deployment import Server
from ...facts.source_lines import SourceLine
from .shell import base, commands, flag, inner, program, substituted

LOCAL, EVERYWHERE = "127.0.0.1", "0.0.0.0"  # noqa: S104 - what servers bind
PYTHON = re.compile(r"(?:python|pypy)[\d.]*$")
DEEP = 3  # shells in shells
DEVELOPMENT = frozenset(("--reload", "--debug", "dev"))
"""Who asks for these sits before the screen."""
FLAGS = ("--preload", "--reload", "--debug")
"""What is told of a command: gunicorn loads the application before it forks; a server loads it twice."""
PREFORK = "prefork"
MOVING = frozenset(
    (
        *("PORT", "HOST", "BIND", "UVICORN_HOST", "UVICORN_PORT", "GUNICORN_CMD_ARGS"),
        *("FLASK_RUN_HOST", "FLASK_RUN_PORT", "GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT"),
    )
)
"""Variables that may say where a server listens."""
SHOWS = frozenset(("--version", "--help", "--check-config", "--print-config"))
"""With these it says something, and serves nothing."""
VARIABLES = {
    "uvicorn": ("UVICORN_HOST", "UVICORN_PORT"),
    "flask": ("FLASK_RUN_HOST", "FLASK_RUN_PORT"),
}


class Started(Data, frozen=True, kw_only=True):
    """A `Server` of which it is not yet said where it stands."""

    by: str
    host: str | None
    port: int | None
    why: Literal["named", "default"]
    runs: str | None
    config: str | None = None
    sure: bool = True
    flags: tuple[str, ...] = ()
    workers: int | None = None

    def moved_by_file(self, is_given: bool) -> Started:
        """The same where a file of variables or words is given to it, which may say what its command does not."""
        return replace(self, host=None, port=None) if is_given and self.why == "default" else self

    def at(self, line: SourceLine) -> Server:
        return Server(
            at=line,
            by=self.by,
            host=self.host,
            port=self.port,
            why=self.why,
            sure=self.sure,
            fixed=None,
            runs=self.runs,
            config=self.config,
            flags=self.flags,
            workers=self.workers,
        )


def moved_by(names: Iterable[str | None]) -> bool:
    """Whether one of these variables may say where a server listens."""
    return any(name in MOVING for name in names)


ARGUMENTS = re.compile(
    r"(?i)\$(?:[@*]|\{(?:[@*]|\w+\[[@*]\]).*|\{?(?:\w+_)?(?:arg|args|arguments|opts?|options|flags|params|extra)(?:_\w+)?\b.*)"
)
"""What stands for words that a caller or a variable gives: `$@`, `${OPTIONS[@]}`, `$UVICORN_ARGS`."""


def started(words: list[str], variables: Mapping[str, str], deep: int = 0) -> Started | None:
    """The server that a command starts; None: it starts none that is known.

    *variables*: what is known of its environment.
    """
    words, given = program(words)
    variables = {**variables, **given}
    text = inner(words)
    if text is not None:
        return first_started(text, variables, deep)
    if not words:
        return None
    name = base(words[0])
    if PYTHON.match(name):
        return by_python(words[1:], variables)
    reader = READERS.get(name) if SHOWS.isdisjoint(words) else None
    found = reader([substituted(word, variables) for word in words[1:]], variables) if reader else None
    if found is None:
        return None
    flags = (*found.flags, *(one for one in FLAGS if one in words))
    asked = flag(words, "-w", "--workers") or variables.get("WEB_CONCURRENCY")
    workers = int(asked) if asked is not None and asked.isdecimal() else None
    found = found.moved_by_file(any(ARGUMENTS.fullmatch(word) for word in words))
    return replace(found, sure=found.sure and DEVELOPMENT.isdisjoint(words), flags=flags, workers=workers)


def first_started(text: str, variables: Mapping[str, str], deep: int) -> Started | None:
    """Of the commands of a shell's text."""
    made = (started(command, variables, deep + 1) for _, command in commands([(1, text)], variables) if deep < DEEP)
    return next((one for one in made if one is not None), None)


def by_python(words: list[str], variables: Mapping[str, str]) -> Started | None:
    while words and words[0].startswith("-") and words[0] not in ("-m", "-c"):
        words = words[1:] if words[0] not in ("-W", "-X") else words[2:]
    if not words or words[0] == "-c":
        return None
    if words[0] == "-m" and len(words) > 1:
        if words[1] in READERS:
            return started(words[1:], variables)
        if words[1] == "http.server":
            return server("http.server", flag(words, "-b", "--bind") or EVERYWHERE, "8000", "named", None)
        script, rest = words[1], words[2:]
    else:
        script, rest = words[0], words[1:]
    if base(script) == "manage.py" and rest[:1] == ["runserver"]:
        return django(rest[1:])
    host, port = flag(rest, "--host", "--server-name"), flag(rest, "--port")
    return server("python", host, port, "named" if host else "default", script)


def server(
    by: str,
    host: str | None,
    port: str | None,
    why: Literal["named", "default"],
    runs: str | None,
    config: str | None = None,
) -> Started:
    number = int(port) if port is not None and port.isdecimal() else None
    known = host if host and "$" not in host else None
    return Started(by=by, host=known, port=number, why=why, runs=runs, config=config)


def gunicorn(words: list[str], variables: Mapping[str, str]) -> Started | None:
    more = variables.get("GUNICORN_CMD_ARGS", "").split()
    bind = flag([*more, *words], "-b", "--bind")
    config = flag([*more, *words], "-c", "--config")
    runs = last([word for word in words if ":" in word and word != bind and not word.startswith("-")] or words)
    if bind is None and "PORT" in variables:
        return server("gunicorn", EVERYWHERE, variables["PORT"], "named", runs)
    if bind is None and config is not None:  # which may say anything, unless it is read, too
        return server("gunicorn", None, None, "default", runs, base(config))
    if bind is None:
        return server("gunicorn", LOCAL, "8000", "default", runs, "gunicorn.conf.py")
    if bind.startswith(("unix:", "fd:")):
        return None
    host, port = address(bind)
    return server("gunicorn", host, port or "8000", "named", runs)


def address(bind: str) -> tuple[str | None, str | None]:
    """0.0.0.0:8080, :8080, [::]:8080, 127.0.0.1 -> (host, port); all addresses where no host is given."""
    match = re.match(r"(?:tcp://)?(\[[^\]]*\]|[^:]*)(?::(.*))?$", bind)
    return (match[1] or EVERYWHERE, match[2]) if match else (None, None)


def uvicorn(words: list[str], variables: Mapping[str, str]) -> Started | None:
    if flag(words, "--uds", "--fd"):
        return None
    host_variable, port_variable = VARIABLES["uvicorn"]
    host = flag(words, "--host") or variables.get(host_variable)
    port = flag(words, "--port") or variables.get(port_variable) or "8000"
    return server("uvicorn", host or LOCAL, port, "named" if host else "default", application(words))


def hypercorn(words: list[str], _variables: Mapping[str, str]) -> Started | None:
    bind = flag(words, "-b", "--bind")
    if bind and bind.startswith(("unix:", "fd:")):
        return None
    if bind is None and flag(words, "-c", "--config"):
        return server("hypercorn", None, None, "default", application(words))
    host, port = address(bind) if bind else (LOCAL, None)
    return server("hypercorn", host, port or "8000", "named" if bind else "default", application(words))


def daphne(words: list[str], _variables: Mapping[str, str]) -> Started:
    host, port = flag(words, "-b", "--bind"), flag(words, "-p", "--port")
    return server("daphne", host or LOCAL, port or "8000", "named" if host else "default", application(words))


def waitress(words: list[str], _variables: Mapping[str, str]) -> Started | None:
    listen = flag(words, "--listen")
    if flag(words, "--unix-socket"):
        return None
    host, port = address(listen.replace("*", "")) if listen else (flag(words, "--host"), flag(words, "--port"))
    return server("waitress", host or EVERYWHERE, port or "8080", "named" if host else "default", application(words))


def flask(words: list[str], variables: Mapping[str, str]) -> Started | None:
    if "run" not in words:
        return None
    host_variable, port_variable = VARIABLES["flask"]
    host = flag(words, "--host", "-h") or variables.get(host_variable)
    port = flag(words, "--port", "-p") or variables.get(port_variable) or "5000"
    runs = flag(words, "--app", "-A") or variables.get("FLASK_APP") or "app"
    return server("flask", host or LOCAL, port, "named" if host else "default", runs)


def fastapi(words: list[str], _variables: Mapping[str, str]) -> Started | None:
    if not words or words[0] not in ("run", "dev"):
        return None
    host = flag(words, "--host")
    default = EVERYWHERE if words[0] == "run" else LOCAL
    return server(
        "fastapi", host or default, flag(words, "--port") or "8000", "named" if host else "default", last(words)
    )


def django(words: list[str]) -> Started:
    given = next((word for word in words if not word.startswith("-")), None)
    if given is None:
        return server("runserver", LOCAL, "8000", "default", None)
    if given.isdecimal():
        return server("runserver", LOCAL, given, "default", None)
    host, port = address(given)
    return server("runserver", host, port or "8000", "named", None)


def celery(words: list[str], _variables: Mapping[str, str]) -> Started | None:
    """A worker, which listens nowhere. --pool is told where it forks no processes (celery 5: prefork by default)."""
    if "worker" not in words:
        return None
    pool = flag(words, "-P", "--pool") or PREFORK
    made = server("celery", None, None, "named", flag(words, "-A", "--app"))
    return replace(made, flags=() if pool in (PREFORK, "processes") else ("--pool",))


def application(words: list[str]) -> str | None:
    """The word that names what is served: package.module:app."""
    return next((word for word in words if re.match(r"[\w./-]+:\w+(\(\))?$", word) and not word.startswith("-")), None)


def last(words: list[str]) -> str | None:
    return words[-1] if words and not words[-1].startswith("-") else None


READERS: dict[str, Callable[[list[str], Mapping[str, str]], Started | None]] = {
    "gunicorn": gunicorn,
    "uvicorn": uvicorn,
    "hypercorn": hypercorn,
    "daphne": daphne,
    "waitress-serve": waitress,
    "flask": flask,
    "fastapi": fastapi,
    "celery": celery,
}
