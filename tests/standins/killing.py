"""A library that, preloaded into the doctor, kills it after its fsync number KILL_AT: each line of a journal is one."""

from __future__ import annotations

import subprocess
from pathlib import Path


def killing_library(folder: Path) -> Path:
    library = folder / "kill_at.so"
    source = Path(__file__).with_name("kill_at.c")
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source], check=True)
    return library
