"""What a step came to: which of its causes are gone, and what is worse than before. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from retina_doctor.codec import Data
from retina_doctor.model import Action, Diagnosis, Finding, Severity, Verdict


class FixOutcome(Data, frozen=True, kw_only=True):
    """Codes. *worse*: what passed before and does not now."""

    fixed: tuple[str, ...]
    left: tuple[str, ...]
    worse: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Something is gone, and nothing else has come."""
        return bool(self.fixed) and not self.worse


def outcome(before: Diagnosis, after: Diagnosis, codes: Iterable[str]) -> FixOutcome:
    """*codes*: what the step was to fix.

    What could not be judged before and is found now was there all the time, hidden by what is fixed. That a service wants to
    be restarted is what is expected of a change. What cannot be told any more counts as not fixed.
    """
    were, are = _counted(before), _counted(after)
    verdicts = {one.code: one.verdict for one in after.judgements}
    blind = (Verdict.UNKNOWN, Verdict.ERROR)
    codes = tuple(dict.fromkeys(codes))
    fixed = tuple(code for code in codes if are[code] < were[code] and verdicts.get(code) not in blind)
    passed = {one.code for one in before.judgements if one.verdict is Verdict.PASSED}
    worse = [one for one in after.findings if one.code in passed and _is_grave(one)]
    return FixOutcome(
        fixed=fixed,
        left=tuple(code for code in codes if code not in fixed),
        worse=tuple(dict.fromkeys(one.code for one in worse)),
    )


def _counted(diagnosis: Diagnosis) -> Counter[str]:
    return Counter(one.code for one in diagnosis.findings)


def _is_grave(one: Finding) -> bool:
    return one.severity is not Severity.NOTE and one.action is not Action.RESTART
