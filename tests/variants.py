"""What no machine of fixtures/machines shows: other variants of what a check finds, each a machine with a few values exchanged.

They are no machines of their own, for the laws would judge each of them hundreds of times. fixtures/variants.json: what it
shows ("CODE/VARIANT"), the machine that it is derived from, and JSON pointers with the values that differ.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path

from retina_doctor.catalogue.registry import installed
from retina_doctor.codec import Data
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.model import Diagnosis
from retina_doctor.support_file import load
from retina_doctor.words.page_source import source
from tests.machines import names, put, raw
from tests.rejudging import judged

FILE = Path(__file__).parents[1] / "fixtures" / "variants.json"


class Scene(Data, frozen=True, kw_only=True):
    shows: str
    base: str
    diagnosis: Diagnosis


@functools.cache
def scenes() -> Mapping[str, Scene]:
    """By what each shows."""
    made = {}
    for told in json.loads(FILE.read_text(encoding="utf-8")):
        data = raw(told["base"])
        for pointer, value in told["put"].items():
            put(data, pointer, value)
        diagnosis = diagnose(load(json.dumps(data)), installed())
        made[told["shows"]] = Scene(shows=told["shows"], base=told["base"], diagnosis=diagnosis)
    return made


@functools.cache
def all_that_is_shown() -> Mapping[tuple[str, str], tuple[tuple[str, Diagnosis], ...]]:
    """(code, variant as the page knows it) -> the machines, and then the scenes, that show it."""
    shown: dict[tuple[str, str], list[tuple[str, Diagnosis]]] = {}
    some = [(name, judged(name)) for name in names()] + [(one.base, one.diagnosis) for one in scenes().values()]
    for name, diagnosis in some:
        for key in {(finding.code, section(finding.code, finding.variant)) for finding in diagnosis.findings}:
            shown.setdefault(key, []).append((name, diagnosis))
    return {key: tuple(some) for key, some in shown.items()}


def section(code: str, variant: str) -> str:
    """Which of the page's sections speaks for a variant."""
    entry = installed().of_code(code)
    return variant if variant in source(entry.pages, entry.check.name, "en").variants else ""
