"""The command `triage`: from pasted text to the cause."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from retina_doctor.command import Run, taking

app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})

Files = Annotated[
    list[str] | None,
    typer.Argument(
        help="Logs, tracebacks, lists of packages, archives of them; - or none: standard input.", metavar="[FILE...|-]"
    ),
]


@app.command(cls=taking("format", "lang"))
def triage(ctx: typer.Context, files: Files = None) -> None:
    """Name the cause in a pasted log, traceback or issue, without looking at any machine."""
    from retina_doctor.errors import UsageError

    from . import reporting

    run = Run.of(ctx)
    as_json = run.as_json
    if not files and sys.stdin is not None and sys.stdin.isatty():
        raise UsageError(
            "triage reads a file, or standard input: retina-doctor triage LOG, or … | retina-doctor triage -"
        )
    with reporting.progress() as tell:
        result = reporting.examine(files or ["-"], tell)
    if as_json:
        run.show(reporting.as_json(result, run.language))
    else:
        run.show(reporting.drawn(result, run.language, run.terminal.width, run.terminal.colour))
    raise typer.Exit(1 if result.diagnoses else 0)
