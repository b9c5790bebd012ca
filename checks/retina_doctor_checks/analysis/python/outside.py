"""Numbers of the detector's that variables of the environment give: those of the running process, a .env file that is read, and
what Dockerfiles, compose files, manifests and scripts set."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Callable, Collection, Mapping

from ...facts.source_lines import SourceLine
from ..text import SourceText

OF_DETECTOR = re.compile(r"(?i)thr|conf|score|nms|iou|size|width|height")
"""What such a variable's name says (probes/source/look_own.py has the same; neither imports the other). A port is none."""
NUMBER = re.compile(r"\d{1,6}(?:\.\d{1,6})?|\.\d{1,6}")
DOTENV = re.compile(rb"dotenv|env_file|--env-file|EnvironmentFile")
"""Where none of the files says so, nobody reads a .env."""
GIVEN = (
    r"(?m)^([^#\n]{0,300}?)(?<![\w$.{-])%s(?:[ \t]*=[ \t]*|[\"']?:[ \t]*|[ \t]+|[ \t]*\n[ \t]+value:[ \t]*)"
    r"[\"']?((?:\$\{?\w[^\s\"']{0,60}|[\d.]{1,14}(?![\w.])))[\"']?([^\n]{0,300})"
)
"""ENV NAME=1, ENV NAME 1, NAME: "1", - NAME=1, export NAME=1, -e NAME=1; name: NAME, value: "1"; ${NAME:-0.5}."""
SHOWN = re.compile(r"\b(?:echo|printf|usage)\b")
"""Before what is only shown to whoever reads it."""
COMMAND = re.compile(r"[ \t]+(?![\w.]+=|&&|\|\||[;#&|\\])\S")
SERVER = re.compile(r"\b(?:uvicorn|gunicorn|hypercorn|granian|flask|waitress-serve|exec)\b")
"""Behind a variable that stands before a command: it is given to that one alone."""


class FromOutside(ast.Constant):
    """*at*: the line of another file that says it."""

    at: SourceLine | None = None


class Outside:
    """*files*: those that say how the service is deployed. *sources*: the Python files. *variables*: of the running process."""

    def __init__(
        self,
        content_of: Callable[[str], bytes | None],
        files: Collection[str] = (),
        sources: Collection[str] = (),
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._content_of = content_of
        self._files = files
        self._sources = sources
        self._variables = variables or {}
        self._known: dict[str, FromOutside | None] = {}
        self._unread: dict[str, bool] = {}

    def variable(self, name: str) -> FromOutside | None:
        """The one number that it is given; None: none, or several."""
        if name not in self._known:
            self._known[name] = self._given(name) if OF_DETECTOR.search(name) else None
        return self._known[name]

    def _given(self, name: str) -> FromOutside | None:
        if name in self._variables:
            return told(self._variables[name], None)
        found: dict[str, FromOutside | None] = {}
        for file in self._files:
            data = self._content_of(file) or b""
            if name.encode() not in data or self._is_unread(file):
                continue
            text = data.decode("utf-8", "replace")
            for match in re.finditer(GIVEN % re.escape(name), text):
                if SHOWN.search(match[1]) or (
                    file.endswith(".sh") and COMMAND.match(match[3]) and not SERVER.search(match[3])
                ):
                    continue
                line = text.count("\n", 0, match.start(2)) + 1
                found.setdefault(match[2], told(match[2], SourceText(file, text.split("\n")).at(line)))
        return next(iter(found.values())) if len(found) == 1 else None

    def _is_unread(self, file: str) -> bool:
        """A .env that nobody reads; of another name (prod.env) one that nobody names."""
        if file not in self._unread:
            name = posixpath.basename(file).encode()
            others = (self._content_of(one) or b"" for one in (*self._sources, *self._files) if one != file)
            self._unread[file] = is_dotenv(file) and not any(
                DOTENV.search(text) and (name == b".env" or name in text) for text in others
            )
        return self._unread[file]


def is_dotenv(file: str) -> bool:
    return file.endswith(".env")


def told(text: str, at: SourceLine | None) -> FromOutside | None:
    if not NUMBER.fullmatch(text):
        return None
    one = FromOutside(float(text) if "." in text else int(text))
    one.at = at
    return one
