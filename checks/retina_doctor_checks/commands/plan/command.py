"""The command `plan`: from what was seen of GPU and model to a table."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from retina_doctor.command import Run, new_app, taking
from retina_doctor.language import said

app = new_app()

Prefer = Annotated[
    Literal["speed", "accuracy"] | None,
    typer.Option(
        help=said(
            "Take the lightest detector that serves, or the most accurate that fits; else your own, where it fits.",
            "选够用的最轻检测器，或放得下的最准检测器；不指定时，放得下就选现有的。",
        )
    ),
]
Calibrate = Annotated[
    bool,
    typer.Option(
        "--calibrate",
        help=said(
            "Run the model on the GPU, measure what the card takes beside it, and keep that.",
            "在 GPU 上运行模型，测出显卡额外占用的显存并保存。",
        ),
    ),
]
GpuMemory = Annotated[
    str | None,
    typer.Option(
        help=said("Plan for this much instead of what is free.", "按这么多显存来规划，而不是按当前空闲显存。"),
        metavar="16GiB",
    ),
]


@app.command(
    cls=taking(
        *("model", "det_size", "workers", "target", "pid", "timeout", "config", "no_color", "lang"),
        text_or_json=True,
        zh="哪些检测器、多大的输入放得进显存，以及该用哪个。",
    )
)
def plan(ctx: typer.Context, gpu_memory: GpuMemory = None, prefer: Prefer = None, calibrate: Calibrate = False) -> None:
    """Which detectors fit into the GPU's memory, at which input, and which to take."""
    from retina_doctor.codec import to_json
    from retina_doctor.quoting import visible
    from retina_doctor.running.output import complain, tell

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
        run.show(planning.drawn(told, run.language, run.terminal))
