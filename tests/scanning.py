"""A tree of files, and what `retina-doctor scan` says of it.

Fetched, read and judged by the parts that `scan` is made of, in one process: hundreds of trees are many starts otherwise.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from retina_doctor_checks.analysis import kinds, look
from retina_doctor_checks.probes.source import look_texts

from retina_doctor.codec import replace
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.model import Diagnosis
from tests.machines import machine
from tests.rejudging import CATALOGUE


class Heard:
    """What a probe tells."""

    def __init__(self) -> None:
        self.said: dict[str, Any] = {}

    def tell(self, **said: Any) -> None:
        self.said |= said


def grow(folder: Path, tree: Mapping[str, str]) -> None:
    for name, text in tree.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def scanned(folder: Path, tree: Mapping[str, str]) -> Diagnosis:
    grow(folder, tree)
    fetched, told = Heard(), Heard()
    try:
        look_texts.look(fetched, {"paths": [str(folder)], "kinds": kinds.wanted(), "seconds": 60})
        look.look(told, {"told": fetched.said, "seconds": 60})  # type: ignore[arg-type]
    finally:
        gc.enable()  # the reading of a probe's process never needs it
    snapshot = machine("source-scanned").snapshot
    readings = {**snapshot.readings, "source": replace(snapshot.readings["source"], facts=told.said)}
    return diagnose(replace(snapshot, readings=readings), CATALOGUE)
