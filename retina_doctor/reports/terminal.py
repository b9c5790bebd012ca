"""The report for people: what was looked at, the pitfalls at a glance, each root cause, and last the plan of what to do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from retina_doctor import __version__
from retina_doctor.judging.diagnose import head_of
from retina_doctor.language import Language
from retina_doctor.model import Action, Finding, Judgement, Reason, Recorded, Severity, Verdict
from retina_doctor.quoting import visible
from retina_doctor.reports import folding
from retina_doctor.reports.drawing import command as _command
from retina_doctor.reports.drawing import drawn
from retina_doctor.reports.drawing import prose as _prose
from retina_doctor.reports.drawing import say as _say
from retina_doctor.reports.first_lines import judged_line, passed_over_lines, standpoint_lines, target_line
from retina_doctor.reports.glance import glances
from retina_doctor.reports.labels import label, step_head, where
from retina_doctor.reports.profile import used_by
from retina_doctor.reports.report import Look, Report
from retina_doctor.reports.summary import summary
from retina_doctor.reports.wrapping import clipped, wrapped
from retina_doctor.settings.declared import declarations
from retina_doctor.words.plan import Step
from retina_doctor.words.reasons import domain_name, probe_name, reason_text, words_of

COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.NOTE: "bold cyan"}
MARKS = {Severity.ERROR: "✗", Severity.WARNING: "!", Severity.NOTE: "i"}
GOOD, OPEN = ("✓", "green"), ("–", "dim")


def write(report: Report, look: Look) -> str:
    return drawn(look, lambda console: draw(report, console))


def draw(report: Report, console: Console) -> None:
    """Print the report on any rich console."""
    _draw_head(report, console)
    for line in (*standpoint_lines(report), *passed_over_lines(report)):
        _say(console, Text(line, style="dim"))
    console.print()
    if _draw_rows(report, console):
        console.print()
    for finding, places in folding.of_roots(report.diagnosis):
        _draw_root(report, finding, places, console)
    if _draw_rest(report, console):
        console.print()
    _draw_plan(report, console)
    _draw_summary(report, console)
    _say(console, Text(_counted(report), style="dim"))


def _draw_head(report: Report, console: Console) -> None:
    diagnosis, language = report.diagnosis, report.language
    if report.judged is not None:
        _say(console, Text(judged_line(report)))
    scanned = bool(declarations().looked_at(diagnosis.snapshot.settings))
    lines = [] if scanned else head_of(diagnosis.snapshot, report.catalogue)
    first = True
    for parts in lines:
        told = [reason_text(part, report.catalogue, language) for part in parts]
        told = [f"retina-doctor {__version__}", *told] if first else told
        _say(console, Text(" · ".join(told), style="bold" if first else ""))
        first = False
    _say(console, Text(target_line(report), style="dim"))


def _draw_rows(report: Report, console: Console) -> bool:
    """The pitfalls at a glance. Whether there were any."""
    rows = glances(report)
    width = max((cell_len(row.name) for row in rows), default=0)
    for row in rows:
        if row.severity is not None:
            sign, style = MARKS[row.severity], COLOURS[row.severity]
        else:
            sign, style = GOOD if row.passed else OPEN
        room = console.width - (2 + width + 2 + 3) - (len(row.code) + 2 if row.code else 0)
        line = Text("  ")
        line.append(set_cell_size(row.name, width), style="bold")
        line.append(f"  {sign}  ", style=style)
        if row.passed:
            lines = wrapped(Text(row.told), room).split("\n")
            line.append_text(Text("\n" + " " * (console.width - room)).join(lines))
            console.print(line, soft_wrap=True)
            continue
        told = clipped(row.told, room)
        line.append(set_cell_size(told, room) if row.code else told, style="dim" if row.severity is None else "")
        line.append(f"  {row.code}" if row.code else "", style="dim")
        console.print(line, soft_wrap=True)
    return bool(rows)


def _probes(report: Report, names: Iterable[str]) -> str:
    """Probes as people call them."""
    separator = label("others-and", report.language)
    return separator.join(probe_name(name, report.catalogue, report.language) for name in names)


def _draw_root(report: Report, finding: Finding, places: Sequence[str], console: Console) -> None:
    """*places*: where else the same is so."""
    words, language = report.words(finding), report.language
    echoes = report.diagnosis.echoes(finding)
    gravest = report.diagnosis.gravest(finding)
    _say(console, _prose(f"{MARKS[gravest]} {words.title}", COLOURS[gravest]))
    _say(console, Text(f"{label(finding.severity, language)} {finding.code} {finding.name}", style="dim"), 2)
    console.print()
    _say(console, _prose(words.message), 2)
    if words.fix or words.commands:
        console.print()
        _say(console, Text(label("fix", language), style="bold"), 2)
    for paragraph in words.fix.split("\n\n"):
        if paragraph:
            _say(console, _prose(paragraph), 2)
    for doing in words.doings:
        # What does more than show something is in the plan below, where it stands in order; a line is quoted above.
        showing = doing.action is None or (doing.action is Action.LOOK and finding.location is None)
        if showing or gravest is Severity.NOTE:
            _command(console, doing.command, 4)
    if echoes:
        others = label("others-and", language).join(f"{e.code} {e.name}" for e in echoes)
        console.print()
        _say(console, Text(label("explains", language, others=others), style="dim"), 2)
    if places:
        console.print()
        _say(console, Text(_same_at(places, language)), 2)
    console.print()


def _same_at(places: Sequence[str], language: Language) -> str:
    key = "same-at-1" if len(places) == 1 else "same-at-n"
    return label(key, language, n=len(places), places=label("others-and", language).join(places))


def _draw_plan(report: Report, console: Console) -> None:
    steps = report.plan()
    if not steps:
        return
    console.print(Text(label("do-now", report.language), style="bold reverse" if console.color_system else "bold"))
    for number, step in enumerate(steps, 1):
        _draw_step(report, number, step, console)
    console.print()


def _draw_step(report: Report, number: int, step: Step, console: Console) -> None:
    language = report.language
    text = _prose(step_head(step, language))
    if step.fixes:
        codes = label("others-and", language).join(step.fixes)
        codes = codes if step.kind is Action.LOOK else label("step-codes", language, codes=codes)
        text.append(label("aside", language, what=codes), style="dim")
    lines = wrapped(text, console.width - 5).split("\n")
    for index, line in enumerate(lines):
        console.print(Text.assemble((f"{number:>3}  " if index == 0 else "     ", "bold"), line), soft_wrap=True)
    for one, places in folding.of_causes(step.causes) if step.listed else ():
        if not one.edits:
            what = Text(where(one), style="dim")
            _say(console, Text(" " if where(one) else "").join([what, _prose(one.todo)]), 5)
        for edit in one.edits:
            removed = "" if edit.instead else label("aside", language, what=label("removed", language))
            _say(console, Text(where(edit) + removed, style="dim"), 5)
            for written in edit.instead.split("\n") if edit.instead else ():
                _command(console, str(visible(written)), 7)
        if places:
            _say(console, Text(_same_at(places, language), style="dim"), 5)
    for todo in step.by_hand:
        _say(console, _prose(todo), 5)
    for command in step.commands:
        _command(console, command, 5)
    if step.image is not None:
        _say(console, Text(label("in-image", language)), 5)
        _command(console, step.image, 5)
    if step.kind is Action.PIP:
        _draw_knowledge(report, console)


def _draw_knowledge(report: Report, console: Console) -> None:
    for month in dict.fromkeys(report.catalogue.knowledge.values()):
        _say(console, Text(label("knowledge", report.language, month=month), style="dim"), 5)


def _draw_rest(report: Report, console: Console) -> bool:
    """What was ignored, unknown or broke; unfolded, what passed and was not judged. Whether there was anything to tell."""
    diagnosis, language = report.diagnosis, report.language
    sections: list[tuple[str, list[str]]] = []
    if report.unfolded:
        passed = diagnosis.with_verdict(Verdict.PASSED)
        sections.append(("passed", [_counts(report, passed), *_told(report, passed)] if passed else []))
    sections.append(("ignored", _told(report, diagnosis.with_verdict(Verdict.IGNORED))))
    if report.unfolded:
        sections.append(("inapplicable", _not_judged(report)))
    unknown: dict[str, list[str]] = {}
    for judgement in diagnosis.with_verdict(Verdict.UNKNOWN):
        name = f"{judgement.code} {judgement.name}" if report.unfolded else judgement.code
        why = label("unknown-because", language, probes=_probes(report, judgement.missing))
        said = report.reason(judgement)
        unknown.setdefault(f"{why} ({said})" if said else why, []).append(name)
    comma = label("others-and", language)
    lines = [label("unknown-line", language, names=comma.join(names), why=why) for why, names in unknown.items()]
    sections.append(("unknown", lines))
    sections.append(("broken", _told(report, diagnosis.with_verdict(Verdict.ERROR))))
    if report.unfolded:
        readings = diagnosis.snapshot.readings.items()
        sections.append(("probes", [_probe_line(report, name, r) for name, r in readings]))
    for title, told in sections:
        if told:
            _say(console, Text(label(title, language), style="bold"))
        for line in told:
            _say(console, Text(line), 2)
    if report.unfolded:
        _draw_knowledge(report, console)
    return any(told for _, told in sections)


def _probe_line(report: Report, name: str, recorded: Recorded) -> str:
    """How a looking ended, and what it took."""
    outcome = words_of(recorded.outcome.value, report.catalogue, report.language)
    known = probe_name(name, report.catalogue, report.language)
    called = name if known == name else f"{name}{label('aside', report.language, what=known)}"
    what = f"{outcome}{label('aside', report.language, what=used_by(recorded))}"
    return str(visible(label("group", report.language, who=called, what=what)))


def _counts(report: Report, judgements: tuple[Judgement, ...]) -> str:
    domains: dict[str, int] = {}
    for judgement in judgements:
        domains[judgement.domain] = domains.get(judgement.domain, 0) + 1
    named = {domain_name(domain, report.catalogue, report.language): count for domain, count in domains.items()}
    return " · ".join(f"{name} {count}" for name, count in named.items())


def _not_judged(report: Report) -> list[str]:
    """The most frequent reason of each domain, said once for all domains that share it; the rest is in the JSON report."""
    language = report.language
    reasons: dict[str, Counter[str]] = {}
    for judgement in report.diagnosis.with_verdict(Verdict.INAPPLICABLE):
        reason = report.reason(judgement)
        reasons.setdefault(judgement.domain, Counter())[reason] += 1
    lines: dict[str, list[str]] = {}
    for domain, counts in reasons.items():
        [(reason, _)] = counts.most_common(1)
        more = label("aside", language, what=label("others", language, n=len(counts) - 1)) if len(counts) > 1 else ""
        lines.setdefault(reason + more, []).append(domain_name(domain, report.catalogue, language))
    return _grouped(lines, language)


def _told(report: Report, judgements: tuple[Judgement, ...]) -> list[str]:
    """One line per reason, with the domains, or the checks of the operator's own reasons, that it holds for."""
    grouped: dict[str, list[str]] = {}
    for judgement in judgements:
        if judgement.reason is not None:
            domain = domain_name(judgement.domain, report.catalogue, report.language)
            who = domain if isinstance(judgement.reason, Reason) else f"{judgement.code} {judgement.name}"
            holders = grouped.setdefault(report.reason(judgement), [])
            if who not in holders:
                holders.append(who)
    return _grouped(grouped, report.language)


