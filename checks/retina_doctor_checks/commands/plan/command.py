"""The command `plan`: from what was seen of GPU and model to a table."""

from __future__ import annotations

from typing import Annotated

import typer

from retina_doctor.command import Run, taking

app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})

GpuMemory = Annotated[str | None, typer.Option(help="Plan for this much instead of what is free.", metavar="16GiB")]


@app.command(
    cls=taking("model", "det_size", "workers", "target", "pid", "timeout", "config", "format", "no_color", "lang")
)
def plan(ctx: typer.Context, gpu_memory: GpuMemory = None) -> None:
    """Which detectors fit into the GPU's memory, at which input, and which to take."""
    from retina_doctor.codec import to_json

    from . import planning

    run = Run.of(ctx)
    as_json = run.as_json
    given = planning.parse_memory(gpu_memory) if gpu_memory is not None else None
    told = planning.of_snapshot(run.look(gate={"only": ["memory"]}), given)
    if as_json:
        run.show(to_json(planning.as_json(told)))
    else:
        run.show(planning.drawn(told, run.language, run.terminal.width, run.terminal.colour))
