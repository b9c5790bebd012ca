"""What an earlier report knew already: its findings are listed and fail no gate, new ones do; and what it measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from retina_doctor.codec import Data, DoesNotFit, decode, from_json, replace
from retina_doctor.errors import UsageError
from retina_doctor.figures import Measure
from retina_doctor.files import read_regular
from retina_doctor.judging.measured import number_at
from retina_doctor.model import Diagnosis, Finding, Json, Outcome, Severity, Snapshot, Verdict
from retina_doctor.own_checks import figure_regressed
from retina_doctor.reports.fingerprints import fingerprints

MOST = 64 * 2**20
"""Bytes of a report that is read."""


class Baseline(Data, frozen=True, kw_only=True):
    """*known*: by fingerprint, how grave the finding was. *facts*: by probe."""

    known: Mapping[str, Severity]
    facts: Mapping[str, Json]

    def figures(self, measures: Iterable[Measure]) -> dict[str, float]:
        """What was measured, by where it stands."""
        found = {one.of: number_at(self.facts, one.of) for one in measures}
        return {of: value for of, value in found.items() if value is not None}


def read_baseline(file: Path) -> Baseline:
    """The findings of a JSON report, and the facts of the probes that ended well. Raises UsageError."""
    try:
        report = from_json(read_regular(file, MOST))
        report = report if isinstance(report, dict) else {}
        found = decode(report.get("findings"), list[Finding])
        facts = decode(report.get("facts", {}), dict[str, Any])
        ends = decode(report.get("probes", []), list[dict[str, Any]])
    except OSError as error:
        raise UsageError(f"--baseline {file}: cannot be read: {error.strerror}") from None
    except DoesNotFit as error:
        raise UsageError(f"--baseline {file}: is no JSON report of retina-doctor: {error}") from None
    known = {mark: finding.severity for mark, finding in zip(fingerprints(found), found, strict=True)}
    unsound = {one.get("name") for one in ends if one.get("outcome") != Outcome.OK}
    return Baseline(known=known, facts={name: told for name, told in facts.items() if name not in unsound})


def compared(snapshot: Snapshot, earlier: Baseline, measures: Iterable[Measure]) -> Snapshot:
    """*snapshot* with the figures that it is to be compared with among its settings, so that it is judged by itself."""
    figures = {**snapshot.settings.gate.measured, **earlier.figures(measures)}
    return replace(snapshot, settings=snapshot.settings.changed(gate={"measured": figures}))


def beside(diagnosis: Diagnosis, earlier: Baseline, reason: str) -> Diagnosis:
    """*diagnosis*, in which what is known, and no graver than it was, is ignored for this *reason*.

    That a figure is worse than in that very report it cannot have known.
    """
    known = earlier.known
    old = {
        finding.key: finding
        for mark, finding in zip(fingerprints(diagnosis.findings), diagnosis.findings, strict=True)
        if mark in known and finding.code != figure_regressed.code and finding.severity.rank <= known[mark].rank
    }
    new = tuple(finding for finding in diagnosis.findings if finding.key not in old)
    quiet = {finding.code for finding in old.values()} - {finding.code for finding in new}
    judgements = tuple(
        replace(one, verdict=Verdict.IGNORED, reason=reason) if one.code in quiet else one
        for one in diagnosis.judgements
    )
    ignored = (*diagnosis.ignored, *old.values())
    return replace(diagnosis, judgements=judgements, findings=new, ignored=ignored)
