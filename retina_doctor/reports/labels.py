"""The fixed words of reports, by language."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from retina_doctor.language import Language
from retina_doctor.quoting import visible
from retina_doctor.words.tables import Tables

if TYPE_CHECKING:
    from retina_doctor.model import Finding, Location
    from retina_doctor.words.plan import LineEdit, Step, StepCause


@functools.cache
def table() -> Mapping[str, Mapping[str, str]]:
    return Tables(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def label(key: str, language: Language, **values: object) -> str:
    return table()[key][language].format(**values)


def counted(noun: str, number: int, language: Language) -> str:
    """ "1 cause", "2 causes"."""
    return label(f"{noun}-{1 if number == 1 else 'n'}", language, n=number)


def where(cause: StepCause | LineEdit | Finding) -> str:
    """ "app.py:9" for what lies in a file, else nothing."""
    return where_of(cause.location)


def where_of(location: Location | None) -> str:
    return str(visible(f"{location.file}:{location.line}")) if location else ""


def step_head(step: Step, language: Language) -> str:
    """Above what is told in lines of its own: whose it is; else all of it."""
    return label(f"step-{step.kind}", language) if step.listed or step.by_hand else step_text(step, language)


def step_text(step: Step, language: Language) -> str:
    """Whose a step is, and what to do where no command, or none alone, does it."""
    if not step.causes:
        return label("step-restart" if step.kind == "restart" else "step-again", language)
    if step.commands and not step.by_hand:
        return label(f"step-{step.kind}", language)
    todo = " ".join(step.by_hand or dict.fromkeys(f"{where(one)} {one.todo}".strip() for one in step.causes))
    return label("step-todo", language, who=label(f"step-{step.kind}", language), todo=todo)


def corrected(finding: Finding, language: Language) -> str:
    """Where several lines should change, each place and what should stand there: for formats without a plan. Of one line the
    page's Fix tells."""
    from retina_doctor.words.plan import edits_of

    edits = tuple(edits_of(finding))
    if len(edits) < 2 and not any("\n" in one.instead for one in edits):
        return ""
    lines: list[str] = []
    for one in edits:
        removed = "" if one.instead else label("aside", language, what=label("removed", language))
        lines.append(where(one) + removed)
        lines += [f"    {visible(line)}" for line in one.instead.split("\n") if one.instead]
    return "\n".join(lines)
