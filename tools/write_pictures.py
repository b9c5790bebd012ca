"""Draws the pictures of the READMEs: what `retina-doctor demo` prints, as SVG, in both languages.

Run it after a change of words, colours or of that machine: python -m tools.write_pictures
"""

from __future__ import annotations

import html
import io
import re
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from retina_doctor.language import Language
from tests.doctor import doctor, environment

DOCS = Path(__file__).parents[1] / "docs"
PICTURES: dict[str, Language] = {"report.svg": "en", "report.zh.svg": "zh"}
COLUMNS = 96
"""Of the terminal. Commands are never wrapped: the picture is as wide as the longest."""


def picture(language: Language) -> str:
    command = ["demo"] if language == "en" else ["demo", "--lang", language]
    done = doctor(*command, cwd=DOCS, env=environment(COLUMNS=str(COLUMNS), FORCE_COLOR="1"))
    text = Text.from_ansi(done.stdout)
    width = max(line.cell_len for line in text.split())
    console = Console(record=True, width=width, force_terminal=True, file=io.StringIO(), highlight=False)
    console.print(text, soft_wrap=True)
    svg = console.export_svg(title=f"retina-doctor {' '.join(command)}", unique_id="report")
    # No font is fetched from elsewhere when the picture is looked at.
    svg = re.sub(r",\s*url\(.https?://[^;]*;", ";", svg)
    return re.sub(r'textLength="([\d.]+)"([^>]*>)([^<]*)', _as_wide_as_its_cells, svg) + "\n"


def _as_wide_as_its_cells(told: re.Match[str]) -> str:
    """Rich squeezes Chinese: it counts a column for each character, where a terminal has two for those."""
    text = html.unescape(told[3])
    return f'textLength="{float(told[1]) / len(text) * cell_len(text):.1f}"{told[2]}{told[3]}'


def main() -> None:
    for name, language in PICTURES.items():
        (DOCS / name).write_text(picture(language), encoding="utf-8")


if __name__ == "__main__":
    main()