def _grouped(lines: Mapping[str, Iterable[str]], language: Language) -> list[str]:
    """Reasons, each after those that it holds for."""
    separator = label("others-and", language)
    told = {reason: label("group", language, who=separator.join(who), what=reason) for reason, who in lines.items()}
    return [str(visible(line)) for line in told.values()]


def _draw_summary(report: Report, console: Console) -> None:
    """The command of the details stands whole: on a line of its own where it does not fit behind the rest."""
    told, verdict = summary(report), report.diagnosis.verdict
    if verdict == "findings":
        details = label("details", report.language, command=report.explain, code=report.diagnosis.roots[0].code)
        beside = f"{told} · {details}"
        for line in (beside,) if cell_len(beside) <= console.width else (told, details):
            whole = line.endswith(details) and cell_len(details) > console.width
            console.print(Text(line, style="bold"), soft_wrap=True) if whole else _say(
                console, Text(line, style="bold")
            )
    elif verdict == "healthy":
        _say(console, Text(f"✓ {told}", style="bold green"))
    else:
        _say(console, Text(f"? {told}", style="bold yellow"))


def _counted(report: Report) -> str:
    diagnosis, language = report.diagnosis, report.language
    passed, open_ = (len(diagnosis.with_verdict(verdict)) for verdict in (Verdict.PASSED, Verdict.INAPPLICABLE))
    more = "" if report.unfolded else label("unfold", language)
    return label("counts", language, passed=passed, open=open_, more=more)
