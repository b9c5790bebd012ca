"""The command `fix`: the plan of the report as steps, and those that are safe are run."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from retina_doctor.command import Run, taking

app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})

Paths = Annotated[
    list[str] | None,
    typer.Argument(
        help="Source and deployment files whose lines are fixed, instead of this machine.", metavar="[PATH]..."
    ),
]
FLAGS = (
    *(
        "target",
        "model",
        "det_size",
        "host",
        "port",
        "url",
        "pid",
        "device",
        "only",
        "skip",
        "fail_on",
        "quick",
        "timeout",
    ),
    *("config", "format", "no_color", "lang"),
)


@app.command(cls=taking(*FLAGS))
def fix(
    ctx: typer.Context,
    paths: Paths = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Show the steps, and which of them --apply runs (default).")
    ] = False,
    apply: Annotated[
        bool, typer.Option("--apply", help="Ask, run the safe steps, look again, keep what helped.")
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Bring back what was before the last fix.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="With --apply or --undo: do not ask.")] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="With --plan: name the wheels to bring, with hashes.")
    ] = False,
) -> None:
    """Show what to do as steps; with --apply, run those that are safe and can be undone."""
    from pathlib import Path

    from retina_doctor.errors import UsageError
    from retina_doctor.fixing.fix import Fixing

    if plan + apply + undo > 1:
        raise UsageError("fix: one of --plan, --apply, --undo")
    if offline and (apply or undo):
        raise UsageError("fix --offline: goes with --plan")
    if yes and not (apply or undo):
        raise UsageError("fix --yes: goes with --apply or --undo")
    gone = [path for path in paths or [] if not Path(path).expanduser().exists()]
    if gone:
        raise UsageError(f"{gone[0]}: no such file or folder")
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
