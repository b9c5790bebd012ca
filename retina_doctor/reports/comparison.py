"""What changed between two snapshots: for people, and for programs (docs/diff.md)."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from retina_doctor.catalogue.registry import Catalogue
from retina_doctor.codec import to_json
from retina_doctor.judging.comparing import Change, Comparison
from retina_doctor.language import Language
from retina_doctor.model import Diagnosis, Json
from retina_doctor.quoting import visible
from retina_doctor.reports import drawing
from retina_doctor.reports.labels import label
from retina_doctor.reports.report import Look
from retina_doctor.words.pages import spoken

OTHERS = 20
"""Changes shown that no finding hangs on; all of them are in the JSON."""
LONGEST = 300
"""Characters of one value that are shown."""


def as_json(told: Comparison) -> str:
    changes = [{"what": o.what, "before": o.before, "after": o.after, "findings": o.findings} for o in told.changes]
    return to_json(
        {"format": 1, "exit_code": told.exit_code, "changes": changes, "appeared": told.appeared, "gone": told.gone}
    )


def drawn(told: Comparison, files: Sequence[str], catalogue: Catalogue, language: Language, look: Look) -> str:
    return drawing.drawn(look, lambda console: _draw_all(told, files, catalogue, language, console))


def _draw_all(
    told: Comparison, files: Sequence[str], catalogue: Catalogue, language: Language, console: Console
) -> None:
    console.print(Text(str(visible(f"{files[0]} → {files[1]}")), style="dim"))
    console.print()
    _names(console, label("appeared", language), told.appeared, told.after, catalogue, language, "bold red")
    _names(console, label("gone", language), told.gone, told.before, catalogue, language, "bold green")
    mattering = [change for change in told.changes if change.findings]
    others = [change for change in told.changes if not change.findings]
    if mattering:
        console.print(Text(label("mattering", language), style="bold"))
        for change in mattering:
            _draw(console, change)
    if others:
        console.print(Text(label("also-changed" if mattering else "changed", language), style="bold"))
        for change in others[:OTHERS]:
            _draw(console, change)
        if len(others) > OTHERS:
            console.print(Text(f"  {label('more-changes', language, n=len(others) - OTHERS)}", style="dim"))
    if not told.changes:
        console.print(label("no-change", language))
    if not told.appeared and not told.gone:
        console.print(label("same-findings", language))


def _names(
    console: Console,
    title: str,
    names: Sequence[str],
    at: Diagnosis,
    catalogue: Catalogue,
    language: Language,
    style: str,
) -> None:
    if not names:
        return
    console.print(Text(title, style=style))
    for name in names:
        finding = next(one for one in at.findings if one.name == name)
        words = spoken(finding, at.snapshot, catalogue, language).title.replace("`", "")
        root = f" ← {finding.root.name}" if finding.root else ""
        console.print(Padding(Text(f"{finding.code} {name}{root}: {words}", overflow="fold"), (0, 0, 0, 2)))
    console.print()


def _draw(console: Console, change: Change) -> None:
    head = Text(f"{visible(change.what)}", style="bold")
    if change.findings:
        head.append(f"  ({', '.join(change.findings)})", style="dim")
    console.print(Padding(head, (0, 0, 0, 2)))
    for mark, value, style in (("-", change.before, "red"), ("+", change.after, "green")):
        if value is not None:
            console.print(Padding(Text(f"{mark} {_shown(value)}", style=style, overflow="fold"), (0, 0, 0, 4)))


def _shown(value: Json) -> str:
    """In its own words: text as it is, the rest as JSON in one line."""
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        value = " · ".join(value)
    text = value if isinstance(value, str) else " ".join(to_json(value, indent=0).split())
    text = str(visible(text))
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"
