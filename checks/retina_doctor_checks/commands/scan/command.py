"""The command `scan`: the service's source, read and judged."""

from __future__ import annotations

from typing import Annotated

import typer

from retina_doctor.command import Run, new_app, taking
from retina_doctor.language import said

app = new_app()

Paths = Annotated[
    list[str],
    typer.Argument(
        help=said("Source and deployment files, or folders of them.", "源码和部署文件，或其目录。"), metavar="PATH..."
    ),
]


@app.command(
    cls=taking(
        *("only", "skip", "fail_on", "timeout", "config", "format", "baseline", "no_color", "lang"),
        zh="读源码和部署文件，找出让服务用不上 GPU、漏检人脸或无法被访问的写法；不会运行其中任何内容。",
    )
)
def scan(ctx: typer.Context, paths: Paths) -> None:
    """Read source and deployment files for what costs the service its GPU, its faces or its callers; nothing of it is run."""
    from retina_doctor.files import check_readable

    check_readable(paths)  # nothing of what is not there would be read, and no fault found in it
    run = Run.of(ctx)
    run.check(scan={"paths": paths}, gate={"only": list(run.flags["only"] or ["source"])})
