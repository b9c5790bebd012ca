"""Typer only: parse, call, print, exit. Everything else is imported when a command runs, so that --help is quick."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from retina_doctor import __version__


def commands_of_packs() -> dict[str, Any]:
    """Name -> entry point of what packs add by the group ``retina_doctor.commands``: a Typer app of one command."""
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group="retina_doctor.commands")}


def _unusable(why: str) -> Any:
    """A command that only says why it is none: the help lists the others all the same."""
    broken = typer.Typer(add_completion=False)

    @broken.command(help=why, context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
    def refuse() -> None:
        from retina_doctor.errors import UsageError

        raise UsageError(why)

    return typer.main.get_command(broken)


class ChecksByDefault(TyperGroup):
    """`retina-doctor --model X` means `retina-doctor check --model X`. Packs may add commands."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *commands_of_packs()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        command = super().get_command(ctx, cmd_name)
        point = None if command else commands_of_packs().get(cmd_name)
        if point is None:
            return command
        try:
            added = typer.main.get_command(point.load())
        except Exception as error:
            added = _unusable(f"{cmd_name}: its pack ({point.value}) cannot be loaded: {error}")
        added.name = cmd_name
        return added

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        general = ("--help", "-h", "--version", "--install-completion", "--show-completion")
        if not args or (args[0].startswith("-") and args[0] not in general):
            args = ["check", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=ChecksByDefault,
    add_completion=False,
    no_args_is_help=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Finds why a RetinaFace / InsightFace service does not load, runs on the CPU, runs out of GPU memory, misses "
    "faces or does not answer, and prints the command that mends it.\n\n"
    "Without a command: check. Exit codes: 0 healthy, 1 findings, 2 wrong usage, 3 not everything could be judged.",
)

Target = Annotated[str | None, typer.Option(help="Command that starts the service's Python.", metavar="CMD")]
Model = Annotated[str | None, typer.Option(help="Model file, insightface pack or folder.", metavar="PATH|PACK")]
DetSize = Annotated[str | None, typer.Option(help="Detector input in pixels.", metavar="WxH")]
DetThresh = Annotated[float | None, typer.Option(help="Least score of a face, 0 to 1.", metavar="X")]
NmsThresh = Annotated[float | None, typer.Option(help="Overlap at which two boxes are one face.", metavar="X")]
Host = Annotated[str | None, typer.Option(help="Address that the service is to bind.", metavar="H")]
Port = Annotated[int | None, typer.Option(help="Port that the service is to bind.", metavar="P")]
Url = Annotated[str | None, typer.Option(help="Address of a service that should be running.", metavar="U")]
Pid = Annotated[int | None, typer.Option(help="Process of a service that should be running.", metavar="N")]
LoadFlag = Annotated[
    str | None,
    typer.Option("--load", help="Post N pictures to --url, C at once, and tell how fast it is.", metavar="N,C"),
]
Device = Annotated[
    str | None, typer.Option(help="Running on the CPU is an error, meant, or a warning.", metavar="gpu|cpu|auto")
]
Config = Annotated[Path | None, typer.Option(help="Settings; else retina-doctor.toml here.", metavar="FILE")]
Only = Annotated[
    list[str] | None, typer.Option(help="Judge only these; repeatable, or with commas.", metavar="CODE|NAME|DOMAIN")
]
Skip = Annotated[list[str] | None, typer.Option(help="Leave these out; likewise.", metavar="CODE|NAME|DOMAIN")]
Formats = Annotated[
    list[str] | None,
    typer.Option("--format", help="terminal, json, junit or github; repeatable as FORMAT=FILE.", metavar="FORMAT"),
]
FailOn = Annotated[str | None, typer.Option(help="From which severity on to exit 1.", metavar="error|warning|never")]
Lang = Annotated[str | None, typer.Option(help="Language of the report.", metavar="en|zh")]
Quick = Annotated[bool | None, typer.Option("--quick", help="Files and driver alone, in half a second.")]
Timeout = Annotated[float | None, typer.Option(help="Seconds for each probe.", metavar="S")]
Image = Annotated[str | None, typer.Option(help="A picture for the smoke test.", metavar="FILE")]
SavePicture = Annotated[str | None, typer.Option(help="Write the picture with the faces found.", metavar="FILE.png")]


