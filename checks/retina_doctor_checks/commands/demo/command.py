"""The command `demo`: a sick machine that ships with the doctor, judged as if it were this one."""

from __future__ import annotations

from typing import Annotated

import typer

from retina_doctor.command import Run, taking

app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]})

Name = Annotated[str | None, typer.Argument(help="Which machine; `--names` lists them.", metavar="NAME")]
Names = Annotated[bool, typer.Option("--names", help="List the machines.")]


@app.command(cls=taking("format", "fail_on", "lang", "verbose"))
def demo(ctx: typer.Context, name: Name = None, names: Names = False) -> None:
    """Judge a recorded machine that ships with the doctor: see a report, or test a gate or parser, without a GPU."""
    from retina_doctor.errors import UsageError
    from retina_doctor.snapshot import load

    from .machines import FOLDER, NAMES

    run = Run.of(ctx)
    if names:
        run.show("".join(f"{one}\n" for one in NAMES))
        return
    name = name or NAMES[0]
    if name not in NAMES:
        import difflib

        near = difflib.get_close_matches(name, NAMES, 1)
        raise UsageError(
            f"no machine {name}; " + (f"did you mean {near[0]}?" if near else f"known are {', '.join(NAMES)}")
        )
    _ = run.outputs  # complains before anything is read
    snapshot = load((FOLDER / f"{name}.json").read_bytes())
    run.report(snapshot, run.flags["fail_on"] or snapshot.settings.gate.fail_on, judged=f"demo {name}")
