"""Two kept runs held against each other, for people: causes with their codes, then the few changes that a line can hold."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from retina_doctor.fleet.changing import Changed, Difference
from retina_doctor.fleet.forms import counted, word
from retina_doctor.fleet.history import Kept
from retina_doctor.fleet.node_sets import folded
from retina_doctor.judging.comparing import Change
from retina_doctor.language import Language
from retina_doctor.model import Json
from retina_doctor.moment import shown
from retina_doctor.quoting import visible
from retina_doctor.reports import drawing
from retina_doctor.reports.drawing import say
from retina_doctor.reports.labels import label
from retina_doctor.reports.report import Look

SHOWN = 8
"""Changes of a group of nodes; all of them are in the JSON."""
LONGEST = 60
"""Characters of a value that a line holds."""


def drawn(told: Difference, language: Language, look: Look) -> str:
    return drawing.drawn(look, lambda console: _draw(told, language, console))


def _draw(told: Difference, language: Language, console: Console) -> None:
    say(console, Text(f"{_run(told.before, language)} → {_run(told.after, language)}", style="bold"))
    headline = _headline(told, language)
    if headline:
        say(console, Text(headline))
    elif not (told.added or told.removed or told.lost):
        say(console, Text(word("no-change", language)))
    for labels, one in told.groups:
        console.print()
        head = Text(f"{counted(len(labels), language)}  ", style="bold")
        say(console, head + Text(str(visible(folded(labels)))))
        _causes(console, "+", "bold red", one.appeared, one, language)
        _causes(console, "-", "bold green", one.gone, one, language)
        _changes(console, one, language)
    for key, names in (("added", told.added), ("removed", told.removed), ("lost", told.lost)):
        if names:
            console.print()
            say(console, Text(word("titled", language, what=word(key, language), told=visible(folded(names)))))


def _run(one: Kept, language: Language) -> str:
    return str(visible(one.name)) if one.name else word("run", language, n=one.number, created=shown(one.created))


def _headline(told: Difference, language: Language) -> str:
    numbers = {"diff-appeared": 0, "diff-gone": 0, "diff-other": 0}
    for labels, one in told.groups:
        numbers["diff-appeared"] += len(labels) if one.appeared else 0
        numbers["diff-gone"] += len(labels) if one.gone else 0
        numbers["diff-other"] += 0 if one.appeared or one.gone else len(labels)
    parts = [word(key, language, nodes=counted(n, language)) for key, n in numbers.items() if n]
    return word("sep", language).join(parts)


def _causes(console: Console, sign: str, style: str, names: Sequence[str], one: Changed, language: Language) -> None:
    """Roots a line each; what they explain in one line, after them."""
    causes = [one.causes[name] for name in names]
    for cause in causes:
        if not cause.root:
            told = word("titled", language, what=f"{sign} {cause.code} {cause.name}", told=visible(cause.title))
            say(console, Text(told, style=style), 2)
    echoes = label("others-and", language).join(f"{cause.code} {cause.name}" for cause in causes if cause.root)
    if echoes:
        say(console, Text(f"{sign} {word('also', language, names=echoes)}", style="dim"), 2)


def _changes(console: Console, one: Changed, language: Language) -> None:
    """What makes a root first, then what a line can hold: a value that is a whole table is only said to have changed."""
    roots = {cause.name for cause in one.causes.values() if not cause.root}
    ordered = sorted(
        one.changes,
        key=lambda change: (roots.isdisjoint(change.findings), not (_short(change.before) and _short(change.after))),
    )
    for change in ordered[:SHOWN]:
        codes = label("others-and", language).join(
            cause.code for name in change.findings if (cause := one.causes.get(name))
        )
        line = Text(f"{visible(change.what)}", style="bold") + Text(f"  {_told(change, language)}")
        say(console, line + Text(label("aside", language, what=codes) if codes else "", style="dim"), 4)
    if len(ordered) > SHOWN:
        say(console, Text(word("more", language, n=len(ordered) - SHOWN), style="dim"), 4)


def _told(one: Change, language: Language) -> str:
    before, after = _value(one.before), _value(one.after)
    if before is not None and after is not None:
        return f"{before} → {after}"
    state = word("is-new" if one.before is None else "is-gone" if one.after is None else "is-other", language)
    value = after if one.before is None else before if one.after is None else None
    return state if value is None else word("titled", language, what=state, told=value)


def _short(value: Json) -> bool:
    return value is None or _value(value) is not None


def _value(value: Json) -> str | None:
    """Text, a number, a version, a few names or a package; None: more than a line holds, or nothing."""
    if isinstance(value, list) and value and all(isinstance(one, int) for one in value):
        text = ".".join(map(str, value))
    elif isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        text = ", ".join(map(str, value))
    elif isinstance(value, dict) and value.get("name") and value.get("version"):
        text = f"{value['name']} {value['version']}"
    elif isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, str | int | float):
        text = str(value)
    else:
        return None
    return str(visible(text)) if len(text) <= LONGEST else None
