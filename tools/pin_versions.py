"""Pins every package that the project is developed and tested with, also those that others bring along.

    uv run python -m tools.pin_versions            writes what uv resolves today, within the bounds of pyproject.toml
    uv run python -m tools.pin_versions --upgrade  lets go of all pins first

Versions go into pyproject.toml ([tool.uv] constraint-dependencies, which `uv run` obeys), with hashes into
.ci/requirements.txt, from which CI installs. uv.lock would hold the same, but it names the registry's address.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT, REQUIREMENTS = ROOT / "pyproject.toml", ROOT / ".ci" / "requirements.txt"
BLOCK = re.compile(r"(constraint-dependencies = \[\n).*?(\n\])", re.DOTALL)


def exported() -> str:
    """What uv resolves for all groups, with hashes, without comments and without what our overrides keep out."""
    words = ["uv", "export", "--quiet", "--no-emit-project", "--no-annotate", "--no-header", "--all-groups"]
    text = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return re.sub(r"^\S+ ; sys_platform == 'never'.*\n(?: +--hash.*\n)*", "", text, flags=re.MULTILINE)


def constraints(text: str) -> list[str]:
    """ "name==1.2.3 ; marker" of each package in an export."""
    return [line.removesuffix("\\").strip() for line in text.splitlines() if re.match(r"[A-Za-z0-9]", line)]


def main(upgrade: bool) -> None:
    project = PROJECT.read_text(encoding="utf-8")
    if upgrade:
        PROJECT.write_text(BLOCK.sub(r"\1\2", project), encoding="utf-8")
        (ROOT / "uv.lock").unlink(missing_ok=True)
    text = exported()
    rows = "\n".join(f'    "{line}",' for line in constraints(text))
    PROJECT.write_text(BLOCK.sub(lambda match: match[1] + rows + match[2], project), encoding="utf-8")
    REQUIREMENTS.write_text(f"# Written by tools/pin_versions.py.\n{text}", encoding="utf-8")


if __name__ == "__main__":
    main("--upgrade" in sys.argv[1:])
