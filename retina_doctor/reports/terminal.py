"""The report for people: which target, then each root cause with its remedy, then what was and was not judged."""

from __future__ import annotations

import io
import re
import shlex
from collections import Counter

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from retina_doctor.declared import declarations
from retina_doctor.model import Finding, Judgement, Reason, Severity, Verdict
from retina_doctor.pages import interpreter_of
from retina_doctor.quoting import visible
from retina_doctor.reasons import reason_text
from retina_doctor.reports import Look, Report
from retina_doctor.reports.labels import counted, label

COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.NOTE: "bold cyan"}
MARKS = {Severity.ERROR: "✗", Severity.WARNING: "!", Severity.NOTE: "i"}


def write(report: Report, look: Look) -> str:
    out = io.StringIO()
    console = Console(
        file=out,
        width=look.width,
        force_terminal=look.colour,
        no_color=not look.colour,
        color_system="standard" if look.colour else None,
        legacy_windows=False,
        highlight=False,
        markup=False,
        emoji=False,
    )
    draw(report, console)
    # Rich pads lines with blanks to the width; a log or a diff should not have them.
    return re.sub(r"[ \t]+$", "", out.getvalue(), flags=re.MULTILINE)


def draw(report: Report, console: Console) -> None:
    """Print the report on any rich console."""
    console.print(Text(_target_line(report), style="dim"))
    console.print()
    for finding in report.diagnosis.roots:
        _draw_root(report, finding, console)
    _draw_rest(report, console)
    console.print(_summary(report))


def _target_line(report: Report) -> str:
    snapshot, language = report.diagnosis.snapshot, report.language
    instead = declarations().looked_at(snapshot.settings)
    if instead:
        return label("scanned", language, paths=str(visible(", ".join(instead))))
    target, interpreter = snapshot.target, interpreter_of(snapshot)
    why = label(f"chosen-{target.chosen}", language, by=target.chosen_by)
    version = f"Python {'.'.join(map(str, interpreter.version))}" if interpreter else label("unstarted", language)
    separator = "，" if language == "zh" else ", "
    command = str(visible(shlex.join(target.command)))
    return label("target", language, command=command, version=version, why=separator + why)


def _draw_root(report: Report, finding: Finding, console: Console) -> None:
    words, language = report.words(finding), report.language
    echoes = report.diagnosis.echoes(finding)
    gravest = max((one.severity for one in (finding, *echoes)), key=lambda severity: severity.rank)
    console.print(Text(f"{MARKS[gravest]} {words.title}", style=COLOURS[gravest]))
    console.print(
        Padding(Text(f"{label(finding.severity, language)} {finding.code} {finding.name}", style="dim"), (0, 0, 0, 2))
    )
    console.print(Padding(_prose(words.message), (1, 0, 1, 2)))
    if words.fix or words.commands:
        console.print(Padding(Text(label("fix", language), style="bold"), (0, 0, 0, 2)))
    for paragraph in words.fix.split("\n\n"):
        if paragraph:
            console.print(Padding(_prose(paragraph), (0, 0, 0, 2)))
    for command in words.commands:
        # Never wrapped: a command is for copying.
        console.print(Text.assemble("    ", (command, "green")), soft_wrap=True)
    if words.aside:
        console.print(Padding(_prose(words.aside), (0, 0, 0, 2)))
    if echoes:
        told = Text(f"{label('explains', language)}: ", style="dim")
        told.append(", ".join(f"{e.code} {e.name}" for e in echoes))
        console.print(Padding(told, (1, 0, 0, 2)))
    console.print()


def _prose(text: str) -> Text:
    """Plain text in which `code` is set apart."""
    prose = Text(overflow="fold")
    for index, part in enumerate(text.split("`")):
        prose.append(part, style="bold" if index % 2 else "")
    return prose


