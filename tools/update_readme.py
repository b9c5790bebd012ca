"""Writes what the program says of itself into README.md: the table of codes and the help of `check`.

Run it after a change of either: python tools/update_readme.py
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from retina_doctor.reference import readme_table
from retina_doctor.registry import installed

README = Path(__file__).parents[1] / "README.md"


def help_text() -> str:
    """`retina-doctor check --help` as a terminal of 80 columns shows it."""
    program = "from retina_doctor.cli import app; app(['check', '--help'], prog_name='retina-doctor')"
    environment = {**os.environ, "COLUMNS": "80", "LINES": "24", "NO_COLOR": "1"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def updated(text: str) -> str:
    """*text* of README.md with both parts as the program says them now. Raises ValueError where a marker is missing."""
    parts = {"codes": readme_table(installed()), "help": f"```text\n{help_text().rstrip()}\n```\n"}
    for name, part in parts.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        if len(pattern.findall(text)) != 1:
            raise ValueError(f"README.md needs the lines <!-- {name} --> and <!-- /{name} --> once")
        text = pattern.sub(lambda match, part=part: match[1] + part + match[2], text)  # type: ignore[misc]
    return text


if __name__ == "__main__":
    README.write_text(updated(README.read_text(encoding="utf-8")), encoding="utf-8")
