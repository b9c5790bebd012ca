"""Metrics for the textfile collector of Prometheus' node_exporter: ``--format prometheus=/var/lib/node_exporter/retina.prom``.

Format: prometheus.io/docs/instrumenting/exposition_formats. Names hold no unit but the base ones; samples bear no time.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Mapping

from retina_doctor.model import Severity, Verdict
from retina_doctor.quoting import visible
from retina_doctor.reports.report import Look, Report

Samples = Iterable[tuple[Mapping[str, str], float]]
VERDICTS = ("healthy", "findings", "unknown", "broken")


def write(report: Report, _look: Look) -> str:
    diagnosis = report.diagnosis
    severities = Counter(finding.severity for finding in diagnosis.findings)
    judged = Counter(judgement.verdict for judgement in diagnosis.judgements)
    found = {
        (f.code, f.name, f.severity.value, f.subject, f.root.name if f.root else ""): None for f in diagnosis.findings
    }
    keys = ("code", "name", "severity", "subject", "root")
    families: dict[str, tuple[str, Samples]] = {
        "exit_code": ("Exit code of the last run: 0 passed, 1 findings, 3 unknown.", [({}, report.exit_code)]),
        "verdict": (
            "The verdict of the last run is 1, the others are 0.",
            [({"verdict": one}, int(one == diagnosis.verdict)) for one in VERDICTS],
        ),
        "findings": ("Findings by severity.", [({"severity": one.value}, severities[one]) for one in Severity]),
        "finding": (
            "1 for each finding; root is empty where it is a root cause itself.",
            [(dict(zip(keys, one, strict=True)), 1) for one in found],
        ),
        "checks": ("Checks by verdict.", [({"verdict": one.value}, judged[one]) for one in Verdict]),
        "probe_duration_seconds": (
            "How long each probe took.",
            [({"probe": name}, reading.seconds) for name, reading in diagnosis.snapshot.readings.items()],
        ),
    }
    when = _seconds(diagnosis.snapshot.created)
    if when is not None:
        families["last_run_timestamp_seconds"] = ("When the machine was looked at.", [({}, when)])
    return "".join(_family(f"retina_doctor_{name}", *family) for name, family in families.items())


def _seconds(created: str) -> float | None:
    """Seconds since 1970; None where the snapshot, which may be anybody's, does not say when it was made."""
    try:
        return datetime.datetime.fromisoformat(created).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _family(name: str, words: str, samples: Samples) -> str:
    lines = [f"# HELP {name} {words}", f"# TYPE {name} gauge"]
    for labels, value in samples:
        within = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        lines.append(f"{name}{f'{{{within}}}' if within else ''} {value!r}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return str(visible(text)).replace("\\", r"\\").replace('"', r"\"")
