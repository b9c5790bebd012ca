"""What reports for people are drawn with: wrapped text, prose with `code` set apart, commands that can be copied."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from retina_doctor.reports.report import Look
from retina_doctor.reports.wrapping import wrapped


def drawn(look: Look, draw: Callable[[Console], None]) -> str:
    """What *draw* prints, as text for that terminal."""
    out = io.StringIO()
    console = Console(
        file=out,
        width=look.width,
        force_terminal=look.colour,
        no_color=not look.colour,
        color_system="standard" if look.colour else None,
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
    )
    draw(console)
    # Rich pads lines with blanks to the width; a log or a diff should not have them.
    return re.sub(r"[ \t]+$", "", out.getvalue(), flags=re.MULTILINE)


def say(console: Console, text: Text, indent: int = 0) -> None:
    console.print(Padding(wrapped(text, console.width - indent), (0, 0, 0, indent)))


def command(console: Console, line: str, indent: int) -> None:
    """Never wrapped: a command is for copying."""
    console.print(Text.assemble(" " * indent, (line, "green")), soft_wrap=True)


def prose(text: str, style: str = "") -> Text:
    """Plain text in which `code` is set apart."""
    told = Text(style=style)
    for index, part in enumerate(text.split("`")):
        told.append(part, style="bold" if index % 2 else "")
    return told
