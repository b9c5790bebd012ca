"""One small file per format; each is ``write(fleet, language, look) -> str``."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping
from pathlib import Path

import tomli

from retina_doctor.fleet.whole import Fleet
from retina_doctor.language import Language
from retina_doctor.reports.report import Look

NAMES = ("terminal", "json", "junit", "markdown", "csv", "html")
VERDICTS = ("healthy", "findings", "unknown", "broken")


def writer(name: str) -> Callable[[Fleet, Language, Look], str]:
    """The function that writes a fleet in the format of that name, one of NAMES."""
    found: Callable[[Fleet, Language, Look], str] = importlib.import_module(f"{__name__}.{name}").write
    return found


@functools.cache
def _table() -> Mapping[str, Mapping[str, str]]:
    return tomli.loads((Path(__file__).parent / "words.toml").read_text(encoding="utf-8"))


def word(key: str, language: Language, **values: object) -> str:
    return _table()[key][language].format(**values)


def counted(number: int, language: Language) -> str:
    """ "1 node", "2 nodes"."""
    return word("nodes-1" if number == 1 else "nodes-n", language, n=number)


def headline(fleet: Fleet, language: Language) -> str:
    """How many nodes there are, and how they are."""
    numbers = [(verdict, len(fleet.with_verdict(verdict))) for verdict in VERDICTS]
    numbers.append(("missing", len(fleet.missing)))
    told = word("sep", language).join(word(key, language, n=number) for key, number in numbers if number)
    return word("head", language, nodes=counted(sum(number for _, number in numbers), language), told=told)


def ending(fleet: Fleet, language: Language) -> str:
    return word("tolerated" if fleet.tolerated else "exit", language, code=fleet.exit_code)
