"""RD517, RD518: why the service does not start, by its own command, read and not run, and by how its last start ended."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from retina_doctor.authoring import EVERYWHERE, Action, Answer, Gathered, Scope, check
from retina_doctor.model import Inapplicable, Problem, Reason, Severity, Unknown
from retina_doctor.settings import Settings

from ..combined.asides import Asides, asides
from ..combined.distribution_names import distribution
from ..combined.start_need import at_most
from ..facts.service import Ports
from ..facts.service_log import Exit, LastException, NamedLog
from ..facts.service_start import MissingModule, Start, Unloadable
from ..scopes import reads_own
from ..settings import ServiceSettings
from .log_checks import unexplained
from .logs import named_log

SIGNALS = {132: "SIGILL", 134: "SIGABRT", 135: "SIGBUS", 136: "SIGFPE", 137: "SIGKILL", 139: "SIGSEGV", 143: "SIGTERM"}
"""128 and the number of the signal (signal(7)), as shells, containers and this probe tell it."""
OF_A_SHELL = {126: "not-executable", 127: "not-found"}
"""POSIX, "Exit Status for Commands"; containers' engines tell the same."""
OF_SYSTEMD = {200: "chdir", 203: "not-found", 217: "user"}
"""systemd.exec(5), "Process Exit Codes"."""


def may_lie_there(settings: Settings) -> bool:
    """Whether a file of the folder is looked at as the one that is started, where no start is named."""
    return settings.process.pid is None and reads_own(settings)


def start_known(settings: Settings) -> Scope:
    return EVERYWHERE if may_lie_there(settings) else start_named(settings)


def start_named(settings: Settings) -> Scope:
    if settings.of(ServiceSettings).start is None and named_log(settings) is None:
        return Scope(inapplicable=Reason("no-start-named"))
    return EVERYWHERE


class HowItEnded(Gathered, frozen=True, kw_only=True):
    """What is known of a start that failed, from its command and from its log."""

    settings: Settings
    start: Start | None
    ports: Ports | None
    named: NamedLog | None

    @property
    def clean(self) -> Unknown | None:
        """What is said where nothing was found: unknown, if the log or the process was not looked at."""
        service = self.settings.of(ServiceSettings)
        lacks_log = named_log(self.settings) is not None and self.named is None
        lacks_ports = self.ports is None and (service.pid is not None or service.url is not None)
        return Unknown(("named_log",)) if lacks_log else Unknown(("ports",)) if lacks_ports else None

    @property
    def unnamed(self) -> Answer:
        """What is said where no start is named, and nothing speaks against one."""
        return self.clean if named_log(self.settings) is not None else Inapplicable(Reason("no-start-named"))

    @property
    def raised(self) -> LastException | None:
        """What ended it, by the end of its log. None: it runs, nobody knows, or the log says more (RD516)."""
        process, url = (self.ports.process, self.ports.url) if self.ports else (None, None)
        exit_ = self.named.exit if self.named else None
        lives = process is not None and process.alive
        refused = url is not None and url.answer is not None and url.answer.kind == "refused"
        over = exit_ is not None and not exit_.running
        killed = exit_ is not None and (exit_.killed_for_memory or exit_.signal is not None)
        named = process is not None or url is not None or exit_ is not None
        ended = not lives and (process is not None or refused or over or not named)
        return unexplained(self.named) if ended and not killed else None


@check("RD517", "service-module-missing", Severity.ERROR, pitfall=5, scope=start_known, action=Action.PIP)
def service_module_missing(how: HowItEnded) -> Answer:
    """What is imported as soon as the service is started, and what a declaration implies (FastAPI's UploadFile)."""
    start, raised = how.start, how.raised
    if raised is not None and (start is None or not start.missing):
        return _module_of(raised)
    if how.settings.of(ServiceSettings).start is None and (start is None or not start.missing):
        return how.unnamed
    if start is None:
        return Unknown(("start",))
    if start.program_missing is not None and start.file is None:
        return Inapplicable(Reason("explained-by", {"name": "service-start-failed"}))
    if not start.missing:
        return how.clean if start.file is not None and start.problem is None else Unknown(("start",))
    first = start.missing[0]
    names = [one.name for one in start.missing]
    folder, words = _folder(first), _words(start)
    elsewhere = bool(folder and words)
    evidence = {
        "module": first.name,
        "modules": names,
        "file": first.file,
        "line": first.line,
        "implied_by": first.implied_by,
        "command": start.command,
        "directory": start.directory,
        "found_at": first.found_at,
        "folder": folder,
        "words": words,
        "install": [word for name in names if (word := distribution(name)) is not None],
        "more": asides(
            Reason("also-missing", {"modules": names[1:]}) if names[1:] else None,
            Reason("module-is-at", {"path": first.found_at}) if elsewhere else None,
        ),
    }
    application = "application-elsewhere" if elsewhere else "application"
    known = {None: "import", "command": "command", "application": application}
    variant = known.get(first.implied_by or None, "declared")
    return Problem(subject="service", variant=variant, evidence=evidence, at_most=at_most(start))


def _module_of(raised: LastException) -> Problem | None:
    """The module that the last start lacked, by the end of its log."""
    if raised.module is None:
        return None
    word = distribution(raised.module)
    evidence = {
        "module": raised.module,
        "file": raised.file,
        "line": raised.line,
        "install": [word] if word else [],
        "more": asides(),
    }
    return Problem(subject="service", variant="logged", evidence=evidence)


