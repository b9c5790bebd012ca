"""The commands `fleet …`. What they need is imported when they run."""

from __future__ import annotations

from typing import Annotated

import typer

from retina_doctor.command import Run, taking

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Many machines at once: collect their snapshots, report on them together, tell what changed.",
)

Format = Annotated[
    list[str] | None,
    typer.Option(
        "--format", help="terminal, json, junit, markdown, csv, html; repeatable as FORMAT=FILE.", metavar="FORMAT"
    ),
]
Files = Annotated[
    list[str],
    typer.Argument(help="Snapshots, folders of them, - for snapshots on standard input.", metavar="DIR|FILE...|-"),
]
Tolerate = Annotated[
    str, typer.Option(help="So many nodes that are not healthy change no exit code: 2% or 3.", metavar="SHARE")
]


@app.callback()
def top() -> None:
    """For a group even where it has one command."""


@app.command(cls=taking("fail_on", "no_color", "lang"))
def report(ctx: typer.Context, files: Files, form: Format = None, tolerate: Tolerate = "") -> None:
    """Judge the snapshots of many machines together: root causes by node, one plan, who differs, who is missing."""
    from retina_doctor.fleet import reporting

    reporting.report(Run.of(ctx), files, form or (), tolerate)