def _draw_rest(report: Report, console: Console) -> None:
    diagnosis, language = report.diagnosis, report.language
    passed = diagnosis.with_verdict(Verdict.PASSED)
    if passed:
        _section(console, label("passed", language), [_counts(passed), *_told(report, passed)])
    _section(console, label("ignored", language), _told(report, diagnosis.with_verdict(Verdict.IGNORED)))
    _section(console, label("inapplicable", language), _not_judged(report))
    unknown: dict[tuple[str, ...], list[str]] = {}
    for judgement in diagnosis.with_verdict(Verdict.UNKNOWN):
        unknown.setdefault(judgement.missing, []).append(f"{judgement.code} {judgement.name}")
    _section(
        console,
        label("unknown", language),
        [
            f"{', '.join(names)}: {label('unknown-because', language, probes=', '.join(missing))}{_busy(report, missing)}"
            for missing, names in unknown.items()
        ],
    )
    _section(console, label("broken", language), _told(report, diagnosis.with_verdict(Verdict.ERROR)))


def _busy(report: Report, probes: tuple[str, ...]) -> str:
    """What a busy machine left of their time."""
    words = []
    for name in probes:
        reading = report.diagnosis.snapshot.readings.get(name)
        if reading is not None and reading.starved and reading.effort is not None:
            told = reading.effort.told
            said = reason_text(Reason(told["key"], told["values"]), report.catalogue, report.language)
            words.append(f" ({reading.detail}; {said})")
    return "".join(words)


def _section(console: Console, title: str, lines: list[str]) -> None:
    if lines:
        console.print(Text(title, style="bold"))
        for line in lines:
            console.print(Padding(Text(line, overflow="fold"), (0, 0, 0, 2)))


def _counts(judgements: tuple[Judgement, ...]) -> str:
    domains: dict[str, int] = {}
    for judgement in judgements:
        domains[judgement.domain] = domains.get(judgement.domain, 0) + 1
    return " · ".join(f"{domain} {count}" for domain, count in domains.items())


def _not_judged(report: Report) -> list[str]:
    """The most frequent reason of each domain, said once for all domains that share it; the rest is in the JSON report."""
    reasons: dict[str, Counter[str]] = {}
    for judgement in report.diagnosis.with_verdict(Verdict.INAPPLICABLE):
        reason = reason_text(judgement.reason, report.catalogue, report.language)
        reasons.setdefault(judgement.domain, Counter())[reason] += 1
    lines: dict[str, list[str]] = {}
    for domain, counts in reasons.items():
        [(reason, _)] = counts.most_common(1)
        others = f" ({label('others', report.language, n=len(counts) - 1)})" if len(counts) > 1 else ""
        lines.setdefault(reason + others, []).append(domain)
    return [str(visible(f"{', '.join(domains)}: {reason}")) for reason, domains in lines.items()]


def _told(report: Report, judgements: tuple[Judgement, ...]) -> list[str]:
    """One line per reason, with the domains, or the checks of the operator's own reasons, that it holds for."""
    grouped: dict[str, list[str]] = {}
    for judgement in judgements:
        if judgement.reason is not None:
            who = judgement.domain if isinstance(judgement.reason, Reason) else f"{judgement.code} {judgement.name}"
            holders = grouped.setdefault(reason_text(judgement.reason, report.catalogue, report.language), [])
            if who not in holders:
                holders.append(who)
    return [f"{', '.join(holders)}: {reason}" for reason, holders in grouped.items()]


def _summary(report: Report) -> Text:
    diagnosis, language = report.diagnosis, report.language
    exit_text = f" ({label('exit', language, code=report.exit_code)})"
    if diagnosis.findings:
        roots = counted("cause", len(diagnosis.roots), language)
        findings = counted("finding", len(diagnosis.findings), language)
        text = label("findings", language, roots=roots, findings=findings, code=diagnosis.roots[0].code)
        return Text("\n" + text + exit_text, style="bold")
    if diagnosis.verdict == "healthy":
        return Text("\n✓ " + label("healthy", language) + exit_text, style="bold green")
    return Text("\n? " + label("only-unknown", language) + exit_text, style="bold yellow")