def _folder(module: MissingModule) -> str | None:
    """The folder in which the module would be found by its name."""
    if module.found_at is None:
        return None
    parts = module.name.count(".") + 1 + module.found_at.endswith("/__init__.py")
    return module.found_at.rsplit("/", parts)[0]


@check("RD518", "service-start-failed", Severity.ERROR, pitfall=5, scope=start_named, action=Action.RESTART)
def service_start_failed(how: HowItEnded) -> Answer:
    """Its program is not there, a file of its own cannot be loaded, or whoever starts it, or its log, says how it ended."""
    start, raised = how.start, how.raised
    if how.settings.of(ServiceSettings).start is None:
        return _raised(raised) if raised is not None else how.clean
    if start is None:
        return Unknown(("start",))
    ended = start.ended
    code = _code(ended)
    killed_for_memory = ended is not None and not ended.running and ended.killed_for_memory
    failed = killed_for_memory or code not in (None, 0, 143)
    broken = start.unloadable
    if broken is None and start.program_missing is None and not start.missing and raised is not None:
        return _raised(raised)
    if not failed and start.program_missing is None and broken is None:
        return Unknown(("start",)) if start.command is None else how.clean
    told = _told(start, code if failed else None, killed_for_memory)
    if broken is not None:
        by = (
            Action.RESTART if broken.kind == "attribute" else Action.EDIT
        )  # the command names another, or the file changes
        return Problem(subject="service", variant=broken.kind, evidence={**told, **_broken(start, broken)}, action=by)
    return Problem(subject="service", variant=_ending(told), evidence=told)


def _raised(raised: LastException) -> Problem | None:
    """A module that is missing is a finding of its own."""
    if raised.module is not None:
        return None
    evidence = {"said": raised.said, "file": raised.file, "line": raised.line, "read_log": []}
    return Problem(subject="service", variant="raised", evidence=evidence, action=Action.EDIT)


def _ending(told: Mapping[str, Any]) -> str:
    """The variant that speaks of how the last start ended."""
    if told["out_of_memory"]:
        return "out-of-memory-unit" if told["unit"] else f"out-of-memory{'-container' * bool(told['container'])}"
    by_signal = {None: None, "SIGKILL": "killed", "SIGILL": "no-instruction"}.get(told["signal"], "crashed")
    return by_signal or told["kind"] or "exit-code"


def _told(start: Start, code: int | None, killed_for_memory: bool) -> dict[str, Any]:
    """*code*: with which it failed; None: its program is not there, or a file of its own cannot be loaded."""
    before, _, name = (start.named or "").partition(":")
    in_container = start.source == "container"
    return {
        "named": start.named,
        "source": start.source,
        "command": start.command,
        "directory": start.directory,
        "program": start.program_missing,
        "code": code,
        "signal": SIGNALS.get(code or 0),
        "kind": _meaning(start, code) if code is not None else "not-found",
        "out_of_memory": killed_for_memory,
        "restarts": start.ended.restarts if start.ended else None,
        "container": name if in_container else None,
        "engine": before if in_container else None,
        "unit": start.named if start.source == "unit" else None,
        "read_log": _log_reader(start),
        "more": _how_it_ended(start, code),
    }


def _meaning(start: Start, code: int) -> str | None:
    """What an exit code says of the start itself; None: it is the program's own."""
    by_systemd = OF_SYSTEMD.get(code) if start.source == "unit" else None
    return by_systemd or OF_A_SHELL.get(code)


def _log_reader(start: Start) -> list[str]:
    """The words of the command that shows the end of its log; none where nobody keeps one."""
    engine, _, name = (start.named or "").partition(":")
    if start.source == "unit":
        return ["journalctl", "--no-pager", "--lines=50", f"--unit={start.named}"]
    return [engine, "logs", "--tail=50", "--", name] if start.source == "container" else []


def _how_it_ended(start: Start, code: int | None) -> Asides:
    told = {"command": start.command, "directory": start.directory}
    command = Reason("its-command-in" if start.directory else "its-command", told) if start.command else None
    restarts = start.ended.restarts if start.ended else None
    ended = Reason("last-start-ended-again" if restarts else "last-start-ended", {"code": code, "restarts": restarts})
    missing = start.program_missing
    return asides(
        Reason("no-such-program", {"program": missing}) if missing else None,
        command,
        ended if code is not None else None,
    )


def _broken(start: Start, broken: Unloadable) -> dict[str, Any]:
    return {
        "file": broken.file,
        "line": broken.line,
        "what": broken.what,
        "names": list(broken.names),
        "said": broken.kind,
        "served": _served(start, broken),
        "more": asides(
            Reason("folders-alike" if broken.kind == "directory" else "names-there", {"names": list(broken.names)})
            if broken.names
            else None,
            None if broken.executable else Reason("not-executable-either"),
        ),
        "permit": [] if broken.executable else ["chmod", "a+rx", broken.file],
        "add_user": ["useradd", "--system", "--no-create-home", broken.what] if broken.kind == "no-such-user" else [],
    }


def _code(ended: Exit | None) -> int | None:
    """As a shell would tell it."""
    if ended is None or ended.running:
        return None
    return 128 + ended.signal if ended.signal is not None else ended.code


def _served(start: Start, broken: Unloadable) -> list[str]:
    """The words of the command with the name that is there, where that is sure."""
    if broken.kind != "attribute" or len(broken.names) != 1:
        return []
    own = re.compile(rf"(?<=:){re.escape(broken.what)}(?=\(|$)")
    words = [own.sub(broken.names[0], word) for word in _words(start)]
    return words if words != _words(start) else []


def _words(start: Start) -> list[str]:
    try:
        return shlex.split(start.command or "")
    except ValueError:
        return []
