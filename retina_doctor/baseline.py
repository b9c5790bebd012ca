"""What an earlier report knew already: its findings are listed and fail no gate, new ones do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from retina_doctor.codec import DoesNotFit, decode, from_json, replace
from retina_doctor.errors import UsageError
from retina_doctor.files import read_regular
from retina_doctor.model import Diagnosis, Finding, Severity, Verdict
from retina_doctor.reports.fingerprints import fingerprints

MOST = 64 * 2**20
"""Bytes of a report that is read."""
Baseline = Mapping[str, Severity]
"""By fingerprint, how grave the finding was."""


def read_baseline(file: Path) -> Baseline:
    """The findings of a JSON report. Raises UsageError."""
    try:
        report = from_json(read_regular(file, MOST))
        found = decode(report.get("findings") if isinstance(report, dict) else None, list[Finding])
    except OSError as error:
        raise UsageError(f"--baseline {file}: cannot be read: {error.strerror}") from None
    except DoesNotFit as error:
        raise UsageError(f"--baseline {file}: is no JSON report of retina-doctor: {error}") from None
    return {mark: finding.severity for mark, finding in zip(fingerprints(found), found, strict=True)}


def beside(diagnosis: Diagnosis, known: Baseline, reason: str) -> Diagnosis:
    """*diagnosis*, in which what is known, and no graver than it was, is ignored for this *reason*."""
    old = {
        finding.key: finding
        for mark, finding in zip(fingerprints(diagnosis.findings), diagnosis.findings, strict=True)
        if mark in known and finding.severity.rank <= known[mark].rank
    }
    new = tuple(finding for finding in diagnosis.findings if finding.key not in old)
    quiet = {finding.code for finding in old.values()} - {finding.code for finding in new}
    judgements = tuple(
        replace(one, verdict=Verdict.IGNORED, reason=reason) if one.code in quiet else one
        for one in diagnosis.judgements
    )
    ignored = (*diagnosis.ignored, *old.values())
    return replace(diagnosis, judgements=judgements, findings=new, ignored=ignored)
