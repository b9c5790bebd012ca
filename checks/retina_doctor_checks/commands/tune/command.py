"""The command `tune`: threshold, NMS and input size tried on the user's own pictures."""

from __future__ import annotations

from typing import Annotated

import typer

from retina_doctor.command import Run, new_app, taking
from retina_doctor.language import said

app = new_app()

Images = Annotated[
    str, typer.Option(help=said("Folder of pictures on the target's disk.", "目标磁盘上的图片目录。"), metavar="DIR")
]
FLAGS = (
    "model", "det_size", "det_thresh", "nms_thresh", "device", "target", "pid", "timeout", "config", "no_color", "lang",
)  # fmt: skip


@app.command(cls=taking(*FLAGS, text_or_json=True, zh="用自己的图片比较阈值、NMS 和输入尺寸，并给出建议。"))
def tune(ctx: typer.Context, images: Images) -> None:
    """What threshold, NMS and input size change on your pictures, and what to take."""
    from retina_doctor.codec import to_json
    from retina_doctor.errors import UsageError

    from . import tuning

    run = Run.of(ctx)
    as_json, settings = run.as_json, run.settings()
    sweep, trouble = tuning.tried(settings, images)
    if sweep is None or sweep.problem is not None or not sweep.sizes:
        say = tuning.words(run.language)
        raise UsageError(f"--images {images}: " + (say[sweep.problem] if sweep and sweep.problem else trouble))
    table = tuning.table_of(sweep, settings, trouble)
    if as_json:
        run.show(to_json(tuning.as_json(table)))
    else:
        run.show(tuning.drawn(table, run.language, run.terminal))
