"""Findings of recorded machines, shipped with a pack, so that a check can be explained where nothing was found.

They hold evidence, not words: those are made of today's pages, in either language. tools/write_explanations.py writes the file.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

from retina_doctor.catalogue.registry import Catalogue
from retina_doctor.codec import Data, DoesNotFit, decode, from_json
from retina_doctor.model import Finding, Json, Outcome, Recorded, Snapshot, Target
from retina_doctor.settings import Settings


class Example(Data, frozen=True, kw_only=True):
    """A finding of *machine*, and what its commands are made of. *interpreter*: facts of the target's Python."""

    machine: str
    finding: Finding
    target: Target
    interpreter: Mapping[str, Json] | None

    @property
    def snapshot(self) -> Snapshot:
        """As much of the machine as words need."""
        readings = {}
        if self.interpreter is not None:
            readings["interpreter"] = Recorded(outcome=Outcome.OK, facts=self.interpreter)
        return Snapshot(created="", doctor="", settings=Settings(), target=self.target, readings=readings)


def examples_of(code: str, catalogue: Catalogue) -> tuple[Example, ...]:
    """One for each variant that was recorded, the most telling first; none where the pack ships none."""
    return tuple(one for file in catalogue.examples for one in _read(file).get(code, ()))


@functools.cache
def _read(file: Path) -> Mapping[str, tuple[Example, ...]]:
    """By code. A file that cannot be read holds none: the page is shown without an example."""
    try:
        return decode(from_json(file.read_bytes()), dict[str, tuple[Example, ...]])
    except (OSError, ValueError, DoesNotFit):
        return {}
