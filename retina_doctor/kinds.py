"""What a text of a fact is: each kind has one rule of what of it may leave the machine (retina_doctor/redaction).

Declared where the fact is: ``path: Path``, ``pids: tuple[int, ...]``, ``command: CommandLine | None``. A ``str`` without a
kind is free text, the strictest. Numbers need no kind, and a Literal is a word of our own.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated


class Kind(StrEnum):
    TEXT = "text"  # whatever a program or a person said
    NAME = "name"  # of a package, module, library, device, operator, state: a word of the trade
    VERSION = "version"
    PATH = "path"
    HOST = "host"
    ADDRESS = "address"
    URL = "url"
    USER = "user"
    COMMAND = "command"  # one text as a shell takes it, or its words
    VARIABLE = "variable"  # the value of an environment variable: a list of paths, numbers or words
    SERIAL = "serial"  # tells one machine or device from all others
    KEY = "key"  # names a field of somebody's JSON; dots between the steps


Name = Annotated[str, Kind.NAME]
Version = Annotated[str, Kind.VERSION]
Path = Annotated[str, Kind.PATH]
HostName = Annotated[str, Kind.HOST]
Address = Annotated[str, Kind.ADDRESS]
UrlText = Annotated[str, Kind.URL]
User = Annotated[str, Kind.USER]
CommandLine = Annotated[str, Kind.COMMAND]
CommandWords = Annotated[tuple[str, ...], Kind.COMMAND]
Variable = Annotated[str, Kind.VARIABLE]
Serial = Annotated[str, Kind.SERIAL]
Key = Annotated[str, Kind.KEY]
