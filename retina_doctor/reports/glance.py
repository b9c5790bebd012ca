"""The pitfalls at a glance: what each row of the packs' first screen says of this machine."""

from __future__ import annotations

from retina_doctor.authoring import Row
from retina_doctor.codec import Data
from retina_doctor.model import Reason, Severity, Verdict
from retina_doctor.quoting import visible
from retina_doctor.reports.labels import label
from retina_doctor.reports.report import Report
from retina_doctor.settings.declared import declarations
from retina_doctor.words.reasons import probe_name, reason_text


class Glance(Data, frozen=True, kw_only=True):
    """*severity*: of what was found; None: nothing was. *passed*: then, whether that is known. *code*: who says so, or ""."""

    name: str
    severity: Severity | None
    passed: bool
    told: str
    code: str


def glances(report: Report) -> tuple[Glance, ...]:
    """A row each; none where something else than a machine was judged."""
    if declarations().looked_at(report.diagnosis.snapshot.settings):
        return ()
    return tuple(_at_a_glance(row, report) for row in report.catalogue.rows)


def _at_a_glance(row: Row, report: Report) -> Glance:
    diagnosis, catalogue, language = report.diagnosis, report.catalogue, report.language
    name = reason_text(Reason(row.label), catalogue, language)
    found = [
        finding
        for finding in diagnosis.findings
        if finding.severity is not Severity.NOTE
        and ((row.pitfall and finding.pitfall == row.pitfall) or catalogue.of_code(finding.code).domain in row.domains)
    ]
    if found:
        worst = max(found, key=lambda finding: (finding.severity.rank, finding.root is None))
        told = report.words(worst).title.replace("`", "")
        return Glance(name=name, severity=worst.severity, passed=False, told=told, code=worst.code)
    telling = [j for code in row.tells for j in diagnosis.judgements if j.code == code]
    for verdicts in ((Verdict.PASSED,), (Verdict.INAPPLICABLE, Verdict.IGNORED)):
        for judgement in telling:
            if judgement.verdict in verdicts and judgement.reason is not None:
                told = str(visible(reason_text(judgement.reason, catalogue, language)))
                return Glance(name=name, severity=None, passed=Verdict.PASSED in verdicts, told=told, code="")
    lost = dict.fromkeys(one for judgement in telling for one in judgement.missing)
    missing = label("others-and", language).join(probe_name(one, catalogue, language) for one in lost)
    told = label("unknown-because", language, probes=missing or "-")
    return Glance(name=name, severity=None, passed=False, told=told, code="")
