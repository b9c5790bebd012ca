"""The command `bundle`: the doctor as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from retina_doctor.command import Run, new_app, taking
from retina_doctor.language import said

app = new_app()


@app.command(
    cls=taking("lang", text_or_json=True, zh="打包成一个文件：在同类机器上用 Python 3.11 到 3.14 运行，不需要网络。")
)
def bundle(
    ctx: typer.Context,
    output: Annotated[
        Path, typer.Option("--output", "-o", help=said("The file to write.", "要写入的文件。"), metavar="FILE")
    ] = Path("doctor.pyz"),
    python: Annotated[
        list[str] | None,
        typer.Option(
            "--python",
            help=said("For these versions of Python only; repeatable.", "只为这些 Python 版本；可重复。"),
            metavar="3.12",
        ),
    ] = None,
) -> None:
    """Make one file that runs without network, with Python 3.11 to 3.14 on machines like this one."""
    from retina_doctor.bundling.bundle import PYTHONS, make
    from retina_doctor.codec import encode, to_json
    from retina_doctor.errors import UsageError
    from retina_doctor.running.output import check_writable, tell

    run = Run.of(ctx)
    as_json = run.as_json
    for one in python or ():
        if one not in PYTHONS:
            raise UsageError(f"--python {one}: known are {', '.join(PYTHONS)}")
    check_writable(output)
    try:
        made = make(output, tuple(dict.fromkeys(python or PYTHONS)))
    except OSError as error:
        raise UsageError(f"{output}: cannot be written: {error.strerror}") from None
    if as_json:
        run.show(to_json({"file": str(output), **encode(made)}))
        raise typer.Exit
    size, pythons = made.size / 1024**2, ", ".join(made.pythons)
    if run.language == "zh":
        run.show(f"{output}：{size:.1f} MiB，适用于 Python {pythons}（{made.platform}）。运行：python3 {output}\n")
    else:
        run.show(f"{output}: {size:.1f} MiB, for Python {pythons} on {made.platform}. Run it with: python3 {output}\n")
    if made.packs:
        tell(f"retina-doctor: these packs are not in it: {', '.join(made.packs)}\n")
    raise typer.Exit  # the file is there, whether or not that could be said
