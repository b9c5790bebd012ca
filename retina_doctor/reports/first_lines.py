"""What a report says first, a line each: what was judged, which Python was looked at and why, as whom, and what was not."""

from __future__ import annotations

import shlex

from retina_doctor.model import interpreter_of
from retina_doctor.moment import shown
from retina_doctor.quoting import visible
from retina_doctor.reports.labels import label
from retina_doctor.reports.report import Report
from retina_doctor.reports.standpoint import standpoint_of
from retina_doctor.settings.declared import declarations


def judged_line(report: Report) -> str:
    snapshot, language = report.diagnosis.snapshot, report.language
    more = label("labelled", language, label=visible(snapshot.label)) if snapshot.label else ""
    more += label("redacted" if snapshot.redacted else "not-redacted", language)
    file, created, doctor = map(visible, (report.judged, shown(snapshot.created), snapshot.doctor))
    return label("judging", language, file=file, created=created, doctor=doctor, more=more)


def target_line(report: Report) -> str:
    snapshot, language = report.diagnosis.snapshot, report.language
    instead = declarations().looked_at(snapshot.settings)
    if instead:
        return label("scanned", language, paths=str(visible(", ".join(instead))))
    target, interpreter = snapshot.target, interpreter_of(snapshot)
    if not target.command:
        return label(
            f"no-target-{target.problem or 'gone'}", language, by=target.chosen_by, called=str(visible(target.called))
        )
    why = label(f"chosen-{target.chosen}", language, by=target.chosen_by)
    version = f"Python {'.'.join(map(str, interpreter.version))}" if interpreter else label("unstarted", language)
    separator = "，" if language == "zh" else ", "
    command = str(visible(shlex.join(target.command)))
    return label("target", language, command=command, version=version, why=separator + why)


def standpoint_lines(report: Report) -> list[str]:
    """As whom, in which container and from where; and what of the process could not be taken on."""
    snapshot, language = report.diagnosis.snapshot, report.language
    told = standpoint_of(snapshot)
    if declarations().looked_at(snapshot.settings) or told["user"] is None or told["cwd"] is None:
        return []
    container = told["container"] and label("in-container", language, name=str(visible(told["container"])))
    untaken = [label(f"untaken-{one}", language) for one in told.get("not_taken", [])]
    separator = "、" if language == "zh" else ", "
    less = label("not-taken", language, what=separator.join(untaken)) if untaken else ""
    from_where = {key: str(visible(told[key])) for key in ("user", "cwd")}
    return [label("standpoint", language, container=container or "", less=less, **from_where)]


def passed_over_lines(report: Report) -> list[str]:
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
