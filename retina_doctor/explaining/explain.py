"""The command `explain`: what a check means, how it finds that, an example with its remedy, and why. Prose that stands alone.

The example is a finding of a snapshot that was named, else of a recorded machine that ships with the pack.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from retina_doctor.catalogue.registry import Catalogue, Entry, Want
from retina_doctor.codec import Data, to_json
from retina_doctor.explaining.examples import examples_of
from retina_doctor.explaining.reference import head_of, page_source, row
from retina_doctor.judging.diagnose import diagnose
from retina_doctor.language import Language
from retina_doctor.model import Finding, Reason, Snapshot, Verdict
from retina_doctor.redaction import without_secrets
from retina_doctor.reports.labels import corrected, label
from retina_doctor.settings import Table
from retina_doctor.words.page_source import PageSource
from retina_doctor.words.pages import Words, one_line, spoken
from retina_doctor.words.reasons import probe_name, reason_text, said_at_all
from retina_doctor.words.unfilled import shown, unfilled

if TYPE_CHECKING:
    from rich.console import Console

    from retina_doctor.reports.report import Look


class Filled(Data, frozen=True, kw_only=True):
    """A finding in words. *machine*: where it was recorded, or the snapshot's file. *lines*: as they should be, where they are
    several."""

    machine: str
    words: Words
    lines: str = ""


class Explanation(Data, frozen=True, kw_only=True):
    """What is told of one check. *found*: sentences on what is looked at. *here*: what a named snapshot says of it, where it
    is no finding there."""

    code: str
    name: str
    head: str
    title: str
    meaning: str
    found: tuple[str, ...]
    here: str | None
    examples: tuple[Filled, ...]
    why: str


class Judged(Data, frozen=True, kw_only=True):
    """A snapshot that was named, and what is found in it. *file*: its name."""

    file: str
    snapshot: Snapshot
    findings: tuple[Finding, ...]
    verdicts: dict[str, tuple[Verdict, str]]


def judged(file: str, snapshot: Snapshot, catalogue: Catalogue, language: Language) -> Judged:
    snapshot = without_secrets(snapshot, catalogue)
    diagnosis = diagnose(snapshot, catalogue)
    verdicts = {j.code: (j.verdict, reason_text(j.reason, catalogue, language)) for j in diagnosis.judgements}
    return Judged(file=file, snapshot=snapshot, findings=diagnosis.findings, verdicts=verdicts)


def explanations(
    entries: Iterable[Entry], catalogue: Catalogue, language: Language, of: Judged | None = None
) -> tuple[Explanation, ...]:
    """*of*: the snapshot to take examples from."""
    return tuple(_explained(entry, catalogue, language, of) for entry in entries)


def _explained(entry: Entry, catalogue: Catalogue, language: Language, of: Judged | None) -> Explanation:
    check, page = entry.check, page_source(entry, language)
    filled = _of_snapshot(entry, catalogue, language, of) if of else ()
    here = _verdict_there(check.code, language, of) if of and not filled else None
    filled = filled or _recorded(entry, catalogue, language) or _unfilled(page, language)
    return Explanation(
        code=check.code,
        name=check.name,
        head=head_of(entry, catalogue, language),
        title=shown(page.title),
        meaning=one_line(page.meaning),
        found=tuple(_looked_at(entry, catalogue, language)),
        here=here,
        examples=filled,
        why=one_line(page.why),
    )


def _of_snapshot(entry: Entry, catalogue: Catalogue, language: Language, of: Judged) -> tuple[Filled, ...]:
    mine = [finding for finding in of.findings if finding.code == entry.check.code]
    return tuple(
        Filled(
            machine=of.file,
            words=spoken(one, of.snapshot, catalogue, language),
            lines=corrected(one, language),
        )
        for one in mine
    )


def _recorded(entry: Entry, catalogue: Catalogue, language: Language) -> tuple[Filled, ...]:
    return tuple(
        Filled(
            machine=one.machine,
            words=spoken(one.finding, one.snapshot, catalogue, language),
            lines=corrected(one.finding, language),
        )
        for one in examples_of(entry.check.code, catalogue)
    )


def _unfilled(page: PageSource, language: Language) -> tuple[Filled, ...]:
    return tuple(Filled(machine=label("unfilled", language), words=unfilled(one)) for one in page.variants.values())


def _verdict_there(code: str, language: Language, of: Judged) -> str:
    verdict, reason = of.verdicts[code]
    return label("not-found-there", language, file=of.file, verdict=label(f"verdict-{verdict}", language)) + (
        label("aside", language, what=reason) if reason else ""
    )


def _looked_at(entry: Entry, catalogue: Catalogue, language: Language) -> Iterator[str]:
    """A sentence for each probe that the check cannot do without; what else it takes into account; its settings."""
    facts = dict.fromkeys(need.facts for need in entry.needs)
    needed = {need.facts for need in entry.needs if need.want is not Want.OPTIONAL} & set(catalogue.probe_of)
    others = [probe.name for one, probe in catalogue.probe_of.items() if one in facts and one not in needed]
    for one in facts:
        if one not in needed:
            continue
        probe = catalogue.probe_of[one]
        key = f"looks-{probe.name}"
        if said_at_all(key, catalogue):
            yield reason_text(Reason(key), catalogue, language)
        else:
            yield label("looks", language, probe=probe.name)
    if others:
        names = label("others-and", language).join(probe_name(one, catalogue, language) for one in others)
        yield label("looks-also", language, probes=names)
    tables = [f"[{one.TABLE}]" for one in facts if issubclass(one, Table) and one is not Table]
    if tables:
        yield label("by-settings", language, tables=label("others-and", language).join(tables))


def text(told: Sequence[Explanation], look: Look, language: Language) -> str:
    from retina_doctor.reports.drawing import drawn

    def draw(console: Console) -> None:
        for one in told:
            _draw(one, language, console)

    return drawn(look, draw)


def _draw(one: Explanation, language: Language, console: Console) -> None:
    from rich.text import Text

    from retina_doctor.reports.drawing import command, prose, say

    def section(key: str, **values: str) -> None:
        console.print()
        say(console, Text(label(key, language, **values), style="bold"))

    say(console, Text(one.title, style="bold"))
    say(console, Text(f"{one.code} {one.name} · {one.head}", style="dim"))
    if one.meaning:
        section("meaning")
        say(console, prose(one.meaning), 2)
    if one.found:
        section("how-found")
        for sentence in one.found:
            say(console, prose(sentence), 2)
    if one.here:
        console.print()
        say(console, prose(one.here))
    for filled in one.examples:
        words = filled.words
        section("example", machine=filled.machine)
        say(console, prose(words.title), 2)
        console.print()
        say(console, prose(words.message), 2)
        console.print()
        say(console, Text(label("fix", language), style="bold"), 2)
        for paragraph in words.fix.split("\n\n"):
            say(console, prose(paragraph), 4)
        for line in (*filled.lines.splitlines(), *words.commands):
            command(console, line, 6)
        if words.aside:
            say(console, prose(words.aside), 4)
    if one.why:
        section("why")
        say(console, prose(one.why), 2)
    console.print()


def as_json(told: Sequence[Explanation], catalogue: Catalogue, language: Language) -> str:
    """The first as an object; those of other checks that bear its name under "also"."""

    def data(one: Explanation) -> dict[str, object]:
        examples = [
            {
                "machine": filled.machine,
                "title": filled.words.title,
                "message": filled.words.message,
                "fix": filled.words.fix,
                "lines": filled.lines,
                "commands": list(filled.words.commands),
                "aside": filled.words.aside,
            }
            for filled in one.examples
        ]
        known = row(catalogue.of_code(one.code), language)
        return {
            **known,
            "meaning": one.meaning,
            "found": list(one.found),
            "here": one.here,
            "examples": examples,
            "why": one.why,
        }

    first, *others = [data(one) for one in told]
    return to_json({**first, "also": others})


def markdown(one: Explanation, language: Language) -> str:
    """For docs/checks."""
    lines = [f"## {one.code} {one.name}", f"**{one.title}** · {one.head}", one.meaning]
    if one.found:
        lines += [f"*{label('how-found', language)}* " + ("" if language == "zh" else " ").join(one.found)]
    for filled in one.examples:
        words = filled.words
        lines += [f"*{label('example', language, machine=filled.machine)}* **{_escaped(words.title)}**"]
        lines += [_escaped(words.message), f"*{label('fix', language)}* {_escaped(words.fix)}"]
        lines += [f"```\n{filled.lines}\n```"] if filled.lines else []
        lines += ["```sh\n" + "\n".join(words.commands) + "\n```"] if words.commands else []
        lines += [_escaped(words.aside)]
    lines += [f"*{label('why', language)}* {one.why}"] if one.why else []
    return "\n\n".join(line for line in lines if line.strip()) + "\n"


def _escaped(told: str) -> str:
    """What a machine said is no markup; `code` of the page stays."""
    return "".join(
        part if index % 2 else re.sub(r"([\\*_<>\[\]|])", r"\\\1", part)
        for index, part in enumerate(re.split(r"(`[^`]*`)", told))
    )
