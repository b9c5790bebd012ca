"""What stands on the page, as the template lays it out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from retina_doctor.language import Language
from retina_doctor.reports.html.drawing import Drawing
from retina_doctor.reports.html.words import Text


class Shown(NamedTuple):
    """A finding as it stands on the page. *anchor*: its place there."""

    anchor: str
    code: str
    name: str
    severity: str
    severity_word: Text
    title: Text
    message: Text
    fix: tuple[Text, ...]
    commands: tuple[str, ...]
    why: tuple[Text, ...]
    place: str
    subject: str
    evidence: str
    echoes: tuple[Shown, ...]
    gravest: str


class ShownGlance(NamedTuple):
    name: Text
    state: str
    """The severity of what was found, "passed" or "open"."""
    told: Text
    code: str
    anchor: str


class Todo(NamedTuple):
    text: Text
    commands: tuple[str, ...]
    image: str | None
    fixes: tuple[str, ...]
    edits: tuple[tuple[str, Text, str | None], ...]
    """Where, what to do, and what should stand there: "" nothing, None where it cannot be written."""
    by_hand: tuple[Text, ...]


class Probed(NamedTuple):
    name: str
    outcome: str
    outcome_word: Text
    detail: str
    seconds: str
    cpu: str
    memory: str
    x: float
    width: float
    cpu_width: float
    facts: str
    stderr: str


class Checked(NamedTuple):
    code: str
    name: str
    verdict: str
    reason: Text


class View(NamedTuple):
    language: Language
    verdict: str
    summary: Text
    head: tuple[Text, ...]
    lines: tuple[Text, ...]
    glances: tuple[ShownGlance, ...]
    roots: tuple[Shown, ...]
    steps: tuple[Todo, ...]
    drawings: tuple[Drawing, ...]
    probes: tuple[Probed, ...]
    checks: tuple[Checked, ...]
    counts: tuple[tuple[str, Text, int], ...]
    machine: tuple[tuple[Text, Text], ...]
    data: Mapping[str, Any]
