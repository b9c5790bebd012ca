"""The command `fix`: the plan of the report as steps, and those that are safe are run."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from retina_doctor.command import Run, new_app, taking
from retina_doctor.language import said

app = new_app()

Paths = Annotated[
    list[str] | None,
    typer.Argument(
        help=said(
            "Source and deployment files whose lines are fixed, instead of this machine.",
            "改这些源码和部署文件的行，而不是修复本机。",
        ),
        metavar="[PATH]...",
    ),
]
FLAGS = (
    *("target", "model", "det_size", "host", "port", "url", "pid", "device", "only", "skip", "fail_on", "quick"),
    *("timeout", "config", "no_color", "lang"),
)


@app.command(cls=taking(*FLAGS, text_or_json=True, zh="把该做的事列成步骤；加 --apply 则执行其中安全且可撤销的。"))
def fix(
    ctx: typer.Context,
    paths: Paths = None,
    plan: Annotated[
        bool,
        typer.Option(
            "--plan",
            help=said(
                "Show the steps, and which of them --apply runs (default).",
                "列出步骤，并标明 --apply 会执行哪些（默认）。",
            ),
        ),
    ] = False,
    apply: Annotated[
        bool,
        typer.Option(
            "--apply",
            help=said(
                "Ask, run the safe steps, look again, keep what helped.",
                "先询问，再执行安全的步骤，重新检查，保留有效的改动。",
            ),
        ),
    ] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help=said("Bring back what was before the last fix.", "恢复到上一次修复之前。"))
    ] = False,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes", "-y", help=said("With --apply or --undo: do not ask.", "与 --apply 或 --undo 合用：不询问。")
        ),
    ] = False,
    offline: Annotated[
        bool,
        typer.Option(
            "--offline",
            help=said(
                "With --plan: name the wheels to bring, with hashes.", "与 --plan 合用：列出要带上的 wheel 及其哈希。"
            ),
        ),
    ] = False,
) -> None:
    """Show what to do as steps; with --apply, run those that are safe and can be undone."""

    from retina_doctor.errors import UsageError
    from retina_doctor.files import check_readable
    from retina_doctor.fixing.fix import Fixing

    if plan + apply + undo > 1:
        raise UsageError("fix: one of --plan, --apply, --undo")
    if offline and (apply or undo):
        raise UsageError("fix --offline: goes with --plan")
    if yes and not (apply or undo):
        raise UsageError("fix --yes: goes with --apply or --undo")
    check_readable(paths or [])
    run = Run.of(ctx)
    _ = run.as_json
    settings: dict[str, dict[str, Any]] = {}
    if paths:
        settings = {"scan": {"paths": paths}, "gate": {"only": list(run.flags["only"] or ["source"])}}
    fixing = Fixing(run, settings)
    if undo:
        raise typer.Exit(fixing.undo(yes=yes))
    if apply:
        raise typer.Exit(fixing.apply(yes=yes))
    raise typer.Exit(fixing.plan(offline=offline))
