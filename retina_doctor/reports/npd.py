"""One line for a custom plugin of Kubernetes' node-problem-detector, and its exit codes.

Format: its docs/custom_plugin_monitor.md: 0 OK, 1 NonOK, 2 Unknown; the message is cut at max_output_length, 80 bytes unless set.
"""

from __future__ import annotations

from retina_doctor.reports.report import Look, Report

CODES = {0: 0, 1: 1, 3: 2}
LENGTH = 80


def exit_code(report: Report) -> int:
    return CODES[report.exit_code]


def write(report: Report, _look: Look) -> str:
    """Names and codes, which are ASCII and stay whole; words would not fit."""
    if report.exit_code == 0:
        return "retina-doctor: OK\n"
    if report.exit_code == 3:
        return "retina-doctor: not everything could be judged\n"
    names = list(dict.fromkeys(f"{root.code} {root.name}" for root in report.diagnosis.roots))
    line = names[0]
    for number, name in enumerate(names[1:], 2):
        rest = f", +{len(names) - number}" if number < len(names) else ""
        if len(line) + len(f", {name}{rest}") > LENGTH:
            return f"{line}, +{len(names) - number + 1}\n"
        line += f", {name}"
    return f"{line}\n"
