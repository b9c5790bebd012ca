"""The command `triage`: from pasted text to the cause."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from retina_doctor.cli import Formats, Lang, language_of

app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})

Files = Annotated[
    list[str] | None,
    typer.Argument(
        help="Logs, tracebacks, lists of packages, archives of them; - or none: standard input.", metavar="[FILE...|-]"
    ),
]


@app.command()
def triage(files: Files = None, format: Formats = None, lang: Lang = None) -> None:
    """Name the cause in a pasted log, traceback or issue, without looking at any machine."""
    from retina_doctor.errors import UsageError
    from retina_doctor.output import check_open, one_of, show, terminal

    from . import reporting

    language = language_of(lang)
    as_json = "json" in one_of(format, ("terminal", "json"))
    check_open()
    names = files or ["-"]
    if names == ["-"] and sys.stdin is not None and sys.stdin.isatty() and not files:
        raise UsageError(
            "triage reads a file, or standard input: retina-doctor triage LOG, or … | retina-doctor triage -"
        )
    with reporting.progress() as tell:
        result = reporting.examine(names, tell)
    if as_json:
        show(reporting.as_json(result, language))
    else:
        look = terminal()
        show(reporting.drawn(result, language, look.width, look.colour))
    raise typer.Exit(1 if result.diagnoses else 0)
