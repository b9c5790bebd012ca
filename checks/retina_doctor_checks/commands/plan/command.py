"""The command `plan`: from what was seen of GPU and model to a table."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from retina_doctor.command import Run, taking

app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})

Prefer = Annotated[
    Literal["speed", "accuracy"] | None,
    typer.Option(
        help="Take the lightest detector that serves, or the most accurate that fits; else your own, where it fits."
    ),
]
Calibrate = Annotated[
    bool,
    typer.Option("--calibrate", help="Run the model on the GPU, measure what the card takes beside it, and keep that."),
]
GpuMemory = Annotated[str | None, typer.Option(help="Plan for this much instead of what is free.", metavar="16GiB")]


@app.command(
    cls=taking("model", "det_size", "workers", "target", "pid", "timeout", "config", "format", "no_color", "lang")
)
def plan(ctx: typer.Context, gpu_memory: GpuMemory = None, prefer: Prefer = None, calibrate: Calibrate = False) -> None:
    """Which detectors fit into the GPU's memory, at which input, and which to take."""
    from retina_doctor.codec import to_json
    from retina_doctor.output import complain, tell
    from retina_doctor.quoting import visible

    from . import calibrating, planning

    run = Run.of(ctx)
    as_json = run.as_json
    given = planning.parse_memory(gpu_memory) if gpu_memory is not None else None
    snapshot = run.look(gate={"only": list(calibrating.CHECKS) if calibrate else ["memory"]})
    kept = None
    if calibrate:
        try:
            kept = calibrating.keep(calibrating.measured(snapshot), snapshot)
        except calibrating.NotMeasured as reason:
            complain(planning.words(run.language)[str(reason)])
            raise typer.Exit(3) from None
        tell(planning.words(run.language)["kept"].format(file=visible(str(kept.file))) + "\n")
    told = planning.of_snapshot(snapshot, given, prefer, kept)
    if as_json:
        run.show(to_json(planning.as_json(told)))
    else:
        run.show(planning.drawn(told, run.language, run.terminal.width, run.terminal.colour))
