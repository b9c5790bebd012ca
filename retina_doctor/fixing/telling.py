"""What `fix` says: the plan with who runs which step, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retina_doctor.fixing.journal import Journal
from retina_doctor.fixing.steps import FixAction
from retina_doctor.fixing.words import said
from retina_doctor.language import Language
from retina_doctor.model import Action
from retina_doctor.quoting import visible
from retina_doctor.reports.labels import step_text, where
from retina_doctor.reports.report import Report
from retina_doctor.words.plan import Step


class FixTelling:
    def __init__(self, language: Language) -> None:
        self.language = language

    def plan(self, doings: Sequence[FixAction], differences: Mapping[int, str]) -> list[str]:
        """*differences*: by the number of the step."""
        if not doings:
            return [said("healthy", self.language)]
        lines: list[str] = []
        for number, one in enumerate(doings, 1):
            lines += self._step(number, one, differences.get(number, ""))
        return lines

    def _step(self, number: int, one: FixAction, difference: str) -> list[str]:
        step = Step(kind=one.kind, commands=one.commands, causes=one.causes)
        codes = f" ({', '.join(one.codes)})" if one.codes else ""
        listed = one.kind is Action.EDIT and one.runs and not one.commands
        places = dict.fromkeys(where(cause) for cause in one.causes)
        text = ", ".join(places) if listed else step_text(step, self.language)
        lines = [f"{number:>3}  [{one.kind}] {text}{codes}"]
        lines += [f"       {command}" for command in one.commands]
        lines += [f"       {visible(line)}" for line in difference.splitlines()]
        if one.why_not is not None:
            key, values = one.why_not
            lines.append(f"     - {said('left', self.language, why=said(key, self.language, **values))}")
        else:
            lines.append(f"     + {said('runs', self.language)}")
        if one.lost:
            key = "lost" if one.image else "lost-plain"
            lines.append(f"     ! {said(key, self.language, image=one.image or '')}")
        return lines

    def ended(self, report: Report, journal: Journal, kept: bool, restart: bool) -> list[str]:
        """*kept*: something was changed, and stays."""
        verdict = report.diagnosis.verdict
        names = ", ".join(f"{one.code} {one.name}" for one in report.diagnosis.roots)
        key = {"healthy": "after-healthy", "findings": "after-findings"}.get(verdict, "after-unknown")
        lines = [said(key, self.language, names=names)]
        if kept and restart:
            lines.append(said("restart-now", self.language))
        lines.append(said("kept", self.language, folder=str(journal.folder)))
        return [*lines, said("undo-with", self.language)] if kept else lines
