"""What is known of how the service is started: its command, what that imports, and how its last start ended."""

from typing import Literal

from retina_doctor.authoring import Facts
from retina_doctor.kinds import CommandLine, Name, Path

from .service_log import Exit


class MissingModule(Facts, frozen=True, kw_only=True):
    """A module that is imported when the service starts and that its Python does not find. *implied_by*: what asks for it without
    an import ("UploadFile"); "command": its own words; "application": it is what the command serves, and *found_at*, where not
    None, is a file of that name in a folder below."""

    name: Name
    file: Path
    line: int
    implied_by: Name | None
    found_at: Path | None = None


class Unloadable(Facts, frozen=True, kw_only=True):
    """What in the service's own files ends its start. *kind*: "syntax": *what* Python says of the line; "attribute": the
    module lacks the name *what*, which the command serves; "import-name": a module of its own lacks it; "relative-import":
    of a file that is run as a script; "env-file": *file* names a file of variables that is not there; "directory",
    "log-folder", "no-such-user": likewise. Of a start script: "line-ends": it has those of Windows; "mode": it may not be
    executed; "interpreter": its first line names a program *what* that is not there. *names*: those that may be meant.
    *executable* False: of a script with line ends of Windows, that it may not be executed either."""

    kind: Literal[
        "syntax",
        "attribute",
        "import-name",
        "relative-import",
        "env-file",
        "directory",
        "log-folder",
        "no-such-user",
        "line-ends",
        "mode",
        "interpreter",
    ]
    file: Path
    line: int
    what: str
    names: tuple[Name, ...] = ()
    executable: bool = True


class RefusedBind(Facts, frozen=True, kw_only=True):
    """A *port* below *first* that the start names together with a user that may bind none such; *port* None: it names none."""

    user: Name
    uid: int
    port: int | None
    first: int


class Start(Facts, frozen=True, kw_only=True):
    """*source*: where the command stands; "folder": no command was named, and *file* lies where the doctor was called; None:
    nor does any. *program*: the first word, where it is found; *file*: the file
    with the application, that was read; *text*: the command as it stands, where a shell reads it;
    *problem*: why nothing of it could be read. *ended* None: nobody keeps account of it. *imports*: top names of all that *file*
    and the service's other files import as soon as they are loaded; *folders*: those that stand first on its sys.path.
    *first*: the folder that Python itself puts before its own modules; None: none, or a server does so later. *refused*: a bind
    that its user is not allowed."""

    source: Literal["command", "unit", "procfile", "supervisor", "container", "compose", "folder"] | None
    named: CommandLine | None
    command: CommandLine | None
    directory: Path | None
    program: Path | None
    program_missing: Name | None
    file: Path | None
    problem: Name | None
    missing: tuple[MissingModule, ...]
    ended: Exit | None
    unloadable: Unloadable | None = None
    text: CommandLine | None = None
    imports: tuple[Name, ...] = ()
    folders: tuple[Path, ...] = ()
    first: Path | None = None
    refused: RefusedBind | None = None
