"""Writes what the program says of itself into docs/usage.md (help of `check`) and docs/settings.md (the keys).

Run it after a change of either: python tools/update_readme.py
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from retina_doctor.explaining.reference import settings_table
from retina_doctor.settings.declared import declarations

ROOT = Path(__file__).parents[1]
USAGE, SETTINGS = ROOT / "docs" / "usage.md", ROOT / "docs" / "settings.md"


def help_text() -> str:
    """`retina-doctor check --help` as a terminal of 80 columns shows it."""
    program = "from retina_doctor.cli import app; app(['check', '--help'], prog_name='retina-doctor')"
    environment = {**os.environ, "COLUMNS": "80", "LINES": "24", "NO_COLOR": "1", "RETINA_DOCTOR_LANG": "en"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def parts() -> dict[Path, dict[str, str]]:
    """By file: what the program says now, by the name of its marker."""
    return {
        USAGE: {"help": f"```text\n{help_text().rstrip()}\n```\n"},
        SETTINGS: {"settings": settings_table(declarations())},
    }


def updated(file: Path, told: dict[str, str]) -> str:
    """The text of *file* with these parts in it. Raises ValueError where a marker is missing."""
    text = file.read_text(encoding="utf-8")
    for name, part in told.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        if len(pattern.findall(text)) != 1:
            raise ValueError(f"{file.name} needs the lines <!-- {name} --> and <!-- /{name} --> once")
        text = pattern.sub(lambda match, part=part: match[1] + part + match[2], text)  # type: ignore[misc]
    return text


if __name__ == "__main__":
    for file, told in parts().items():
        file.write_text(updated(file, told), encoding="utf-8")
