"""The report for programs: format 1, described in docs/json-report.md."""

from __future__ import annotations

from retina_doctor.codec import encode, to_json
from retina_doctor.reasons import reason_text
from retina_doctor.reports import Look, Report

FORMAT = 1


def write(report: Report, _look: Look) -> str:
    diagnosis = report.diagnosis
    findings = []
    for finding in diagnosis.findings:
        words = report.words(finding)
        findings.append(
            {
                "code": finding.code,
                "name": finding.name,
                "severity": finding.severity,
                "subject": finding.subject,
                "root": finding.root and encode(finding.root),
                "title": words.title,
                "message": words.message,
                "evidence": finding.evidence,
                "fix": {"text": "\n\n".join(filter(None, (words.fix, words.aside))), "commands": words.commands},
                "location": finding.location and encode(finding.location),
                "pitfall": finding.pitfall,
            }
        )
    return to_json(
        {
            "format": FORMAT,
            "verdict": diagnosis.verdict,
            "exit_code": report.exit_code,
            "findings": findings,
            "checks": [
                {
                    "code": j.code,
                    "name": j.name,
                    "verdict": j.verdict,
                    "missing": j.missing,
                    "reason": reason_text(j.reason, report.catalogue, report.language),
                }
                for j in diagnosis.judgements
            ],
            "probes": [
                {"name": name, "outcome": r.outcome, "seconds": r.seconds, "detail": r.detail}
                for name, r in diagnosis.snapshot.readings.items()
            ],
            "facts": {name: r.facts for name, r in diagnosis.snapshot.readings.items()},
            "target": encode(diagnosis.snapshot.target),
        }
    )
