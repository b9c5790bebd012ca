"""The command `tune`: threshold, NMS and input size tried on the user's own pictures."""

from __future__ import annotations

from typing import Annotated

import typer

from retina_doctor.cli import (
    Config,
    DetSize,
    DetThresh,
    Device,
    Formats,
    Lang,
    Model,
    NmsThresh,
    Pid,
    Target,
    Timeout,
    language_of,
    settings_of,
)  # fmt: skip

app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})

Images = Annotated[str, typer.Option(help="Folder of pictures on the target's disk.", metavar="DIR")]


@app.command()
def tune(
    images: Images,
    model: Model = None,
    det_size: DetSize = None,
    det_thresh: DetThresh = None,
    nms_thresh: NmsThresh = None,
    device: Device = None,
    target: Target = None,
    pid: Pid = None,
    config: Config = None,
    timeout: Timeout = None,
    format: Formats = None,
    lang: Lang = None,
) -> None:
    """What threshold, NMS and input size change on your pictures, and what to take."""
    from retina_doctor.codec import to_json
    from retina_doctor.errors import UsageError
    from retina_doctor.output import one_of, show, terminal

    from . import tuning

    flags = {**locals()}
    language = language_of(lang)
    as_json = "json" in one_of(format, ("terminal", "json"))
    settings = settings_of(flags)
    sweep, trouble = tuning.tried(settings, images)
    if sweep is None or sweep.problem is not None or not sweep.sizes:
        say = tuning.words(language)
        raise UsageError(f"--images {images}: " + (say[sweep.problem] if sweep and sweep.problem else trouble))
    table = tuning.table_of(sweep, settings, trouble)
    if as_json:
        show(to_json(tuning.as_json(table)))
    else:
        look = terminal()
        show(tuning.drawn(table, language, look.width, look.colour))
