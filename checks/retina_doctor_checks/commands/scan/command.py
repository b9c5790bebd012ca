"""The command `scan`: the service's source, read and judged."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from retina_doctor.cli import Config, FailOn, Formats, Lang, Only, Skip, Timeout, language_of, look_as_asked, report_on

app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})

Paths = Annotated[list[str], typer.Argument(help="Source and deployment files, or folders of them.", metavar="PATH...")]


@app.command()
def scan(
    paths: Paths,
    config: Config = None,
    only: Only = None,
    skip: Skip = None,
    timeout: Timeout = None,
    format: Formats = None,
    fail_on: FailOn = None,
    lang: Lang = None,
) -> None:
    """Read source and deployment files for what costs the service its GPU, its faces or its callers; nothing of it is run."""
    from pathlib import Path

    from retina_doctor.errors import UsageError
    from retina_doctor.output import outputs

    gone = [path for path in paths if not Path(path).expanduser().exists()]
    if gone:
        raise UsageError(f"{gone[0]}: no such file or folder")
    language = language_of(lang)
    wanted = outputs(format)
    flags: dict[str, Any] = {"config": config, "timeout": timeout, "fail_on": fail_on, "skip": skip, "scan": paths}
    snapshot = look_as_asked({**flags, "only": only or ["source"]}, wanted)
    report_on(snapshot, wanted, language, snapshot.settings.gate.fail_on)
