"""A GitLab Code Quality report: shown in merge requests.

Format: docs.gitlab.com, "Code Quality", "Code Quality report format": description, check_name, fingerprint, severity, location.
A path there is relative to the repository; a finding about no file has its subject in that place, for one is demanded.
"""

from __future__ import annotations

from retina_doctor.codec import to_json
from retina_doctor.model import Severity
from retina_doctor.reports.fingerprints import fingerprints
from retina_doctor.reports.places import relative, without_place
from retina_doctor.reports.report import Look, Report

SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.NOTE: "info"}


def write(report: Report, _look: Look) -> str:
    marks = fingerprints(report.diagnosis.findings)
    entries = []
    for finding, mark in zip(report.diagnosis.findings, marks, strict=True):
        words, place = report.words(finding), finding.location
        title = without_place(words.title, place) if place else words.title
        root = f" (← {finding.root.code} {finding.root.name})" if finding.root else ""
        entries.append(
            {
                "description": f"{finding.code}: {title}{root}",
                "check_name": finding.name,
                "fingerprint": mark,
                "severity": SEVERITIES[finding.severity],
                "location": {
                    "path": relative(place.file, report) if place else finding.subject,
                    "lines": {"begin": place.line if place else 1},
                },
            }
        )
    return to_json(entries)
