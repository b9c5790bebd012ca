"""The command `init`: a commented settings file, filled from what is seen here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from retina_doctor.command import Run, new_app, taking
from retina_doctor.language import said

app = new_app()

FLAGS = ("target", "model", "det_size", "host", "port", "url", "pid", "device", "timeout", "lang")


@app.command(cls=taking(*FLAGS, zh="写一份设置文件：每个键都有说明，内容按本机所见填写。已存在的文件不会被覆盖。"))
def init(
    ctx: typer.Context,
    output: Annotated[
        Path, typer.Option("--output", "-o", help=said("The file to write.", "要写入的文件。"), metavar="FILE")
    ] = Path("retina-doctor.toml"),
) -> None:
    """Write a settings file with every key explained, filled from what is seen here. Never over one that exists."""
    from retina_doctor.errors import UsageError
    from retina_doctor.files import make_file
    from retina_doctor.running.output import check_writable

    from .settings_file import seen, written

    run = Run.of(ctx)
    if os.path.lexists(output):
        raise UsageError(f"{output}: exists already, and is not overwritten")
    check_writable(output)
    snapshot = run.look(gate={"quick": True})
    try:
        make_file(output, written(seen(snapshot), run.language))  # nor over one that came meanwhile
    except OSError as error:
        raise UsageError(f"{output}: cannot be written: {error.strerror}") from None
    run.show(f"{output}\n")
    raise typer.Exit  # the file is there, whether or not that could be said
