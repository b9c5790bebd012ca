"""What is known of how the service is started: its command, what that imports, and how its last start ended."""

from __future__ import annotations

from typing import Literal

from retina_doctor.authoring import Facts, varying
from retina_doctor.kinds import CommandLine, Name, Path


class MissingModule(Facts, frozen=True, kw_only=True):
    """A module that is imported when the service starts and that its Python does not find. *implied_by*: what asks for it without
    an import ("UploadFile")."""

    name: Name
    file: Path
    line: int
    implied_by: Name | None


class StartEnded(Facts, frozen=True, kw_only=True):
    """How the last start ended. *code*: exit status, or 128 and the signal's number; None: it runs, or has not been started.
    *out_of_memory*: the kernel ended it for want of memory. *restarts*: how often it was started again."""

    varies = varying(restarts=None)

    code: int | None
    out_of_memory: bool
    restarts: int | None
    running: bool


class Start(Facts, frozen=True, kw_only=True):
    """*source*: where the command stands; None: nothing was named. *program*: the first word, where it is found; *file*: the file
    with the application, that was read; *problem*: why nothing of it could be read. *ended* None: nobody keeps account of it."""

    source: Literal["command", "unit", "procfile", "supervisor", "container"] | None
    named: CommandLine | None
    command: CommandLine | None
    directory: Path | None
    program: Path | None
    program_missing: Name | None
    file: Path | None
    problem: Name | None
    missing: tuple[MissingModule, ...]
    ended: StartEnded | None
