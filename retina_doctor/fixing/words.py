"""The fixed words of `fix`, by language."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

import tomli

from retina_doctor.language import Language
from retina_doctor.quoting import visible


@functools.cache
def table() -> Mapping[str, Mapping[str, str]]:
    return tomli.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def said(key: str, language: Language, **values: object) -> str:
    """Values of files and services are shown and not obeyed."""
    return table()[key][language].format(**{name: visible(value) for name, value in values.items()})
