"""The command `plan`: from what was seen of GPU and model to a table."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from retina_doctor.cli import Config, DetSize, Formats, Lang, Model, Pid, Target, Timeout, language_of, look_as_asked

app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})

GpuMemory = Annotated[str | None, typer.Option(help="Plan for this much instead of what is free.", metavar="16GiB")]
Workers = Annotated[int | None, typer.Option(help="Processes of the service on this GPU.", metavar="N", min=1)]


@app.command()
def plan(
    model: Model = None,
    det_size: DetSize = None,
    gpu_memory: GpuMemory = None,
    workers: Workers = None,
    target: Target = None,
    pid: Pid = None,
    config: Config = None,
    timeout: Timeout = None,
    format: Formats = None,
    lang: Lang = None,
) -> None:
    """Which detectors fit into the GPU's memory, at which input, and which to take."""
    from retina_doctor.codec import to_json
    from retina_doctor.output import one_of, show, terminal

    from . import planning

    language = language_of(lang)
    as_json = "json" in one_of(format, ("terminal", "json"))
    given = planning.parse_memory(gpu_memory) if gpu_memory is not None else None
    flags: dict[str, Any] = {
        "model": model, "det_size": det_size, "target": target, "pid": pid, "config": config, "timeout": timeout,
        "workers": workers, "only": ["memory"],
    }  # fmt: skip
    told = planning.of_snapshot(look_as_asked(flags, []), given)
    if as_json:
        show(to_json(planning.as_json(told)))
    else:
        look = terminal()
        show(planning.drawn(told, language, look.width, look.colour))
