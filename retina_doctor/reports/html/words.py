"""Words of the HTML report, in both languages at once: its own, and those of the terminal's."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import tomli

from retina_doctor.language import Language
from retina_doctor.reports import labels


class Text(NamedTuple):
    """The same in both languages."""

    en: str
    zh: str


def both(say: Callable[[Language], object]) -> Text:
    return Text(str(say("en")), str(say("zh")))


def word(key: str, **values: object) -> Text:
    """The fixed words of that key, filled."""
    return Text(*(one.format(**values) for one in _table()[key]))


@functools.cache
def _table() -> Mapping[str, Text]:
    table = tomli.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return {key: Text(**one) for key, one in {**labels.table(), **table}.items()}
