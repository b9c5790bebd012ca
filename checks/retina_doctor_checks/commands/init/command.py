"""The command `init`: a commented settings file, filled from what is seen here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from retina_doctor.command import Run, taking

app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})

FLAGS = ("target", "model", "det_size", "host", "port", "url", "pid", "device", "timeout", "lang")


@app.command(cls=taking(*FLAGS))
def init(
    ctx: typer.Context,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.", metavar="FILE")] = Path(
        "retina-doctor.toml"
    ),
) -> None:
    """Write a settings file with every key explained, filled from what is seen here. Never over one that exists."""
    from retina_doctor.errors import UsageError
    from retina_doctor.files import make_file
    from retina_doctor.output import check_writable

    from .settings_file import seen, written

    run = Run.of(ctx)
    if output.exists() or output.is_symlink():
        raise UsageError(f"{output}: exists already, and is not overwritten")
    check_writable(output)
    snapshot = run.look(gate={"quick": True})
    try:
        make_file(output, written(seen(snapshot), run.language))  # nor over one that came meanwhile
    except OSError as error:
        raise UsageError(f"{output}: cannot be written: {error.strerror}") from None
    run.show(f"{output}\n")
    raise typer.Exit  # the file is there, whether or not that could be said
