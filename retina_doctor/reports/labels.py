"""The fixed words of reports, by language."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from retina_doctor.quoting import visible
from retina_doctor.settings import Language

if TYPE_CHECKING:
    from retina_doctor.model import Finding
    from retina_doctor.plan import Step, StepCause


@functools.cache
def table() -> Mapping[str, Mapping[str, str]]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def label(key: str, language: Language, **values: object) -> str:
    return table()[key][language].format(**values)


def counted(noun: str, number: int, language: Language) -> str:
    """ "1 cause", "2 causes"."""
    return label(f"{noun}-{1 if number == 1 else 'n'}", language, n=number)


def where(cause: StepCause | Finding) -> str:
    """ "app.py:9" for what lies in a file, else nothing."""
    return str(visible(f"{cause.location.file}:{cause.location.line}")) if cause.location else ""


def step_head(step: Step, language: Language) -> str:
    """Above the causes of a listed step: whose it is; else all of it."""
    return label(f"step-{step.kind}", language) if step.listed else step_text(step, language)


def step_text(step: Step, language: Language) -> str:
    """Whose a step is, and what to do where no command says it."""
    if not step.causes:
        return label("step-restart" if step.kind == "restart" else "step-again", language)
    if step.commands:
        return label(f"step-{step.kind}", language)
    todo = " ".join(dict.fromkeys(f"{where(one)} {one.todo}".strip() for one in step.causes))
    return label("step-todo", language, who=label(f"step-{step.kind}", language), todo=todo)
