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
from retina_doctor.profile import used_by
from retina_doctor.quoting import visible
from retina_doctor.reasons import reason_text
from retina_doctor.reports import Look, Report
from retina_doctor.reports.labels import counted, label
from retina_doctor.reports.standpoint import standpoint_of

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
    for line in (*_standpoint(report), *_passed_over(report)):
        console.print(Text(line, style="dim"))
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
    if not target.command:
        return label(f"no-target-{target.problem}", language, by=target.chosen_by, called=str(visible(target.called)))
    why = label(f"chosen-{target.chosen}", language, by=target.chosen_by)
    version = f"Python {'.'.join(map(str, interpreter.version))}" if interpreter else label("unstarted", language)
    separator = "，" if language == "zh" else ", "
    command = str(visible(shlex.join(target.command)))
    return label("target", language, command=command, version=version, why=separator + why)


def _standpoint(report: Report) -> list[str]:
    """As whom, in which container and from where; and what of the process could not be taken on."""
    snapshot, language = report.diagnosis.snapshot, report.language
    told = standpoint_of(snapshot)
    if declarations().looked_at(snapshot.settings) or told["user"] is None:
        return []
    container = told["container"] and label("in-container", language, name=str(visible(told["container"])))
    untaken = [label(f"untaken-{one}", language) for one in told.get("not_taken", [])]
    separator = "、" if language == "zh" else ", "
    less = label("not-taken", language, what=separator.join(untaken)) if untaken else ""
    from_where = {key: str(visible(told[key])) for key in ("user", "cwd")}
    return [label("standpoint", language, container=container or "", less=less, **from_where)]


def _passed_over(report: Report) -> list[str]:
    """One line, where a service runs here and was not looked at."""
    seen, language = report.diagnosis.snapshot.passed_over, report.language
    if not seen:
        return []
    pids = ", ".join(f"--pid {one.pid}" for one in seen)
    first = seen[0]
    why = label(f"against-{first.why}", language, detail=str(visible(first.detail)))
    kind = "passed-over" if len(seen) == 1 else "passed-over-several"
    command = str(visible(first.command))[:100]
    return [label(kind, language, n=len(seen), pids=pids, user=str(visible(first.user)), command=command, why=why)]


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
    unknown: dict[str, list[str]] = {}
    for judgement in diagnosis.with_verdict(Verdict.UNKNOWN):
        why = label("unknown-because", language, probes=", ".join(judgement.missing))
        said = reason_text(judgement.reason, report.catalogue, language)
        unknown.setdefault(f"{why} ({said})" if said else why, []).append(f"{judgement.code} {judgement.name}")
    _section(
        console,
        label("unknown", language),
        [f"{', '.join(names)}: {why}" for why, names in unknown.items()],
    )
    _section(console, label("broken", language), _told(report, diagnosis.with_verdict(Verdict.ERROR)))
    if report.verbose:
        _section(
            console,
            label("probes", language),
            [str(visible(f"{name}: {r.outcome}, {used_by(r)}")) for name, r in diagnosis.snapshot.readings.items()],
        )


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
