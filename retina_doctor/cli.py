"""The commands: parse, call, print, exit. What a command needs is imported when it runs, so that --help is quick."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retina_doctor import __version__
from retina_doctor.catalogue.completion import of_check
from retina_doctor.command import Listing, Run, taking
from retina_doctor.language import said

if TYPE_CHECKING:
    from typer._click.core import Command, Context
    from typer._click.shell_completion import CompletionItem

    from retina_doctor.points import Point


def commands_of_packs() -> dict[str, Point]:
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


class ChecksByDefault(Listing):
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
    help=said(
        "Finds why a RetinaFace / InsightFace service does not load, runs on the CPU, runs out of GPU memory, misses "
        "faces or does not answer, and prints the command that fixes it.\n\n"
        "Without a command: check. Exit codes: 0 healthy, 1 findings, 2 wrong usage, 3 not everything could be judged.",
        "找出 RetinaFace / InsightFace 服务为什么加载失败、跑在 CPU 上、显存不足、漏检人脸或没有响应，"
        "并给出修复命令。\n\n不写命令即为 check。退出码：0 正常，1 有发现，2 用法错误，3 有项目无法判断。",
    ),
)


@app.callback(invoke_without_command=True)
def top(
    version: Annotated[bool, typer.Option("--version", "-V", help=said("Print the version.", "输出版本。"))] = False,
) -> None:
    if version:
        from retina_doctor.running.output import is_lost, show

        show(f"retina-doctor {__version__}\n")
        raise typer.Exit(3 if is_lost() else 0)


@app.command(cls=taking(zh="检查这台机器，说出根因和修复命令。"))
def check(ctx: typer.Context) -> None:
    """Look at this machine, name root causes and the commands that fix them."""
    Run.of(ctx).check()


@app.command(cls=taking(zh="检查，并把所见写入一个文件，可在别处判断。"))
def collect(
    ctx: typer.Context,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            help=said("Where to write the snapshot; - is standard output.", "快照写到哪里；- 表示标准输出。"),
            metavar="FILE",
        ),
    ] = None,
    show: Annotated[
        bool,
        typer.Option(
            "--show", help=said("Print what would be written, and write nothing.", "只显示将要写入的内容，不写文件。")
        ),
    ] = False,
    no_redact: Annotated[
        bool, typer.Option("--no-redact", help=said("Keep names, hosts and addresses.", "保留用户名、主机名和地址。"))
    ] = False,
    label: Annotated[
        str, typer.Option(help=said("What to call this machine.", "给这台机器起的名字。"), metavar="TEXT")
    ] = "",
) -> None:
    """Look, and write what was seen to a file that can be judged elsewhere."""
    from retina_doctor.catalogue.registry import installed
    from retina_doctor.codec import replace
    from retina_doctor.errors import UsageError
    from retina_doctor.redaction import redact, without_secrets
    from retina_doctor.running.output import check_writable, write
    from retina_doctor.support_file import save

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
    text = save((without_secrets if no_redact else redact)(snapshot, installed()))
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


@app.command(
    cls=taking(
        *("format", "fail_on", "baseline", "no_color", "lang", "verbose", "profile"),
        zh="判断记录下来的机器，就像在本机一样。",
    )
)
def diagnose(
    ctx: typer.Context,
    files: Annotated[
        list[str],
        typer.Argument(
            help=said(
                "Snapshots that `collect` wrote, folders of them, - for standard input.",
                "`collect` 写出的快照或其目录；- 表示标准输入。",
            ),
            metavar="FILE...",
        ),
    ],
) -> None:
    """Judge recorded machines, as if each were this one."""
    from retina_doctor import recorded

    recorded.judge(Run.of(ctx), files)


@app.command(cls=taking("no_color", "lang", text_or_json=True, zh="两台记录的机器之间有什么变化；影响发现的排在前面。"))
def diff(
    ctx: typer.Context,
    before: Annotated[
        str,
        typer.Argument(
            help=said("A snapshot: of yesterday, or of a good machine.", "一份快照：昨天的，或正常机器的。"),
            metavar="A",
        ),
    ],
    after: Annotated[
        str,
        typer.Argument(
            help=said("A snapshot: of today, or of a bad machine.", "一份快照：今天的，或异常机器的。"), metavar="B"
        ),
    ],
) -> None:
    """Tell what changed between two recorded machines, what findings depend on first."""
    from retina_doctor import recorded

    recorded.compare(Run.of(ctx), before, after)


@app.command(cls=taking("no_color", "lang", text_or_json=True, zh="解释一项检查：含义、如何发现、例子与修复、原因。"))
def explain(
    ctx: typer.Context,
    code: Annotated[
        str,
        typer.Argument(
            help=said("Code or name of a check.", "检查的代码或名称。"), metavar="CODE|NAME", autocompletion=of_check
        ),
    ],
    snapshot: Annotated[
        str | None,
        typer.Option(
            "--from",
            help=said(
                "Take the example from this snapshot; - is standard input.", "从这份快照取例子；- 表示标准输入。"
            ),
            metavar="FILE",
        ),
    ] = None,
) -> None:
    """Explain a check: what it means, how it is found, an example with its fix, and why."""
    from retina_doctor.catalogue.registry import installed
    from retina_doctor.explaining import explain as words

    run, catalogue = Run.of(ctx), installed()
    entries, as_json, language = catalogue.find(code), run.as_json, run.language
    of = None
    if snapshot is not None:
        from retina_doctor.recorded import read

        of = words.judged(snapshot, read(snapshot), catalogue, language)
    told = words.explanations(entries, catalogue, language, of)
    run.show(words.as_json(told, catalogue, language) if as_json else words.text(told, run.terminal, language))


@app.command("list", cls=taking("lang", text_or_json=True, zh="列出所有检查：代码、名称、级别、标题。"))
def list_checks(ctx: typer.Context) -> None:
    """List all checks: code, name, severity, title."""
    from retina_doctor.catalogue.registry import installed
    from retina_doctor.explaining import reference
    from retina_doctor.running.output import complain

    run, catalogue = Run.of(ctx), installed()
    table = reference.table_json if run.as_json else reference.table_text
    run.show(table(catalogue, run.language))
    for one in catalogue.failures:
        complain(f"pack {one.pack}: {one.error}")
