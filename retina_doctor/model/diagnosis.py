"""What was concluded from a snapshot: a verdict for each check, and the findings in their order."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from retina_doctor.codec import Data
from retina_doctor.model.findings import Finding, Reason, Severity
from retina_doctor.model.snapshot import Snapshot


class Verdict(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    INAPPLICABLE = "inapplicable"
    IGNORED = "ignored"
    ERROR = "error"


class Judgement(Data, frozen=True, kw_only=True):
    """The verdict of one check. *reason* is a Reason, or plain text where the operator or an exception gave it."""

    code: str
    name: str
    domain: str
    verdict: Verdict
    missing: tuple[str, ...] = ()
    reason: Reason | str | None = None


class Diagnosis(Data, frozen=True, kw_only=True):
    """What was concluded from a snapshot. *findings*: roots first, the gravest first, echoes after their root.

    *ignored*: what the operator accepts. It counts nowhere, but still explains its echoes, which are findings.
    """

    snapshot: Snapshot
    judgements: tuple[Judgement, ...]
    findings: tuple[Finding, ...]
    ignored: tuple[Finding, ...] = ()

    @property
    def roots(self) -> tuple[Finding, ...]:
        """Findings that no other one explains; what an ignored finding explains stands for itself."""
        accepted = {f.key for f in self.ignored}
        return tuple(f for f in self.findings if f.root is None or f.root in accepted)

    def echoes(self, root: Finding) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.root == root.key)

    def gravest(self, root: Finding) -> Severity:
        """Of a root and all that it explains: an error under a warning is an error."""
        return max((one.severity for one in (root, *self.echoes(root))), key=lambda severity: severity.rank)

    def with_verdict(self, verdict: Verdict) -> tuple[Judgement, ...]:
        return tuple(j for j in self.judgements if j.verdict is verdict)

    @property
    def verdict(self) -> Literal["healthy", "findings", "unknown", "broken"]:
        if any(f.severity is not Severity.NOTE for f in self.findings):
            return "findings"
        if self.with_verdict(Verdict.ERROR):
            return "broken"
        return "unknown" if self.with_verdict(Verdict.UNKNOWN) else "healthy"

    def exit_code(self, fail_on: Severity | None) -> Literal[0, 1, 3]:
        """1: findings at or above *fail_on* (None: never); 3: none, but something is unknown or broke; 0: else."""
        if fail_on is not None and any(f.severity.rank >= fail_on.rank for f in self.findings):
            return 1
        return 3 if self.with_verdict(Verdict.ERROR) or self.with_verdict(Verdict.UNKNOWN) else 0
