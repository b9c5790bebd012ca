"""Markdown for a ticket or the summary of a job. Whatever comes from a machine is escaped, as in the report on one."""

from __future__ import annotations

import textwrap

from retina_doctor.fleet.forms import counted, ending, headline, word
from retina_doctor.fleet.forms.terminal import steps_together
from retina_doctor.fleet.node_sets import folded
from retina_doctor.fleet.whole import Fleet
from retina_doctor.language import Language
from retina_doctor.reports.markdown import MARKS, block, code, escaped, prose
from retina_doctor.reports.report import Look

SHOWN = 50


def write(fleet: Fleet, language: Language, _look: Look) -> str:
    parts = ["# retina-doctor fleet", escaped(headline(fleet, language))]
    for group in fleet.groups:
        parts.append(f"## {MARKS[group.severity]} {prose(group.title)}")
        parts.append(
            f"{code(f'{group.code} {group.name}')} {counted(len(group.labels), language)}: {code(folded(group.labels))}"
        )
    if fleet.plan:
        parts.append(f"## {word('plan', language)}")
        for number, (step, *others) in enumerate(steps_together(fleet.plan), 1):
            codes = word("codes", language, codes=" ".join(step.fixes))
            parts.append(f"{number}. {prose(step.text)} ({codes}): {code(folded(step.labels))}")
            if step.commands:
                parts.append(textwrap.indent(block(step.commands), "   "))
            if others:
                rest = counted(sum(len(one.labels) for one in others), language)
                parts.append(f"   {word('variants', language, n=rest)}")
    rows = [
        f"- {code(one.what)}: {escaped(word('on', language, value=one.majority, n=one.count))}; "
        + "; ".join(
            f"{escaped(word('on', language, value=value, n=len(labels)))}: {code(folded(labels))}"
            for value, labels in one.others.items()
        )
        for one in fleet.drift
    ]
    _list(parts, word("drift", language), rows, language)
    rows = [
        f"- {code(one.what)}: {word('median', language, value=f'{one.median:g}')}; "
        + ", ".join(f"{code(label)} {value:g}" for label, value in one.nodes.items())
        for one in fleet.stragglers
    ]
    _list(parts, word("stragglers", language), rows, language)
    rows = [f"- {code(f'{one.code} {one.name}')}: {code(folded(one.labels))}" for one in fleet.unjudged]
    _list(parts, word("unjudged", language), rows, language)
    rows = [f"- {code(one.label or '-')}: {escaped(one.why)}" for one in fleet.missing]
    _list(parts, word("missing-title", language), rows, language)
    parts.append(ending(fleet, language))
    return "\n\n".join(parts) + "\n"


def _list(parts: list[str], title: str, rows: list[str], language: Language) -> None:
    if rows:
        more = [f"- {word('more', language, n=len(rows) - SHOWN)}"] if len(rows) > SHOWN else []
        parts.append(f"## {title}\n\n" + "\n".join([*rows[:SHOWN], *more]))
