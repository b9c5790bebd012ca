"""The command `triage`: from pasted text to the cause."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from retina_doctor.command import Run, new_app, taking
from retina_doctor.language import said

app = new_app()

Files = Annotated[
    list[str] | None,
    typer.Argument(
        help=said(
            "Logs, tracebacks, lists of packages, archives of them; - or none: standard input.",
            "日志、traceback、包列表或它们的压缩包；- 或不写：标准输入。",
        ),
        metavar="[FILE...|-]",
    ),
]


@app.command(cls=taking("lang", text_or_json=True, zh="从粘贴的日志、traceback 或 issue 里说出原因，不检查任何机器。"))
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