@app.callback(invoke_without_command=True)
def top(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        from retina_doctor.output import show

        show(f"retina-doctor {__version__}\n")
        raise typer.Exit


@app.command()
def check(
    target: Target = None,
    model: Model = None,
    det_size: DetSize = None,
    det_thresh: DetThresh = None,
    nms_thresh: NmsThresh = None,
    host: Host = None,
    port: Port = None,
    url: Url = None,
    pid: Pid = None,
    load: LoadFlag = None,
    device: Device = None,
    config: Config = None,
    only: Only = None,
    skip: Skip = None,
    format: Formats = None,
    fail_on: FailOn = None,
    lang: Lang = None,
    quick: Quick = None,
    timeout: Timeout = None,
    image: Image = None,
    save_picture: SavePicture = None,
) -> None:
    """Look at this machine, name root causes and the commands that mend them."""
    from retina_doctor.output import outputs

    language = language_of(lang)
    wanted = outputs(format)
    snapshot = look_as_asked(locals(), wanted)
    report_on(snapshot, wanted, language, snapshot.settings.gate.fail_on)


@app.command()
def collect(
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write the snapshot.", metavar="FILE")],
    no_redact: Annotated[bool, typer.Option("--no-redact", help="Keep names, hosts and addresses.")] = False,
    target: Target = None,
    model: Model = None,
    det_size: DetSize = None,
    det_thresh: DetThresh = None,
    nms_thresh: NmsThresh = None,
    host: Host = None,
    port: Port = None,
    url: Url = None,
    pid: Pid = None,
    load: LoadFlag = None,
    device: Device = None,
    config: Config = None,
    only: Only = None,
    skip: Skip = None,
    quick: Quick = None,
    timeout: Timeout = None,
    image: Image = None,
    save_picture: SavePicture = None,
    format: Formats = None,
    lang: Lang = None,
) -> None:
    """Look, and write what was seen to a file that can be judged elsewhere."""
    from retina_doctor.output import check_open, check_writable, one_of, show, write
    from retina_doctor.redaction import redact
    from retina_doctor.registry import installed
    from retina_doctor.snapshot import save

    language_of(lang)
    as_json = "json" in one_of(format, ("terminal", "json"))
    check_open()
    check_writable(output)
    snapshot = look_as_asked(locals(), [])
    write(output, save(snapshot if no_redact else redact(snapshot, installed())))
    redacted = "" if no_redact else ", redacted"
    if as_json:
        from retina_doctor.codec import to_json

        show(to_json({"snapshot": str(output), "redacted": not no_redact, "readings": list(snapshot.readings)}))
    else:
        show(f"{output}: {len(snapshot.readings)} readings{redacted}. Judge it with: retina-doctor diagnose {output}\n")


@app.command()
def diagnose(
    file: Annotated[Path, typer.Argument(help="A snapshot that `collect` wrote.", metavar="FILE")],
    format: Formats = None,
    fail_on: FailOn = None,
    lang: Lang = None,
) -> None:
    """Judge a recorded machine, as if it were this one."""
    from retina_doctor.errors import UsageError
    from retina_doctor.output import outputs
    from retina_doctor.snapshot import SnapshotError, load

    language = language_of(lang)
    wanted = outputs(format)
    try:
        snapshot = load(file.read_bytes())
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from None
    except SnapshotError as error:
        raise UsageError(f"{file}: {error}") from None
    report_on(snapshot, wanted, language, fail_on or snapshot.settings.gate.fail_on)


@app.command()
def explain(
    code: Annotated[str, typer.Argument(help="Code or name of a check.", metavar="CODE|NAME")],
    format: Formats = None,
    lang: Lang = None,
) -> None:
    """Print the page of a check: what it says, what to do, why."""
    from retina_doctor import reference
    from retina_doctor.output import one_of, show
    from retina_doctor.registry import installed

    language = language_of(lang)
    entries = installed().find(code)
    as_json = "json" in one_of(format, ("terminal", "json"))
    show(reference.pages_json(entries, language) if as_json else reference.pages_text(entries, language))


@app.command("list")
def list_checks(format: Formats = None, lang: Lang = None) -> None:
    """List all checks: code, name, severity, title."""
    from retina_doctor import reference
    from retina_doctor.output import one_of, show
    from retina_doctor.registry import installed

    language = language_of(lang)
    as_json = "json" in one_of(format, ("terminal", "json"))
    show(reference.table_json(installed(), language) if as_json else reference.table_text(installed(), language))


def main() -> NoReturn:
    """The console script. One clear line and exit code 2 for wrong usage; 128 + signal when interrupted; 3 for our own bugs."""
    import gc

    from retina_doctor.errors import Interrupted, UsageError
    from retina_doctor.output import NoOutput

    _take_closed_descriptors()
    gc.disable()  # a run lasts seconds and makes little garbage; looking for it costs more than it frees
    code = 3
    try:
        code = app(standalone_mode=False) or 0
        if code == 130:  # Ctrl-C before anything was looked at, in Typer's words
            raise Interrupted(2)
    except UsageError as error:
        code = _complain(str(error))
    except NoOutput as error:
        _complain(str(error))
        code = 3
    except Interrupted as interrupt:
        _tell("retina-doctor: interrupted\n")
        code = 128 + int(interrupt.args[0])
    except Exception as error:
        # Typer has its own copy of click, so its errors have no importable base class.
        told = getattr(error, "format_message", None)
        if told is None:
            import traceback

            traceback.print_exc()
            _tell(f"retina-doctor {__version__}: this is a bug of the doctor itself; please report it\n")
        else:
            context = getattr(error, "ctx", None)
            command = f" {context.command.name}" if context is not None and context.parent is not None else ""
            code = _complain(f"{told()} See: retina-doctor{command} --help")
    gc.freeze()  # nor is anything looked through at the end
    sys.exit(code)


def _take_closed_descriptors() -> None:
    """Give /dev/null the places of closed standard streams, lest a pipe of ours gets one and a library writes into it."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _tell(text: str) -> None:
    """To standard error, as far as there is one."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            sys.stderr.write(text)


def _complain(text: str) -> int:
    """Wrong usage: one line, whatever a file name or a value in it holds."""
    _tell("retina-doctor: " + "".join(c if c.isprintable() else repr(c)[1:-1] for c in text) + "\n")
    return 2


def settings_of(flags: dict[str, Any]) -> Any:
    """The Settings that flags, environment and file make together. Raises UsageError."""
    from retina_doctor.settings_sources import load_settings, of_flags, working_directory

    return load_settings(flags["config"], os.environ, of_flags(flags), working_directory())


def look_as_asked(flags: dict[str, Any], wanted: Any) -> Any:
    """A Snapshot of the machine as the flags of `check` or `collect` ask. *wanted*: the reports that will be made of it."""
    import threading

    from retina_doctor import output, progress
    from retina_doctor.asking import choose
    from retina_doctor.attach import attach
    from retina_doctor.look import look
    from retina_doctor.registry import installed

    # Before anything is drawn on the terminal: the operator may be asked.
    attachment = attach(settings_of(flags), installed(), choose)
    if attachment.note:
        _tell(f"retina-doctor: {attachment.note}\n")

    # What the report needs is imported while the probes run: not before, which would delay them, and not after.
    def prepare() -> None:
        threading.Thread(target=output.prepare, args=(wanted,), daemon=True).start()

    with progress.shown() as show:
        return look(attachment, installed(), os.environ, show, prepare)


def language_of(wanted: str | None) -> Any:
    """en or zh: as asked, else as RETINA_DOCTOR_LANG or the locale says."""
    from retina_doctor.errors import UsageError
    from retina_doctor.settings import LANGUAGES

    wanted = wanted or os.environ.get("RETINA_DOCTOR_LANG")
    if wanted is None:
        locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
        return "zh" if locale.lower().startswith("zh") else "en"
    if wanted not in LANGUAGES:
        raise UsageError(f"--lang {wanted}: known are {', '.join(LANGUAGES)}")
    return wanted


def report_on(snapshot: Any, wanted: Any, language: Any, fail_on: str) -> NoReturn:
    from retina_doctor.diagnose import diagnose as judge
    from retina_doctor.errors import UsageError
    from retina_doctor.model import Severity
    from retina_doctor.output import give
    from retina_doctor.redaction import without_secrets
    from retina_doctor.registry import installed
    from retina_doctor.reports import Report

    if fail_on not in ("error", "warning", "never"):
        raise UsageError(f"--fail-on {fail_on}: known are error, warning, never")
    threshold = None if fail_on == "never" else Severity(fail_on)
    catalogue = installed()
    diagnosis = judge(without_secrets(snapshot, catalogue), catalogue)
    report = Report(diagnosis=diagnosis, catalogue=catalogue, language=language, fail_on=threshold)
    give(report, wanted)
    raise typer.Exit(report.exit_code)
