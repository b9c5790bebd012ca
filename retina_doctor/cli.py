"""The commands: parse, call, print, exit. What a command needs is imported when it runs, so that --help is quick."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperGroup

from retina_doctor import __version__
from retina_doctor.command import Run, taking
from retina_doctor.completion import of_check

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from typer._click.core import Command, Context
    from typer._click.shell_completion import CompletionItem


def commands_of_packs() -> dict[str, EntryPoint]:
    """Name -> entry point of what packs add by the group ``retina_doctor.commands``: a Typer app of one command."""
    from retina_doctor.points import points_of

    # Nobody takes the place of the doctor's own.
    return {point.name: point for point in reversed(points_of("retina_doctor.commands"))}


def _unusable(why: str) -> Command:
    """A command that only says why it is none: the help lists the others all the same."""
    broken = typer.Typer(add_completion=False)

    @broken.command(help=why, context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
    def refuse() -> None:
        from retina_doctor.errors import UsageError

        raise UsageError(why)

    return typer.main.get_command(broken)


class ChecksByDefault(TyperGroup):
    """`retina-doctor --model X` means `retina-doctor check --model X`. Packs may add commands."""

    def list_commands(self, ctx: Context) -> list[str]:
        return [*super().list_commands(ctx), *commands_of_packs()]

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        command: Command | None = super().get_command(ctx, cmd_name)
        point = None if command else commands_of_packs().get(cmd_name)
        if point is None:
            return command
        from retina_doctor.errors import described
        from retina_doctor.points import loaded

        try:
            added = typer.main.get_command(loaded(point))
        except Exception as error:
            added = _unusable(f"{cmd_name}: its pack ({point.value}) cannot be loaded: {described(error)}")
        added.name = cmd_name
        return added

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        general = ("--help", "-h", "--version", "-V")
        if (not args and not ctx.resilient_parsing) or (args and args[0].startswith("-") and args[0] not in general):
            args = ["check", *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: Context, incomplete: str) -> list[CompletionItem]:
        found = super().shell_complete(ctx, incomplete)
        check = self.get_command(ctx, "check")
        if incomplete.startswith("-") and check is not None:
            found += check.shell_complete(typer.Context(check, parent=ctx), incomplete)
        return found


app = typer.Typer(
    cls=ChecksByDefault,
    add_completion=False,
    no_args_is_help=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Finds why a RetinaFace / InsightFace service does not load, runs on the CPU, runs out of GPU memory, misses "
    "faces or does not answer, and prints the command that fixes it.\n\n"
    "Without a command: check. Exit codes: 0 healthy, 1 findings, 2 wrong usage, 3 not everything could be judged.",
)


@app.callback(invoke_without_command=True)
def top(version: Annotated[bool, typer.Option("--version", "-V", help="Print the version.")] = False) -> None:
    if version:
        from retina_doctor.output import is_lost, show

        show(f"retina-doctor {__version__}\n")
        raise typer.Exit(3 if is_lost() else 0)


@app.command(cls=taking())
def check(ctx: typer.Context) -> None:
    """Look at this machine, name root causes and the commands that fix them."""
    Run.of(ctx).check()


@app.command(cls=taking())
def collect(
    ctx: typer.Context,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", help="Where to write the snapshot; - is standard output.", metavar="FILE"),
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Print what would be written, and write nothing.")] = False,
    no_redact: Annotated[bool, typer.Option("--no-redact", help="Keep names, hosts and addresses.")] = False,
    label: Annotated[str, typer.Option(help="What to call this machine.", metavar="TEXT")] = "",
) -> None:
    """Look, and write what was seen to a file that can be judged elsewhere."""
    from retina_doctor.codec import replace
    from retina_doctor.errors import UsageError
    from retina_doctor.output import check_writable, write
    from retina_doctor.redaction import redact
    from retina_doctor.registry import installed
    from retina_doctor.snapshot import save

    run = Run.of(ctx)
    as_json = run.as_json
    file = None if output in (None, "-") else Path(str(output))
    if file is not None:
        check_writable(file)
    elif output is None and not show:
        raise UsageError("collect: name a file with -o FILE, or look at what it would hold with --show")
    elif output == "-" and as_json:
        raise UsageError("--format json: standard output is the snapshot itself")
    snapshot = replace(run.look(), label=label)
    text = save(snapshot if no_redact else redact(snapshot, installed()))
    if show or file is None:
        run.show(text)
    else:
        write(file, text, private=True)
    run.lap("report")
    run.tell_profile(snapshot)
    if show or file is None:
        return
    redacted = "" if no_redact else ", redacted"
    if as_json:
        from retina_doctor.codec import to_json

        run.show(to_json({"snapshot": str(output), "redacted": not no_redact, "readings": list(snapshot.readings)}))
    else:
        told = (
            f"{output}: {len(snapshot.readings)} readings{redacted}. Judge it with: retina-doctor diagnose {output}\n"
        )
        run.show(told)
    raise typer.Exit  # the file is there, whether or not that could be said


@app.command(cls=taking("format", "fail_on", "baseline", "no_color", "lang", "verbose", "profile"))
def diagnose(
    ctx: typer.Context,
    files: Annotated[
        list[str],
        typer.Argument(
            help="Snapshots that `collect` wrote, folders of them, - for standard input.", metavar="FILE..."
        ),
    ],
) -> None:
    """Judge recorded machines, as if each were this one."""
    from retina_doctor import recorded

    recorded.judge(Run.of(ctx), files)


@app.command(cls=taking("format", "no_color", "lang"))
def diff(
    ctx: typer.Context,
    before: Annotated[str, typer.Argument(help="A snapshot: of yesterday, or of a good machine.", metavar="A")],
    after: Annotated[str, typer.Argument(help="A snapshot: of today, or of a bad machine.", metavar="B")],
) -> None:
    """Tell what changed between two recorded machines, what findings depend on first."""
    from retina_doctor import recorded

    recorded.compare(Run.of(ctx), before, after)


@app.command(cls=taking("format", "no_color", "lang"))
def explain(
    ctx: typer.Context,
    code: Annotated[str, typer.Argument(help="Code or name of a check.", metavar="CODE|NAME", autocompletion=of_check)],
    snapshot: Annotated[
        str | None,
        typer.Option("--from", help="Take the example from this snapshot; - is standard input.", metavar="FILE"),
    ] = None,
) -> None:
    """Explain a check: what it means, how it is found, an example with its fix, and why."""
    from retina_doctor import explain as words
    from retina_doctor.registry import installed

    run, catalogue = Run.of(ctx), installed()
    entries, as_json, language = catalogue.find(code), run.as_json, run.language
    of = None
    if snapshot is not None:
        from retina_doctor.recorded import read

        of = words.judged(snapshot, read(snapshot), catalogue, language)
    told = words.explanations(entries, catalogue, language, of)
    run.show(words.as_json(told, catalogue, language) if as_json else words.text(told, run.terminal, language))


@app.command("list", cls=taking("format", "lang"))
def list_checks(ctx: typer.Context) -> None:
    """List all checks: code, name, severity, title."""
    from retina_doctor import reference
    from retina_doctor.output import complain
    from retina_doctor.registry import installed

    run, catalogue = Run.of(ctx), installed()
    table = reference.table_json if run.as_json else reference.table_text
    run.show(table(catalogue, run.language))
    for one in catalogue.failures:
        complain(f"pack {one.pack}: {one.error}")
