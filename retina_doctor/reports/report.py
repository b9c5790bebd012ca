"""What every format is made of, and how wide and in which colours it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from retina_doctor.catalogue.registry import Catalogue
from retina_doctor.codec import Data, field, force_setattr, replace
from retina_doctor.judging.diagnose import restarted_of, with_broken
from retina_doctor.language import Language
from retina_doctor.model import Diagnosis, Finding, Judgement, Severity
from retina_doctor.words.reasons import reason_text

if TYPE_CHECKING:
    from retina_doctor.words.pages import Words
    from retina_doctor.words.plan import Step


class Report(Data, frozen=True, kw_only=True):
    """What every format is made of."""

    diagnosis: Diagnosis
    catalogue: Catalogue
    language: Language
    fail_on: Severity | None
    again: str = "retina-doctor"
    """The command that looks again as it was looked."""
    explain: str = "retina-doctor explain"
    """The command that explains a code, without the code."""
    judged: str | None = None
    """The file of a recorded machine; None: it was looked at just now."""
    unfolded: bool = False
    """All that passed and all that was not judged is told, not counted; and what each probe took."""

    said: dict[int, tuple[Finding, Words]] = field(default_factory=dict)
    """By finding: a page is filled once, however often and in however many formats it is told."""
    reasons: dict[str, str] = field(default_factory=dict)
    """By code of a check: likewise."""

    def __post_init__(self) -> None:
        force_setattr(self, "said", {})  # a report made from this one has words of its own
        force_setattr(self, "reasons", {})

    @property
    def exit_code(self) -> int:
        return self.diagnosis.exit_code(self.fail_on)

    def fails(self, root: Finding) -> bool:
        """Whether it, or what it explains, is as grave as the gate does not let pass."""
        return self.fail_on is not None and self.diagnosis.gravest(root).rank >= self.fail_on.rank

    def words(self, finding: Finding) -> Words:
        from retina_doctor.words.pages import (
            spoken,  # with its template engine, which a report without findings does not need
        )

        if id(finding) not in self.said:  # kept with its words, so that the number is nobody else's
            words = spoken(finding, self.diagnosis.snapshot, self.catalogue, self.language)
            self.said[id(finding)] = finding, words
        return self.said[id(finding)][1]

    def reason(self, judgement: Judgement) -> str:
        """Why it was judged so, in words. Raises LookupError, ValueError where no pack says it."""
        if judgement.reason is None:
            return ""
        if judgement.code not in self.reasons:
            self.reasons[judgement.code] = reason_text(judgement.reason, self.catalogue, self.language)
        return self.reasons[judgement.code]

    def plan(self) -> tuple[Step, ...]:
        """What to do, in this order, for all causes."""
        from retina_doctor.words.plan import Asked, plan_of

        asked = [Asked(finding=root, words=self.words(root)) for root in self.diagnosis.roots]
        return plan_of(self.diagnosis, asked, self.again, restarted_of(self.diagnosis.snapshot, self.catalogue))


def report_of(diagnosis: Diagnosis, catalogue: Catalogue, language: Language, fail_on: Severity | None) -> Report:
    return all_said(Report(diagnosis=diagnosis, catalogue=catalogue, language=language, fail_on=fail_on))


def all_said(report: Report) -> Report:
    """A check whose page or reason cannot be had in this language is broken, and the exit code says so."""
    broken: dict[str, str] = {}
    for finding in report.diagnosis.findings:
        why = report.words(finding).broken
        if why is not None:
            broken[finding.code] = why
    for judgement in report.diagnosis.judgements:
        try:
            report.reason(judgement)
        except Exception as error:
            broken[judgement.code] = f"reason {judgement.reason}: {type(error).__name__}: {error}"
    return replace(report, diagnosis=with_broken(report.diagnosis, broken)) if broken else report


class Look(NamedTuple):
    """How a terminal wants its text."""

    width: int
    colour: bool


PLAIN = Look(80, False)
