"""Why a check was not judged, or what it shows, in words: the packs' tables of reasons."""

from __future__ import annotations

import contextlib
import functools
from collections import ChainMap
from collections.abc import Mapping
from pathlib import Path

from retina_doctor.catalogue.registry import Catalogue
from retina_doctor.language import Language
from retina_doctor.model import Json, Reason
from retina_doctor.quoting import visible
from retina_doctor.words.tables import Tables


@functools.cache
def _reasons(files: tuple[Path, ...]) -> Mapping[str, Mapping[str, str]]:
    tables: list[Tables] = []
    for file in files:
        # A pack whose table cannot be read has no reasons; each check that gives one is shown as broken.
        with contextlib.suppress(OSError, ValueError):
            tables.append(Tables(file.read_text(encoding="utf-8")))
    return ChainMap(*tables)  # type: ignore[arg-type]  # none of them is written to


def said_at_all(key: str, catalogue: Catalogue) -> bool:
    """Whether a pack has words for that key."""
    return key in _reasons(catalogue.reasons)


def words_of(given: Json, catalogue: Catalogue, language: Language) -> Json:
    """What probes say in plain English, in words of the language: the longest beginning that a pack has words for (keys
    "word: importing"), and the rest as it is. Of a list, each."""
    if isinstance(given, list | tuple):
        return [words_of(one, catalogue, language) for one in given]
    if not isinstance(given, str):
        return given
    table = _reasons(catalogue.reasons)
    words = given.split(" ")
    for length in range(len(words), 0, -1):
        known = table.get(f"word: {' '.join(words[:length])}")
        if known is not None:
            rest = " ".join(words[length:])
            blank = "" if not rest or known[language].endswith("：") else " "
            return f"{known[language]}{blank}{rest}"
    return given


def reason_text(reason: Reason | str | None, catalogue: Catalogue, language: Language) -> str:
    """A verdict's reason in words; plain text stays as it is. Raises LookupError, ValueError where no pack says it."""
    if reason is None:
        return ""
    if isinstance(reason, str):
        return str(visible(reason))
    values: dict[str, Json] = {key: visible(value) for key, value in reason.values.items()}
    return _reasons(catalogue.reasons)[reason.key][language].format(**values)


def domain_name(domain: str, catalogue: Catalogue, language: Language) -> str:
    """As people call it; a pack that gives no name has its own word for it."""
    key = f"domain-{domain}"
    return reason_text(Reason(key), catalogue, language) if said_at_all(key, catalogue) else domain


def probe_name(probe: str, catalogue: Catalogue, language: Language) -> str:
    """What a probe looks at, as people call it."""
    key = f"probe-{probe}"
    return reason_text(Reason(key), catalogue, language) if said_at_all(key, catalogue) else probe
