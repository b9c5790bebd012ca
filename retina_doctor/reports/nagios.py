"""One line for Nagios, Icinga and what else runs their plugins, and their exit codes.

Format: nagios-plugins.org/doc/guidelines.html: ``SERVICE STATUS: text | 'label'=value;warn;crit;min;max``.
"""

from __future__ import annotations

from collections import Counter

from retina_doctor.model import Severity, Verdict
from retina_doctor.quoting import visible
from retina_doctor.reports.report import Look, Report

STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
WORDS = {
    "en": ("no problem found in what was judged", "not everything could be judged", "{n} more"),
    "zh": ("在已检查的项目中没有发现问题", "部分项目无法判断", "另有 {n} 项"),
}


def exit_code(report: Report) -> int:
    """CRITICAL where the gate fails, UNKNOWN where it cannot tell, WARNING where it lets findings pass, OK else."""
    if report.exit_code != 0:
        return 2 if report.exit_code == 1 else 3
    return int(any(finding.severity is not Severity.NOTE for finding in report.diagnosis.findings))


def write(report: Report, _look: Look) -> str:
    state = exit_code(report)
    healthy, unknown, more = WORDS[report.language]
    roots = report.diagnosis.roots
    told = [f"{roots[0].code} {report.words(roots[0]).title}"] if roots else []
    if state == 3 or not told:
        told.insert(0, unknown if state == 3 else healthy)
    if len(roots) > 1:
        told.append(more.format(n=len(roots) - 1))
    text = "; ".join(told).replace("|", "¦")  # where performance data begins
    return f"RETINA-DOCTOR {STATES[state]}: {visible(text)} | {_performance(report)}\n"


def _performance(report: Report) -> str:
    severities = Counter(finding.severity for finding in report.diagnosis.findings)
    unknown = len(report.diagnosis.with_verdict(Verdict.UNKNOWN))
    counts = {"errors": severities[Severity.ERROR], "warnings": severities[Severity.WARNING], "unknown": unknown}
    return " ".join(f"'{name}'={count};;;0" for name, count in counts.items())
