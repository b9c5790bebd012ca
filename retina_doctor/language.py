"""In which language it speaks."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal

from retina_doctor.errors import UsageError

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
"""Languages of reports and pages."""


def language_of(wanted: str | None, environment: Mapping[str, str]) -> Language:
    """en or zh: as asked, else as RETINA_DOCTOR_LANG or the locale says. Raises UsageError."""
    asked = wanted or environment.get("RETINA_DOCTOR_LANG")
    if asked:
        for language in LANGUAGES:
            if asked == language:
                return language
        raise UsageError(f"--lang {asked}: known are {', '.join(LANGUAGES)}")
    locale = environment.get("LC_ALL") or environment.get("LC_MESSAGES") or environment.get("LANG") or ""
    return "zh" if locale.lower().startswith("zh") else "en"


def said(english: str, chinese: str) -> str:
    """Help in the language of the environment: it is written down before any --lang is read."""
    try:
        return chinese if language_of(None, os.environ) == "zh" else english
    except UsageError:
        return english  # the run itself will complain
