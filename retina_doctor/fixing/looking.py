"""Before anything is fixed: what is wrong, what may be done about it, and as whom."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retina_doctor.codec import Data, replace
from retina_doctor.errors import UsageError
from retina_doctor.fixing.applying import Hands, why_not
from retina_doctor.fixing.edits import edited
from retina_doctor.fixing.hand import CannotFix, Hand, Whose
from retina_doctor.fixing.steps import FixAction, doings_of, unusable
from retina_doctor.model import interpreter_of
from retina_doctor.redaction import shown
from retina_doctor.standpoint.target import target_with_surroundings
from retina_doctor.words.plan import StepCause

if TYPE_CHECKING:
    from retina_doctor.command import Run
    from retina_doctor.looking.attach import Attachment
    from retina_doctor.model import Snapshot
    from retina_doctor.reports.report import Report


class FixSeen(Data, frozen=True, kw_only=True):
    """What a look gave, and what may be done about it. *differences*: of files, by the number of the step."""

    attachment: Attachment
    snapshot: Snapshot
    report: Report
    doings: tuple[FixAction, ...]
    differences: dict[int, str]
    whose: Whose | None
    hands: Hands


class FixLooking:
    """Looks as often as it is asked."""

    def __init__(self, call: Run, settings: dict[str, dict[str, Any]]) -> None:
        self.call = call
        self.settings = settings

    def seen(self) -> FixSeen:
        attachment = self.call.attached(**self.settings)
        snapshot = self.call.look_at(attachment)
        report = self.judged(snapshot)
        whose, hands = self._whose(attachment, snapshot)
        plan = report.plan()
        doings = doings_of(plan, snapshot, self._environment(snapshot, hands["service"]))
        doings = [self._possible(one, hands["service"]) for one in doings]
        parted = [part for one in doings for part in self._editable(one, hands["caller"])]
        return FixSeen(
            attachment=attachment, snapshot=snapshot, report=report, doings=tuple(parted), whose=whose, hands=hands,
            differences=self._differences(parted, hands["caller"]),
        )  # fmt: skip

    def judged(self, snapshot: Snapshot) -> Report:
        return self.call.judged(snapshot, snapshot.settings.gate.fail_on)

    def _whose(self, attachment: Attachment, snapshot: Snapshot) -> tuple[Whose | None, Hands]:
        """As whom the service's files are changed: never with more rights than its own user has."""
        whose, environment = None, dict(os.environ)
        if unusable(snapshot) is None:
            target, around = target_with_surroundings(attachment.settings, os.environ, attachment.how)
            if target.command != snapshot.target.command:
                raise UsageError("fix: the service became another process while it was looked at; run fix again")
            one = around.standpoint
            if one is not None:
                python = str(Path(target.command[-1]).resolve())
                whose = Whose(user=one.user, group=one.group, groups=tuple(one.groups), python=python)
                environment = dict(around.environment)
        return whose, {"service": Hand(whose, environment), "caller": Hand(None, os.environ)}

    def _environment(self, snapshot: Snapshot, hand: Hand) -> dict[str, Any] | str:
        here = interpreter_of(snapshot)
        if here is None or unusable(snapshot) is not None:
            return "?"
        try:
            return hand.do("environment", prefix=here.prefix)
        except CannotFix as error:
            return str(error)

    def _possible(self, doing: FixAction, hand: Hand) -> FixAction:
        """What its own user may not do to a file is for the operator."""
        why = next(filter(None, (why_not(one, hand) for one in doing.files if doing.runs)), "")
        return replace(doing, why_not=("cannot", {"what": why})) if why else doing

    def _editable(self, doing: FixAction, hand: Hand) -> list[FixAction]:
        """Lines that are no longer as they were read, or not this user's, are for the operator."""
        good: list[StepCause] = []
        parts: list[FixAction] = []
        for cause in doing.lines:
            try:
                list(edited([cause], hand))
                good.append(cause)
            except CannotFix as error:
                parts.append(replace(doing, causes=(cause,), lines=(), why_not=("cannot", {"what": str(error)})))
        if not doing.lines:
            return [doing]
        return [*([replace(doing, causes=tuple(good), lines=tuple(good))] if good else []), *parts]

    def _differences(self, doings: Sequence[FixAction], hand: Hand) -> dict[int, str]:
        try:
            return {
                number: shown("".join(one.difference for one in edited(doing.lines, hand)))
                for number, doing in enumerate(doings, 1)
                if doing.lines
            }
        except CannotFix as error:  # it was changed since it was tried
            raise UsageError(f"fix: {error}") from None
