"""The command `demo`: a sick machine that ships with the doctor, judged as if it were this one."""

from __future__ import annotations

from typing import Annotated

import typer

from retina_doctor.command import Run, new_app, taking
from retina_doctor.language import said

app = new_app()

Name = Annotated[
    str | None,
    typer.Argument(help=said("Which machine; `--names` lists them.", "哪台机器；`--names` 列出全部。"), metavar="NAME"),
]
Names = Annotated[bool, typer.Option("--names", help=said("List the machines.", "列出这些机器。"))]


@app.command(
    cls=taking(
        "format",
        "fail_on",
        "lang",
        "verbose",
        zh="判断一台随本工具附带的记录机器：没有 GPU 也能看报告、试门禁或解析器。",
    )
)
def demo(ctx: typer.Context, name: Name = None, names: Names = False) -> None:
    """Judge a recorded machine that ships with the doctor: see a report, or test a gate or parser, without a GPU."""
    from retina_doctor.errors import UsageError
    from retina_doctor.support_file import load

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
