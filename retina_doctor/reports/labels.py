"""The fixed words of reports, by language."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path

from retina_doctor.settings import Language


@functools.cache
def table() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def label(key: str, language: Language, **values: object) -> str:
    return table()[key][language].format(**values)


def counted(noun: str, number: int, language: Language) -> str:
    """ "1 cause", "2 causes"."""
    return label(f"{noun}-{1 if number == 1 else 'n'}", language, n=number)
