"""The fleet for people: what is wrong on which nodes, what to do, who is different."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from retina_doctor.fleet.forms import counted, ending, headline, word
from retina_doctor.fleet.node_sets import folded
from retina_doctor.fleet.whole import Drift, Fleet, FleetStep
from retina_doctor.language import Language
from retina_doctor.model import Severity
from retina_doctor.quoting import visible
from retina_doctor.reports.drawing import command, drawn, say
from retina_doctor.reports.labels import label
from retina_doctor.reports.report import Look

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.NOTE: "bold cyan"}
SHOWN = 12
"""Rows of what differs, lags or is missing; all of them are in the JSON."""
LONGEST = 300
"""Characters of a folded node set."""
ALIKE = 4


def write(fleet: Fleet, language: Language, look: Look) -> str:
    return drawn(look, lambda console: _Drawing(console, fleet, language).draw())


def steps_together(plan: tuple[FleetStep, ...]) -> list[tuple[FleetStep, ...]]:
    """Steps that fix the same causes, the most frequent commands first: paths in them may differ from node to node."""
    groups: dict[tuple[object, ...], list[FleetStep]] = {}
    for step in plan:
        groups.setdefault((step.kind, step.fixes), []).append(step)
    return [tuple(group) for group in groups.values()]


class _Drawing:
    def __init__(self, console: Console, fleet: Fleet, language: Language) -> None:
        self.console = console
        self.fleet = fleet
        self.language = language

    def draw(self) -> None:
        fleet = self.fleet
        self.console.print(Text(headline(fleet, self.language), style="bold"))
        for group in fleet.groups:
            self.console.print()
            head = Text(self._whose(group.labels) + "  ", style="bold")
            self.console.print(head + Text(_nodes(group.labels)))
            line = Text(f"{group.code} {group.name}", style=STYLES[group.severity])
            line += Text(word("titled", self.language, what="", told=_plain(group.title)))
            if group.titles > 1:
                line += Text(label("aside", self.language, what=word("titles", self.language)), style="dim")
            self._print(line)
        if not fleet.groups and fleet.nodes and not fleet.unjudged:
            self._print(Text(word("all-well", self.language)))
        self._plan()
        self._title("drift", bool(fleet.drift))
        for one in fleet.drift[:SHOWN]:
            self._drift(one)
        self._more(len(fleet.drift))
        self._title("stragglers", bool(fleet.stragglers))
        for straggler in fleet.stragglers[:SHOWN]:
            far = list(straggler.nodes.items())[:SHOWN]
            told = word("sep", self.language).join(f"{visible(name)} {value:g}" for name, value in far)
            median = word("median", self.language, value=f"{straggler.median:g}")
            self._print(Text(f"{visible(straggler.what)}", style="bold") + Text(f"  {median}; {told}"))
        self._more(len(fleet.stragglers))
        self._title("unjudged", bool(fleet.unjudged))
        for unjudged in fleet.unjudged[:SHOWN]:
            self._print(
                Text(f"{unjudged.code} {unjudged.name}  {self._whose(unjudged.labels)}  {_nodes(unjudged.labels)}")
            )
        self._more(len(fleet.unjudged))
        self._missing()
        self.console.print()
        self.console.print(Text(ending(fleet, self.language), style="dim"))

    def _plan(self) -> None:
        self._title("plan", bool(self.fleet.plan))
        for number, (step, *others) in enumerate(steps_together(self.fleet.plan), 1):
            codes = word("codes", self.language, codes=" ".join(step.fixes))
            whose = f"{self._whose(step.labels)}  {_nodes(step.labels)}"
            self._print(
                Text(f"{number}. {_plain(step.text)}", style="bold")
                + Text(label("aside", self.language, what=codes), style="dim")
            )
            self._print(Text(whose), 5)
            for line in step.commands:
                command(self.console, str(visible(line)), 5)
            if others:
                rest = counted(sum(len(one.labels) for one in others), self.language)
                self._print(Text(word("variants", self.language, n=rest), style="dim"), 5)

    def _drift(self, one: Drift) -> None:
        majority = word("on", self.language, value=visible(one.majority), n=one.count)
        line = Text(f"{visible(one.what)}", style="bold") + Text(f"  {majority}")
        for value, labels in list(one.others.items())[:SHOWN]:
            line += Text("; " + word("on", self.language, value=visible(value), n=len(labels)) + f": {_nodes(labels)}")
        self._print(line)
        if one.alike:
            names = ", ".join(str(visible(name)) for name in one.alike[:ALIKE]) + (
                "…" if len(one.alike) > ALIKE else ""
            )
            self._print(Text(word("alike", self.language, names=names), style="dim"), 5)

    def _missing(self) -> None:
        missing = self.fleet.missing
        self._title("missing-title", bool(missing))
        by_why: dict[tuple[bool, str], list[str]] = {}
        for one in missing:
            by_why.setdefault((one.asked, one.why), []).append(one.label)
        for (asked, why), labels in list(by_why.items())[:SHOWN]:
            state = word("not-reached" if asked else "not-read", self.language)
            whose = f"{_nodes(labels)}  " if asked else ""
            self._print(Text(f"{whose}{state}: {visible(why)}"))
        self._more(len(by_why))

    def _title(self, key: str, there: bool) -> None:
        if there:
            self.console.print()
            self.console.print(Text(word(key, self.language), style="bold"))

    def _more(self, number: int) -> None:
        if number > SHOWN:
            self._print(Text(word("more", self.language, n=number - SHOWN), style="dim"))

    def _print(self, text: Text, left: int = 2) -> None:
        say(self.console, text, left)

    def _whose(self, labels: tuple[str, ...]) -> str:
        return counted(len(labels), self.language)


def _nodes(labels: tuple[str, ...] | list[str]) -> str:
    text = str(visible(folded(labels)))
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def _plain(text: str) -> str:
    return str(visible(text)).replace("`", "")
